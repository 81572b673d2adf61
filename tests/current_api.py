"""Writes the contract of today's API from the models of the official SDK: `python -m tests.current_api`.

There is no published OpenAPI document of these routes; the SDK is generated from one.
"""

from __future__ import annotations

import json
from typing import Any

from bctrl import types
from pydantic.json_schema import models_json_schema

from pytest_bctrl.contract.files import current_api

VERSION = "2026-10-03"
"""The value of the header `BCTRL-Version` that the SDK sends."""

_ERRORS = {
    "400": "The request is invalid",
    "401": "The key is missing or not accepted",
    "403": "The key may not use this resource",
    "404": "The space does not exist",
    "429": "Too many requests",
}
_PAGING = ("cursor", "order", "limit")
_DESCRIPTION = (
    "The lists of the API that is served today, written from the models of the SDK bctrl 0.3.0. There is no published "
    "OpenAPI document of these routes. The models say what the SDK can read, which may be more than the API promises."
)


def document() -> dict[str, Any]:
    """Return the OpenAPI document: the lists of browsers, sandboxes and spaces, which need no parameter."""
    models = [types.BrowserListResponse, types.SandboxesListResponse, types.SpaceListResponse, types.ErrorResponse]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    space = {**_query("spaceId", type="string", minLength=1), "example": "default", "x-bctrl-setting": "spaceId"}
    status = _query("status", type="string", enum=["idle", "running"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "bctrl API", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "https://api.bctrl.ai"}],
        "security": [{"bearerAuth": []}],
        "paths": {
            "/v1/browsers": _list("browsers", "BrowserListResponse", [space, status, _query("q", type="string")]),
            "/v1/sandboxes": _list("sandboxes", "SandboxesListResponse", [space]),
            "/v1/spaces": _list("spaces", "SpaceListResponse", []),
        },
        "components": {
            "schemas": _simplified(schemas["$defs"]),
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


def _list(name: str, model: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the path item of a list, with these parameters and those of paging."""
    paging = [
        {**_query("cursor", type="string", minLength=1), "x-bctrl-setting": "cursor"},
        _query("order", type="string", enum=["asc", "desc"]),
        _query("limit", type="integer", minimum=1, maximum=100),
    ]
    return {
        "get": {
            "operationId": f"{name}-list",
            "summary": f"List {name}",
            "parameters": parameters + paging,
            "responses": {
                "200": _response(f"A page of {name}", model),
                **{status: _response(description, "ErrorResponse") for status, description in _ERRORS.items()},
            },
        }
    }


def _query(name: str, **schema: Any) -> dict[str, Any]:
    """Return an optional query parameter with this schema."""
    return {"name": name, "in": "query", "schema": schema}


def _response(description: str, model: str) -> dict[str, Any]:
    """Return a response whose JSON body has the schema of a model."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _simplified(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return schemas by name without titles, defaults of null, and the alternative of an enum that allows any value."""
    return {name: _schema(schema) for name, schema in schemas.items()}


def _schema(schema: Any) -> Any:
    """Return a schema and its subschemas simplified; a boolean schema unchanged."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "title" or (keyword == "default" and value is None):
            continue
        if keyword in ("properties", "$defs"):
            value = _simplified(value)
        elif keyword in ("anyOf", "oneOf", "allOf"):
            value = [_schema(branch) for branch in value if branch != {}]
            if len(value) == 1:
                result |= value[0]
                continue
        elif keyword in ("items", "additionalProperties", "not"):
            value = _schema(value)
        result[keyword] = value
    return result


def text() -> str:
    """Return the document as the text of its file."""
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    current_api().write_text(text(), "utf-8")
