"""The files of `--bctrl-report`: found wanting before anything is sent, written whole at the end."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.finding import Finding
from pytest_bctrl.reports.formats import SUFFIXES, writer
from pytest_bctrl.reports.run_report import RunReport
from pytest_bctrl.reports.title import Title
from pytest_bctrl.settings import Given


class ReportFile(NamedTuple):
    """One report to write: its absolute path, its path as it was given, its format."""

    path: Path
    shown: str
    format: str


def report_files(paths: Iterable[Given], command_line: Path, ini: Path) -> list[ReportFile]:
    """Return the files to write, their folders made.

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
                mend=f"end it in one of: {', '.join(SUFFIXES)}",
            )
        whole = (ini if path.is_ini else command_line) / path.value
        _require_writable(whole, path)
        files.append(ReportFile(whole, path.value, SUFFIXES[suffix]))
    return files


def _require_writable(path: Path, given: Given) -> None:
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
            mend="give a file in a folder that may be written to",
        ) from None


def write_reports(
    files: Iterable[ReportFile], findings: Sequence[Finding], title: Title, run: RunReport
) -> tuple[list[str], list[str]]:
    """Write every report; return the paths that were written, and one sentence for each that was not."""
    from pytest_bctrl.contract.build import write_atomically

    written, problems = [], []
    for file in files:
        text = writer(file.format)(findings, title, run)
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file.path, text)
        except (BctrlError, OSError) as error:
            problems.append(f"the report {file.shown} is not written: {error}")
        else:
            written.append(file.shown)
    return written, problems
