"""Observes requests, and the mocks that respond in place of its adapters: responses, requests-mock, vcrpy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from pytest_bctrl.checks.response import has_all_headers
from pytest_bctrl.http.message import Headers
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.libraries.urllib3_hook import attach_body
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import CLIENT, Recorder
from pytest_bctrl.watch.streams import chunk_bytes, tee_request_body
from pytest_bctrl.watch.substitutes.urllib3_substitute import requests_response

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_BODY = "_bctrl_body"
_CHUNK = 65_536


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of adapters that sends a single request: redirects and authentication call it per request."""
    # The module has no attributes for its submodules if a test has imported it again without them.
    adapter_class = import_module(f"{module.__name__}.adapters").BaseAdapter
    response_class = import_module(f"{module.__name__}.models").Response

    def wrap(_adapter: Any, send: Any) -> Any:
        """Return a `send` that also records the exchange, or changes the response in an impact rerun."""

        def observed_send(request: Any, *arguments: Any, **named: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if not recorder.records(CLIENT):
                return send(request, *arguments, **named)
            fields = header_fields((request.headers or {}).items())
            exchange = WatchedExchange("requests", str(request.method), str(request.url), fields)
            exchange.sent_at = recorder.calling_line()
            with recorder.sending(exchange, CLIENT), _teed(request, exchange.request_body):
                response = send(request, *arguments, **named)
            if exchange.has_fake_response(response, response_class):
                recorder.add(exchange)
                return response
            exchange.request_headers = _sent_fields(request, response)
            exchange.receive(response.status_code, response.headers.items())
            exchange.has_all_headers = has_all_headers(response)
            if recorder.is_substituted(exchange):
                substitute = recorder.substitute(exchange, _decoded_body(response))
                return requests_response(response, substitute, exchange.method)
            _observe_body(response, exchange.response_body)
            recorder.add(exchange)
            return response

        return observed_send

    patches.intercept(adapter_class, "send", wrap)
    patches.wrap(response_class, "iter_content", _wrap_iter_content)


@contextmanager
def _teed(request: Any, body: WatchedBody) -> Iterator[None]:
    """Record the body of a prepared request, a stream while the block sends it."""
    content = request.body
    tee = request.body = tee_request_body(content, body)
    try:
        yield
    finally:
        if request.body is tee:
            request.body = content
        elif isinstance(request.body, bytes | str):
            # An adapter has signed or compressed it.
            body.restart()
            body.set(chunk_bytes(request.body))


def _sent_fields(request: Any, response: Any) -> Headers:
    """Return the header fields of a request as they were sent: an adapter may add some, to the request or to a copy."""
    sent: Any = getattr(response, "request", None)
    if (getattr(sent, "method", None), getattr(sent, "url", None)) != (request.method, request.url):
        sent = request
    return header_fields((sent.headers or {}).items())


def _decoded_body(response: Any) -> bytes:
    """Return the body of a response without its content codings."""
    if isinstance(response._content, bytes):
        # The response of a mock may have nothing else.
        return response._content
    return b"".join(response.iter_content(_CHUNK))


def _observe_body(response: Any, body: WatchedBody) -> None:
    """Record the body of a response, now if it was read, else while it is read."""
    if isinstance(response._content, bytes):
        body.set(response._content)
    elif not attach_body(response.raw, body):
        # The raw response is none of urllib3.
        vars(response)[_BODY] = body


def _wrap_iter_content(iter_content: Any) -> Any:
    """Return `Response.iter_content`, which records the body that it yields."""

    def observed_iter_content(self: Any, *arguments: Any, **named: Any) -> Any:
        """Return the chunks of the body, which are recorded."""
        chunks = iter_content(self, *arguments, **named)
        body: WatchedBody | None = vars(self).pop(_BODY, None)
        if body is None:
            return chunks
        return _recorded(chunks, body, self.encoding)

    return observed_iter_content


def _recorded(chunks: Any, body: WatchedBody, encoding: str | None) -> Iterator[Any]:
    """Yield the chunks of a body, and record them."""
    for chunk in chunks:
        if isinstance(chunk, str):
            body.add(chunk.encode(encoding or "utf-8"))
        else:
            body.add(chunk)
        yield chunk
    body.finish()
