"""Checks the exchanges with the API of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import Check
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.exchanges.exchange_checks import CheckedExchange, ExchangeChecks
from pytest_bctrl.findings.finding import Finding, Levels
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.reports.causes import MOCKED
from pytest_bctrl.request_checks.credentials import NO_CREDENTIAL
from pytest_bctrl.request_checks.violation import CREDENTIALS
from pytest_bctrl.watch.exchange import WatchedExchange
from pytest_bctrl.watch.selection import WatchedApi, WatchedServers

_SERVER_ERROR = "not_a_server_error"
_STATUS = "status_code_conformance"


@dataclass(slots=True)
class WatchedTest:
    """What the watch found in the exchanges of one test.

    `is_failed` is whether findings fail the test, `account` has what became of each exchange, `off` the names of the
    settings that switched findings off, and `unobserved` a sentence for each library that the watch cannot observe.
    """

    findings: list[Finding] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    unobserved: list[str] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    responses: list[tuple[Response, Request]] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)
    is_failed: bool = False

    def add(self, exchange_result: WatchedTest) -> None:
        """Add the result of an exchange that was checked before the test has ended."""
        self.findings += exchange_result.findings
        self.account.update(exchange_result.account.as_data())
        self.off += exchange_result.off
        self.responses += exchange_result.responses
        self.credentials |= exchange_result.credentials


class WatchedContract:
    """The contract and its servers; the mock servers of this kit break it only on request."""

    def __init__(self, contract: Contract, servers: WatchedServers, levels: Levels, custom: Iterable[Check]) -> None:
        self.api = WatchedApi(contract, servers)
        self._levels = levels
        self._checks = ExchangeChecks(contract, custom)

    def check(self, exchanges: Iterable[WatchedExchange], test: WatchedTest) -> WatchedTest:
        """Check exchanges, and add the findings and notes to the results of a test, which are returned."""
        for exchange in exchanges:
            if exchange.result is None:
                self._check(exchange, test)
            elif isinstance(exchange.result, Exception):
                raise exchange.result
            elif isinstance(exchange.result, WatchedTest):
                test.add(exchange.result)
        return test

    def _check(self, watched: WatchedExchange, test: WatchedTest) -> None:
        """Check an exchange, and add the findings and what became of it to the results of a test."""
        exchange = self.api.exchange(watched)
        if exchange is None:
            _, credentials = self._checks.redacted(self.api.request(watched))
            test.credentials |= credentials
            self.api.account_for(test.account, watched)
            return
        checked = self._checks.check(exchange)
        test.credentials |= checked.credentials
        if checked.operation is None:
            _account_for_request(test.account, checked, exchange)
            return
        label = checked.operation.label
        test.findings += self._findings(checked, exchange, checked.operation, test.off)
        if checked.outcome == "unanswered":
            test.account.add("unanswered", [f"{label}: {exchange.unanswered}"])
            return
        subject = f"a response to {label}" if exchange.status else f"an exchange of {label}"
        test.account.add(checked.outcome, [f"{subject}: {reason}" for reason in checked.not_checked])
        if exchange.status:
            test.account.operations[label] += 1
        if checked.response is not None:
            test.responses.append((checked.response, exchange.request))

    def _findings(
        self, checked: CheckedExchange, exchange: Exchange, operation: Operation, off: list[str]
    ) -> Iterator[Finding]:
        """Yield the findings about an exchange at their levels, with its origin; adds those switched off to `off`."""
        by_evidence: Iterable[Finding] = checked.findings
        is_documented = operation.response_for(exchange.status) is not None
        if is_documented and (exchange.is_mocked or exchange.is_in_process):
            # A test may have its mock, or its application, return a server error that the contract documents.
            by_evidence = [finding for finding in by_evidence if finding.rule != _SERVER_ERROR]
        if exchange.is_mocked:
            by_evidence = map(_lowered, by_evidence)
        findings, switched_off = self._levels.apply(by_evidence)
        off += switched_off
        for finding in findings:
            # A test that makes the mock break the contract does so on purpose.
            if not exchange.is_of_mock or finding.direction == "request":
                yield _with_origin(finding, exchange)


def _lowered(finding: Finding) -> Finding:
    """Return a finding about an exchange with a mock library, as info if tests mock such a fault on purpose.

    A test has a mock return a failure, documented or not, to see what the client does, and a mock needs no credential.
    """
    is_status = finding.rule == _SERVER_ERROR or (finding.rule == _STATUS and int(finding.extra["status"]) >= 400)
    extra = {**finding.extra, "kind": MOCKED}
    if is_status:
        message = "a mock returned a status that the contract does not document"
        lowered = replace(finding, rule=_STATUS, level="info", message=message, fingerprint="", extra=extra)
        return with_fingerprint(lowered)
    if finding.rule == CREDENTIALS and finding.observed == NO_CREDENTIAL:
        return replace(finding, level="info", extra=extra)
    return finding


def _account_for_request(account: Account, checked: CheckedExchange, exchange: Exchange) -> None:
    """Add a request to no operation of the contract to an account; a CORS preflight has no note."""
    request = checked.request
    if checked.outcome == "unmatched" and not request.is_preflight:
        label = f"{request.method} {_general_path(request.target)}"
        account.add("unmatched", [label], (exchange.sent_at, exchange.test))
    else:
        account.add(checked.outcome, checked.not_checked)


def _with_origin(finding: Finding, exchange: Exchange) -> Finding:
    """Return a finding with the test and the line that sent the request, and where the response was registered."""
    origin: dict[str, Any] = {"test": exchange.test, "sent_at": exchange.sent_at, "library": exchange.client_library}
    if exchange.called_at not in ("", exchange.sent_at):
        origin["called_at"] = exchange.called_at
    if exchange.registered and finding.direction != "request":
        origin["registered"] = exchange.registered
    return replace(finding, extra={**finding.extra, "watched": [origin]})


_VARIABLE = re.compile(r"(?<=/)(?:\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[^/]*\d[^/]*)(?=/|$)")
_VERSION = re.compile(r"v\d+(\.\d+)*")


def _general_path(target: str) -> str:
    """Return the path of a target with `{id}` for each segment that has a digit, except versions such as `v1`."""
    path = target.partition("?")[0]
    return _VARIABLE.sub(_general_segment, path)


def _general_segment(match: re.Match[str]) -> str:
    """Return `{id}` in place of a path segment; a version such as `v1` is unchanged."""
    return match[0] if _VERSION.fullmatch(match[0]) else "{id}"


def findings_in_tests(findings: Iterable[Finding], merged: Iterable[Finding]) -> list[Finding]:
    """Return merged findings, each with the tests and lines of all findings that were merged into it."""
    origins: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for finding in findings:
        for key in (_finding_key(finding), _location_key(finding)):
            collected = origins.setdefault(key, [])
            collected += [origin for origin in finding.extra["watched"] if origin not in collected]
    # A finding that stands for further values has an identity of its own.
    return [
        _with_origins(finding, origins.get(_finding_key(finding), origins[_location_key(finding)]))
        for finding in merged
    ]


def _with_origins(finding: Finding, origins: Sequence[dict[str, Any]]) -> Finding:
    """Return a finding with origins, as data and as a sentence."""
    extra = {**finding.extra, "watched": list(origins), "why": _origin_text(origins)}
    return replace(finding, extra=extra)


def _origin_text(origins: Sequence[dict[str, Any]]) -> str:
    """Return a sentence about the first origin of a finding, with the number of further ones."""
    first = origins[0]
    at_line = f" at {first['sent_at']}" if first["sent_at"] else ""
    text = f"sent{at_line} in {first['test']}"
    if "registered" in first:
        text += f", mocked by {first['registered']}"
    if len(origins) > 1:
        text += f", and {len(origins) - 1} more"
    return text


def _finding_key(finding: Finding) -> tuple[str, ...]:
    """Return a key of the operation, rule, level, location, message and fingerprint of a finding."""
    return *_location_key(finding), finding.message, finding.fingerprint


def _location_key(finding: Finding) -> tuple[str, ...]:
    """Return a key of the operation, rule, level and location of a finding."""
    return finding.operation, finding.rule, finding.level, finding.location
