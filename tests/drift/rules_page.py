"""Writes `docs/reference/drift-rules.md` from the table of rules and their examples.

Run `python -m tests.drift.rules_page` in the project's folder after a change of either.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bctrl.drift.examples import scopes_and_changes, stored_examples
from pytest_bctrl.drift.rules import Rule, rule_rows, rules

if TYPE_CHECKING:
    from pytest_bctrl.findings.finding import Level

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "drift-rules.md"
_OASDIFF = (Path(__file__).parent / "data" / "oasdiff-levels.tsv").read_text("utf-8")
OASDIFF = dict(line.split("\t") for line in _OASDIFF.splitlines()[1:])
"""The level of each rule that oasdiff has too."""

_INTRODUCTION = """\
# The rules of the drift gate

<!-- Written by tests/drift/rules_page.py; a test compares them. -->

`pytest-bctrl explain RULE` shows the smallest change that triggers a rule and no other.
To change the level of a rule, list it under `levels:` in `bctrl-drift.yaml`, see [the drift gate](../how-to/drift.md).

## Schemas

`*` stands for the scope of the schema, so each change has a rule per scope:

- request: `request-body`, `request-property` (anywhere in a body), `request-parameter`, `request-parameter-property`
- response: `response-body`, `response-property` (anywhere in a body), `response-header`

The only irregular id is `response-mediatype-enum-value-removed`, which is that of a response body.

| rule | request | response | meaning | example |
|---|---|---|---|---|"""
_EXCEPTIONS = """
In these scopes the level differs:

| rule | level | meaning |
|---|---|---|"""
_OTHERS = """
## Operations, parameters, properties, responses, security, servers

| rule | level | meaning |
|---|---|---|"""
_DIFFERENT = """
## Differences from oasdiff

Rules that [oasdiff](https://github.com/oasdiff/oasdiff) has too have its ids. These have another level, mostly because
the change breaks a consumer that validates what it receives, or sends what the old spec allows.

| rule | here | oasdiff |
|---|---|---|"""


def rules_page() -> str:
    """Return the text of the rules page."""
    table = rules()
    single = [table[name] for name, *_ in rule_rows() if name in table]
    differing = [(rule, OASDIFF[rule.id]) for rule in table.values() if OASDIFF.get(rule.id, rule.level) != rule.level]
    lines = [
        _INTRODUCTION,
        *(_schema_row(*row) for row in rule_rows() if row[0] not in table),
        _EXCEPTIONS,
        *(_single_row(rule) for rule in single if rule.id in scopes_and_changes()),
        _OTHERS,
        *(_single_row(rule) for rule in single if rule.id not in scopes_and_changes()),
        _DIFFERENT,
        *(f"| `{rule.id}` | {rule.level} | {level} |" for rule, level in differing),
    ]
    return "\n".join(lines) + "\n"


def _schema_row(name: str, request: Level, response: Level, _none: Level, meaning: str) -> str:
    """Return the row of a change of a schema, with the smallest example."""
    before, after = map(_code, stored_examples()["schemas"][name.removeprefix("*-")])
    text = meaning.replace("*", "the schema")
    return f"| `{name}` | {request} | {response} | {text[0].upper()}{text[1:]} | {before} → {after} |"


def _single_row(rule: Rule) -> str:
    """Return the row of one rule."""
    return f"| `{rule.id}` | {rule.level} | {rule.meaning} |"


def _code(value: Any) -> str:
    """Return data as JSON in inline code of Markdown, for a table."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    PAGE.write_text(rules_page(), "utf-8")
