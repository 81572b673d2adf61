"""The pytest hooks that write the reports of a contract run: files, and what GitHub Actions reads."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_bctrl import settings
from pytest_bctrl.reports.github import shown_commands
from pytest_bctrl.reports.job_summary import append_summary
from pytest_bctrl.reports.run_report import RunReport
from pytest_bctrl.reports.title import Title
from pytest_bctrl.suite.observing import OBSERVER, always_empty, remarks, shortfall
from pytest_bctrl.suite.report_files import ReportFile, write_reports
from pytest_bctrl.suite.sinks import hide
from pytest_bctrl.suite.summary import Summary

_RAN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class ReportHooks:
    """Writes once, at the end of the whole run, however it ends.

    `job_summary` is the path of the file that GitHub Actions reads, empty where a job has none; None for a run that
    tells GitHub nothing.
    """

    def __init__(self, summary: Summary, files: Sequence[ReportFile], job_summary: str | None) -> None:
        self._summary = summary
        self._files = files
        self._job_summary = job_summary
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._lines: list[str] = []

    # What pytest-xdist's workers hand over at their end comes before.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write; a report that cannot be written makes a passing run fail, since an old one may be there."""
        is_complete = session.exitstatus in _RAN and not session.shouldstop and not session.shouldfail
        report = self._summary.report(self._started, time.perf_counter() - self._clock, is_complete)
        told = _with_coverage(session.config, self._summary.title(), report)
        findings, title, run = hide(session.config, (self._summary.findings(), *told))
        written, problems = write_reports(self._files, findings, title, run)
        if self._job_summary:
            try:
                append_summary(Path(self._job_summary), findings, title, run)
            except OSError as error:
                problems.append(f"the job summary is not written: {error}")
        if self._job_summary is not None:
            self._lines += shown_commands(findings, title)
        self._lines += [f"report       {path}" for path in written]
        self._lines += [f"bctrl: {problem}" for problem in problems]
        if problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the reports are, and what was found in the words that GitHub Actions obeys."""
        for line in self._lines:
            terminalreporter.line(line)


def _with_coverage(config: pytest.Config, title: Title, report: RunReport) -> tuple[Title, RunReport]:
    """Add what is to be said of what was seen, and of what was not."""
    observer = config.stash.get(OBSERVER, None)
    if observer is None or report.coverage is None:
        return title, report
    minimum = settings.min_coverage(config, os.environ)
    short = "" if minimum is None else shortfall(report.coverage, minimum).removeprefix("FAIL ")
    title = title._replace(
        notes=(*title.notes, *remarks(observer)), not_checked=(*title.not_checked, *always_empty(report.coverage))
    )
    return title, replace(report, shortfall=short)
