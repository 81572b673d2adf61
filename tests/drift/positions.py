"""The positions in a document that a schema may have, with a document for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .pairs import Doc, body, document, in_content, response


class Position(NamedTuple):
    """A position: the document with a schema there, and whether the consumer sends the value."""

    document: Callable[[Any], Doc]
    is_sent: bool


def _parameter(in_: str) -> Callable[[Any], Doc]:
    """Return a function that returns a document with a schema in a parameter."""

    def with_parameter(schema: Any) -> Doc:
        """Return a document with a schema in the parameter."""
        parameter = {"name": "q", "in": in_, "required": in_ == "path", **in_content(schema)}
        written = document({"parameters": [parameter]})
        if in_ == "path":
            written["paths"] = {"/a/{q}": written["paths"]["/a"]}
        return written

    return with_parameter


def _request(schema: Any, media: str = "application/json") -> Doc:
    """Return an operation with a request body."""
    return {"requestBody": {"content": {media: {"schema": schema}}}, "responses": {"200": {"description": "ok"}}}


def _webhook_response(schema: Any) -> Doc:
    """Return a document with a schema in the response to a webhook."""
    responses = {"200": {"description": "ok", **in_content(schema)}}
    return document(webhooks={"w": {"post": {"responses": responses}}})


POSITIONS = {
    "response body": Position(body, is_sent=False),
    "response header": Position(lambda schema: response(headers={"X-H": in_content(schema)}), is_sent=False),
    "request body": Position(lambda schema: document(_request(schema)), is_sent=True),
    "query parameter": Position(_parameter("query"), is_sent=True),
    "path parameter": Position(_parameter("path"), is_sent=True),
    "header parameter": Position(_parameter("header"), is_sent=True),
    "cookie parameter": Position(_parameter("cookie"), is_sent=True),
    "webhook": Position(lambda schema: document(webhooks={"w": {"post": _request(schema)}}), is_sent=False),
    "response to a webhook": Position(_webhook_response, is_sent=True),
    "callback": Position(
        lambda schema: document({"callbacks": {"c": {"{$request.query.url}": {"post": _request(schema)}}}}),
        is_sent=False,
    ),
}
