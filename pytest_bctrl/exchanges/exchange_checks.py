"""Checks an exchange, a request and its response, against a contract."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pytest_bctrl.checks.protocol import coding_violation, unknown_headers
from pytest_bctrl.checks.redact import redact_findings, response_credentials
from pytest_bctrl.checks.response import Response, content_key, share
from pytest_bctrl.checks.run import Check, check_response
from pytest_bctrl.checks.violation import findings as findings_in
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.exchanges.account import Outcome
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.http.routes import Match
from pytest_bctrl.request_checks.run import request_checks
from pytest_bctrl.request_checks.violation import CREDENTIALS, findings_of


class CheckedExchange(NamedTuple):
    """The result of one exchange.

    `request` has no credentials. `operation` is None if the contract lacks the operation. `response` is None then, and
    if its body is not known. `not_checked` has the reasons why a part of the exchange was not checked, `credentials`
    the credentials in it.
    """

    request: Request
    outcome: Outcome
    operation: Operation | None = None
    response: Response | None = None
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[str, ...] = ()
    credentials: frozenset[str] = frozenset()


_SHARED_RESPONSES, _SHARED_BYTES = 256, 65_536
"""Maximum number of responses whose results are reused, and the maximum size of their bodies in bytes."""


def response_in(
    exchange: Exchange,
    contract: Contract,
    operation: Operation,
    path_values: Mapping[str, str],
    usual: Response | None = None,
) -> Response:
    """Return the response of an exchange with an operation, for checks; `usual` is that to the plain request."""
    has_all_headers = exchange.has_all_headers and exchange.contract in ("", contract.digest)
    return Response(
        contract,
        operation,
        exchange.status,
        exchange.headers,
        exchange.body,
        path_values,
        exchange.reproduce,
        exchange.request.method,
        has_all_headers,
        usual,
        exchange.has_body,
        exchange.request.query,
    )


class ExchangeChecks:
    """Checks exchanges against one contract; `custom` are the project's custom checks of responses."""

    def __init__(self, contract: Contract, custom: Iterable[Check] = ()) -> None:
        self.contract = contract
        self._custom = tuple(custom)
        self._requests = request_checks(contract)
        self._earlier_responses: OrderedDict[object, Response] = OrderedDict()

    def match(self, request: Request) -> Match | None:
        """Return the operations at the path of a request, and its path values; None if no path matches."""
        return self._requests.routes.match(request.target)

    def check(self, exchange: Exchange) -> CheckedExchange:
        """Return the findings about request and response; raises `BrokenCheckError` if a custom check raises."""
        request = exchange.request
        shown, sent = self.redacted(request)
        match = self.match(request)
        operation = match.of(request.method) if match else None
        if match is None or operation is None:
            exclusions = tuple(self._exclusions(request))
            outcome: Outcome = "not checked" if exclusions else "unmatched"
            return CheckedExchange(shown, outcome, not_checked=exclusions, credentials=sent)
        violations = self._requests.of(operation).violations(request, match.values)
        if exchange.hides_credentials:
            violations = (violation for violation in violations if violation.rule != CREDENTIALS)
        findings = findings_of(violations, operation, request, self.contract, match.values)
        response, credentials, not_checked = None, sent, []
        if not exchange.coding_problem:
            not_checked.append(exchange.response_unread)
        if exchange.status:
            response = self._response(exchange, operation, match)
            credentials |= response_credentials(response)
            if exchange.coding_problem:
                findings += findings_in(response, [coding_violation(exchange.coding_problem)])
            findings += check_response(response, custom=self._custom)
            names = unknown_headers(response)
            not_checked += [f"the response may lack the required header field {name}" for name in names]
            if exchange.has_body:
                not_checked.append(response.unvalidated)
        findings = redact_findings(findings, credentials)
        reasons = tuple(filter(None, not_checked))
        outcome = "not checked" if reasons else "checked"
        if exchange.unanswered:
            outcome = "unanswered"
        known_response = response if exchange.has_body else None
        return CheckedExchange(shown, outcome, operation, known_response, tuple(findings), reasons, credentials)

    def redacted(self, request: Request) -> tuple[Request, frozenset[str]]:
        """Return a request without its credentials, and the credentials."""
        return self._requests.redacted(request)

    def _exclusions(self, request: Request) -> list[str]:
        """Return the reason why a request is not checked if its operation is invalid in the document; else empty."""
        exclusion = self._requests.exclusion(request)
        if exclusion is None:
            return []
        return [f"{exclusion.operation} is invalid in the document: {exclusion.reason}"]

    def _response(self, exchange: Exchange, operation: Operation, match: Match) -> Response:
        """Return the response to check; a small one shares its results with an earlier response of the same content."""
        response = response_in(exchange, self.contract, operation, match.values)
        if len(exchange.body) > _SHARED_BYTES:
            return response
        key = content_key(response)
        earlier = self._earlier_responses.get(key)
        if earlier is not None:
            share(response, earlier)
            self._earlier_responses.move_to_end(key)
            return response
        self._earlier_responses[key] = response
        if len(self._earlier_responses) > _SHARED_RESPONSES:
            self._earlier_responses.popitem(last=False)
        return response
