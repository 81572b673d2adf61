"""Builders of small documents and schemas."""

from __future__ import annotations

from typing import Any

Doc = dict[str, Any]
COMPONENTS: Doc = {"A": {"type": "string"}, "B": {"type": "integer"}}


def document(operation: Doc | None = None, **root: Any) -> Doc:
    """Return a minimal document with `GET /a`; `operation` has further fields of it, `root` of the document."""
    get = {"responses": {"200": {"description": "ok"}}, **(operation or {})}
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": get}}, **root}


def response(**members: Any) -> Doc:
    """Return a document whose response 200 has these fields."""
    return document({"responses": {"200": {"description": "ok", **members}}})


def body(schema: Any, media: str = "application/json") -> Doc:
    """Return a document whose response body has a schema, with the components A and B."""
    return {**response(content={media: {"schema": schema}}), "components": {"schemas": COMPONENTS}}


def parameter(**values: Any) -> Doc:
    """Return a document with a text as query parameter `q`, unless `values` has other fields."""
    fields = {"name": "q", "in": "query", "schema": {"type": "string"}, **values}
    return document({"parameters": [fields]})


def in_content(schema: Doc, media: str = "application/json") -> Doc:
    """Return the `content` of a parameter or header that is serialized in a media type."""
    return {"content": {media: {"schema": schema}}}


def thing(*names: str, **more: Any) -> Doc:
    """Return an object schema with these properties, of which the first is required."""
    texts = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": texts, "required": list(names[:1]), **more}


def every(*schemas: Doc) -> Doc:
    """Return the `allOf` of schemas."""
    return {"allOf": list(schemas)}


def either(*schemas: Any, **more: Any) -> Doc:
    """Return the `anyOf` of schemas, with further keywords."""
    return {"anyOf": list(schemas), **more}


def one_of(*schemas: Any, **more: Any) -> Doc:
    """Return the `oneOf` of schemas, with further keywords."""
    return {"oneOf": list(schemas), **more}
