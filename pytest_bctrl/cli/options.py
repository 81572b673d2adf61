"""Options that several commands share: reports and their files, modules with custom parts, and the baseline."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.files import locking
from pytest_bctrl.reports import FORMATS, writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from types import ModuleType

    from pytest_bctrl.findings.finding import Finding
    from pytest_bctrl.reports.verdict import Title


class ReportFile(NamedTuple):
    """The format of a report and its path; without a path it goes to standard output."""

    format: str
    path: str | None


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--format` and `--output`; each `--output` belongs to the `--format` before it."""
    parser.add_argument(
        "--format",
        action=_Format,
        choices=tuple(FORMATS),
        dest="reports",
        default=[],
        help="format of a report; repeatable (default: text)",
    )
    parser.add_argument(
        "--output",
        action=_Output,
        dest="reports",
        metavar="PATH",
        help="write the preceding --format to a file instead of standard output",
    )


class _Format(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add a report of this format to standard output."""
        namespace.reports = [*namespace.reports, ReportFile(values, None)]


class _Output(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Set the file of the last report; an error if it has one already."""
        reports = namespace.reports or [ReportFile("text", None)]
        if reports[-1].path is not None:
            parser.error(f"argument --output: {values}: no --format precedes it")
        namespace.reports = [*reports[:-1], reports[-1]._replace(path=values)]


def requested_reports(arguments: argparse.Namespace) -> list[ReportFile]:
    """Return the reports to write. Raises `SettingError` if two of them would share standard output."""
    reports: list[ReportFile] = arguments.reports or [ReportFile("text", None)]
    open_ = [report.format for report in reports if report.path in (None, "-")]
    if len(open_) > 1:
        raise SettingError(
            f"{' and '.join(open_)} would share standard output",
            where="--format",
            hint="put --output PATH after all but one",
        )
    return reports


def write_reports(
    reports: Sequence[ReportFile], findings: Sequence[Finding], title: Title, option: str = "--output"
) -> None:
    """Write every report to its file or to standard output.

    Raises `DocumentError`, which names `option` and the files that cannot be written, after writing the others.
    """
    failed: dict[str, str] = {}
    for report in reports:
        text = writer(report.format)(findings, title)
        if report.path in (None, "-"):
            _print_text(text)
            continue
        path = Path(str(report.path))
        try:
            _replace_file(path, text)
        except OSError as error:
            failed[str(report.path)] = str(error.strerror)
    if failed:
        reasons = dict.fromkeys(failed.values())
        raise DocumentError(
            f"it cannot be written: {', '.join(reasons)}",
            where=f"{option} {', '.join(failed)}",
            hint="give a path in a folder that exists, on a disk with enough space",
        )


def _replace_file(path: Path, text: str) -> None:
    """Replace a file atomically, so that its previous contents survive a full disk; a pipe or device is written to."""
    if path.parts[:2] == ("/", "dev") or (path.exists() and not path.is_file()):
        # A pipe, a terminal or a device such as /dev/stdout cannot be replaced.
        path.write_text(text, "utf-8")
        return
    target = path.resolve()
    with locking.locked(target) as part:
        locking.write_part(part, text.encode("utf-8"), target)
        part.replace(target)


def _print_text(text: str) -> None:
    """Write a text to standard output. Raises `DocumentError` if that is closed or full, not for a broken pipe."""
    hint = "give --output PATH"
    if sys.stdout is None:
        raise DocumentError("it is closed", where="standard output", hint=hint)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        with suppress(OSError):
            # Otherwise the interpreter would flush the rest at its end, and report the error again.
            sys.stdout.close()
        raise DocumentError(f"it cannot be written: {error.strerror}", where="standard output", hint=hint) from None


def add_repeatable(parser: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    """Declare an option that may be repeated; its default is an empty list."""
    parser.add_argument(name, action="append", default=[], metavar=metavar, help=text)


def add_plugin_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare `--plugin`; `what` names the custom parts that the command loads from a module."""
    text = f"load custom {what} from a module that implements the hook, such as conftest; repeatable"
    add_repeatable(parser, "--plugin", "MODULE", text)


def load_custom_parts(modules: Sequence[str], hooks: Mapping[str, type]) -> list[list[Any]]:
    """Return, per hook, the custom parts that modules return.

    Raises `SettingError` for a part of the wrong type, and for a module that implements none of the hooks, as it would
    have no effect.
    """
    # Importing the checks is slow, and a command line without plugins does not need them.
    from pytest_bctrl.checks.run import flattened

    imported = [_import_module(name) for name in modules]
    for name, module in zip(modules, imported, strict=True):
        if not any(callable(getattr(module, hook, None)) for hook in hooks):
            raise SettingError(f"it has no {' or '.join(hooks)}", where=f"--plugin {name}", hint="define the function")
    results = []
    for hook, part_type in hooks.items():
        parts = [part for module in imported for part in getattr(module, hook, list)()]
        results.append(flattened(parts, part_type, hook))
    return results


def _import_module(name: str) -> ModuleType:
    """Import a module of the project. Raises `SettingError` if that fails."""
    # Find modules in the working directory, as `pytest -p` does.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return import_module(name)
    except BctrlError:
        raise
    except Exception as error:
        raise SettingError(
            f"it cannot be imported: {type(error).__name__}: {error}",
            where=f"--plugin {name}",
            hint="name a module as `import` does: conftest, or tests.bctrl_checks",
        ) from error


def add_acceptance_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--baseline`, `--accept` and `--until`."""
    from pytest_bctrl.baseline.baseline_file import DAYS, FILE

    baseline = f"accepted findings, each with its expiry (default: {FILE}, if it exists)"
    parser.add_argument("--baseline", metavar="PATH", help=baseline)
    parser.add_argument("--accept", metavar="REASON", help="add the current failures to the baseline, with this reason")
    until = f"expiry of the entries that --accept adds, such as 2027-01-31 (default: {DAYS} days from today)"
    parser.add_argument("--until", metavar="DATE", help=until)


def accept_findings(path: str, findings: Sequence[Finding], reason: str, until: date) -> int:
    """Add findings to the baseline, each once, print how many, and return the exit code 0."""
    from pytest_bctrl.baseline.write_entries import add_to_baseline

    distinct_findings = list({finding.fingerprint: finding for finding in findings}.values())
    add_to_baseline(Path(path), distinct_findings, reason, until)
    print(escape_line(f"pytest-bctrl: accepted {len(distinct_findings)} until {until} in {path}"), file=sys.stderr)
    return 0
