"""Which reports a run of the gate writes, and where to: `--format` and `--output`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.reports import FORMATS, writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.wording import Title


class Report(NamedTuple):
    """One report that was asked for; to standard output where it has no path."""

    format: str
    path: str | None


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--format` and `--output`, which go by pairs in the order they are given."""
    parser.add_argument(
        "--format",
        action=_Format,
        choices=tuple(FORMATS),
        dest="reports",
        default=[],
        help="how to report; repeatable (default: text)",
    )
    parser.add_argument(
        "--output",
        action=_Output,
        dest="reports",
        metavar="PATH",
        help="write the format before it to a file instead of standard output",
    )


class _Format(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        namespace.reports = [*namespace.reports, Report(values, None)]


class _Output(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        reports = namespace.reports or [Report("text", None)]
        if reports[-1].path is not None:
            parser.error(f"argument --output: {values}: no --format stands before it")
        namespace.reports = [*reports[:-1], reports[-1]._replace(path=values)]


def asked_for(arguments: argparse.Namespace) -> list[Report]:
    """Return the reports to write. Raises `SettingError` where two would share standard output."""
    from pytest_bctrl.errors import SettingError

    reports: list[Report] = arguments.reports or [Report("text", None)]
    open_ = [report.format for report in reports if report.path in (None, "-")]
    if len(open_) > 1:
        raise SettingError(
            f"{' and '.join(open_)} would share standard output",
            where="--format",
            mend="put --output PATH after all but one",
        )
    return reports


def write_reports(reports: Sequence[Report], findings: Sequence[Finding], title: Title) -> None:
    """Write every report to its file, or to standard output. Raises `DocumentError` where a file cannot be written."""
    from pytest_bctrl.errors import DocumentError

    for report in reports:
        text = writer(report.format)(findings, title)
        if report.path in (None, "-"):
            _print(text)
            continue
        try:
            Path(str(report.path)).write_text(text, "utf-8")
        except OSError as error:
            raise DocumentError(
                f"it cannot be written: {error.strerror}",
                where=f"--output {report.path}",
                mend="give a path in a folder that is there",
            ) from None


def _print(text: str) -> None:
    from contextlib import suppress

    from pytest_bctrl.errors import DocumentError

    mend = "give --output PATH"
    if sys.stdout is None:
        raise DocumentError("it is closed", where="standard output", mend=mend)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError):
            # What is left in its buffer would be tried, and told of, once more at the end.
            sys.stdout.close()
        raise DocumentError(f"it cannot be written: {error.strerror}", where="standard output", mend=mend) from None
