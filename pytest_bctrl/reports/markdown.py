"""Writes findings as Markdown, for a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.finding import LEVELS
from pytest_bctrl.reports.wording import counted, one_line, spot, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.title import Title

_HEADINGS = {"error": "Breaks a consumer", "warning": "May break a consumer", "info": "For your information"}
_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>|#"})


def findings_markdown(findings: Sequence[Finding], title: Title) -> str:
    """Return the findings as Markdown: one table a level."""
    rows = [f"## {_plain(title.name)}: {counted(findings)}"]
    if title.base:
        rows += ["", f"{_code(title.base)} → {_code(title.revision)}"]
    for level in LEVELS:
        chosen = [finding for finding in findings if finding.level == level]
        if chosen:
            rows += ["", f"### {_HEADINGS[level]}", "", "| what | where | lines | rule |", "|---|---|---|---|"]
            rows += [_row(finding) for finding in chosen]
    if title.notes:
        rows += ["", *(f"- {_plain(note)}" for note in title.notes)]
    return "\n".join(rows) + "\n"


def _row(finding: Finding) -> str:
    lines = " → ".join(str(spot(finding, side)[1] or "-") for side in ("base", "revision"))
    what = f"{_plain(finding.message)}. {_plain(str(finding.extra.get('why', '')))}".strip()
    return f"| {what} | {_code(where(finding))} | {lines} | {_code(finding.rule)} {_code(finding.fingerprint)} |"


def _plain(text: str) -> str:
    return one_line(text).replace("@", "@\u200b").translate(_MARKUP)


def _code(text: str) -> str:
    """Inline code that no text can leave, in a table too."""
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`" if text else ""
