"""Observes aiohttp, and the mocks that respond in place of its sessions: aioresponses, vcrpy."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from pytest_bctrl.checks.response import has_all_headers
from pytest_bctrl.http.message import Headers, MockResponse
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange, header_fields
from pytest_bctrl.watch.patches import Patches, Reached, as_coroutine_function
from pytest_bctrl.watch.recorder import CLIENT, HTTP_CLIENT, Recorder
from pytest_bctrl.watch.substitution import reason_phrase, shallow_copy

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_NOT_KEPT = "the client library does not keep it"
_RAISED = "the client library raised an error before it was read"
_METHODS = ("request", "get", "options", "head", "post", "put", "patch", "delete")
_FORM = "application/x-www-form-urlencoded"
_DECODED = frozenset({"gzip", "deflate", "br"})
"""The content codings that every version of aiohttp removes; it leaves others, and several at once, as they are."""


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the method of sessions that sends a request and follows redirects, and the reader of bodies."""
    hook = _AiohttpHook(module, recorder)
    patches.require(module.ClientSession, "_build_url")
    patches.require(module.client._SessionRequestContextManager, "_coro", "_session")
    patches.require(module.ClientResponse, "_connection", "_headers", "_raw_headers", "_released")
    patches.require_use(module.ClientResponse, "read", "_body")
    patches.require_use(module.StreamReader, "_read_nowait_chunk", "_buffer")
    patches.require_use(module.StreamReader, "at_eof", "_buffer", "_eof")
    patches.wrap(module.ClientSession, "_request", hook.wrap)
    # aioresponses, vcrpy and tests replace that method.
    for name in _METHODS:
        patches.wrap(module.ClientSession, name, hook.wrap_public)
    patches.wrap(module.client, "request", hook.wrap_public)
    patches.wrap(module, "request", lambda _: module.client.request)
    patches.wrap(module.ClientResponse, "start", hook.observe_start)
    patches.wrap(module.StreamReader, "_read_nowait_chunk", hook.observe_chunks)
    # `JsonBytesPayload` is new in aiohttp 3.14.
    for name in ("JsonPayload", "JsonBytesPayload"):
        payload_class = getattr(module, name, None)
        if payload_class is not None:
            patches.wrap(payload_class, "__init__", hook.observe_json)


