"""The findings of jsonschema and of Schemathesis in one response, each by itself."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.suite.plan import jsonschema_engine, schemathesis_engine
from pytest_bctrl.suite.sending.requests import TargetExchange
from pytest_bctrl.traffic.flow import Attempt

HEADERS = {"Content-Type": "application/json"}


def exchange_of(
    contract: Contract, status: int, body: bytes, headers: dict[str, str] | None = None, method: str = "GET"
) -> TargetExchange:
    """Return an exchange with the first operation of a contract that was not sent; its response has this content."""
    operation, headers = contract.operations[0], HEADERS if headers is None else headers
    request = Request(method, operation.path.replace("{id}", "1"), base_url="https://api.bctrl.ai")
    fields = tuple(headers.items())
    response = Response(contract, operation, status, fields, body, {"id": "1"}, method=method)
    return TargetExchange(Exchange(request, status, fields, body), Attempt(status=status), response)


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
