"""Writes the reports of a contract run: files, found wanting before anything is sent, and what GitHub Actions reads."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports import SUFFIXES, writer
from pytest_bctrl.reports.github import append_summary, shown_commands
from pytest_bctrl.reports.wording import RunReport, Title
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.sinks import redact
from pytest_bctrl.suite.report.summary import Summary


def report_files(paths: Iterable[settings.SettingValue], command_line: Path, ini: Path) -> list[tuple[Path, str]]:
    """Return the files to write, their folders made: each with its absolute path, and as it was given.

    A relative path of the command line starts at the folder `command_line`, one of the ini file at `ini`. Raises
    `SettingError` for a suffix that names no format and for a place that cannot be written to.
    """
    files = []
    for path in paths:
        suffix = Path(path.value).suffix.lower()
        if suffix not in SUFFIXES:
            raise SettingError(
                f"{path.value!r} ends in {suffix!r}, which names no format"
                if suffix
                else f"{path.value!r} has no suffix, which would name the format",
                where=path.where,
                hint=f"end it in one of: {', '.join(SUFFIXES)}",
            )
        whole = (ini if path.is_ini else command_line) / path.value
        _require_writable(whole, path)
        files.append((whole, path.value))
    return files


def _require_writable(path: Path, given: settings.SettingValue) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Permissions do not tell: a file system may be read-only, a folder full, and the user root.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise SettingError(
            f"{given.value!r} cannot be written: {error.strerror}",
            where=given.where,
            hint="give a file in a folder that may be written to",
        ) from None


def write_reports(
    files: Iterable[tuple[Path, str]], findings: Sequence[Finding], title: Title, run: RunReport | None
) -> tuple[list[str], list[str]]:
    """Write every report; return the paths that were written, and one sentence for each that was not."""
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
    """Writes once, at the end of the whole run, however it ends.

    `job_summary` is the path of the file that GitHub Actions reads, empty where a job has none; None for a run that
    tells GitHub nothing.
    """

    def __init__(self, summary: Summary, files: Sequence[tuple[Path, str]], job_summary: str | None) -> None:
        self._summary = summary
        self._files = files
        self._job_summary = job_summary
        self._lines: list[str] = []

    # What pytest-xdist's workers hand over at their end comes before.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write; a report that cannot be written makes a passing run fail, since an old one may be there."""
        told = (self._summary.findings(), self._summary.title(), self._summary.report())
        findings, title, run = redact(session.config, told)
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
        """Say where the reports are, and what was found in the words that GitHub Actions obeys."""
        for line in self._lines:
            terminalreporter.line(line)