class _AiohttpHook:
    def __init__(self, module: Any, recorder: Recorder) -> None:
        self._recorder = recorder
        self._response_class = module.ClientResponse
        self._response_error = module.ClientResponseError
        self._request_info_class = module.RequestInfo
        self._empty_reader_class = type(module.EMPTY_PAYLOAD)
        self._raise_for_status = module.ClientResponse.raise_for_status.__code__
        compression = sys.modules.get(f"{module.__name__}.compression_utils")
        self._decoded = _DECODED
        if hasattr(compression, "HAS_ZSTD"):
            self._decoded |= {"zstd"}
        # Readers have slots, and no place for a body. Each one is kept until its body or its test has ended.
        self._readers: dict[int, tuple[Any, WatchedBody]] = {}
        # The responses of the requests that are being sent, by the id of their exchange.
        self._responses: dict[int, list[Any]] = {}
        self._reached = Reached()
        recorder.at_end_of_test(self._forget_readers)

    def wrap(self, request: Any) -> Any:
        """Return a function in place of `ClientSession._request`, which sends with `_send_observed`."""

        def observed_request(session: Any, method: str, url: Any, **named: Any) -> Coroutine[Any, Any, Any]:
            """Return the coroutine that sends the request with `_send_observed`."""
            self._reached.note()
            sent_at = self._recorder.lines.calling_line()
            return self._send_observed(
                session, lambda: request(session, method, url, **named), named, str(method), str(url), sent_at
            )

        return as_coroutine_function(observed_request)

    def wrap_public(self, send: Any) -> Any:
        """Return a function in place of one that calls `ClientSession._request`, which may have been replaced."""
        signature = inspect.signature(send)

        def observed_send(*arguments: Any, **named: Any) -> Any:
            """Return what the function returns, whose coroutine sends with `_send_observed`."""
            with self._reached.watching() as is_reached:
                sending = send(*arguments, **named)
                replaced = None if is_reached() else getattr(sending, "_coro", None)
            if not inspect.isawaitable(replaced):
                return sending
            sent_at = self._recorder.lines.calling_line()
            # The session of the function `request` is new.
            session = getattr(sending, "_session", None) or arguments[0]
            values = signature.bind(*arguments, **named).arguments
            method = str(values.get("method", send.__name__.upper()))
            sending._coro = self._send_observed(session, lambda: replaced, named, method, str(values["url"]), sent_at)
            return sending

        return observed_send

    async def _send_observed(
        self,
        session: Any,
        send: Callable[[], Awaitable[Any]],
        named: Mapping[str, Any],
        method: str,
        url: str,
        sent_at: str,
    ) -> Any:
        """Send a request; record its exchange and those of redirects, or substitute a response in an impact rerun."""
        if not self._recorder.records(CLIENT):
            return await send()
        first = WatchedExchange("aiohttp", method, _whole_url(session, url), (), sent_at=sent_at)
        last = await self._receive(first, send())
        error = last if isinstance(last, self._response_error) else None
        if error is None and first.has_fake_response(last, self._response_class):
            self._recorder.add(first)
            return last
        response: Any = None
        for exchange, response in self._exchanges(session, named, first, last):
            if response is not error and self._recorder.is_substituted(exchange):
                is_whole = response._body is not None
                substitute = await self._substitute_for(exchange, response)
                # A redirect that a changed server does not send is not followed.
                if response is last or substitute.status != response.status:
                    if response is not last and error is None:
                        # Nobody will read the response to the redirect.
                        last.release()
                    is_decoded = not exchange.response_body.is_encoded
                    copy = substituted_response(response, substitute, is_decoded=is_decoded, is_whole=is_whole)
                    await _raise_for_status(session, named, copy)
                    return copy
                continue
            if response is error:
                exchange.response_body.problem = _RAISED
            else:
                self._observe_body(response, exchange.response_body)
            self._recorder.add(exchange)
        if error is not None:
            # The traceback of the error has this frame: without these names, the error is deleted as without the watch.
            del last, response
            try:
                raise error
            finally:
                del error
        return last

    def observe_start(self, start: Any) -> Any:
        """Return the method in place of `ClientResponse.start`, which stores the response of each request."""

        async def observed_start(response: Any, connection: Any) -> Any:
            """Receive the head of a response, and store the response of an observed request."""
            result = await start(response, connection)
            # A task of a middleware may go on after its request has ended.
            self._responses.get(id(self._recorder.current("aiohttp")), []).append(response)
            return result

        return observed_start

    def observe_json(self, initialize: Any) -> Any:
        """Return the method in place of `__init__` of JSON payloads, which records the body of an observed request."""

        def observed_initialize(payload: Any, *arguments: Any, **named: Any) -> None:
            """Serialize the data of a request, and record the bytes."""
            initialize(payload, *arguments, **named)
            exchange = self._recorder.current("aiohttp")
            if exchange is not None and not exchange.request_body.is_complete:
                exchange.request_body.set(bytes(payload._value))

        return observed_initialize

    async def _receive(self, first: WatchedExchange, sending: Any) -> Any:
        """Return the response to a request, or the error of its status; record the responses before another error."""
        responses = self._responses[id(first)] = []
        try:
            with self._recorder.sending(first, HTTP_CLIENT):
                try:
                    return await sending
                except Exception as error:
                    if isinstance(error, self._response_error) and self._is_of_status(error):
                        # As with `raise_for_status=True`: the error has the head of the response.
                        return error
                    for response in responses:
                        self._add_before_error(first, response)
                    raise
        finally:
            self._responses.pop(id(first))

    def _add_before_error(self, first: WatchedExchange, response: Any) -> None:
        """Record the exchange of a response after which the client raised an error, such as of too many redirects."""
        sent = response.request_info
        fields = header_fields(sent.headers.items())
        exchange = WatchedExchange("aiohttp", sent.method, str(sent.url), fields, sent_at=first.sent_at)
        exchange.request_body.problem, exchange.response_body.problem = _NOT_KEPT, _RAISED
        if response._body is not None:
            exchange.response_body.set(response._body)
        exchange.receive(response.status, response.headers.items())
        first.status = response.status
        self._recorder.add_unchanged(exchange)

    def _is_of_status(self, error: Any) -> bool:
        """Return whether the response itself raised an error, because of its status: other errors have no response."""
        traceback = error.__traceback__
        while traceback.tb_next is not None:
            traceback = traceback.tb_next
        return traceback.tb_frame.f_code is self._raise_for_status

    def _exchanges(
        self, session: Any, named: Mapping[str, Any], first: WatchedExchange, last: Any
    ) -> Iterator[tuple[WatchedExchange, Any]]:
        """Yield the exchange and the response of each redirect and of the last response."""
        fields = _sent_body(session, named, first.request_body)
        # The history has the last response too if it is a redirect without a `Location`.
        for number, hop in enumerate((*(hop for hop in last.history if hop is not last), last)):
            exchange = first
            if number:
                exchange = WatchedExchange("aiohttp", "", "", (), sent_at=first.sent_at, registered=first.registered)
                exchange.is_mocked = first.is_mocked
                exchange.request_body.problem = _NOT_KEPT
            sent = hop.request_info
            if issubclass(type(sent), self._request_info_class):
                # A response that a test builds may have a mock object.
                exchange.method, exchange.url = sent.method, str(sent.url)
                exchange.request_headers = header_fields(sent.headers.items())
            if not number:
                exchange.request_headers += _fields_left_out(exchange.request_headers, fields)
            exchange.receive(hop.status, (hop.headers or {}).items())
            exchange.has_all_headers = has_all_headers(hop)
            codings = [value.lower() for name, value in exchange.response_headers if name.lower() == "content-encoding"]
            is_left = bool(codings) and codings[0] not in self._decoded
            exchange.response_body.is_encoded = is_left or not getattr(session, "auto_decompress", True)
            yield exchange, hop

    async def _substitute_for(self, exchange: WatchedExchange, response: Any) -> MockResponse:
        """Return the response to receive instead; the body of a redirect is not read."""
        content = b""
        if response._body is not None or not response._released:
            content = await response.read()
        return self._recorder.substitute(exchange, content)

    def _observe_body(self, response: Any, body: WatchedBody) -> None:
        """Record the body of a response, now if it was read, else while its reader is read."""
        reader = response.content
        if response._body is not None:
            body.set(response._body)
        elif type(reader) is self._empty_reader_class:
            # A response without a body.
            body.set(b"")
        elif not hasattr(reader, "_buffer"):
            body.problem = f"its reader is of class {type(reader).__name__}"
        elif reader.at_eof():
            body.set(b"")
        else:
            self._readers[id(reader)] = reader, body

    def observe_chunks(self, read_chunk: Any) -> Any:
        """Return the method in place of `StreamReader._read_nowait_chunk`, which records bytes of observed bodies."""
        readers = self._readers

        def observed_read_chunk(self: Any, n: int) -> Any:
            """Return the next bytes of a reader, and record them."""
            chunk = read_chunk(self, n)
            if id(self) in readers:
                body = readers[id(self)][1]
                body.add(chunk)
                if self._eof and not self._buffer:
                    body.finish()
                    del readers[id(self)]
            return chunk

        return observed_read_chunk

    def _forget_readers(self) -> None:
        """Stop observing all readers, after marking the bodies that have ended."""
        for reader, body in self._readers.values():
            if reader.at_eof():
                body.finish()
        self._readers.clear()


