"""Observes httpx and httpx2, with the mocks, transports and test clients that are built on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pytest_bctrl.checks.response import has_all_headers
from pytest_bctrl.http.message import Headers
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import APPLICATION, CLIENT, HTTP_CLIENT, Recorder
from pytest_bctrl.watch.substitutes.httpx_substitute import httpx_response

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_GUARDED = "pytest_bctrl.traffic.client"
_MOCK = "pytest_bctrl.traffic.mock.transport"
_RECORDING = "pytest_bctrl.traffic.recordings.replay"
_APPLICATIONS = frozenset({"ASGITransport", "WSGITransport", "_TestClientTransport", "TestClientTransport"})
_NETWORK = frozenset({"HTTPTransport", "AsyncHTTPTransport"})


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method that sends a single request: redirects and authentication call it once per request."""
    hook = HttpxHook(module, recorder)
    patches.intercept(module.Client, "_send_single_request", hook.wrap)
    patches.intercept(module.AsyncClient, "_send_single_request", hook.wrap_async)
    # A transport may send the request with another transport, which has the response, and may add header fields.
    patches.intercept(module.BaseTransport, "handle_request", hook.wrap_transport)
    patches.intercept(module.AsyncBaseTransport, "handle_async_request", hook.wrap_async_transport)
    # A subclass calls the method of its base class by `super()`, which is not an attribute of the instance.
    for name in sorted(_APPLICATIONS | _NETWORK | {"MockTransport"}):
        transport_class = getattr(module, name, None)
        patches.wrap(transport_class, "handle_request", hook.wrap_method, is_required=False)
        patches.wrap(transport_class, "handle_async_request", hook.wrap_async_method, is_required=False)


