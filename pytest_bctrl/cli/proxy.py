"""`pytest-bctrl proxy`: forwards requests to an API, and checks requests and responses against the contract."""

from __future__ import annotations

import argparse
import os
import ssl
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bctrl.baseline.baseline_file import baseline_notes, expiry_date, load_baseline, mark_accepted
from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.checks.run import Check
from pytest_bctrl.cli.options import (
    ReportFile,
    accept_findings,
    add_acceptance_arguments,
    add_plugin_argument,
    add_repeatable,
    load_custom_parts,
    write_reports,
)
from pytest_bctrl.cli.project import add_contract_argument, baseline_path, load_contract
from pytest_bctrl.cli.proxied_traffic import ProxiedTraffic, count_lines
from pytest_bctrl.cli.proxy_recording import ProxyRecording
from pytest_bctrl.cli.serving import LineLog, byte_count, serve_until_signal, warn_of_other_machines
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.exchanges.account import Account, Outcome
from pytest_bctrl.exchanges.coverage_text import first_coverage_lines
from pytest_bctrl.findings.finding import FAIL_ON, Finding, Levels, at_or_above, parse_levels
from pytest_bctrl.reports import SUFFIXES
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.verdict import Title, checked_line
from pytest_bctrl.request_checks.violation import request_rules
from pytest_bctrl.settings import lookup, resolve, table
from pytest_bctrl.settings.project import project_setting
from pytest_bctrl.traffic.listening import reachable_url
from pytest_bctrl.traffic.origin import Connection, base_url, origin_of
from pytest_bctrl.traffic.proxy.server import ProxyEvents, ProxyServer

if TYPE_CHECKING:
    import pytest

