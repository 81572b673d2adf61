"""`pytest-bctrl check`: checks recordings, HAR files and JSON bodies against the contract."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from pytest_bctrl.baseline.baseline_file import (
    baseline_notes,
    expiry_date,
    load_baseline,
    mark_accepted,
)
from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.checks.response import Response, response_from
from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.checks.run import Check, check_response
from pytest_bctrl.cli.options import (
    accept_findings,
    add_acceptance_arguments,
    add_plugin_argument,
    add_repeatable,
    load_custom_parts,
)
from pytest_bctrl.cli.project import add_contract_argument, baseline_path, load_contract
from pytest_bctrl.cli.traffic import open_traffic
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.drift.sources import source_name
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.exchanges.coverage_text import first_coverage_lines
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.findings.finding import FAIL_ON, Finding, at_or_above, parse_levels
from pytest_bctrl.http.message import Headers
from pytest_bctrl.reports import FORMATS, writer
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.verdict import Title, checked_line
from pytest_bctrl.traffic.recordings.guard import credentials_in
from pytest_bctrl.traffic.recordings.har_write import Recording

EXAMPLES = (
    "pytest-bctrl check recordings/",
    "pytest-bctrl check body.json --fail-on warning",
    "pytest-bctrl check body.json --level undocumented_property=off --format json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a .har file, a JSON body, a folder, or - for stdin",
    )
    parser.add_argument("--format", choices=sorted(FORMATS), default="text", help="default: %(default)s")
    parser.add_argument("--fail-on", choices=FAIL_ON, default="error", help="lowest level that gives exit code 1")
    text = "level of a rule, or of RULE@LOCATION: error, warning, info or off; repeatable"
    add_repeatable(parser, "--level", "RULE=LEVEL", text)
    add_plugin_argument(parser, "checks")
    parser.add_argument(
        "--operation", metavar="ID", help="operation of a bare JSON body, if the contract has several operations"
    )
    add_contract_argument(parser)
    add_acceptance_arguments(parser)


@dataclass(slots=True)
class _CheckedFiles:
    """The results of all files: findings, what the responses exercised, and what became of the exchanges.

    `problems` has a sentence for each file that could not be checked. `attached_files` are the files of bodies that
    recordings refer to.
    """

    observer: Observer
    findings: list[Finding] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    problems: list[str] = field(default_factory=list)
    attached_files: set[Path] = field(default_factory=set)

    def add(
        self,
        response: Response | None,
        findings: Iterable[Finding],
        name: str,
        entry: str = "",
        query: str = "",
        sent_headers: Headers = (),
    ) -> None:
        """Add the result of a response, which is None if it is not known, with the file and the entry that have it."""
        if response is not None:
            self.account.operations[response.operation.label] += 1
            self.observer.observe_response(response, query, sent_headers)
        source = {"file": name, "entry": entry, "why": f"in {name}: {entry}" if entry else f"in {name}"}
        self.findings += [replace(finding, extra={**finding.extra, **source}) for finding in findings]


def run(options: argparse.Namespace) -> int:
    """Check every file and report; returns 1 if findings fail, else 2 if something was not checked, else 0.

    A file that cannot be read or checked does not prevent the check of the others. With `--accept`, findings that fail
    are added to the baseline, and the exit code is 0.
    """
    today = date.today()
    until = expiry_date(options.accept, options.until, today)
    path = baseline_path(options.baseline, is_written=options.accept is not None)
    baseline = load_baseline(path, str(path))
    contract = load_contract(options.contract)
    (custom_checks,) = load_custom_parts(options.plugin, {"pytest_bctrl_checks": Check})
    levels = parse_levels(options.level, "--level")
    invariants = [rule for operation in contract.operations for rule in operation.invariants]
    levels.require_known(rules_of(invariants, [check.name for check in custom_checks]))
    checked = _check_files(options, contract, custom_checks)
    problems = [*checked.problems, *checked.account.notes("not checked")]
    findings, off = levels.apply(checked.findings)
    notes = [*checked.account.notes("unmatched"), *_notes_on_skipped_files(options.paths, checked.attached_files)]
    if not problems:
        notes += baseline_notes(findings, baseline.without_rules(drift_rules()), today)
    notes += [f"switched off by --level: {entry.name}, {off.count(entry.name)} not shown" for entry in levels.off]
    findings = [mark_accepted(finding, baseline, today) for finding in findings]
    # Each file has a response that was checked, or a problem.
    remarks = (*problems, *notes, *contract.exclusions)
    title = Title("check", contract.described, contract.short_digest, options.fail_on, remarks, tuple(problems))
    title = title._replace(exchanges=checked.account.numbers())
    if checked.account.operations and options.format == "json":
        title = title._replace(coverage=options.redact.data(checked.observer.coverage))
    findings = options.redact.data(findings)
    if options.format == "text":
        sys.stdout.write(_findings_text(findings, title, checked.account))
        if checked.account.operations:
            print(*first_coverage_lines(checked.observer), sep="\n")
    else:
        sys.stdout.write(writer(options.format)(findings, title))
    for remark in remarks:
        print(escape_line(f"pytest-bctrl: {remark}"), file=sys.stderr)
    failing = at_or_above(findings, options.fail_on)
    if failing and options.accept is None:
        return 1
    if problems:
        return 2
    if not failing:
        return 0
    return accept_findings(baseline.path, failing, options.redact(options.accept), until)


def _check_files(options: argparse.Namespace, contract: Contract, custom_checks: Sequence[Check]) -> _CheckedFiles:
    """Check every response of the files on the command line, and return the results of all of them."""
    checked, checks = _CheckedFiles(Observer(contract)), ExchangeChecks(contract, custom_checks)
    for path in _file_names(options.paths, checked.problems):
        try:
            content, name = open_traffic(path, "give a response body in JSON, or a .har file"), source_name(path)
            if isinstance(content, bytes):
                response = response_from(content, contract, options.operation)
                checked.add(response, check_response(response, custom=custom_checks), name)
                checked.account.add("checked")
                continue
            _check_recording(content, name, checks, checked)
            checked.findings = redact_findings(checked.findings, credentials_in(content.exchanges, contract))
            folder = Path(name).parent
            checked.attached_files |= {(folder / attachment).resolve() for attachment in content.attachments}
        except BctrlError as error:
            checked.problems.append(str(error))
    return checked


def _notes_on_skipped_files(paths: Sequence[str], attached_files: Collection[Path]) -> list[str]:
    """Return a note per folder with the number of .json files that were skipped there.

    They may hold no response. Files that a HAR refers to do not count.
    """
    notes = []
    for path in paths:
        if path == "-" or not Path(path).is_dir():
            continue
        # Only files of this kind are resolved: a link of another name may lead to itself.
        candidates = [file for file in Path(path).rglob("*") if file.suffix.lower() == ".json"]
        number = sum(1 for file in candidates if file.resolve() not in attached_files)
        if number == 1:
            notes.append(f"{path}: 1 .json file was skipped; name bodies on the command line")
        elif number:
            notes.append(f"{path}: {number} .json files were skipped; name bodies on the command line")
    return notes


def _file_names(paths: Sequence[str], problems: list[str]) -> Iterator[str]:
    """Yield the files to check, of a folder its .har files in order; adds a problem for a folder without any."""
    for path in paths:
        if path == "-" or not Path(path).is_dir():
            yield path
            continue
        files = sorted(file for file in Path(path).rglob("*") if file.suffix.lower() == ".har")
        if not files:
            problems.append(f"{path}: there is no .har file in this folder (name files, or another folder)")
        yield from map(str, files)


def _check_recording(content: Recording, name: str, checks: ExchangeChecks, checked: _CheckedFiles) -> None:
    """Check the exchanges of a file, and add the results.

    Raises `DocumentError` if none is to an operation of the contract.
    """
    others: list[tuple[str, str]] = []
    origins: set[str] = set()
    for number, exchange in enumerate(content.exchanges, 1):
        request, entry = exchange.request, f"entry {number}"
        origin, result = _origin(request.url), checks.check(exchange)
        label = f"{name}: {entry}: {request.label}"
        if result.outcome == "unmatched":
            others.append((origin, f"{label} is not in the contract"))
            continue
        origins.add(origin)
        checked.add(result.response, result.findings, name, entry, request.target.partition("?")[2], request.headers)
        checked.account.add(result.outcome, [f"{label}: {reason}" for reason in result.not_checked])
    for origin, text in others:
        if origin in origins:
            checked.account.add("unmatched", [text])
        else:
            # The server has no operation of the contract.
            checked.account.add("foreign")
    if not origins:
        problem = "none of its entries is an exchange with an operation of the contract"
        raise DocumentError(problem, where=name, hint="record a listing, or name another file")


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL."""
    return "://".join(urlsplit(url)[:2])


def _findings_text(findings: Sequence[Finding], title: Title, account: Account) -> str:
    """Return the findings as text, each cause once, and what became of the exchanges."""
    summary = checked_line(str(account), findings, title, has_checked=bool(account.operations))
    return "\n".join(map(escape_line, [*describe(findings), "", summary])).lstrip("\n") + "\n"
