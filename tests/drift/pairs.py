"""Builders of small documents."""

from __future__ import annotations

from typing import Any

Doc = dict[str, Any]
COMPONENTS: Doc = {"A": {"type": "string"}, "B": {"type": "integer"}}


def document(operation: Doc | None = None, **root: Any) -> Doc:
    """A smallest document, with one operation."""
    get = {"responses": {"200": {"description": "ok"}}, **(operation or {})}
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": get}}, **root}


def answer(**response: Any) -> Doc:
    return document({"responses": {"200": {"description": "ok", **response}}})


def body(schema: Any, media: str = "application/json") -> Doc:
    return {**answer(content={media: {"schema": schema}}), "components": {"schemas": COMPONENTS}}


def parameter(**values: Any) -> Doc:
    given = {"name": "q", "in": "query", "schema": {"type": "string"}, **values}
    return document({"parameters": [given]})
