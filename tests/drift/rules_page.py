"""Writes `docs/reference/drift-rules.md` from the table of rules and their examples.

Run `python -m tests.drift.rules_page` in the project's folder after a change of either.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_bctrl.drift.examples import example, scope_and_change, stored_examples
from pytest_bctrl.drift.rules import Rule, rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "drift-rules.md"

_INTRODUCTION = """\
# The rules of the drift gate

<!-- Written by tests/drift/rules_page.py; a test compares them. -->

Every rule, with a smallest change that triggers it and nothing else; `pytest-bctrl explain RULE` shows the same.
Ids are those of [oasdiff](https://github.com/oasdiff/oasdiff) where it has one; the column *oasdiff* is its level, and
`-` marks an id that was coined here in the same grammar. A level in bold differs from oasdiff's on purpose: a consumer
that validates what it receives, or follows what the spec says to send, would break.

How to change a level: `levels:` in `bctrl-drift.yaml`, see [the drift gate](../how-to/drift.md).
"""


def rules_page() -> str:
    """Return the text of the rules page."""
    table = rules()
    rows = [_INTRODUCTION]
    differing = [rule for rule in table.values() if rule.oasdiff not in ("-", rule.level)]
    rows += ["## Where the level differs from oasdiff's", "", "| rule | here | oasdiff |", "|---|---|---|"]
    rows += [f"| `{rule.id}` | {rule.level} | {rule.oasdiff} |" for rule in differing]
    rows += ["", "## Operations, parameters, responses, security, servers", ""]
    rows += ["| rule | level | oasdiff | meaning | before | after |", "|---|---|---|---|---|---|"]
    for name in stored_examples()["documents"]:
        before, after = map(_code, example(name).shown)
        rows.append(f"{_row(table[name])} {before} | {after} |")
    rows += ["", "## Schemas", ""]
    rows.append(
        "The same change has a rule of its own in each place: the root of a response body, a property anywhere in it, "
        "a "
        "response header, a parameter, a property of a parameter."
    )
    placed = {scope_and_change(name): rule for name, rule in table.items()}
    for change, (before, after) in stored_examples()["schemas"].items():
        rows += ["", f"### {change}", "", f"{_code(before)} → {_code(after)}", ""]
        rows += ["| rule | level | oasdiff | meaning |", "|---|---|---|---|"]
        rows += [_row(placed[scope, change]) for scope in stored_examples()["scopes"] if (scope, change) in placed]
    return "\n".join(rows) + "\n"


def _row(rule: Rule) -> str:
    """Return the row of a rule in a table, a level that differs from oasdiff's in bold."""
    level = rule.level if rule.oasdiff in ("-", rule.level) else f"**{rule.level}**"
    return f"| `{rule.id}` | {level} | {rule.oasdiff} | {rule.meaning} |"


def _code(value: Any) -> str:
    """Return data as JSON in inline code of Markdown, for a table."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    PAGE.write_text(rules_page(), "utf-8")
