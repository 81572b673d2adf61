"""`pytest-bctrl check`: recordings, HAR files and JSON bodies against the contract."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pytest_bctrl.baseline.allowlist import FILE, AllowList, accepted, last_day, list_notes, load_allow_list
from pytest_bctrl.checks.response import Response, response_from
from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.checks.run import Check, check_answer
from pytest_bctrl.cli.options import (
    accept_findings,
    add_acceptance_arguments,
    add_plugin_argument,
    add_repeatable,
    gathered,
)
from pytest_bctrl.cli.project import add_contract_argument, load_contract
from pytest_bctrl.cli.traffic import name_of, opened
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError, DocumentError, SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import FAIL_ON, Finding, at_or_above, parse_levels
from pytest_bctrl.recorded.conform import listing
from pytest_bctrl.recorded.conform import response_from as response_from_exchange
from pytest_bctrl.reports import FORMATS, writer
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.wording import Title, counted, numbered
from pytest_bctrl.suite.report.observing import Observer, coverage_lines
from pytest_bctrl.traffic.recordings.exchange import Recording

EXAMPLES = (
    "pytest-bctrl check recordings/",
    "pytest-bctrl check body.json --fail-on warning",
    "pytest-bctrl check body.json --level undocumented_property=off --format json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a .har file, a .zip that holds one, a JSON body, a folder, or - for stdin",
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="default: %(default)s")
    parser.add_argument("--fail-on", choices=FAIL_ON, default="error", help="lowest level that gives exit code 1")
    text = "level of a rule, or of RULE@LOCATION: error, warning, info or off; repeatable"
    add_repeatable(parser, "--level", "RULE=LEVEL", text)
    add_plugin_argument(parser, "checks")
    parser.add_argument(
        "--operation", metavar="ID", help="what a bare body answers, where the contract has several operations"
    )
    add_contract_argument(parser)
    add_acceptance_arguments(parser, f"findings that are ignored until a date (default: {FILE}, if there)")


def run(options: argparse.Namespace) -> int:
    """Check every file; return 1 where one breaks the contract, 2 where something could not be checked.

    What cannot be read or checked does not keep the rest from being checked.
    """
    today = date.today()
    until = last_day(options.accept, options.until, today)
    allow_list = _allow_list(options)
    contract = load_contract(options.contract)
    (own,) = gathered(options.plugin, {"pytest_bctrl_checks": Check})
    levels = parse_levels(options.level, "--level")
    invariants = [rule for one in contract.operations for rule in one.invariants]
    levels.require_known(rules_of(invariants, [check.name for check in own]))
    problems, attached = list[str](), set[Path]()
    responses, found, observer = 0, list[Finding](), Observer(contract)
    for path in _names(options.paths, problems):
        try:
            kept, name = opened(path, "give a response body in JSON, or a .har file"), name_of(path)
            for response, entry in _responses(kept, name, contract, options.operation, problems):
                responses += 1
                observer.observe_response(response)
                place = {"file": name, "entry": entry, "why": f"in {name}: {entry}" if entry else f"in {name}"}
                found += [replace(one, extra={**one.extra, **place}) for one in check_answer(response, own=own)]
            if isinstance(kept, Recording):
                attached |= {(Path(name).parent / one).resolve() for one in kept.attachments}
        except BctrlError as error:
            problems.append(str(error))
    findings, off = levels.apply(found)
    notes = _passed_over(options.paths, attached)
    notes += list_notes(findings, allow_list, today) if not problems else []
    notes += [f"switched off by --level: {entry.name}, {off.count(entry.name)} not shown" for entry in levels.off]
    findings = [accepted(finding, allow_list, today) for finding in findings]
    none = () if responses or problems else ("nothing in it answers an operation of the contract",)
    remarks, lacking = (*problems, *notes), (*problems, *none)
    title = Title("check", contract.described, contract.short_digest, options.fail_on, remarks, lacking)
    findings = options.redact.data(findings)
    is_text = options.format == "text"
    sys.stdout.write(_text(findings, title, responses) if is_text else writer(options.format)(findings, title))
    if is_text and responses:
        print(*coverage_lines(observer), sep="\n")
    for problem in (*problems, *notes):
        print(escape_line(f"pytest-bctrl: {problem}"), file=sys.stderr)
    if problems:
        return 2
    failing = at_or_above(findings, options.fail_on)
    if options.accept is None or not failing:
        return 1 if failing else 0
    return accept_findings(allow_list.path, failing, options.accept, until)


def _allow_list(options: argparse.Namespace) -> AllowList:
    path = Path(options.allow_list or FILE)
    if options.allow_list is not None and options.accept is None and not path.is_file():
        raise SettingError(f"{str(path)!r} is not a file", where="--allow-list", hint="--accept REASON writes one")
    return load_allow_list(path, str(path))


def _passed_over(paths: Sequence[str], attached: Collection[Path]) -> list[str]:
    """What nobody looked at: in a folder JSON and archives may hold answers or anything, unless a HAR names them."""
    notes = []
    for path in paths:
        found = [] if path == "-" or not Path(path).is_dir() else list(Path(path).rglob("*"))
        for suffix, what in ((".json", "bodies"), (".zip", "archives")):
            number = sum(1 for one in found if one.suffix.lower() == suffix and one.resolve() not in attached)
            if number:
                files = f"1 {suffix} file was" if number == 1 else f"{number} {suffix} files were"
                notes.append(f"{path}: {files} not looked at; {what} have to be named")
    return notes


def _names(paths: Sequence[str], problems: list[str]) -> Iterator[str]:
    """Yield every file that is meant, those of a folder in order."""
    for path in paths:
        if path == "-" or not Path(path).is_dir():
            yield path
            continue
        files = sorted(file for file in Path(path).rglob("*") if file.suffix.lower() == ".har")
        if not files:
            problems.append(f"{path}: there is no .har file in this folder (name files, or another folder)")
        yield from map(str, files)


def _responses(
    kept: Recording | bytes, name: str, contract: Contract, operation: str | None, problems: list[str]
) -> Iterator[tuple[Response, str]]:
    """Yield the answers of a file, each with what its entry is called; `operation` is what a bare body answers.

    Raises `DocumentError` where there is nothing in it to be checked.
    """
    if isinstance(kept, bytes):
        yield response_from(kept, contract, operation), ""
        return
    is_empty = True
    for number, exchange in enumerate(kept.exchanges, 1):
        response = response_from_exchange(exchange, contract)
        is_left_out = not exchange.is_complete and any(listing([exchange], contract))
        is_empty = is_empty and response is None and not is_left_out
        if response is not None:
            yield response, f"entry {number}"
        elif is_left_out:
            problems.append(f"{name}: entry {number}: the file does not have the body (save it with the bodies)")
    if is_empty:
        problem = "none of its entries answers an operation of the contract"
        raise DocumentError(problem, where=name, hint="record a listing, or name another file")


def _text(findings: Sequence[Finding], title: Title, responses: int) -> str:
    lines = []
    by_place: dict[str, list[Finding]] = {}
    for finding in findings:
        by_place.setdefault(str(finding.extra["why"]).removeprefix("in "), []).append(finding)
    for place, group in by_place.items():
        lines += [f"{place}: {counted(group)}", *describe(group), ""]
    checked = f"{numbered(responses, 'response')} checked"
    # Nothing found in nothing checked is no finding.
    suppressed = sum(1 for finding in findings if finding.extra.get("accepted"))
    found = f": {counted(findings)}{f', {suppressed} of them accepted' if suppressed else ''}" if responses else ""
    lines.append(f"{checked}{found} under contract {title.revision}, {title.base}")
    return "\n".join(map(escape_line, lines)) + "\n"
