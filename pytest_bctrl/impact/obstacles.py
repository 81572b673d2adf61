"""The reasons why a rerun of a test on mocks of its own proves nothing about a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.impact.change import Change, is_about_credentials
from pytest_bctrl.impact.contract_version import operation_shapes
from pytest_bctrl.impact.interceptor import InterceptedExchange, Interceptor, are_same
from pytest_bctrl.request_checks.credentials import credential_violations

NO_CREDENTIALS = "it sends no credentials, so it does not show which ones the code sends"
UNANSWERED = "its mock has no response for a request that it sends only with the change"


def obstacle_to(change: Change, exchanges: Iterable[InterceptedExchange], interceptor: Interceptor) -> str:
    """Return why a change cannot be applied to the responses of a test; empty if it can.

    Whether a request is still valid does not depend on the response.
    """
    shapes = _affected_shapes(change.finding)
    for exchange in exchanges:
        reason = _obstacle_in(exchange, change, interceptor)
        if reason and (not shapes or interceptor.operation_shape(exchange.request) in shapes):
            return reason
    return ""


def _obstacle_in(exchange: InterceptedExchange, change: Change, interceptor: Interceptor) -> str:
    """Return why a change cannot be applied to one exchange; empty if it can, or if it changes nothing there."""
    if is_about_credentials(change.finding) and _lacks_credentials(exchange, interceptor):
        return NO_CREDENTIALS
    if exchange.obstacle and change.request_shapes and not exchange.request.unread:
        changed = interceptor.transformed(change.transform, exchange.request, exchange.original)
        if are_same(exchange.original, changed):
            return ""
    return exchange.obstacle


def _lacks_credentials(exchange: InterceptedExchange, interceptor: Interceptor) -> bool:
    """Return whether a request to a mock of the project lacks required credentials; False for the mock of this kit."""
    operation = interceptor.operation(exchange.request)
    if operation is None or not exchange.client_library:
        return False
    return any(credential_violations(operation, exchange.request))


def _affected_shapes(finding: Finding) -> set[str]:
    """Return the shapes of the operations that a change affects; an empty set if it affects all of them."""
    shapes = operation_shapes(finding)
    if not shapes and finding.operation:
        return {shape(finding.operation)}
    return shapes


def unanswered_requests(
    exchanges: Iterable[InterceptedExchange], failures: Mapping[str, int], interceptor: Interceptor
) -> Counter[str]:
    """Return the number of requests per operation that got no response, or an error, from the project's own mocks.

    Not by path, which may have another identifier in each run.
    """
    counts = Counter(failures)
    for exchange in exchanges:
        operation = interceptor.operation(exchange.request)
        if operation is not None and exchange.client_library and exchange.original.status >= 400:
            counts[operation.label] += 1
    return counts


def unanswered_reason(with_change: Counter[str], without_change: Counter[str]) -> str:
    """Return why a rerun proves nothing: more requests got no response than without the change; empty if not."""
    further = with_change - without_change
    if not further:
        return ""
    return f"{UNANSWERED}: {next(iter(further))}"


def with_read_bodies(
    exchanges: Iterable[InterceptedExchange], rerun_exchanges: Sequence[tuple[Request, MockResponse, str]]
) -> list[InterceptedExchange]:
    """Return exchanges with the bodies that the test did not read, taken from a rerun, which reads every body."""
    responses = {_method_and_path(request): response for request, response, _ in reversed(rerun_exchanges)}
    read_exchanges = []
    for exchange in exchanges:
        response = responses.get(_method_and_path(exchange.request))
        if exchange.is_unread and response is not None:
            exchange = exchange._replace(original=response, sent=response, is_unread=False)
        read_exchanges.append(exchange)
    return read_exchanges


def _method_and_path(request: Request) -> tuple[str, str]:
    """Return the method and the path of a request."""
    return request.method, request.path
