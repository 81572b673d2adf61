"""Prints the failures of contract tests, each cause once even if several tests report it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above, from_dict
from pytest_bctrl.reports.terminal import MARKUP, Row, block, causes, headline, listed
from pytest_bctrl.reports.wording import accepted, is_change
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
            stats["failed"], self._short_summary = self._merge_by_cause(failed, verbosity)
        try:
            yield
        finally:
            if failed:
                stats["failed"] = failed
        self._summary.write(terminalreporter)

    @pytest.hookimpl(specname="pytest_terminal_summary", tryfirst=True)
    def pytest_failures_printed(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Put the reports for the short summary in place of the printed ones, since it names every failed test."""
        if self._short_summary:
            terminalreporter.stats["failed"] = self._short_summary

    def _merge_by_cause(self, reports: list[Any], verbosity: int) -> tuple[list[Any], list[Any]]:
        """Return the reports to print as failures, and those for the short summary; `-vv` merges nothing."""
        findings_of = {id(report): list(self._failing_findings(report)) for report in reports}
        numbers, details = _number_causes(finding for findings in findings_of.values() for finding in findings)
        tests_of: dict[int, list[str]] = {}
        causes_of: dict[int, list[int]] = {}
        for report in reports:
            own_numbers = [numbers[_identity(finding)] for finding in findings_of[id(report)]]
            causes_of[id(report)] = list(dict.fromkeys(own_numbers))
            for cause in causes_of[id(report)]:
                tests_of.setdefault(cause, []).append(_test_name(report))
        printed, short_summary = [], []
        for report in reports:
            report_causes = causes_of[id(report)]
            name, first_tests = _test_name(report), [tests_of[cause][0] for cause in report_causes]
            if report_causes and name not in first_tests and verbosity < 2:
                tests = dict.fromkeys(_relative_name(name, first_test) for first_test in first_tests)
                short_summary.append(_with_failure_text(report, (), f"see {', '.join(tests)}"))
                continue
            if report_causes:
                rows: list[Row] = []
                for cause in report_causes:
                    if verbosity > 1:
                        own_findings = [
                            finding for finding in findings_of[id(report)] if numbers[_identity(finding)] == cause
                        ]
                        rows += block(own_findings, verbosity, report.bctrl["frequency"])
                    elif tests_of[cause][0] == name:
                        rows += block(details[cause], verbosity, report.bctrl["frequency"])
                        rows += _tests_row(tests_of[cause], verbosity)
                report = _with_failure_text(report, tuple(rows), headline(findings_of[id(report)]))
            printed.append(report)
            short_summary.append(report)
        return printed, short_summary

    def _failing_findings(self, report: Any) -> Iterator[Finding]:
        """Yield the findings that fail a test; none if one is about drift, or if the test could not be checked."""
        verdict: Mapping[str, Any] = getattr(report, "bctrl", {})
        if not verdict or verdict["not_checked"]:
            return
        failing = [from_dict(finding) for finding in verdict["findings"]]
        if not verdict["stopped"]:
            # A finding that stops the run fails it at any level.
            failing = at_or_above(failing, self._fail_on)
        if not any(map(is_change, failing)):
            yield from failing


def _number_causes(findings: Iterable[Finding]) -> tuple[dict[tuple[str, ...], int], list[list[Finding]]]:
    """Return the number of each finding's cause, by the identity of the finding, and the findings of each cause.

    Of equal findings from several tests, only the first is kept.
    """
    first_of: dict[tuple[str, ...], Finding] = {}
    for finding in findings:
        first_of.setdefault(_identity(finding), finding)
    details = causes(first_of.values())
    numbers = {_identity(finding): number for number, cause in enumerate(details) for finding in cause}
    return numbers, details


def _identity(finding: Finding) -> tuple[str, ...]:
    """Return a key that is equal for findings that are shown as one."""
    return finding.operation, finding.level, finding.rule, finding.message, accepted(finding), finding.fingerprint


def _tests_row(tests: list[str], verbosity: int) -> list[Row]:
    """Return a row with the tests that a cause fails; none if there is only one."""
    return [Row("tests", escape_line(listed(tests, "test", verbosity)))] if len(tests) > 1 else []


def _test_name(report: Any) -> str:
    """Return the name of a test in the suite."""
    return str(report.nodeid).removeprefix("bctrl::")


def _relative_name(name: str, other_name: str) -> str:
    """Return how a test refers to another one: by its function, or only its parameters if the function is the same."""
    function, _, parameters = other_name.partition("[")
    return f"[{parameters}" if name.partition("[")[0] == function else function


def _with_failure_text(report: Any, rows: tuple[Row, ...], line: str) -> Any:
    """Return a copy of a report with these rows as its failure, and a line for the short summary."""
    changed_report = copy(report)
    changed_report.longrepr = FailureText(rows, SimpleNamespace(message=line, path="", lineno=0))
    return changed_report