_PORT = 8788
_MAX_BODY = 32 * 1024 * 1024
EXAMPLES = (
    "pytest-bctrl proxy https://api.example.com",
    "pytest-bctrl proxy http://localhost:3000 --port 0 --ready-file proxy.json --report traffic.html",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("target", metavar="TARGET", help="base URL of the API or the mock to forward to")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=_PORT, help="port; 0 takes a free one (default: %(default)s)")
    add_contract_argument(parser)
    parser.add_argument("--fail-on", choices=FAIL_ON, default="error", help="lowest level that gives exit code 1")
    text = "level of a rule, or of RULE@LOCATION: error, warning, info or off; repeatable"
    add_repeatable(parser, "--level", "RULE=LEVEL", text)
    add_plugin_argument(parser, "checks")
    add_repeatable(
        parser, "--report", "PATH", "write a report at the end: .json, .html, .md, .sarif or .xml; repeatable"
    )
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write the exchanges to a .har file, without secrets"
    )
    parser.add_argument(
        "--only-safe", action="store_true", help="respond with 405 to every method except GET, HEAD and OPTIONS"
    )
    parser.add_argument(
        "--max-body",
        type=byte_count,
        metavar="SIZE",
        default=_MAX_BODY,
        help="largest body that is checked, such as 100MB; a larger one is forwarded only (default: 32MB)",
    )
    add_repeatable(parser, "--allow-host", "HOST", "accept requests to this host name too; * for all; repeatable")
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="JSON file that exists while the proxy accepts requests"
    )
    parser.add_argument("--quiet", action="store_true", help="print no line for each finding, only the summary")
    add_acceptance_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Forward requests until Ctrl-C or SIGTERM, and report; returns 1 if findings fail, else 2 if parts are unchecked.

    Otherwise returns 0. With `--accept`, findings that fail are added to the baseline and do not count.
    """
    today = date.today()
    until = expiry_date(options.accept, options.until, today)
    path = baseline_path(options.baseline, is_written=options.accept is not None)
    baseline = load_baseline(path, str(path))
    contract = load_contract(options.contract)
    (custom_checks,) = load_custom_parts(options.plugin, {"pytest_bctrl_checks": Check})
    levels = _levels(options, contract, custom_checks)
    reports = [_report_file(name) for name in options.report]
    target = _target_url(options.target)
    recording = _requested_recording(options, contract, target)
    log = None if options.quiet else LineLog(sys.stdout.fileno(), options.redact)
    traffic = ProxiedTraffic(
        contract,
        options.redact,
        target_origin=str(origin_of(target)),
        custom_checks=custom_checks,
        levels=levels,
        print_line=(lambda line: None) if log is None else (lambda line: log(f"{line}\n")),
        keep=(lambda exchange: None) if recording is None else recording.add,
    )
    _serve(options, target, traffic)
    if log is not None:
        log.close()
    problems = []
    if recording is not None:
        problems += recording.save()
    findings = [mark_accepted(finding, baseline, today) for finding in traffic.findings]
    notes = [
        *baseline_notes(findings, baseline.without_rules(drift_rules()), today),
        *_summary_notes(traffic, levels),
        *(recording.notes if recording is not None else ()),
    ]
    findings = options.redact.data(findings)
    title = _title(options, traffic, problems, notes)
    _print_summary(options, findings, title, traffic)
    write_reports(reports, findings, title, "--report")
    failing = at_or_above(findings, options.fail_on)
    if failing and options.accept is not None:
        accept_findings(baseline.path, failing, options.redact(options.accept), until)
    elif failing:
        return 1
    return 2 if title.not_checked else 0


def _serve(options: argparse.Namespace, target: str, traffic: ProxiedTraffic) -> None:
    """Run the proxy until a signal arrives."""
    events = ProxyEvents(
        traffic.add_exchange,
        traffic.add_surplus,
        traffic.add_unreachable,
        traffic.add_rejected,
        lambda line: print(escape_line(f"proxy: {line}"), file=sys.stderr, flush=True),
    )
    server = ProxyServer(
        target,
        events,
        host=options.host,
        port=options.port,
        hosts=options.allow_host,
        only_safe=options.only_safe,
        body_limit=options.max_body,
        context=_tls_context(target),
    )

    def announce() -> dict[str, object]:
        """Print what the proxy forwards, and return the data of the ready file."""
        url = reachable_url(server.url)
        print(escape_line(f"proxy of {target} on {url}"))
        warn_of_other_machines(options.host)
        print(escape_line(f"contract {traffic.contract.described}"), flush=True)
        return {"url": url, "target": target, "pid": os.getpid()}

    serve_until_signal(server, options.ready_file, announce)


def _target_url(text: str) -> str:
    """Return the normalised base URL of the target. Raises `SettingError` as `base_url` does."""
    hosts = project_setting("bctrl_http_hosts", partial(lookup.file_values, table.HTTP_HOSTS)) or []
    http_hosts = [line.value.strip().lower() for line in hosts]
    return base_url(text, where="TARGET", prefix="", http_hosts=http_hosts)


def _tls_context(target: str) -> ssl.SSLContext | None:
    """Return the TLS context for the target, with the project's client certificate; None for plain http."""
    if not target.startswith("https:"):
        return None
    # Loads httpx, which a target without TLS does not need.
    from pytest_bctrl.traffic.client import tls_context

    return tls_context(Connection(certificate=_certificate_path()))


def _certificate_path() -> str:
    """Return the path of the client certificate: of the environment, else of the project; empty if none is set."""
    setting = project_setting("bctrl_client_cert", _configured_certificate)
    if setting is not None:
        return setting.value
    return next(filter(None, map(os.environ.get, table.CLIENT_CERT.environment)), "")


def _configured_certificate(config: pytest.Config) -> lookup.SettingValue | None:
    """Return the client certificate of `PYTEST_ADDOPTS`, else of the environment, else of the file; None if not set."""
    return lookup.find_value(table.CLIENT_CERT, config, os.environ)


