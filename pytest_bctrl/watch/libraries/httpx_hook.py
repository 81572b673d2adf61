"""Observes httpx and httpx2, with the mocks, transports and test clients that are built on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from inspect import isasyncgen
from types import ModuleType
from typing import Any

from pytest_bctrl.checks.response import has_all_headers
from pytest_bctrl.http.message import Headers, MockResponse
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.patches import ObjectValues, Patches, Reached
from pytest_bctrl.watch.recorder import APPLICATION, CLIENT, HTTP_CLIENT, Recorder
from pytest_bctrl.watch.substitution import shallow_copy

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_GUARDED = "pytest_bctrl.traffic.client"
_MOCK = "pytest_bctrl.traffic.mock.transport"
_RECORDING = "pytest_bctrl.traffic.recordings.replay"
_APPLICATIONS = frozenset({"ASGITransport", "WSGITransport", "_TestClientTransport", "TestClientTransport"})
_NETWORK = frozenset({"HTTPTransport", "AsyncHTTPTransport"})
_END: Any = object()
_CACHED = ("_text", "_decoder", "_encoding")
"""The attributes in which a response remembers what it has derived from its body or its header fields."""


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method that sends a single request: redirects and authentication call it once per request."""
    hook = HttpxHook(module, recorder, patches)
    patches.require(module.Response(200), "_content", "_request")
    patches.wrap(module.Client, "_send_single_request", hook.wrap)
    patches.wrap(module.AsyncClient, "_send_single_request", hook.wrap_async)
    # A test may have replaced the method that sends a single request.
    patches.wrap(module.Client, "_send_handling_redirects", hook.wrap_redirects)
    patches.wrap(module.AsyncClient, "_send_handling_redirects", hook.wrap_async_redirects)
    # A transport may send the request with another transport, which has the response, and may add header fields.
    for name in sorted(_APPLICATIONS | _NETWORK | {"MockTransport"}):
        transport_class = getattr(module, name, None)
        patches.wrap(transport_class, "handle_request", hook.wrap_transport, is_required=False)
        patches.wrap(transport_class, "handle_async_request", hook.wrap_async_transport, is_required=False)


