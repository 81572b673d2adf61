"""Writes the reports of a contract run: files, whose paths are checked first, and output for GitHub Actions."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports import SUFFIXES, writer
from pytest_bctrl.reports.github import append_summary, shown_commands
from pytest_bctrl.reports.verdict import RunReport, Title
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.sinks import redact


class ReportSource(Protocol):
    """The results of a run, as reports read them."""

    def findings(self) -> list[Finding]:
        """Return all findings, the highest level first."""
        ...

    def title(self) -> Title:
        """Return the heading of the reports: contract, subject, notes, and the checks that did not run."""
        ...

    def report(self) -> RunReport:
        """Return the details of the run."""
        ...


class ReportPaths(Protocol):
    """The summary of a run, which names the reports that were written."""

    reports: list[str]


def register_reports(config: pytest.Config, results: ReportSource, summary: ReportPaths) -> None:
    """Register the hooks that write reports, if any are requested; not in a worker of xdist, or if no tests are run.

    Raises `SettingError` for a report that cannot be written.
    """
    tells_github = settings.reports_to_github(config, os.environ)
    paths = lookup.list_values(table.REPORT, config)
    if hasattr(config, "workerinput") or config.option.collectonly or not (paths or tells_github):
        return
    files = report_files(paths, config.invocation_params.dir, config.rootpath)
    job_summary = os.environ.get("GITHUB_STEP_SUMMARY", "") if tells_github else None
    config.pluginmanager.register(ReportHooks(results, summary, files, job_summary), "bctrl-reports")


def report_files(paths: Iterable[lookup.SettingValue], command_line: Path, ini: Path) -> list[tuple[Path, str]]:
    """Return the files to write, each with its absolute path and its path as configured; creates their folders.

    A relative path on the command line starts at the folder `command_line`, one in the ini file at `ini`. Raises
    `SettingError` for a suffix that names no format, and for a path that cannot be written to.
    """
    files = []
    for path in paths:
        suffix = Path(path.value).suffix.lower()
        if suffix not in SUFFIXES:
            problem = f"{path.value!r} has no suffix, which would name the format"
            if suffix:
                problem = f"{path.value!r} ends in {suffix!r}, which names no format"
            raise SettingError(problem, where=path.where, hint=f"end it in one of: {', '.join(SUFFIXES)}")
        folder = ini if path.is_ini else command_line
        absolute_path = folder / path.value
        _require_writable(absolute_path, path)
        files.append((absolute_path, path.value))
    return files


def _require_writable(path: Path, setting: lookup.SettingValue) -> None:
    """Create the folder of a file; raises `SettingError` if the file cannot be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Permissions are not enough: a file system may be read-only or full, and the user may be root.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise SettingError(
            f"{setting.value!r} cannot be written: {error.strerror}",
            where=setting.where,
            hint="name a file in a writable folder",
        ) from None


def write_reports(
    files: Iterable[tuple[Path, str]], findings: Sequence[Finding], title: Title, run: RunReport | None
) -> tuple[list[str], list[str]]:
    """Write every report; return the paths written, and a sentence for each report that was not written."""
    from pytest_bctrl.contract.build import write_files

    written, problems = [], []
    for path, shown in files:
        text = writer(SUFFIXES[path.suffix.lower()])(findings, title, run)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_files({path: text})
        except (BctrlError, OSError) as error:
            problems.append(f"the report {shown} is not written: {error}")
        else:
            written.append(shown)
    return written, problems


class ReportHooks:
    """Writes the reports once, at the end of the run, however it ends.

    `job_summary` is the path of the job summary of GitHub Actions, "" for a job without one, and None for a run that
    prints nothing for GitHub.
    """

    def __init__(
        self, results: ReportSource, summary: ReportPaths, files: Sequence[tuple[Path, str]], job_summary: str | None
    ) -> None:
        self._results = results
        self._summary = summary
        self._files = files
        self._job_summary = job_summary
        self._lines: list[str] = []

    # The workers of pytest-xdist pass on their last observations before.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports; a passing run fails if one of them could not be written."""
        contents = (self._results.findings(), self._results.title(), self._results.report())
        findings, title, run = redact(session.config, contents)
        written, problems = write_reports(self._files, findings, title, run)
        if self._job_summary:
            try:
                append_summary(Path(self._job_summary), findings, title, run)
            except OSError as error:
                problems.append(f"the job summary is not written: {error}")
        if self._job_summary is not None:
            self._lines += shown_commands(findings, title)
        self._summary.reports = written
        self._lines += [escape_line(f"bctrl: {problem}") for problem in problems]
        if problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print annotations for GitHub Actions, and which reports could not be written."""
        for line in self._lines:
            terminalreporter.line(line)
