"""`pytest-bctrl check`: recordings, HAR files and JSON bodies against the contract."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_bctrl.checks.own import Check
from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.cli.plugins import add_plugin_argument, gathered, require_hooks
from pytest_bctrl.conformance import check
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.finding import FAIL_ON, Finding, at_or_above
from pytest_bctrl.levels import parse_levels
from pytest_bctrl.recorded.conform import findings_of
from pytest_bctrl.reports.findings_json import findings_json
from pytest_bctrl.reports.github import findings_github
from pytest_bctrl.reports.junit import findings_junit
from pytest_bctrl.reports.terminal import counted, describe, printable
from pytest_bctrl.reports.title import Title
from pytest_bctrl.traffic.recordings.har_read import decode

_STDIN = "-"
EXAMPLES = (
    "pytest-bctrl check recordings/",
    "pytest-bctrl check body.json --fail-on warning",
    "pytest-bctrl check body.json --level undocumented_property=off --format json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a .har file, a JSON body, a folder, or - for stdin")
    parser.add_argument("--format", choices=sorted(_FORMATS), default="text", help="default: %(default)s")
    parser.add_argument("--fail-on", choices=FAIL_ON, default="error", help="mildest finding that gives exit code 1")
    parser.add_argument(
        "--level",
        action="append",
        default=[],
        metavar="RULE=LEVEL",
        help="level of a rule, or of RULE@LOCATION: error, warning, info or off; repeatable",
    )
    add_plugin_argument(parser, "checks")
    parser.add_argument(
        "--operation", metavar="ID", help="what a bare body answers, where the contract has several operations"
    )
    parser.add_argument("--contract", metavar="PATH", help="an OpenAPI 3.1 document; default: the packaged contract")


def run(options: argparse.Namespace) -> int:
    """Check every file and return 1 where one breaks the contract; raises `BctrlError` where none could be checked.

    A file that cannot be read does not keep the others from being checked; the exit code is 2 then.
    """
    contract = load(options.contract, "--contract")
    require_hooks(options.plugin, ["pytest_bctrl_checks"])
    own = gathered(options.plugin, "pytest_bctrl_checks", Check)
    levels = parse_levels(options.level, "--level")
    invariants = [rule for one in contract.operations for rule in one.invariants]
    levels.require_known(rules_of(invariants, [check.name for check in own]))
    off: list[str] = []
    found: list[Finding] = []
    problems: list[str] = []
    checked = 0
    for name, data in _inputs(options.paths, problems):
        try:
            for place, findings in _checked(name, data, contract, options.operation, own):
                checked += 1
                kept, switched_off = levels.apply(findings)
                off += switched_off
                found += (_placed(finding, name, place) for finding in kept)
        except BctrlError as error:
            problems.append(str(error))
    notes = [f"switched off by --level: {entry.name}, {off.count(entry.name)} not shown" for entry in levels.off]
    for note in notes:
        print(f"pytest-bctrl: {note}", file=sys.stderr)
    title = Title("check", contract.name, contract.short_digest, options.fail_on, (*problems, *notes))
    sys.stdout.write(_FORMATS[options.format](found, title))
    for problem in problems:
        print(f"pytest-bctrl: {printable(problem)}", file=sys.stderr)
    if problems:
        return 2
    if not checked:
        raise SettingError(
            "nothing in it answers an operation of the contract",
            where=", ".join(options.paths),
            mend="record a listing, or name another file",
        )
    return 1 if at_or_above(found, options.fail_on) else 0


def _inputs(paths: Sequence[str], problems: list[str]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        if path == _STDIN:
            yield "(standard input)", sys.stdin.buffer.read()
            continue
        files = sorted(Path(path).rglob("*.har")) if Path(path).is_dir() else [Path(path)]
        if not files:
            problems.append(f"{path}: there is no .har file in this folder (name files, or another folder)")
        for file in files:
            try:
                yield str(file), file.read_bytes()
            except OSError as error:
                problems.append(f"{file}: it cannot be read: {error.strerror}")


def _checked(
    name: str, data: bytes, contract: Contract, operation: str | None, own: Sequence[Check]
) -> Iterator[tuple[str, list[Finding]]]:
    """Yield the place and the findings of every answer in a file; raises `DocumentError` where there is none."""
    if not name.endswith(".har") and not _is_har(data):
        if not data.strip():
            raise DocumentError("it is empty", where=name, mend="give a response body in JSON, or a .har file")
        yield "", check(data, contract=contract, operation=operation, checks=own)
        return
    exchanges = decode(data, name).exchanges
    none = True
    for number, exchange in enumerate(exchanges, 1):
        findings = findings_of(exchange, contract, own)
        if findings is not None:
            none = False
            yield f"entry {number}", findings
    if none:
        raise DocumentError(
            "none of its entries answers an operation of the contract",
            where=name,
            mend="record a listing, or name another file",
        )


def _is_har(data: bytes) -> bool:
    """Whether JSON without a name that tells is a HAR: it holds a `log`, which no documented body does."""
    return data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" and data.lstrip(b"\xef\xbb\xbf {\r\n\t").startswith(b'"log"')


def _placed(finding: Finding, name: str, place: str) -> Finding:
    where = f"{name}: {place}" if place else name
    return replace(finding, extra={**finding.extra, "file": name, "entry": place, "why": f"in {where}"})


def _text(findings: Sequence[Finding], title: Title) -> str:
    lines = []
    by_place: dict[str, list[Finding]] = {}
    for finding in findings:
        by_place.setdefault(str(finding.extra["why"]).removeprefix("in "), []).append(finding)
    for place, group in by_place.items():
        lines += [printable(f"{place}: {counted(group)}"), *describe(group), ""]
    lines.append(f"{counted(findings)} under contract {title.revision}")
    return "\n".join(lines) + "\n"


def _github(findings: Sequence[Finding], title: Title) -> str:
    rows = findings_github(findings, title)
    # The annotation belongs to the file that holds the answer.
    marked = []
    for row, finding in zip(rows.splitlines(), findings, strict=False):
        command, _, rest = row.partition(" ")
        file = str(finding.extra["file"]).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
        marked.append(f"{command} file={file},{rest}")
    return "".join(f"{row}\n" for row in [*marked, *rows.splitlines()[len(findings) :]])


_FORMATS: dict[str, Callable[[Sequence[Finding], Title], str]] = {
    "text": _text,
    "json": findings_json,
    "junit": findings_junit,
    "github": _github,
}
