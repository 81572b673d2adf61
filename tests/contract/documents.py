"""Small OpenAPI documents for the tests, each made new."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document


def document(schema: Any = True, **operation: Any) -> dict[str, Any]:
    """One GET whose 200 has this schema; further keywords are the operation's own."""
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
    """The contract of such a document."""
    spec = document(schema, **operation)
    spec["components"]["schemas"] = schemas or {}
    return from_document(spec, "things.json")


def rooted(contract: Contract, schema: Any) -> dict[str, Any]:
    """A schema as a document of its own, in which every reference still leads somewhere: for other engines."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return {**schema, "components": contract.document.get("components", {})}
