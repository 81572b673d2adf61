"""Small OpenAPI documents for the tests; each call returns a new one."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document


def document(schema: Any = True, **operation: Any) -> dict[str, Any]:
    """Return a spec with one GET whose 200 has this schema; further keywords belong to the operation."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://api.example.org/"}],
        "paths": {
            "/v1/things/{id}": {
                "get": {
                    "operationId": "things",
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {"200": {"description": "x", "content": {"application/json": {"schema": schema}}}},
                    **operation,
                }
            }
        },
        "components": {"schemas": {}},
    }


def contract_of(schema: Any = True, schemas: dict[str, Any] | None = None, **operation: Any) -> Contract:
    """Return the contract of the spec that `document` returns, with these component schemas."""
    spec = document(schema, **operation)
    spec["components"]["schemas"] = schemas or {}
    return from_document(spec, "things.json")


def rooted(contract: Contract, schema: Any) -> dict[str, Any]:
    """Return a schema as a self-contained document, in which references still resolve, for other engines."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return {**schema, "components": contract.document.get("components", {})}
