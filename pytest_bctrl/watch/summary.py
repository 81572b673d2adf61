"""The summary of the watch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from pytest_bctrl.exchanges.coverage_text import coverage_rows, first_unchecked_parts
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.reports.causes import causes
from pytest_bctrl.reports.failure_text import further_reports
from pytest_bctrl.reports.terminal import block, cause_row, write_labelled
from pytest_bctrl.reports.verdict import verdict_of
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.watch.results import CARRIED, WatchResults


class WatchSummary:
    """Writes the summary from the results of the watch.

    `shows_coverage` lists everything that no response exercised. `reports` are the paths of report files. In a contract
    run, whose summary has coverage and verdict, `is_part` is true.
    """

    def __init__(self, results: WatchResults) -> None:
        self._results = results
        self.shows_coverage = False
        self.is_part = False
        self._errors: list[Any] = []
        self.reports: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_terminal_summary")
    def pytest_errors_of_tests(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
        """Leave the errors of the watch out of those that pytest prints, since the summary has a block per cause.

        `-vv` prints each of them.
        """
        stats = terminalreporter.stats
        errors = stats.get("error", [])
        verbosity = terminalreporter.config.get_verbosity()
        if errors and self._is_written(terminalreporter.config) and verbosity < 2:
            self._errors = [report for report in errors if vars(report).get(CARRIED, {}).get("is_failure")]
            stats["error"] = [report for report in errors if report not in self._errors]
        try:
            yield
        finally:
            if errors:
                stats["error"] = errors

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the summary: a block per cause with the tests that share it, then the verdict."""
        config = terminalreporter.config
        verbosity = config.get_verbosity()
        if not self._is_written(config):
            return
        terminalreporter.section("bctrl watch")
        findings = self._results.findings()
        all_causes, lines = causes(findings), []
        for cause in all_causes:
            if cause.first.level == "info" and verbosity <= 0:
                lines.append(cause_row(cause, names_operation=True))
                continue
            for row in block(cause, max(verbosity, 0)):
                terminalreporter.line(str(row))
            terminalreporter.line("")
        for label, text in [*lines, *self._rows(findings)]:
            write_labelled(terminalreporter, label, text)
        if self._errors:
            first_tests = {test for cause in all_causes for test in cause.tests[:1]}
            shown = [report for report in self._errors if report.nodeid in first_tests]
            others = [report for report in self._errors if report.nodeid not in first_tests]
            terminalreporter.stats["error"] += [*shown, *further_reports(others, verbosity)]

    def _is_written(self, config: pytest.Config) -> bool:
        """Return whether there is a summary: tests have run, and it is not switched off with `-qq`."""
        return not config.option.collectonly and config.get_verbosity() >= -1 and self._results.has_run

    def _rows(self, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
        """Yield labels and texts after the findings: unmatched, checked, not checked, coverage, reports, verdict."""
        results = self._results
        yield from results.request_notes()
        yield "checked", self._checked_text()
        for entry in results.settings.levels.off:
            count = numbered(results.switched_off[entry.name], "finding")
            yield "switched off", f"{entry.name}, by {entry.where}: {count} not shown"
        for reason in results.not_checked():
            yield "not checked", reason
        yield from results.baseline_notes()
        if self.is_part:
            return
        if results.account.operations and self.shows_coverage:
            yield from coverage_rows(results.observer, is_complete=True)
        elif results.account.operations:
            for reason in first_unchecked_parts(results.observer.coverage):
                yield "not checked", reason
        for path in self.reports:
            yield "report", path
        if results.account.operations or not results.is_partial:
            yield verdict_of(findings, results.title(), results.report())
        yield from self._next_step(findings)

    def _checked_text(self) -> str:
        """Return what became of the exchanges of how many tests, with the coverage."""
        results = self._results
        text = f"{results.account}; {numbered(len(results.tests), 'test')}"
        if results.account.operations and not self.is_part:
            text += f", coverage {results.observer.coverage.percent:.1f}%"
        return text

    def _next_step(self, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
        """Yield what to correct, or the command that lists the points that no response exercised."""
        if at_or_above(findings, self._results.settings.fail_on):
            yield (
                "fix",
                'correct the code that sends the request, or the API or mock that responds  (--bctrl-accept="why" '
                "accepts the findings until a date; @pytest.mark.bctrl_watch(conforming=False) is for tests of invalid "
                "responses)",
            )
        elif self._results.account.operations and not self.shows_coverage:
            yield "next", "pytest --bctrl-watch --bctrl-coverage  # lists what no response exercised"
