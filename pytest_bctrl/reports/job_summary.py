"""The job summary of GitHub Actions: Markdown, of which GitHub takes a mebibyte and no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bctrl.reports.markdown import findings_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.run_report import RunReport
    from pytest_bctrl.reports.title import Title

LIMIT = 1024 * 1024
"""Bytes of one step's summary; of a larger one GitHub shows nothing."""


def append_summary(path: Path, findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> None:
    """Append the findings to a job summary, as many as there is room for. Raises `OSError` where it cannot be written.

    What does not fit is counted in the summary itself.
    """
    there = path.stat().st_size if path.exists() else 0
    text = findings_markdown(findings, title, run, limit=LIMIT - there - 1)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"\n{text}" if there else text)
