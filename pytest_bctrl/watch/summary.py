"""The summary of the watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from pytest_bctrl.exchanges.coverage_text import coverage_rows, unchecked_parts
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.reports.terminal import block, causes, write_labelled
from pytest_bctrl.reports.verdict import verdict_of
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.watch.results import WatchResults


class WatchSummary:
    """Writes the summary from the results of the watch.

    `shows_coverage` lists everything that no response exercised. `reports` are the paths of report files. In a contract
    run, whose summary has coverage and verdict, `is_part` is true.
    """

    def __init__(self, results: WatchResults) -> None:
        self._results = results
        self.shows_coverage = False
        self.is_part = False
        self.reports: list[str] = []

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the summary: a block per cause with the tests that share it, then the verdict."""
        config = terminalreporter.config
        verbosity = config.get_verbosity()
        if config.option.collectonly or verbosity < -1 or not self._results.has_run:
            return
        terminalreporter.section("bctrl watch")
        findings = self._results.findings()
        for cause in causes(findings):
            for row in block(cause, max(verbosity, 0)):
                terminalreporter.line(str(row))
            terminalreporter.line("")
        for label, text in self._rows(findings):
            write_labelled(terminalreporter, label, text)

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
            for reason in unchecked_parts(results.observer.coverage):
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
                'correct the code or the mock that these lines name  (--bctrl-accept="why" accepts the findings until '
                "a date; @pytest.mark.bctrl_watch(conforming=False) is for tests of invalid responses)",
            )
        elif self._results.account.operations and not self.shows_coverage:
            yield "next", "pytest --bctrl-watch --bctrl-coverage  # lists what no response exercised"
