"""Observes the test clients of Django."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import quote

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.libraries.werkzeug_hook import exchange_of_environ
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import APPLICATION, CLIENT, Recorder
from pytest_bctrl.watch.substitution import shallow_copy

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the methods of both clients that run the application for a single request."""

    def wrap(run: Any) -> Any:
        """Return a `request` that also records the exchange, or changes the response in an impact rerun."""

        def request(self: Any, **values: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if not recorder.records(CLIENT):
                return run(self, **values)
            # With the cookies of the client.
            exchange = exchange_of_environ("django", {"HTTP_HOST": "testserver", **self._base_environ(**values)})
            exchange.sent_at = recorder.lines.calling_line()
            with recorder.sending(exchange, APPLICATION):
                response = run(self, **values)
            return _record_response(exchange, response, recorder)

        return request

    def wrap_async(run: Any) -> Any:
        """Return an async `request` that also records the exchange, or changes the response in an impact rerun."""

        async def request(self: Any, **values: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if not recorder.records(CLIENT):
                return await run(self, **values)
            # With the cookies of the client, which Django appends to the list.
            scope = self._base_scope(**{**values, "headers": [*values.get("headers", ())]})
            exchange = _exchange_of_scope(scope)
            exchange.sent_at = recorder.lines.calling_line()
            with recorder.sending(exchange, APPLICATION):
                response = await run(self, **values)
            return _record_response(exchange, response, recorder)

        return request

    patches.wrap(module.Client, "request", wrap)
    patches.wrap(module.AsyncClient, "request", wrap_async)


def _exchange_of_scope(scope: dict[str, Any]) -> WatchedExchange:
    """Return the exchange of the scope of an ASGI request, as Django's client describes it."""
    query = scope.get("query_string", b"")
    if isinstance(query, bytes):
        query = query.decode("latin-1")
    path = quote(scope.get("path", "/"))
    if query:
        path = f"{path}?{query}"
    fields = header_fields(scope.get("headers", ()))
    exchange = WatchedExchange(
        "django", scope.get("method", "GET"), f"http://testserver{path}", fields, is_in_process=True
    )
    payload = getattr(scope.get("_body_file"), "_FakePayload__content", None)
    exchange.request_body.set(payload.getvalue() if payload is not None else b"")
    return exchange


def _record_response(exchange: WatchedExchange, response: Any, recorder: Recorder) -> Any:
    """Record an exchange and return its response, or its substitute while an impact run reruns the test.

    An asynchronous stream is left unread, and is not substituted.
    """
    exchange.receive(response.status_code, response.headers.items())
    exchange.has_all_headers = True
    body = exchange.response_body
    body.is_encoded = True
    is_async_stream = response.streaming and response.is_async
    if is_async_stream:
        body.problem = "it is streamed asynchronously"
    elif recorder.is_substituted(exchange):
        return substituted_response(response, recorder.substitute(exchange, b"".join(response)))
    elif not response.streaming:
        body.set(response.content)
    else:
        response.streaming_content = _recorded(response.streaming_content, body)
    recorder.add(exchange)
    return response


def _recorded(chunks: Any, body: WatchedBody) -> Iterator[bytes]:
    """Yield the chunks of a body, and record them."""
    for chunk in chunks:
        body.add(chunk)
        yield chunk
    body.finish()


def substituted_response(response: Any, substitute: MockResponse) -> Any:
    """Return a response of Django with the substitute's contents, streamed if the observed one is."""
    headers = type(response.headers)({})
    for name, value in substitute.headers:
        headers[name] = value
    copy = shallow_copy(response, status_code=substitute.status, _reason_phrase=None, headers=headers)
    vars(copy).pop("_json", None)
    if response.streaming:
        copy.streaming_content = [substitute.payload.content]
    else:
        copy.content = substitute.payload.content
        if "data" in vars(response) and substitute.payload.content != response.content:
            copy.data = _parsed(substitute.body, response.data)
    # The client binds its method to the response.
    copy.json = partial(response.json.func, copy)
    return copy


def _parsed(body: bytes, observed: Any) -> Any:
    """Return the data of a body, as a response of Django REST framework has them; `observed` if it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return observed
