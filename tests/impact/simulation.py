"""Changes between two specs, and the responses after one of them: data in, a response out."""

from __future__ import annotations

import json
from typing import Any

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift import compare
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.change import Change, ResponseContext
from pytest_bctrl.impact.response_changes import changes_from_drift
from tests.contract.documents import document

_JSON = (("Content-Type", "application/json"),)


def spec_with(schema: Any, components: dict[str, Any] | None = None, put: Any = None) -> dict[str, Any]:
    """Return a spec whose GET responds with a schema, and whose PUT, if any, responds with another."""
    spec = document(schema)
    spec["components"]["schemas"] = components or {}
    if put is not None:
        content = {"application/json": {"schema": put}}
        [item] = spec["paths"].values()
        item["put"] = {
            "operationId": "replace",
            "parameters": item["get"]["parameters"],
            "responses": {"200": {"description": "x", "content": content}},
        }
    return spec


def changes_between(old: Any, new: Any, contracts: tuple[Any, Any] | None = None) -> dict[str, Change]:
    """Return the changes from one spec to another, by rule and location; `contracts` differ from them by an overlay."""
    old_contract, new_contract = (from_document(contract, "contract") for contract in contracts or (old, new))
    changes = changes_from_drift(compare(old, new), old_contract, new_contract, "key", "space")
    return {f"{change.finding.rule} {change.finding.location}".strip(): change for change in changes}


def context_of(spec: Any, response: MockResponse, method: str = "GET", target: str = "/v1/things/a") -> ResponseContext:
    """Return the context of a response to a request without a body."""
    request = Request(method, target)
    operation, values = Routes(from_document(spec, "old")).operation_and_values(method, target)
    return ResponseContext(request, operation, values, response)


def body_after(change: Change, spec: Any, body: Any, method: str = "GET") -> Any:
    """Return the body of a response with status 200 after a change."""
    assert change.transform is not None
    context = context_of(spec, MockResponse(200, _JSON, Payload(json.dumps(body).encode())), method)
    return json.loads(change.transform(context).body)