async def _raise_for_status(session: Any, named: Mapping[str, Any], response: Any) -> None:
    """Raise the error of a response if the session or the request is set to raise it."""
    raise_for_status: Any = named.get("raise_for_status")
    if raise_for_status is None:
        raise_for_status = getattr(session, "raise_for_status", None)
    if raise_for_status is True:
        response.raise_for_status()
    elif raise_for_status:
        await raise_for_status(response)


def _sent_body(session: Any, named: Mapping[str, Any], body: WatchedBody) -> Headers:
    """Record the body that the arguments of a request describe, and return the header fields they describe."""
    fields = [*session.headers.items(), *_pairs(named.get("headers"))]
    auth = named.get("auth") or getattr(session, "auth", None)
    if auth is not None:
        fields.append(("Authorization", auth.encode()))
    data, json = named.get("data"), named.get("json")
    if json is not None:
        if not body.is_complete:
            # A mock does not serialize it.
            body.set(_serialized(session, json))
        fields.append(("Content-Type", "application/json"))
    elif data is None or isinstance(data, bytes | bytearray):
        body.set(bytes(data or b""))
    elif isinstance(data, str):
        body.set(data.encode())
    elif isinstance(data, Mapping) and all(isinstance(value, str | int | float) for value in data.values()):
        body.set(urlencode(data).encode())
        fields.append(("Content-Type", _FORM))
    else:
        body.problem = _NOT_KEPT
    return header_fields(fields)


