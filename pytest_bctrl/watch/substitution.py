"""Responses that clients receive in place of others, while an impact run reruns a test."""

from __future__ import annotations

import zlib
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from pytest_bctrl.contract.model import BODILESS
from pytest_bctrl.http.codings import content_of
from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.watch.exchange import NOT_READ, WatchedExchange

FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding"})
"""The header fields that depend on how a body is sent."""
_STREAMS = ("event-stream", "ndjson", "jsonl", "json-seq", "stream+json", "x-mixed-replace")
"""The ends of media types whose bodies are streams."""
_Object = TypeVar("_Object")


class ResponseChanger(Protocol):
    """Receives the exchanges that the watch observes, and may change their responses."""

    def add(self, exchange: WatchedExchange) -> None:
        """Receive an exchange that was not substituted; its body is complete when the test has read it."""
        ...

    def fail(self, exchange: WatchedExchange) -> None:
        """Receive an exchange that ended with an exception and has no response."""
        ...

    def is_substituted(self, exchange: WatchedExchange) -> bool:
        """Return whether the client is to receive a substitute for the response that an exchange has."""
        ...

    def substitute(self, exchange: WatchedExchange, content: bytes) -> MockResponse:
        """Return the response to receive, given the body of the observed response."""
        ...


def is_stream(exchange: WatchedExchange) -> bool:
    """Return whether the body of a response is a stream, which must not be read ahead."""
    if exchange.status == HTTPStatus.SWITCHING_PROTOCOLS:
        return True
    media_type = _field_value(exchange, "content-type").partition(";")[0].strip().lower()
    return media_type.endswith(_STREAMS)


def observed_response(exchange: WatchedExchange) -> tuple[MockResponse, str]:
    """Return the response of an exchange that has ended, and why its body cannot be changed (empty if it can)."""
    body = exchange.response_body
    problem = ""
    if is_stream(exchange):
        kind = _field_value(exchange, "content-type") or _field_value(exchange, "upgrade")
        problem = f"its body is a stream ({kind})"
    elif body.problem != NOT_READ or body.content:
        # A test that reads nothing of a body does not depend on it.
        problem = body.unread
    if problem == NOT_READ:
        problem = "the test does not read its body to the end"
    response, undecodable = original_response(exchange, body.content)
    return response, problem or undecodable


def original_response(exchange: WatchedExchange, content: bytes) -> tuple[MockResponse, str]:
    """Return an observed response with its decoded body, and why that cannot be decoded (empty if it can)."""
    fields = tuple(field for field in exchange.response_headers if field[0].lower() not in FRAMING)
    body, problem = content, ""
    if exchange.method.upper() == "HEAD" or exchange.status in BODILESS:
        body = b""
    elif exchange.response_body.is_encoded and content:
        decoded = content_of(content, _field_value(exchange, "content-encoding"))
        body, problem = decoded.body, decoded.problem or decoded.unread
    return MockResponse(exchange.status, fields, Payload(body)), problem


def substitute_for(
    exchange: WatchedExchange, content: bytes, original: MockResponse, changed: MockResponse
) -> MockResponse:
    """Return the response to receive: the changed status, fields and body, in the original content coding.

    A changed body has the content coding of the original one, if that is gzip or deflate.
    """
    framing = tuple(field for field in exchange.response_headers if field[0].lower() in FRAMING)
    coding = _field_value(exchange, "content-encoding").strip().lower()
    is_as_sent = exchange.response_body.is_encoded or not coding or not content
    if changed.body == original.body and is_as_sent:
        fields = exchange.response_headers if changed is original else (*changed.headers, *framing)
        return MockResponse(changed.status, fields, Payload(original.body, content=content))
    headers, coded = changed.headers, _in_coding(changed.body, coding)
    if coded is None:
        coded = changed.body
    else:
        headers = (*headers, ("Content-Encoding", coding))
    if changed.status in BODILESS:
        return MockResponse(changed.status, changed.headers)
    headers = (*headers, ("Content-Length", str(len(coded))))
    if exchange.method.upper() == "HEAD":
        return MockResponse(changed.status, headers)
    return MockResponse(changed.status, headers, Payload(changed.body, content=coded))


def reason_phrase(status: int, observed_status: int, observed_reason: str | None) -> str | None:
    """Return the observed reason phrase for the same status, else the standard one; empty if there is none."""
    if status == observed_status:
        return observed_reason
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def shallow_copy(response: _Object, **attributes: Any) -> _Object:
    """Return a copy of an object with some attributes replaced, without calling any method of its class."""
    copy = object.__new__(type(response))
    vars(copy).update(vars(response))
    vars(copy).update(attributes)
    return copy


def _in_coding(body: bytes, coding: str) -> bytes | None:
    """Return a body in a content coding; None if it is empty, or if the coding is none of gzip and deflate."""
    if not body:
        return None
    if coding in ("gzip", "x-gzip"):
        return Payload(body).gzipped
    if coding == "deflate":
        return zlib.compress(body)
    return None


def _field_value(exchange: WatchedExchange, name: str) -> str:
    """Return the value of a header field of a response, several joined by commas; empty if it is missing."""
    return ", ".join(value for field, value in exchange.response_headers if field.lower() == name)
