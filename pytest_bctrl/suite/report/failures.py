"""Prints the failures of contract tests, each cause once even if several tests report it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import pytest

from pytest_bctrl.findings.finding import Finding, at_or_above, from_dict
from pytest_bctrl.reports.causes import Cause, causes
from pytest_bctrl.reports.failure_text import further_reports, with_failure_text
from pytest_bctrl.reports.terminal import block, headline
from pytest_bctrl.reports.wording import accepted, is_change
from pytest_bctrl.suite.report.results import RunResults
from pytest_bctrl.suite.report.summary import Summary


class Failures:
    """Wraps pytest's failure output (`-r`, `--tb`, `-v`) and prints each cause once.

    Only the terminal output changes. Reports stay complete for JUnit and other plugins.
    """

    def __init__(self, results: RunResults, summary: Summary) -> None:
        self._results = results
        self._summary = summary
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
        """Put the reports for the short summary in place of the printed ones."""
        if self._short_summary:
            terminalreporter.stats["failed"] = self._short_summary

    def _merge_by_cause(self, reports: list[Any], verbosity: int) -> tuple[list[Any], list[Any]]:
        """Return the reports to print as failures, and those for the short summary.

        The first test of each cause has its block; of the further tests, the short summary has one line, or with `-v`
        a line each. `-vv` merges nothing.
        """
        findings_of = {report.nodeid: list(self._failing_findings(report)) for report in reports}
        others = [report for report in reports if not findings_of[report.nodeid]]
        with_findings = {report.nodeid: report for report in reports if findings_of[report.nodeid]}
        if verbosity > 1:
            causes_of = {test: causes(findings_of[test]) for test in with_findings}
        else:
            causes_of = self._causes_of_first_tests(with_findings)
        printed = list(others)
        for test, own_causes in causes_of.items():
            report = with_findings.pop(test)
            rows = [row for cause in own_causes for row in block(cause, verbosity, report.bctrl["frequency"])]
            printed.append(with_failure_text(report, tuple(rows), headline(findings_of[test])))
        return printed, [*printed, *further_reports(list(with_findings.values()), verbosity)]

    def _causes_of_first_tests(self, reports: Mapping[str, Any]) -> dict[str, list[Cause]]:
        """Return the causes of failures by node id, each under the first of the tests that it fails."""
        causes_of: dict[str, list[Cause]] = {}
        failing = [finding for test in reports for finding in self._failing_findings(reports[test])]
        keys = {(finding.fingerprint, finding.level) for finding in failing}
        shown = [
            finding for finding in self._results.contract_findings() if (finding.fingerprint, finding.level) in keys
        ]
        for cause in causes(finding for finding in shown if not accepted(finding)):
            first_test = next((test for test in cause.tests if test in reports), None)
            if first_test is not None:
                causes_of.setdefault(first_test, []).append(cause)
        return causes_of

    def _failing_findings(self, report: Any) -> Iterator[Finding]:
        """Yield the findings that fail a test; none if one is about drift, or if the test could not be checked."""
        verdict: Mapping[str, Any] = getattr(report, "bctrl", {})
        if not verdict or verdict["not_checked"]:
            return
        failing = [from_dict(finding) for finding in verdict["findings"]]
        if not verdict["stopped"]:
            # A finding that stops the run fails it at any level.
            failing = at_or_above(failing, self._results.run.fail_on)
        if not any(map(is_change, failing)):
            yield from failing
