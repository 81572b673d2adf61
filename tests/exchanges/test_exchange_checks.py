"""Checks of whole exchanges agree with `check` and `check_request` on the same request and response."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_bctrl import check, check_request
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from tests.request_checks.orders import ORDER, body, contract_of_paths, operation, response

BROKEN = {"$ref": "#/components/schemas/Missing"}
CONTRACT = contract_of_paths(
    {
        "/orders": {
            "post": {**body(ORDER), "responses": {"201": response(ORDER)}},
            "get": operation(parameters=[{"name": "limit", "in": "query", "schema": {"type": "integer"}}]),
        },
        "/orders/{id}": {"get": operation(responses={"200": response(ORDER)})},
        "/broken": {"get": operation(parameters=[{"name": "q", "in": "query", "schema": BROKEN}])},
    }
)
VALID_ORDER = {"qty": 1, "size": "s"}
STORED_ORDER = {"id": 7, **VALID_ORDER}
JSON = (("content-type", "application/json"),)


def exchange(
    method: str, target: str, sent: Any = None, status: int = 200, received: Any = None, **fields: Any
) -> Exchange:
    """Return an exchange with JSON bodies: `sent` in the request, none for None, and `received` in the response."""
    request_body = b"" if sent is None else json.dumps(sent).encode()
    request = Request(method, target, JSON if request_body else (), request_body)
    return Exchange(request, status, JSON, json.dumps(received).encode(), **fields)


@pytest.mark.parametrize(
    "observed",
    [
        exchange("POST", "/orders", VALID_ORDER, 201, STORED_ORDER),
        exchange("POST", "/orders", {"qty": 0}, 201, {"id": "7"}),
        exchange("POST", "/orders", VALID_ORDER, 500, {}),
        exchange("GET", "/orders?limit=many", None, 200, []),
        exchange("GET", "/orders/7", None, 200, STORED_ORDER),
        exchange("GET", "/orders/7", None, 404, {}),
    ],
    ids=lambda observed: f"{observed.request.method} {observed.request.target} {observed.status}",
)
def test_findings_are_those_of_the_public_functions(observed: Exchange) -> None:
    """`ExchangeChecks` reports what `check` and `check_request` report, also for a second, equal exchange."""
    checks = ExchangeChecks(CONTRACT)
    request = observed.request
    result = checks.check(observed)
    assert result.operation is not None
    response_object = httpx.Response(
        observed.status,
        headers=dict(observed.headers),
        content=observed.body,
        request=httpx.Request(request.method, f"http://h{request.target}"),
    )
    expected = [
        *check_request(request, contract=CONTRACT),
        *check(response_object, contract=CONTRACT, operation=result.operation.label),
    ]

    def summary(findings: Any) -> list[tuple[str, ...]]:
        """Return level, rule, location and message of each finding, sorted."""
        return sorted((finding.level, finding.rule, finding.location, finding.message) for finding in findings)

    assert summary(expected) == summary(result.findings)
    # A second exchange with the same response reuses its results.
    assert result.findings == checks.check(observed).findings


def test_unread_bodies_are_reported_and_not_checked() -> None:
    """The request has a finding with the reason, `not_checked` that of the response; the status is checked."""
    unread = exchange("POST", "/orders", {}, 418, response_unread="the body is too large")
    unread = replace(unread, request=replace(unread.request, unread="a stream"))
    result = ExchangeChecks(CONTRACT).check(unread)
    assert ["request_not_checked", "status_code_conformance"] == [finding.rule for finding in result.findings]
    assert (("the body is too large",), None) == (result.not_checked, result.response)


@pytest.mark.parametrize(
    ("method", "target", "not_checked"),
    [
        ("GET", "/invoices", []),
        ("DELETE", "/orders", []),
        ("GET", "/broken", ["GET /broken is invalid in the document"]),
    ],
)
def test_a_request_to_no_operation_has_no_findings(method: str, target: str, not_checked: list[str]) -> None:
    """`not_checked` has the reason if its operation is invalid in the document."""
    result = ExchangeChecks(CONTRACT).check(exchange(method, target))
    assert (None, None, ()) == (result.operation, result.response, result.findings)
    assert ("not checked" if not_checked else "unmatched") == result.outcome
    assert not_checked == [reason.partition(":")[0] for reason in result.not_checked]


def test_results_of_at_most_256_responses_are_kept() -> None:
    """After 300 different responses, the first of which is too large to be kept."""
    checks = ExchangeChecks(CONTRACT)
    for number in range(300):
        large = ["x" * 70_000] if number == 0 else []
        assert checks.check(exchange("GET", "/orders", None, 200, [number, *large])).findings
    assert 256 == len(checks._earlier_responses)


ITEMS = {"itemSchema": {"type": "object", "required": ["data"]}}
XML, NO_JSON = {"schema": {"type": "object"}}, "only JSON bodies are validated, not "


@pytest.mark.parametrize(
    ("content", "media_type", "received", "expected"),
    [
        ({"text/event-stream": ITEMS}, "text/event-stream", b"data: {", ["the items of text/event-stream bodies"]),
        ({"text/event-stream": ITEMS}, "text/event-stream", b"", []),
        ({"application/jsonl": ITEMS}, "application/jsonl", b"{]", ["the items of application/jsonl bodies"]),
        ({"application/json": ITEMS}, "application/json", b"[1]", ["the items of application/json bodies"]),
        ({"application/xml": XML}, "application/xml; charset=utf-8", b"<", [f"{NO_JSON}application/xml"]),
        ({"text/*": {"schema": {"pattern": "^id,"}}}, "text/csv", b"x", [f"{NO_JSON}text/csv"]),
        ({"application/json": XML, "application/xml": XML}, "application/xml", b"<", [f"{NO_JSON}application/xml"]),
        ({"application/json": XML, "application/xml": XML}, "application/json", b"{}", []),
        ({"*/*": XML}, "application/json", b"{}", []),
        ({"text/plain": {"schema": {"type": "string"}}}, "text/plain", b"x", []),
    ],
)
def test_a_body_that_is_not_validated_is_not_checked(
    content: Any, media_type: str, received: bytes, expected: list[str]
) -> None:
    contract = contract_of_paths({"/x": {"get": {"responses": {"200": {"description": "x", "content": content}}}}})
    headers = (("content-type", media_type),)
    result = ExchangeChecks(contract).check(Exchange(Request("GET", "/x"), 200, headers, received))
    assert expected == [reason.removesuffix(" are not validated") for reason in result.not_checked]
