"""A server that repeats the credentials that it receives, in each place of a response and in several encodings."""

import base64
import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from tests.variants.reply import Reply, written
from tests.variants.runtimes import edited, put
from tests.variants.server import Server, serve
from tests.variants.service import Service, Visit
from tests.variants.variant import Variant
from tests.variants.wire import Wire

ECHOES = ("body", "header", "reason", "base64", "upper")
"""Where, or in which encoding, a response repeats the credentials."""


def serve_echoes(key: str, echoes: Iterable[str], *, is_faulty: bool) -> AbstractContextManager[Server]:
    """Serve runtimes to `key`, and repeat the credentials of each request in `echoes`.

    A wrong key is rejected with a body that names it. A faulty server breaks the contract with a value that holds the
    credentials, so that findings quote them.
    """
    return serve(Variant("echo", "harmless", "pass", "", _echo_service(key, frozenset(echoes), is_faulty)))


def _echo_service(key: str, echoes: frozenset[str], is_faulty: bool) -> Service:
    """Return a service that admits `key` only, and adds `echoes` of the token to each response that is sent one."""

    def admit(visit: Visit) -> bool:
        return visit.request.authorization == ("bearer", key)

    def echo(visit: Visit, reply: Reply) -> Reply:
        _, token = visit.request.authorization
        if not token:
            return reply
        return _add_echoes(reply, token, echoes, is_faulty)

    return Service(document=edited(count=3), admits=admit, always=echo)


def _add_echoes(reply: Reply, token: str, echoes: frozenset[str], is_faulty: bool) -> Reply:
    """Return a reply that also repeats a token in body, header field and reason phrase, as far as `echoes` say so."""
    texts = _encode(token, echoes)
    if texts:
        reply = replace(reply, body=_quote_in_body(reply.body, " ".join(texts), is_faulty))
    if "header" in echoes:
        header_texts = [token, *texts]
        reply = reply.adding(("X-Received-Authorization", "Bearer " + " ".join(header_texts)))
    if "reason" in echoes:
        reply = replace(reply, delivery=_with_reason(f"Received {token}"))
    return reply


def _encode(token: str, echoes: frozenset[str]) -> list[str]:
    """Return a token in each encoding that `echoes` name, as it is for `body`."""
    encodings = {
        "body": token,
        "base64": base64.b64encode(f"Bearer {token}".encode()).decode(),
        "upper": token.upper(),
    }
    return [text for name, text in encodings.items() if name in echoes]


def _quote_in_body(body: bytes, text: str, is_faulty: bool) -> bytes:
    """Return a body with a text in its error or in a runtime; if `is_faulty`, the text also breaks the contract."""
    document: dict[str, Any] = json.loads(body)
    if "error" in document:
        error = {"error": f"Invalid API key: {text}"}
        return written(error if is_faulty else document | error)
    runtimes = document["runtimes"]
    put(0, "metadata", {"authorization": text})(runtimes)
    if is_faulty:
        put(1, "status", text)(runtimes)
        put(2, "region", [text])(runtimes)
    return written(document)


def _with_reason(reason: str) -> Any:
    """Return a delivery that sends a reply with this reason phrase."""

    def deliver(wire: Wire, reply: Reply) -> bool:
        status_line, _, headers = reply.head(("Content-Length", str(len(reply.body)))).partition(b"\r\n")
        version, status, _ = status_line.split(b" ", 2)
        head = b" ".join((version, status, reason.encode("latin-1"))) + b"\r\n" + headers
        wire.write(head + (b"" if wire.head_only else reply.body))
        return True

    return deliver
