"""Prints the failures of contract tests, each cause once even if several tests report it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above, from_dict
from pytest_bctrl.reports.terminal import MARKUP, Row, block, cause_of, causes, headline
from pytest_bctrl.reports.wording import is_change
from pytest_bctrl.suite.report.summary import Summary


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


class Failures:
    """Wraps pytest's failure output (`-r`, `--tb`, `-v`) and prints each cause once.

    Only the terminal output changes. Reports stay complete for JUnit and other plugins.
    """

    def __init__(self, summary: Summary, fail_on: FailOn) -> None:
        self._summary = summary
        self._fail_on: FailOn = fail_on
        self._short_summary: list[Any] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> Generator[None, None, None]:
        """Replace the failures while they are printed, and print the summary of the run at the end."""
        stats = terminalreporter.stats
        failed, verbosity = stats.get("failed", []), config.get_verbosity()
        if failed and config.option.tbstyle != "line":
            stats["failed"], self._short_summary = self._merged(failed, verbosity)
        try:
            yield
        finally:
            if failed:
                stats["failed"] = failed
        self._summary.write(terminalreporter)

    @pytest.hookimpl(specname="pytest_terminal_summary", tryfirst=True)
    def pytest_failures_printed(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Restore all failed tests between the failures and the short summary, which names every test."""
        if self._short_summary:
            terminalreporter.stats["failed"] = self._short_summary

    def _merged(self, reports: list[Any], verbosity: int) -> tuple[list[Any], list[Any]]:
        """Return the reports to print as failures, and those for the short summary; `-vv` merges nothing."""
        findings_of = {id(report): list(self._failing(report)) for report in reports}
        all_causes = _by_cause(finding for findings in findings_of.values() for finding in findings)
        first_test_of: dict[tuple[str, ...], str] = {}
        printed, short_summary = [], []
        for report in reports:
            report_causes = _by_cause(findings_of[id(report)])
            name = str(report.nodeid).removeprefix("bctrl::")
            new_causes = [cause for cause in report_causes if cause not in first_test_of or verbosity > 1]
            if report_causes and not new_causes:
                tests = dict.fromkeys(_relative_name(name, first_test_of[cause]) for cause in report_causes)
                short_summary.append(_with_text(report, (), f"see {', '.join(tests)}"))
                continue
            first_test_of |= dict.fromkeys(new_causes, name)
            if new_causes:
                details = report_causes if verbosity > 1 else all_causes
                frequency = report.bctrl["frequency"]
                rows = tuple(row for cause in new_causes for row in block(details[cause], verbosity, frequency))
                report = _with_text(report, rows, headline(findings_of[id(report)]))
            printed.append(report)
            short_summary.append(report)
        return printed, short_summary

    def _failing(self, report: Any) -> Iterator[Finding]:
        """Yield the findings that fail a test; none for drift, whose report has a text of its own."""
        verdict: Mapping[str, Any] = getattr(report, "bctrl", {})
        if not verdict or verdict["not_checked"]:
            return
        failing = [from_dict(finding) for finding in verdict["findings"]]
        if not verdict["stopped"]:
            # A finding that stops the run fails it at any level.
            failing = at_or_above(failing, self._fail_on)
        if not any(map(is_change, failing)):
            yield from failing


def _by_cause(findings: Iterable[Finding]) -> dict[tuple[str, ...], list[Finding]]:
    """Return findings by cause; of equal findings from several tests, only the first."""
    in_order = list(findings)
    first_of = {(*cause_of(finding), finding.fingerprint): finding for finding in reversed(in_order)}
    return causes(reversed(first_of.values()))


def _relative_name(name: str, other_name: str) -> str:
    """Return another test's function, or only its parameters if both tests have the same function."""
    function, _, parameters = other_name.partition("[")
    return f"[{parameters}" if name.partition("[")[0] == function else function


def _with_text(report: Any, rows: tuple[Row, ...], line: str) -> Any:
    changed_report = copy(report)
    changed_report.longrepr = FailureText(rows, SimpleNamespace(message=line, path="", lineno=0))
    return changed_report
