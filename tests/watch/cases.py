"""Exchanges that keep or break a contract in one way each, and what `check` and `check_request` say about them."""

from __future__ import annotations

import json
from typing import Any

import httpx

from pytest_bctrl import Contract, check, check_request
from pytest_bctrl.findings.finding import Finding
from tests.request_checks.orders import ORDER, body, contract_of_paths, operation, response
from tests.watch.suite_parts import SERVER

JSON = "application/json"
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
CONTRACT: Contract = contract_of_paths(
    {
        "/orders": {
            "post": {**body(ORDER), "responses": {"201": response(ORDER)}},
            "get": operation(
                parameters=[LIMIT],
                responses={"200": response({"type": "array", "items": ORDER}), "404": response({"type": "object"})},
            ),
        },
    },
    servers=[{"url": SERVER}],
)
SENT = {"qty": 1, "size": "s"}
STORED = {"id": 7, **SENT}


def _get(content: Any, status: int = 200, media_type: str = JSON, target: str = "/orders?limit=5") -> dict[str, Any]:
    """Return a case: a GET request and its response, whose content is JSON data, or text as it is."""
    text = content if isinstance(content, str) else json.dumps(content)
    return {
        "method": "GET",
        "target": target,
        "headers": {"Accept": JSON},
        "content": None,
        "status": status,
        "media_type": media_type,
        "text": text,
    }


def _post(sent: Any) -> dict[str, Any]:
    """Return a case that creates an order: a POST request with this JSON data, and status 201."""
    case = _get(STORED, 201, target="/orders")
    headers = {"Accept": JSON, "Content-Type": JSON}
    return {**case, "method": "POST", "headers": headers, "content": json.dumps(sent)}


CONFORMING = {
    "a list": _get([STORED, {**STORED, "id": 8}]),
    "an empty list": _get([]),
    "a rejection": _get({}, 404),
    "an order": _post(SENT),
}
BREAKING = {
    "status": _get([STORED], 299),
    "content type": _get([STORED], media_type="text/html"),
    "missing property": _get([{"id": 7, "qty": 1}]),
    "wrong type": _get([{**STORED, "id": "7"}]),
    "enum": _get([{**STORED, "size": "l"}]),
    "extra property": _get([{**STORED, "colour": "red"}]),
    "malformed JSON": _get('[{"id": 7'),
    "request parameter": _get([STORED], target="/orders?limit=101"),
    "request body": _post({**SENT, "qty": 0}),
}

Shown = tuple[str, str, str, str]


def shown(finding: Finding | dict[str, Any]) -> Shown:
    """Return level, rule, location and message of a finding."""
    data = finding if isinstance(finding, dict) else finding.as_dict()
    return data["level"], data["rule"], data["location"], data["message"]


def expected_findings(case: dict[str, Any]) -> list[Shown]:
    """Return the findings of the public functions for the exchange of a case."""
    request = httpx.Request(
        case["method"], f"{SERVER}{case['target']}", headers=case["headers"], content=case["content"]
    )
    received = httpx.Response(
        case["status"], headers={"Content-Type": case["media_type"]}, content=case["text"], request=request
    )
    operation_label = f"{case['method']} /orders"
    findings = [
        *check_request(request, contract=CONTRACT),
        *check(received, contract=CONTRACT, operation=operation_label),
    ]
    return sorted(map(shown, findings))
