"""What pytest prints of a failed test in place of its traceback: rows, and a line of the short summary."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from pytest_bctrl.reports.terminal import MARKUP, Row


@dataclass(frozen=True)
class FailureText:
    """Replaces the failure in a report: the rows to print, and the line of pytest's short summary."""

    rows: tuple[Row, ...]
    reprcrash: SimpleNamespace

    def toterminal(self, terminal: Any) -> None:
        """Write the rows with pytest's own markup."""
        for row in self.rows:
            indent, label, text = str(row).partition(row.label)
            terminal.write(indent)
            terminal.write(label, **MARKUP.get(label, {}))
            terminal.line(text)


def further_reports(reports: Sequence[Any], verbosity: int) -> list[Any]:
    """Return the lines of the short summary for tests that fail for causes shown above: one, or all with `-v`."""
    if verbosity or len(reports) < 2:
        return [with_failure_text(report, (), "for a cause that is shown above") for report in reports]
    line = with_failure_text(reports[0], (), "for causes that are shown above; -v lists them")
    path = reports[0].nodeid.partition("::")[0]
    line.nodeid = f"{path}::{len(reports)} further tests"
    return [line]


def with_failure_text(report: Any, rows: tuple[Row, ...], line: str) -> Any:
    """Return a copy of a report with these rows as its failure, and a line for the short summary."""
    changed_report = copy(report)
    changed_report.longrepr = FailureText(rows, SimpleNamespace(message=line, path="", lineno=0))
    return changed_report