def _levels(options: argparse.Namespace, contract: Contract, custom_checks: Sequence[Check]) -> Levels:
    """Return the levels of `--level`. Raises `SettingError` for a rule that does not exist."""
    levels = parse_levels(options.level, "--level")
    invariants = [rule for operation in contract.operations for rule in operation.invariants]
    levels.require_known([*rules_of(invariants, [check.name for check in custom_checks]), *request_rules()])
    return levels


def _report_file(name: str) -> ReportFile:
    """Return the report to write to a file, in the format of its suffix.

    Raises `SettingError` for another suffix, and if the folder does not exist.
    """
    path = Path(name)
    if path.suffix.lower() not in SUFFIXES:
        raise SettingError(
            f"unknown format {path.suffix or name!r}", where="--report", hint=f"give one of {', '.join(SUFFIXES)}"
        )
    if not path.absolute().parent.is_dir():
        raise SettingError(f"there is no folder {path.parent}", where="--report", hint="create it first")
    return ReportFile(SUFFIXES[path.suffix.lower()], name)


def _requested_recording(options: argparse.Namespace, contract: Contract, target: str) -> ProxyRecording | None:
    """Return the recording for `--record`, or None. Raises `SettingError` if the file is not a .har file."""
    if options.record is None:
        return None
    if options.record.suffix.lower() != ".har":
        raise SettingError(f"{str(options.record)!r} is not a .har file", where="--record", hint="name it FILE.har")
    scrubs_ids = project_setting("bctrl_scrub", resolve.scrubs_ids) or False
    return ProxyRecording(options.record, contract, target, options.redact, scrubs_ids=scrubs_ids)


def _summary_notes(traffic: ProxiedTraffic, levels: Levels) -> Iterator[str]:
    """Yield notes on unmatched, rejected and cancelled requests, and on each rule that is switched off."""
    for request in count_lines(_note_counts(traffic.account, "unmatched")):
        yield f"not in the contract: {request}"
    for request in count_lines(traffic.rejected):
        yield f"not forwarded: {request}"
    for reason in count_lines(_note_counts(traffic.account, "unanswered")):
        yield f"without a complete response: {reason}"
    for entry in levels.off:
        yield f"switched off by --level: {entry.name}, {traffic.switched_off[entry.name]} not shown"


def _note_counts(account: Account, outcome: Outcome) -> dict[str, int]:
    """Return how many exchanges of an outcome have each note."""
    return {text: note.count for text, note in account.notes(outcome).items()}


def _title(
    options: argparse.Namespace, traffic: ProxiedTraffic, problems: Sequence[str], notes: Sequence[str]
) -> Title:
    """Return the title of the reports, with secrets removed."""
    contract = traffic.contract
    account = traffic.account
    not_checked = [*problems, *count_lines(traffic.problems), *count_lines(_note_counts(account, "not checked"))]
    if not account.operations and not not_checked:
        not_checked.append("no exchange of an operation of the contract")
    # Paths of requests may hold a secret.
    not_checked, notes = options.redact.data(not_checked), options.redact.data([*notes, *contract.exclusions])
    remarks = (*not_checked, *notes)
    title = Title("proxy", contract.described, contract.short_digest, options.fail_on, remarks, tuple(not_checked))
    measured = options.redact.data(traffic.observer.coverage) if account.operations else None
    return title._replace(exchanges=account.numbers(), coverage=measured)


def _print_summary(
    options: argparse.Namespace, findings: Sequence[Finding], title: Title, traffic: ProxiedTraffic
) -> None:
    """Print the findings, what was not checked, notes, coverage, and the verdict."""
    lines = [*describe(findings), ""] if findings else []
    lines += [f"not checked: {reason}" for reason in title.not_checked]
    lines += [note for note in title.notes if note not in title.not_checked]
    if traffic.account.operations:
        lines += options.redact.data(list(first_coverage_lines(traffic.observer)))
    has_checked = bool(traffic.account.operations)
    lines += ["", checked_line(str(traffic.account), findings, title, has_checked=has_checked)]
    print(*map(escape_line, lines), sep="\n", flush=True)
