"""The findings of jsonschema and of Schemathesis in one response, each by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.plan import jsonschema_engine, schemathesis_engine
from pytest_bctrl.suite.sending.requests import Exchange

HEADERS = {"Content-Type": "application/json"}


def exchange_of(
    contract: Contract, status: int, body: bytes, headers: dict[str, str] | None = None, method: str = "GET"
) -> Exchange:
    """Return an exchange with the first operation of a contract that was not sent; its response has this content."""
    operation, headers = contract.operations[0], HEADERS if headers is None else headers
    request = httpx.Request(method, f"https://api.bctrl.ai{operation.path.replace('{id}', '1')}")
    received = httpx.Response(status, headers=headers, content=body, request=request)
    received.elapsed = timedelta(0)
    response = Response(contract, operation, status, tuple(headers.items()), body, {"id": "1"}, method=method)
    return Exchange(response, received)


def by_jsonschema(contract: Contract, status: int, body: bytes) -> list[Finding]:
    """Return the findings of jsonschema for a body; none if the contract documents no JSON body for the status."""
    exchange = exchange_of(contract, status, body)
    return jsonschema_engine.validate(exchange) if jsonschema_engine.has_body(exchange.response) else []


def by_schemathesis(contract: Contract, status: int, body: bytes, **options: Any) -> list[Finding]:
    """Return the findings of Schemathesis's checks for a response."""
    return schemathesis_engine.check_response(exchange_of(contract, status, body, **options))


def engine_findings(contract: Contract, status: int, body: bytes) -> list[Finding]:
    """Return the findings of both engines."""
    return [*by_jsonschema(contract, status, body), *by_schemathesis(contract, status, body)]
