"""`pytest-bctrl check`: recordings, HAR files and JSON bodies against the contract."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pytest_bctrl.baseline.allowlist import FILE, AllowList, accepted, last_day, list_notes, load_allow_list
from pytest_bctrl.checks.answer import Answer, answer_of
from pytest_bctrl.checks.own import Check
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.checks.violation import rules_of
from pytest_bctrl.cli.options import (
    accept_findings,
    add_acceptance_arguments,
    add_plugin_argument,
    gathered,
    require_hooks,
)
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.finding import FAIL_ON, Finding, at_or_above, parse_levels
from pytest_bctrl.incoming import read_file, read_stream
from pytest_bctrl.recorded.conform import answer_of as answer_of_exchange
from pytest_bctrl.recorded.conform import listing
from pytest_bctrl.reports import FORMATS, writer
from pytest_bctrl.reports.github import escaped_property, findings_github
from pytest_bctrl.reports.terminal import describe, printable
from pytest_bctrl.reports.wording import Title, counted
from pytest_bctrl.suite.observing import Observer, coverage_lines
from pytest_bctrl.traffic.recordings.exchange import Recording
from pytest_bctrl.traffic.recordings.har_file import beside
from pytest_bctrl.traffic.recordings.har_file import load as load_recording
from pytest_bctrl.traffic.recordings.har_read import decode, nowhere

_STDIN = "-"
EXAMPLES = (
    "pytest-bctrl check recordings/",
    "pytest-bctrl check body.json --fail-on warning",
    "pytest-bctrl check body.json --level undocumented_property=off --format json",
)
_RECORDINGS = frozenset({".har", ".zip"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a .har file, a .zip that holds one, a JSON body, a folder, or - for stdin",
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="default: %(default)s")
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
    parser.add_argument("--contract", metavar="PATH", help="an OpenAPI document; default: the packaged contract")
    add_acceptance_arguments(parser, f"findings that are accepted for a while (default: {FILE}, if there)")


@dataclass(frozen=True)
class _Against:
    """What answers are held to: the contract, checks of one's own, and the operation that a bare body answers."""

    contract: Contract
    own: tuple[Check, ...]
    operation: str | None


@dataclass(frozen=True)
class _Checked:
    """What one file gave: how many answers were checked, what was found, and what could not be checked.

    `attachments` are the files beside it whose bodies were checked with it.
    """

    answers: int
    findings: tuple[Finding, ...]
    problems: tuple[str, ...] = ()
    attachments: tuple[Path, ...] = ()


def run(options: argparse.Namespace) -> int:
    """Check every file; return 1 where one breaks the contract, 2 where something could not be checked.

    What cannot be read or checked does not keep the rest from being checked.
    """
    today = date.today()
    until = last_day(options.accept, options.until, today)
    allow_list = _allow_list(options)
    contract = load_contract(options.contract, "--contract")
    require_hooks(options.plugin, ["pytest_bctrl_checks"])
    own = tuple(gathered(options.plugin, "pytest_bctrl_checks", Check))
    levels = parse_levels(options.level, "--level")
    invariants = [rule for one in contract.operations for rule in one.invariants]
    levels.require_known(rules_of(invariants, [check.name for check in own]))
    checked: list[_Checked] = []
    problems: list[str] = []
    observer = Observer(contract)
    for name in _names(options.paths, problems):
        try:
            checked.append(_of_file(name, _Against(contract, own, options.operation), observer))
        except OSError as error:
            problems.append(f"{name}: it cannot be read: {error.strerror}")
        except BctrlError as error:
            problems.append(str(error))
    problems += [problem for one in checked for problem in one.problems]
    findings, off = levels.apply(finding for one in checked for finding in one.findings)
    answers = sum(one.answers for one in checked)
    attached = {path.resolve() for one in checked for path in one.attachments}
    notes = [*_passed_over(options.paths, attached), *(list_notes(findings, allow_list, today) if not problems else [])]
    notes += [f"switched off by --level: {entry.name}, {off.count(entry.name)} not shown" for entry in levels.off]
    findings = [accepted(finding, allow_list, today) for finding in findings]
    none = () if answers or problems else ("nothing in it answers an operation of the contract",)
    title = Title(
        "check",
        contract.name,
        contract.short_digest,
        options.fail_on,
        (*problems, *notes),
        (*problems, *none),
    )
    findings = options.hide.data(findings)
    sys.stdout.write(_written(options.format, findings, title, answers))
    if options.format == "text" and answers:
        print(*coverage_lines(observer), sep="\n")
    for problem in (*problems, *notes):
        print(f"pytest-bctrl: {printable(problem)}", file=sys.stderr)
    if problems:
        return 2
    failing = at_or_above(findings, options.fail_on)
    if options.accept is None or not failing:
        return 1 if failing else 0
    return accept_findings(allow_list.path, failing, options.accept, until)


def _allow_list(options: argparse.Namespace) -> AllowList:
    path = Path(options.allow_list or FILE)
    if options.allow_list is not None and options.accept is None and not path.is_file():
        raise SettingError(f"{str(path)!r} is no file", where="--allow-list", mend="--accept REASON writes one")
    return load_allow_list(path, str(path))


