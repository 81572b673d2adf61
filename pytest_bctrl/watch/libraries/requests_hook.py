"""Observes requests, and the mocks that respond in place of its adapters: responses, requests-mock, vcrpy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.libraries.urllib3_hook import attach_body
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import CLIENT, Recorder
from pytest_bctrl.watch.streams import tee_request_body
from pytest_bctrl.watch.substitutes.urllib3_substitute import requests_response

_BODY = "_bctrl_body"
_CHUNK = 65_536


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of adapters that sends a single request: redirects and authentication call it per request."""

    def wrap(_adapter: Any, send: Any) -> Any:
        """Return a `send` that also records the exchange, or changes the response in an impact rerun."""

        def observed_send(request: Any, *arguments: Any, **named: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            __tracebackhide__ = True
            if not recorder.records(CLIENT):
                return send(request, *arguments, **named)
            fields = header_fields((request.headers or {}).items())
            exchange = WatchedExchange("requests", str(request.method), str(request.url), fields)
            exchange.sent_at = recorder.calling_line()
            with recorder.sending(exchange, CLIENT), _teed(request, exchange.request_body):
                response = send(request, *arguments, **named)
            if exchange.has_fake_response(response, module.models.Response):
                recorder.add(exchange)
                return response
            exchange.receive(response.status_code, response.headers.items())
            if recorder.is_substituted(exchange):
                return requests_response(response, recorder.substitute(exchange, _decoded_body(response)))
            _observe_body(response, exchange.response_body)
            recorder.add(exchange)
            return response

        return observed_send

    patches.intercept(module.adapters.BaseAdapter, "send", wrap)
    patches.wrap(module.models.Response, "iter_content", _wrap_iter_content)


@contextmanager
def _teed(request: Any, body: WatchedBody) -> Iterator[None]:
    """Record the body of a prepared request, a stream while the block sends it."""
    content = request.body
    request.body = tee_request_body(content, body)
    try:
        yield
    finally:
        request.body = content


def _decoded_body(response: Any) -> bytes:
    """Return the body of a response without its content codings."""
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