def _whole_url(session: Any, url: str) -> str:
    """Return a URL joined with that of the session; as it is if that is not possible, for aiohttp to reject it."""
    try:
        return str(session._build_url(url))
    except (TypeError, ValueError, AssertionError):
        return url


def _pairs(headers: Any) -> list[tuple[object, object]]:
    """Return header fields as pairs."""
    if headers is None:
        return []
    if hasattr(headers, "items"):
        return list(headers.items())
    return list(headers)


def _serialized(session: Any, json: Any) -> bytes:
    """Return data as the session serializes it to JSON."""
    # `_json_serialize_bytes` is new in aiohttp 3.14.
    serialize = getattr(session, "_json_serialize_bytes", None) or session.json_serialize
    text = serialize(json)
    if isinstance(text, str):
        return text.encode()
    return bytes(text)


def _fields_left_out(sent: Headers, fields: Headers) -> Headers:
    """Return those of `fields` whose names are not in `sent`: a mock leaves them out of the request that it shows."""
    names = {name.lower() for name, _ in sent}
    missing = {name.lower(): (name, value) for name, value in fields if name.lower() not in names}
    return tuple(missing.values())


def substituted_response(response: Any, substitute: MockResponse, *, is_decoded: bool, is_whole: bool) -> Any:
    """Return a response of aiohttp with the substitute's contents; its body is unread unless `is_whole`."""
    from multidict import CIMultiDict, CIMultiDictProxy

    fields = substitute.headers
    body = substitute.body if is_decoded else substitute.payload.content
    copy = shallow_copy(
        response,
        status=substitute.status,
        reason=reason_phrase(substitute.status, response.status, response.reason),
        _headers=CIMultiDictProxy(CIMultiDict(fields)),
        _raw_headers=tuple((_field_bytes(name), _field_bytes(value)) for name, value in fields),
        _cache={},
        _connection=None,
        _released=False,
    )
    # A response of vcrpy has its whole body from the beginning.
    copy._body = body if is_whole else None
    if not isinstance(getattr(type(response), "content", None), property):
        copy.content = _reader(body)
    return copy


def _field_bytes(text: str) -> bytes:
    """Return a name or value of a header field as bytes, which aiohttp decodes again."""
    return text.encode("utf-8", "surrogateescape")


def _reader(body: bytes) -> Any:
    """Return a reader of a body that has arrived."""
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.streams import StreamReader

    loop = asyncio.get_running_loop()
    reader = StreamReader(ResponseHandler(loop), limit=len(body) + 1, loop=loop)
    reader.feed_data(body)
    reader.feed_eof()
    return reader
