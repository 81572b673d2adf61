"""Writes drift findings for a terminal or a CI log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.reports.moved_text import moved_text
from pytest_bctrl.reports.wording import counted, in_places, one_line, spot, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.title import Title


def drift_text(findings: Sequence[Finding], title: Title) -> str:
    """Return the findings as text, grouped by level: where in both documents, old against new, and why it matters.

    Those that say who moved are grouped by that.
    """
    head = f"{title.name}: {title.base} → {title.revision}" if title.base else title.name
    rows = [one_line(head), counted(findings)]
    rows += moved_text(findings)
    for level in ("error", "warning", "info"):
        for finding in findings:
            if finding.level == level and "moved" not in finding.extra:
                rows += ["", *_finding(finding)]
    if title.notes:
        rows += ["", *(f"note: {one_line(note)}" for note in title.notes)]
    return "\n".join(rows) + "\n"


def _finding(finding: Finding) -> list[str]:
    rows = [f"{finding.level.upper()} {finding.rule}", f"  {where(finding)}", f"  {one_line(finding.message)}"]
    for word, side, value in (("old", "base", finding.expected), ("new", "revision", finding.observed)):
        document, line, pointer = spot(finding, side)
        place = f"{document}:{line}" if line else document
        shown = "" if value is None else f"  {_cut(one_line(value))}"
        rows.append(one_line(f"{place} #{pointer}").join((f"  {word}  ", shown)))
    if finding.extra.get("why"):
        rows.append(f"  why  {one_line(finding.extra['why'])}")
    rows += [f"  {in_places(finding)}"] if in_places(finding) else []
    rows.append(f"  id   {finding.fingerprint}")
    return rows


def _cut(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."
