"""Documents with an invalid part, for the tests of the contract and of the drift gate."""

from __future__ import annotations

from typing import Any

Doc = dict[str, Any]
SCHEMA = "responses/200/content/application~1json/schema"
"""The path from an operation to the schema of its response."""


def operation(schema: Any, **fields: Any) -> Doc:
    """Return an operation whose response body has this schema; `fields` are added to the operation."""
    content = {"application/json": {"schema": schema}}
    return {"responses": {"200": {"description": "ok", "content": content}}, **fields}


def document(fine: Any, paths: Doc, openapi: str = "3.1.0") -> Doc:
    """Return a document with the paths and some components; `fine` is the schema of the response to `GET /fine`."""
    return {
        "openapi": openapi,
        "info": {"title": "Things", "version": "1"},
        "paths": {"/fine": {"get": operation(fine)}, **{f"/{name}": item for name, item in paths.items()}},
        "components": {
            "schemas": {"Fine": {"type": "string"}, "Wrong": {"type": "text"}},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def replace_at(item: Doc, path: str, value: Any) -> None:
    """Replace the value at a path in a document, such as `get/parameters/0`."""
    *parents, key = path.split("/")
    target: Any = item
    for parent in parents:
        target = target[int(parent) if isinstance(target, list) else parent.replace("~1", "/")]
    target[int(key) if isinstance(target, list) else key] = value