class HttpxHook:
    """Records the exchanges of the clients of one module, `httpx` or `httpx2`."""

    def __init__(self, module: Any, recorder: Recorder) -> None:
        self._module = module
        self._library = module.__name__
        self._recorder = recorder
        self._tee, self._async_tee = _tee_class(module.SyncByteStream), _async_tee_class(module.AsyncByteStream)

    def wrap(self, client: Any, original: Any) -> Any:
        """Return a function that sends, then records the exchange, or changes the response in an impact rerun."""

        def send_single_request(request: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if not self._recorder.records(CLIENT):
                return original(request)
            exchange, rank = self._begin_exchange(client, request)
            with self._recorder.sending(exchange, rank), _teed_request(request, exchange.request_body, self._tee):
                response = original(request)
            if exchange.has_fake_response(response, self._module.Response):
                self._recorder.add(exchange)
                return response
            self._record_head(exchange, response)
            if self._recorder.is_substituted(exchange):
                content = _content_without_stream(response)
                if content is None:
                    content = b"".join(response.stream)
                return self._substitute_response(exchange, response, content)
            return self._observed(exchange, response, self._tee)

        return send_single_request

    def wrap_async(self, client: Any, original: Any) -> Any:
        """Return an async function that sends, then records, or changes the response in an impact rerun."""

        async def send_single_request(request: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            if not self._recorder.records(CLIENT):
                return await original(request)
            exchange, rank = self._begin_exchange(client, request)
            with self._recorder.sending(exchange, rank), _teed_request(request, exchange.request_body, self._async_tee):
                response = await original(request)
            if exchange.has_fake_response(response, self._module.Response):
                self._recorder.add(exchange)
                return response
            self._record_head(exchange, response)
            if self._recorder.is_substituted(exchange):
                content = _content_without_stream(response)
                if content is None:
                    content = b"".join([chunk async for chunk in response.stream])
                return self._substitute_response(exchange, response, content)
            return self._observed(exchange, response, self._async_tee)

        return send_single_request

    def _begin_exchange(self, client: Any, request: Any) -> tuple[WatchedExchange, int]:
        """Return the exchange of a request, and the rank of the layer that sends it."""
        fields = header_fields(request.headers.multi_items())
        exchange = WatchedExchange(self._library, request.method, str(request.url), fields)
        exchange.sent_at = self._recorder.calling_line()
        transport = client._transport_for_url(request.url)
        exchange.has_hidden_key = type(transport).__module__ == _GUARDED
        self._record_transport(exchange, transport)
        rank = HTTP_CLIENT
        if _class_names(transport) & _APPLICATIONS:
            rank = APPLICATION
        return exchange, rank

    def _record_transport(self, exchange: WatchedExchange, transport: Any) -> None:
        """Record what returns the response of an exchange, if the transport is of a known class."""
        names = _class_names(transport)
        is_of_mock = type(transport).__module__ == _MOCK
        is_mock_transport = "MockTransport" in names and not is_of_mock
        if not (is_of_mock or is_mock_transport or names & (_APPLICATIONS | _NETWORK)):
            return
        exchange.is_of_mock = is_of_mock
        exchange.is_in_process = not names & _NETWORK
        exchange.has_all_headers = bool(names & _APPLICATIONS)
        exchange.is_of_recording, exchange.registered = False, ""
        if is_mock_transport:
            exchange.is_of_recording = getattr(transport.handler, "__module__", "") == _RECORDING
            line = self._recorder.line_of(transport.handler)
            if line:
                exchange.registered = f"MockTransport handler at {line}"

    def wrap_transport(self, transport: Any, original: Any) -> Any:
        """Return a `handle_request` that records the transport and the header fields, if a client is sending."""

        def handle_request(request: Any) -> Any:
            """Send a request, and record the transport and the header fields in the exchange of the client."""
            exchange = self._recorder.current(self._library)
            if exchange is None:
                return original(request)
            self._record_transport(exchange, transport)
            earlier_fields = exchange.request_headers
            response = original(request)
            _record_fields(exchange, request, earlier_fields)
            return response

        return handle_request

    def wrap_async_transport(self, transport: Any, original: Any) -> Any:
        """Return an async `handle_async_request` that records as `wrap_transport` does."""

        async def handle_async_request(request: Any) -> Any:
            """Send a request, and record the transport and the header fields in the exchange of the client."""
            exchange = self._recorder.current(self._library)
            if exchange is None:
                return await original(request)
            self._record_transport(exchange, transport)
            earlier_fields = exchange.request_headers
            response = await original(request)
            _record_fields(exchange, request, earlier_fields)
            return response

        return handle_async_request

    def wrap_method(self, method: Any) -> Any:
        """Return the method in place of `handle_request` of a class, which records as `wrap_transport` does."""

        def observed_handle_request(transport: Any, request: Any) -> Any:
            """Send a request, and record what `wrap_transport` does."""
            return self.wrap_transport(transport, method.__get__(transport))(request)

        return observed_handle_request

    def wrap_async_method(self, method: Any) -> Any:
        """Return the method in place of `handle_async_request` of a class, as `wrap_method` does."""

        async def observed_handle_async_request(transport: Any, request: Any) -> Any:
            """Send a request, and record what `wrap_transport` does."""
            return await self.wrap_async_transport(transport, method.__get__(transport))(request)

        return observed_handle_async_request

    def _record_head(self, exchange: WatchedExchange, response: Any) -> None:
        """Record the head of a response, and whether its body has its content codings."""
        exchange.receive(response.status_code, response.headers.multi_items())
        exchange.has_all_headers = exchange.has_all_headers or has_all_headers(response)
        exchange.response_body.is_encoded = not hasattr(response, "_content")

    def _observed(self, exchange: WatchedExchange, response: Any, tee: Any) -> Any:
        """Return the response, after recording the exchange; the body is recorded while it is read."""
        body = exchange.response_body
        if body.is_encoded:
            response.stream = tee(response.stream, body)
        else:
            body.set(response.content)
        self._recorder.add(exchange)
        return response

    def _substitute_response(self, exchange: WatchedExchange, response: Any, content: bytes) -> Any:
        """Return the substitute for a response whose original body is `content`."""
        return httpx_response(self._module, response, self._recorder.substitute(exchange, content))


def _class_names(transport: Any) -> set[str]:
    """Return the names of the class of a transport and its base classes."""
    return {cls.__name__ for cls in type(transport).__mro__}


def _record_fields(exchange: WatchedExchange, request: Any, earlier: Headers) -> None:
    """Record the header fields of a request that a transport has sent, unless one inside it has replaced `earlier`."""
    is_innermost = exchange.request_headers is earlier
    if is_innermost and (exchange.method, exchange.url) == (request.method, str(request.url)):
        exchange.request_headers = header_fields(request.headers.multi_items())


def _content_without_stream(response: Any) -> bytes | None:
    """Return the content of a response that has no stream; None if it has one."""
    content: bytes | None = getattr(response, "_content", None)
    return content


@contextmanager
def _teed_request(request: Any, body: WatchedBody, tee: Any) -> Iterator[None]:
    """Record the body of a request, a stream while the block sends it."""
    if hasattr(request, "_content"):
        body.set(request.content)
        yield
        return
    body.problem = "it was not sent completely"
    stream = request.stream
    recorded = request.stream = tee(stream, body)
    try:
        yield
    finally:
        # A transport may have read it, so that it can be sent again.
        if request.stream is recorded:
            request.stream = stream


def _tee_class(base: Any) -> Any:
    """Return a class of streams, derived from that of the library, that record what they yield."""

    class Tee(base):  # type: ignore[misc]
        """A stream that records what it yields."""

        def __init__(self, stream: Any, body: WatchedBody) -> None:
            self._observed_stream, self._body = stream, body

        def __iter__(self) -> Iterator[bytes]:
            """Yield the chunks of the stream, and record them."""
            for chunk in self._observed_stream:
                self._body.add(chunk)
                yield chunk
            self._body.finish()

        def close(self) -> None:
            """Close the observed stream."""
            self._observed_stream.close()

        def __getattr__(self, name: str) -> Any:
            """Return an attribute of the observed stream."""
            return getattr(self._observed_stream, name)

    return Tee


def _async_tee_class(base: Any) -> Any:
    """Return a class of asynchronous streams, derived from that of the library, that record what they yield."""

    class AsyncTee(base):  # type: ignore[misc]
        """An asynchronous stream that records what it yields."""

        def __init__(self, stream: Any, body: WatchedBody) -> None:
            self._observed_stream, self._body = stream, body

        async def __aiter__(self) -> AsyncIterator[bytes]:
            """Yield the chunks of the stream, and record them."""
            async for chunk in self._observed_stream:
                self._body.add(chunk)
                yield chunk
            self._body.finish()

        async def aclose(self) -> None:
            """Close the observed stream."""
            await self._observed_stream.aclose()

        def __getattr__(self, name: str) -> Any:
            """Return an attribute of the observed stream."""
            return getattr(self._observed_stream, name)

    return AsyncTee