class HttpxHook:
    """Records the exchanges of the clients of one module, `httpx` or `httpx2`."""

    def __init__(self, module: Any, recorder: Recorder, patches: Patches) -> None:
        self._module = module
        self._library = module.__name__
        self._recorder = recorder
        self._patches = patches
        self._reached = Reached()
        self._transport_for = {
            module.Client: module.Client._transport_for_url,
            module.AsyncClient: module.AsyncClient._transport_for_url,
        }
        self._bodies: ObjectValues[WatchedBody] = ObjectValues()
        """The bodies of streams that have not been read yet."""

    def wrap(self, send: Any) -> Any:
        """Return a method that sends, then records the exchange, or changes the response in an impact rerun."""

        def observed_send(client: Any, request: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            self._reached.note()
            if not self._recorder.records(CLIENT):
                return send(client, request)
            exchange, rank = self._begin_exchange(client, request)
            with self._recorder.sending(exchange, rank), self._recorded_request(request, exchange.request_body):
                response = send(client, request)
            if not self._has_head(exchange, response):
                return response
            if self._recorder.is_substituted(exchange):
                content = _content_without_stream(response)
                if content is None:
                    content = b"".join(response.stream)
                return self._substitute_response(exchange, response, content)
            return self._observed(exchange, response)

        return observed_send

    def wrap_async(self, send: Any) -> Any:
        """Return an async method that sends, then records, or changes the response in an impact rerun."""

        async def observed_send(client: Any, request: Any) -> Any:
            """Send a request; record the exchange, or substitute the response while an impact run reruns the test."""
            self._reached.note()
            if not self._recorder.records(CLIENT):
                return await send(client, request)
            exchange, rank = self._begin_exchange(client, request)
            with self._recorder.sending(exchange, rank), self._recorded_request(request, exchange.request_body):
                response = await send(client, request)
            if not self._has_head(exchange, response):
                return response
            if self._recorder.is_substituted(exchange):
                content = _content_without_stream(response)
                if content is None:
                    content = b"".join([chunk async for chunk in response.stream])
                return self._substitute_response(exchange, response, content)
            return self._observed(exchange, response)

        return observed_send

    def wrap_redirects(self, send: Any) -> Any:
        """Return a method that records exchanges if the test has replaced the method that sends a single request."""

        def observed_send(client: Any, request: Any, *arguments: Any, **named: Any) -> Any:
            """Send a request and follow redirects, and record what the replaced method returned."""
            with self._reached.watching() as is_reached:
                try:
                    response = send(client, request, *arguments, **named)
                except Exception as error:
                    if not is_reached() and self._recorder.records(CLIENT):
                        self._recorder.add_failed(self._exchange_of(request), error)
                    raise
                if is_reached() or not self._recorder.records(CLIENT):
                    return response
            return self._record_replaced(request, response)

        return observed_send

    def wrap_async_redirects(self, send: Any) -> Any:
        """Return an async method that does the same as that of `wrap_redirects`."""

        async def observed_send(client: Any, request: Any, *arguments: Any, **named: Any) -> Any:
            """Send a request and follow redirects, and record what the replaced method returned."""
            with self._reached.watching() as is_reached:
                try:
                    response = await send(client, request, *arguments, **named)
                except Exception as error:
                    if not is_reached() and self._recorder.records(CLIENT):
                        self._recorder.add_failed(self._exchange_of(request), error)
                    raise
                if is_reached() or not self._recorder.records(CLIENT):
                    return response
            return self._record_replaced(request, response)

        return observed_send

    def _record_replaced(self, request: Any, response: Any) -> Any:
        """Record a response of the test, with its redirects, and return it or its substitute."""
        hops = [response]
        if issubclass(type(response), self._module.Response):
            hops[:0] = response.history
        for hop in hops:
            # A redirect has a request of its own.
            sent: Any = getattr(hop, "_request", None)
            if not issubclass(type(sent), self._module.Request):
                sent = request
            exchange = self._exchange_of(sent)
            exchange.is_mocked = True
            if hasattr(sent, "_content"):
                exchange.request_body.set(sent.content)
            if not self._has_head(exchange, hop):
                continue
            content = _content_without_stream(hop)
            if hop is response and content is not None and self._recorder.is_substituted(exchange):
                return self._substitute_response(exchange, response, content)
            self._observed(exchange, hop)
        return response

    def _exchange_of(self, request: Any) -> WatchedExchange:
        """Return the exchange of a request that is sent now."""
        fields = header_fields(request.headers.multi_items())
        exchange = WatchedExchange(self._library, request.method, str(request.url), fields)
        exchange.sent_at = self._recorder.lines.calling_line()
        return exchange

    def _begin_exchange(self, client: Any, request: Any) -> tuple[WatchedExchange, int]:
        """Return the exchange of a request, and the rank of the layer that sends it."""
        exchange = self._exchange_of(request)
        client_class = next(cls for cls in type(client).__mro__ if cls in self._transport_for)
        # Not through the client, on which a test may count the calls.
        transport = self._transport_for[client_class](client, request.url)
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
            exchange.is_mocked = not exchange.is_of_recording
            line = self._recorder.lines.line_of(transport.handler)
            if line:
                exchange.registered = f"MockTransport handler at {line}"

    def wrap_transport(self, handle: Any) -> Any:
        """Return a `handle_request` that records the transport and the header fields, if a client is sending."""

        def observed_handle(transport: Any, request: Any) -> Any:
            """Send a request, and record the transport and the header fields in the exchange of the client."""
            exchange = self._recorder.current(self._library)
            if exchange is None:
                return handle(transport, request)
            self._record_transport(exchange, transport)
            earlier_fields = exchange.request_headers
            response = handle(transport, request)
            _record_fields(exchange, request, earlier_fields)
            return response

        return observed_handle

    def wrap_async_transport(self, handle: Any) -> Any:
        """Return an async `handle_async_request` that records as that of `wrap_transport` does."""

        async def observed_handle(transport: Any, request: Any) -> Any:
            """Send a request, and record the transport and the header fields in the exchange of the client."""
            exchange = self._recorder.current(self._library)
            if exchange is None:
                return await handle(transport, request)
            self._record_transport(exchange, transport)
            earlier_fields = exchange.request_headers
            response = await handle(transport, request)
            _record_fields(exchange, request, earlier_fields)
            return response

        return observed_handle

    def _has_head(self, exchange: WatchedExchange, response: Any) -> bool:
        """Record the head of a response, and whether its body has its content codings; false for a fake response."""
        if exchange.has_fake_response(response, self._module.Response):
            self._recorder.add(exchange)
            return False
        exchange.receive(response.status_code, response.headers.multi_items())
        exchange.has_all_headers = exchange.has_all_headers or has_all_headers(response)
        exchange.response_body.is_encoded = not hasattr(response, "_content")
        return True

    def _observed(self, exchange: WatchedExchange, response: Any) -> Any:
        """Return the response, after recording the exchange; the body is recorded while it is read."""
        body = exchange.response_body
        if body.is_encoded:
            self._record_stream(response.stream, body)
        else:
            body.set(response.content)
        self._recorder.add(exchange)
        return response

    def _substitute_response(self, exchange: WatchedExchange, response: Any, content: bytes) -> Any:
        """Return the substitute for a response whose original body is `content`."""
        return substituted_response(self._module, response, self._recorder.substitute(exchange, content))

    @contextmanager
    def _recorded_request(self, request: Any, body: WatchedBody) -> Iterator[None]:
        """Record the body of a request, a stream while the block sends it."""
        if hasattr(request, "_content"):
            body.set(request.content)
            yield
            return
        body.problem = "it was not sent completely"
        self._record_stream(request.stream, body)
        try:
            yield
        finally:
            self._bodies.pop(request.stream)

    def _record_stream(self, stream: Any, body: WatchedBody) -> None:
        """Record the bytes of a stream when it is read; one of another class than the library's cannot be read."""
        if not issubclass(type(stream), (self._module.SyncByteStream, self._module.AsyncByteStream)):
            return
        for name, wrapper in (("__iter__", self.wrap_body), ("__aiter__", self.wrap_async_body)):
            self._patches.wrap(type(stream), name, wrapper, is_required=False)
        self._bodies.set(stream, body)

    def wrap_body(self, iterate: Any) -> Any:
        """Return the method of a stream that yields its bytes, and records those of an exchange."""

        def observed_iterate(source: Any, *arguments: Any, **named: Any) -> Iterator[bytes]:
            """Yield the chunks, and record them."""
            # Once: its class may call the method of its base class, which is replaced too.
            body = self._bodies.pop(source)
            # A stream may be its own iterator, so no loop may call `__iter__` of it again.
            chunks = iterate(source, *arguments, **named)
            while (chunk := next(chunks, _END)) is not _END:
                if body is not None:
                    body.add(chunk)
                yield chunk
            if body is not None:
                body.finish()

        return observed_iterate

    def wrap_async_body(self, iterate: Any) -> Any:
        """Return the async method of a stream that does the same as that of `wrap_body`."""

        async def observed_iterate(source: Any, *arguments: Any, **named: Any) -> AsyncIterator[bytes]:
            """Yield the chunks, and record them."""
            body = self._bodies.pop(source)
            chunks = iterate(source, *arguments, **named)
            try:
                while (chunk := await anext(chunks, _END)) is not _END:
                    if body is not None:
                        body.add(chunk)
                    yield chunk
            finally:
                if isasyncgen(chunks):
                    await chunks.aclose()
            if body is not None:
                body.finish()

        return observed_iterate


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


def substituted_response(module: Any, response: Any, substitute: MockResponse) -> Any:
    """Return a response of httpx with the substitute's contents; closing it closes the observed response."""
    extensions = dict(response.extensions)
    if substitute.status != response.status_code:
        extensions.pop("reason_phrase", None)
    fields = [(name.encode(), value.encode()) for name, value in substitute.headers]
    copy = shallow_copy(response, status_code=substitute.status, headers=module.Headers(fields), extensions=extensions)
    for name in _CACHED:
        vars(copy).pop(name, None)
    if hasattr(response, "_content"):
        copy._content = substitute.body
        return copy
    copy.is_stream_consumed = copy.is_closed = False
    is_async = isinstance(response.stream, module.AsyncByteStream)
    base = module.AsyncByteStream if is_async else module.SyncByteStream
    copy.stream = _stream_class(base)(substitute.payload.content, response, copy)
    return copy


def _stream_class(base: Any) -> Any:
    """Return a class of streams, derived from that of the library, with the substitute's content."""

    class SubstitutedStream(base):  # type: ignore[misc]
        """The body of a response; closing it closes the stream of the observed response."""

        def __init__(self, content: bytes, observed: Any, response: Any) -> None:
            self._content, self._observed, self._response = content, observed, response

        def __iter__(self) -> Iterator[bytes]:
            """Yield the content."""
            if self._content:
                yield self._content

        async def __aiter__(self) -> AsyncIterator[bytes]:
            """Yield the content."""
            if self._content:
                yield self._content

        def close(self) -> None:
            """Close the observed stream, by which httpx measures the time."""
            self._observed.stream.close()
            self._copy_elapsed()

        async def aclose(self) -> None:
            """Close the observed stream, by which httpx measures the time."""
            await self._observed.stream.aclose()
            self._copy_elapsed()

        def _copy_elapsed(self) -> None:
            """Copy the measured time of the observed response."""
            elapsed = getattr(self._observed, "_elapsed", None)
            if elapsed is not None:
                self._response.elapsed = elapsed

    return SubstitutedStream
