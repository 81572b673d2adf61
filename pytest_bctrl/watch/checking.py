"""Checks the exchanges with the API of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import Check
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.exchanges.exchange_checks import CheckedExchange, ExchangeChecks
from pytest_bctrl.findings.finding import Finding, Levels
from pytest_bctrl.http.codings import Content, content_of, problem_of_part
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange
from pytest_bctrl.watch.selection import ApiExchange, UnwatchedExchange, WatchedApi, WatchedServers

_NO_BODY = frozenset({204, 304})
_SERVER_ERROR = "not_a_server_error"


class UnmatchedRequest(NamedTuple):
    """A request to a watched server that is to no operation of the contract."""

    label: str
    test: str
    sent_at: str


@dataclass(slots=True)
class WatchedTest:
    """What the watch found in the exchanges of one test.

    `operations` counts the checked exchanges by the label of their operation, `off` has the names of the settings that
    switched findings off, `unwatched` the exchanges with other servers whose path is one of the API, `not_checked` the
    reasons why a part of an exchange was not checked, `unanswered` a text for each request without a response, of which
    the request alone was checked, and `unobserved` a sentence for each library that the watch
    cannot observe.
    """

    findings: list[Finding] = field(default_factory=list)
    operations: dict[str, int] = field(default_factory=dict)
    unmatched: list[UnmatchedRequest] = field(default_factory=list)
    unwatched: list[UnwatchedExchange] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    unobserved: list[str] = field(default_factory=list)
    off: list[str] = field(default_factory=list)
    responses: list[tuple[Response, Request]] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)

    def add(self, exchange_result: WatchedTest) -> None:
        """Add the result of an exchange that was checked before the test has ended."""
        self.findings += exchange_result.findings
        for label, count in exchange_result.operations.items():
            self.operations[label] = self.operations.get(label, 0) + count
        self.unmatched += exchange_result.unmatched
        self.unwatched += exchange_result.unwatched
        self.not_checked += exchange_result.not_checked
        self.unanswered += exchange_result.unanswered
        self.off += exchange_result.off
        self.responses += exchange_result.responses
        self.credentials |= exchange_result.credentials


class WatchedContract:
    """The contract and its servers; the mock servers of this kit break it only on request."""

    def __init__(self, contract: Contract, servers: WatchedServers, levels: Levels, custom: Iterable[Check]) -> None:
        self.api = WatchedApi(contract, servers)
        self._levels = levels
        self._checks = ExchangeChecks(contract, custom)
        self._cache: dict[Exchange, CheckedExchange] = {}

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

    def _check(self, exchange: WatchedExchange, test: WatchedTest) -> None:
        """Check an exchange of an operation; list any other as unwatched, unmatched or, if excluded, as not checked."""
        api_exchange = self.api.select(exchange)
        if api_exchange is None:
            headers = tuple((name.lower(), value) for name, value in exchange.request_headers)
            test.credentials |= self._checks.redacted(Request(exchange.method, exchange.url, headers))[1]
            test.unwatched += self.api.unwatched(exchange)
            return
        if api_exchange.operation is not None:
            self._check_operation(exchange, api_exchange, test)
            return
        request, credentials = self._checks.redacted(api_exchange.request)
        test.credentials |= credentials
        exclusions = self._checks.exclusions(request)
        test.not_checked += exclusions
        if not exclusions and not request.is_preflight:
            label = f"{request.method} {_general_path(request.target)}"
            test.unmatched.append(UnmatchedRequest(label, exchange.test, exchange.sent_at))

    def _check_operation(self, exchange: WatchedExchange, api_exchange: ApiExchange, test: WatchedTest) -> None:
        """Check an exchange of an operation, and add the findings to those of the test."""
        request, label = api_exchange.request, api_exchange.operation_label
        content = _response_content(exchange)
        observed = Exchange(
            request,
            exchange.status,
            exchange.response_headers,
            content.body,
            unanswered=exchange.unanswered or exchange.unknown_response,
            response_unread=content.unread,
            coding_problem=content.problem,
            has_all_headers=exchange.has_all_headers,
            hides_credentials=exchange.has_hidden_key,
        )
        checked = self._check_cached(observed)
        test.credentials |= checked.credentials
        findings, off = self._levels.apply(checked.findings)
        if api_exchange.is_of_mock:
            # A test that makes the mock break the contract does so on purpose.
            findings = [finding for finding in findings if finding.direction == "request"]
        if api_exchange.documents(exchange.status):
            # A test may have its mock, or its application, return a server error that the contract documents.
            findings = [finding for finding in findings if finding.rule != _SERVER_ERROR]
        test.findings += [_with_origin(finding, exchange) for finding in findings]
        test.off += off
        if exchange.unanswered:
            test.unanswered.append(f"{label}: {exchange.unanswered}")
            return
        if exchange.unknown_response:
            test.not_checked.append(f"an exchange of {label}: {exchange.unknown_response}")
            return
        test.operations[label] = test.operations.get(label, 0) + 1
        test.not_checked += [f"a response to {label}: {reason}" for reason in checked.not_checked]
        if checked.response is not None:
            test.responses.append((checked.response, request))

    def _check_cached(self, observed: Exchange) -> CheckedExchange:
        """Return the result of checking an exchange; equal small ones, which suites often have, are checked once."""
        if len(observed.body) + len(observed.request.body) > _CACHED_BYTES:
            return self._checks.check(observed)
        checked = self._cache.get(observed)
        if checked is None:
            if len(self._cache) >= _CACHED_EXCHANGES:
                self._cache.clear()
            checked = self._cache[observed] = self._checks.check(observed)
        return checked


_CACHED_EXCHANGES, _CACHED_BYTES = 256, 65_536
"""Maximum number of exchanges whose results are kept, and the maximum size of their bodies in bytes."""


def _response_content(exchange: WatchedExchange) -> Content:
    """Return the decoded body of a response, or why it is not known.

    A client that cannot decode a body stops reading it, so the problem may be in a part of the body.
    """
    body: WatchedBody = exchange.response_body
    if exchange.method.upper() == "HEAD" or exchange.status in _NO_BODY:
        return Content(body.content)
    if not body.is_encoded or body.coding_problem:
        return Content(body.content, body.coding_problem, body.unread)
    codings = ",".join(value for name, value in exchange.response_headers if name.lower() == "content-encoding")
    if body.unread:
        return Content(b"", problem_of_part(body.content, codings), body.unread)
    return content_of(body.content, codings)


def _with_origin(finding: Finding, exchange: WatchedExchange) -> Finding:
    """Return a finding with the test and the line that sent the request, and where the response was registered."""
    origin: dict[str, Any] = {"test": exchange.test, "sent_at": exchange.sent_at, "library": exchange.client_library}
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