def _passed_over(paths: Sequence[str], attached: Collection[Path]) -> list[str]:
    """What nobody looked at: in a folder JSON and archives may hold answers or anything, unless a HAR names them."""
    notes = []
    for path in paths:
        found = [] if path == _STDIN or not Path(path).is_dir() else list(Path(path).rglob("*"))
        for suffix, what in ((".json", "bodies"), (".zip", "archives")):
            number = sum(1 for one in found if one.suffix.lower() == suffix and one.resolve() not in attached)
            if number:
                files = f"1 {suffix} file was" if number == 1 else f"{number} {suffix} files were"
                notes.append(f"{path}: {files} not looked at; {what} have to be named")
    return notes


def _names(paths: Sequence[str], problems: list[str]) -> Iterator[str]:
    """Yield every file that is meant, those of a folder in order."""
    for path in paths:
        if path == _STDIN or not Path(path).is_dir():
            yield path
            continue
        files = sorted(file for file in Path(path).rglob("*") if file.suffix.lower() == ".har")
        if not files:
            problems.append(f"{path}: there is no .har file in this folder (name files, or another folder)")
        yield from map(str, files)


def _of_file(name: str, against: _Against, observer: Observer) -> _Checked:
    """Check one file; raises `DocumentError` where there is nothing in it to be checked."""
    shown, path = ("(standard input)", None) if name == _STDIN else (name, Path(name))
    if path is not None and path.suffix.lower() in _RECORDINGS:
        recording = load_recording(path)
        if recording is None:
            raise DocumentError("there is no such file", where=name, mend="name a file or a folder that is there")
        return _of_recording(shown, recording, against, observer)
    data = read_stream(sys.stdin.buffer) if path is None else read_file(path)
    if _is_har(data):
        attached = nowhere if path is None else beside(path)
        return _of_recording(shown, decode(data, shown, attached=attached), against, observer)
    if not data.strip():
        raise DocumentError("it is empty", where=shown, mend="give a response body in JSON, or a .har file")
    return _Checked(1, tuple(_found(answer_of(data, against.contract, against.operation), against, observer, shown)))


def _of_recording(name: str, recording: Recording, against: _Against, observer: Observer) -> _Checked:
    answers = 0
    found: list[Finding] = []
    problems: list[str] = []
    for number, exchange in enumerate(recording.exchanges, 1):
        answer = answer_of_exchange(exchange, against.contract)
        if answer is not None:
            answers += 1
            found += _found(answer, against, observer, name, f"entry {number}")
        elif not exchange.is_complete and any(listing([exchange], against.contract)):
            problems.append(f"{name}: entry {number}: the body was left out of the file (save it with the bodies)")
    if not answers and not problems:
        problem = "none of its entries answers an operation of the contract"
        raise DocumentError(problem, where=name, mend="record a listing, or name another file")
    attachments = tuple(Path(name).parent / one for one in recording.attachments)
    return _Checked(answers, tuple(found), tuple(problems), attachments)


def _found(answer: Answer, against: _Against, observer: Observer, name: str, place: str = "") -> Iterator[Finding]:
    observer.see_answer(answer)
    return (_placed(finding, name, place) for finding in check_answer(answer, own=against.own))


def _is_har(data: bytes) -> bool:
    """Whether JSON without a name that tells is a HAR: it holds a `log`, which no documented body does."""
    return data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" and data.lstrip(b"\xef\xbb\xbf {\r\n\t").startswith(b'"log"')


def _placed(finding: Finding, name: str, place: str) -> Finding:
    where = f"{name}: {place}" if place else name
    return replace(finding, extra={**finding.extra, "file": name, "entry": place, "why": f"in {where}"})


def _text(findings: Sequence[Finding], title: Title, answers: int) -> str:
    lines = []
    by_place: dict[str, list[Finding]] = {}
    for finding in findings:
        by_place.setdefault(str(finding.extra["why"]).removeprefix("in "), []).append(finding)
    for place, group in by_place.items():
        lines += [printable(f"{place}: {counted(group)}"), *describe(group), ""]
    checked = f"{answers} {'answer' if answers == 1 else 'answers'} checked"
    # Nothing found in nothing checked is no finding.
    borne = sum(1 for finding in findings if finding.extra.get("accepted"))
    found = f": {counted(findings)}{f', {borne} of them accepted' if borne else ''}" if answers else ""
    lines.append(f"{checked}{found} under contract {title.revision}")
    return "\n".join(lines) + "\n"


def _github(findings: Sequence[Finding], title: Title, answers: int) -> str:
    rows = findings_github(findings, title)
    # The annotation belongs to the file that holds the answer.
    marked = []
    for row, finding in zip(rows.splitlines(), findings, strict=False):
        command, _, rest = row.partition(" ")
        file = escaped_property(str(finding.extra["file"]))
        marked.append(f"{command} file={file},{rest}")
    return "".join(f"{row}\n" for row in [*marked, *rows.splitlines()[len(findings) :]])


def _written(name: str, findings: Sequence[Finding], title: Title, answers: int) -> str:
    """The report; two of the formats tell of the files in a way of their own."""
    own = {"text": _text, "github": _github}.get(name)
    return own(findings, title, answers) if own else writer(name)(findings, title)
