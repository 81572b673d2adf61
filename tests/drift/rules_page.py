"""Writes `docs/reference/drift-rules.md` from the table of rules and the pairs that trigger them.

Run `python tests/drift/rules_page.py` in the project's folder after a change of either.
"""
# ruff: noqa: E501 - a case a line

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve()
PAGE = _HERE.parents[2] / "docs" / "reference" / "drift-rules.md"

_INTRODUCTION = """\
# The rules of the drift gate

<!-- Written by tests/drift/rules_page.py; a test holds it to the rules and their pairs. -->

Every rule, with a smallest change that triggers it and nothing else. Ids are those of
[oasdiff](https://github.com/oasdiff/oasdiff) where it has one; the column *oasdiff* is its level, and `-` marks an id
that was coined here in the same grammar. A level in bold differs from oasdiff's on purpose: a consumer that validates
what it receives, or that was told what it must send, would break.

How to change a level: `levels:` in `bctrl-drift.yaml`, see [the drift gate](../how-to/drift.md).
"""


def rules_page() -> str:
    """The page's text."""
    from pytest_bctrl.drift.rules import rules

    from .document_pairs import document_pairs
    from .pairs import SCHEMAS, SCOPES, schema_pairs

    known = rules()
    rows = [_INTRODUCTION]
    differing = [rule for rule in known.values() if rule.oasdiff not in ("-", rule.level)]
    rows += ["## Where the level differs from oasdiff's", "", "| rule | here | oasdiff |", "|---|---|---|"]
    rows += [f"| `{rule.id}` | {rule.level} | {rule.oasdiff} |" for rule in differing]
    rows += ["", "## Operations, parameters, responses, security, servers", ""]
    rows += ["| rule | level | oasdiff | meaning | before | after |", "|---|---|---|---|---|---|"]
    for name, pair in sorted(document_pairs().items()):
        rule = known[name]
        before, after = (_code(side) for side in pair.shown)
        rows.append(f"| `{name}` | {_level(rule)} | {rule.oasdiff} | {rule.meaning} | {before} | {after} |")
    pairs = schema_pairs()
    rows += ["", "## Schemas", ""]
    rows.append(
        "The same change has a rule of its own in each place: the root of a response body, a property anywhere in it, a "
        "response header, a parameter, a property of a parameter."
    )
    for suffix, shown in SCHEMAS.items():
        rows += [
            "",
            f"### {suffix}",
            "",
            f"{_code(shown[0])} → {_code(shown[1])}",
            "",
            "| rule | level | oasdiff | meaning |",
        ]
        rows.append("|---|---|---|---|")
        for scope in SCOPES:
            name = f"{scope}-{suffix}"
            name = "response-mediatype-enum-value-removed" if name == "response-body-enum-value-removed" else name
            if name in pairs:
                rule = known[name]
                rows.append(f"| `{name}` | {_level(rule)} | {rule.oasdiff} | {rule.meaning} |")
    return "\n".join(rows) + "\n"


def _level(rule: Any) -> str:
    return rule.level if rule.oasdiff in ("-", rule.level) else f"**{rule.level}**"


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    sys.path.insert(0, str(_HERE.parents[1]))
    sys.path.insert(0, str(_HERE.parents[2]))
    from drift.rules_page import rules_page as written_page  # type: ignore[import-not-found,unused-ignore]

    PAGE.write_text(written_page(), "utf-8")
