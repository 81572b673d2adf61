"""Observes http.client, and with it urllib and every library that is built on it."""

from __future__ import annotations

import re
from io import BytesIO
from types import ModuleType
from typing import Any

from pytest_bctrl.http.message import MockResponse, with_headers
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange
from pytest_bctrl.watch.patches import ObjectValues, Patches
from pytest_bctrl.watch.recorder import HTTP_CLIENT, Recorder
from pytest_bctrl.watch.substitution import reason_phrase

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_BODIES: ObjectValues[WatchedBody] = ObjectValues()
"""The bodies of responses."""
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe what connections send, and the bodies of their responses while they are read."""
    hook = _HttpClientHook(recorder, module.HTTPResponse)
    for name in ("putrequest", "send", "getresponse"):
        patches.wrap(module.HTTPConnection, name, getattr(hook, f"wrap_{name}"))
    for name in ("read", "read1", "readline"):
        patches.wrap(module.HTTPResponse, name, _wrap_read)
    patches.wrap(module.HTTPResponse, "readinto", _wrap_readinto)


class _HttpClientHook:
    def __init__(self, recorder: Recorder, response_class: type) -> None:
        self._recorder = recorder
        self._response_class = response_class
        self._sent: ObjectValues[WatchedExchange] = ObjectValues()
        """The exchange of the request that each connection sends."""

    def wrap_putrequest(self, putrequest: Any) -> Any:
        """Return a function in place of `HTTPConnection.putrequest`, which begins an exchange."""
        recorder, sent = self._recorder, self._sent

        def observed_putrequest(self: Any, method: str, url: str, *arguments: Any, **named: Any) -> Any:
            """Begin a request, and store its exchange."""
            sent.pop(self)
            if recorder.records(HTTP_CLIENT):
                exchange = WatchedExchange("http.client", method, _request_url(self, url or "/"), ())
                exchange.sent_at = recorder.lines.calling_line()
                exchange.request_body.problem = ""
                sent.set(self, exchange)
            return putrequest(self, method, url, *arguments, **named)

        return observed_putrequest

    def wrap_send(self, send: Any) -> Any:
        """Return a function in place of `HTTPConnection.send`, which stores the sent bytes of a request."""
        sent = self._sent

        def observed_send(self: Any, data: Any) -> Any:
            """Send bytes of a request, and store them."""
            exchange = sent.get(self)
            if exchange is None or exchange.request_body.is_reading:
                # A connection through a proxy sends a request of its own when it opens.
                return send(self, data)
            body = exchange.request_body
            if isinstance(data, bytes | bytearray | memoryview):
                body.add(bytes(data))
            else:
                body.problem = "the client library reads it from a stream"
            with body.reading():
                return send(self, data)

        return observed_send

    def wrap_getresponse(self, getresponse: Any) -> Any:
        """Return a `getresponse` that also records the exchange, or changes the response in an impact rerun."""
        recorder, response_class, sent = self._recorder, self._response_class, self._sent

        def observed_getresponse(self: Any) -> Any:
            """Get the response; record the exchange, or substitute the response while an impact run reruns the test."""
            exchange = sent.pop(self)
            if exchange is not None:
                _parse_request(exchange)
            try:
                response = getresponse(self)
            except Exception as error:
                if exchange is not None:
                    recorder.add_failed(exchange, error)
                raise
            if exchange is not None:
                if exchange.has_fake_response(response, response_class):
                    recorder.add(exchange)
                    return response
                exchange.receive(response.status, response.headers.items())
                exchange.has_all_headers = True
                exchange.response_body.is_encoded = True
                if recorder.is_substituted(exchange):
                    with response:
                        content = response.read()
                    return substituted_response(response, recorder.substitute(exchange, content), exchange.method)
                _BODIES.set(response, exchange.response_body)
                _finish_if_ended(response, exchange.response_body)
                recorder.add(exchange)
            return response

        return observed_getresponse


def _parse_request(exchange: WatchedExchange) -> None:
    """Divide the bytes that were sent into the header fields and the body of the request."""
    body = exchange.request_body
    head, _, content = body.content.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    exchange.request_headers = fields
    if any(name.lower() == "transfer-encoding" for name, _ in fields):
        content, problem = _without_chunks(content)
        body.problem = body.problem or problem
    body.restart()
    body.add(content)
    if not body.problem:
        body.finish()


def _request_url(connection: Any, target: str) -> str:
    """Return the URL of a request target on a connection."""
    if target.startswith(("http://", "https://")):
        return target
    scheme = "https" if connection.default_port == 443 else "http"
    host = getattr(connection, "_tunnel_host", None) or connection.host
    port = getattr(connection, "_tunnel_port", None) or connection.port
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}:{port}{target}"


def _without_chunks(data: bytes) -> tuple[bytes, str]:
    """Return a body without the chunked transfer coding (RFC 9112, 7.1), and why it is not known (empty if it is)."""
    chunks: list[bytes] = []
    while True:
        line, _, data = data.partition(b"\r\n")
        size = line.partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(size):
            return b"".join(chunks), "it is not in chunks, as its header says"
        length = int(size, 16)
        if length == 0:
            # Header fields may follow.
            return b"".join(chunks), ""
        chunks.append(data[:length])
        data = data[length + 2 :]


def _wrap_read(read: Any) -> Any:
    """Return a reading method of responses that records what it reads."""

    def observed_read(self: Any, *arguments: Any, **named: Any) -> Any:
        """Return the data that was read, and record it."""
        body = _BODIES.get(self)
        if body is None or body.is_reading:
            return read(self, *arguments, **named)
        with body.reading():
            data = read(self, *arguments, **named)
        body.add(data)
        _finish_if_ended(self, body)
        return data

    return observed_read


def _wrap_readinto(readinto: Any) -> Any:
    """Return `readinto` of responses, which records what it reads."""

    def observed_readinto(self: Any, buffer: Any) -> Any:
        """Read into a buffer, and record the bytes."""
        body = _BODIES.get(self)
        if body is None or body.is_reading:
            return readinto(self, buffer)
        with body.reading():
            count = readinto(self, buffer)
        body.add(bytes(memoryview(buffer)[:count]))
        _finish_if_ended(self, body)
        return count

    return observed_readinto


def _finish_if_ended(response: Any, body: WatchedBody) -> None:
    """Mark a body as complete if its response has ended."""
    if response.isclosed() or response.length == 0:
        body.finish()


class _Socket:
    """A connection from which a response is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> BytesIO:
        """Return a file with the bytes of the response."""
        return BytesIO(self._data)


def substituted_response(response: Any, substitute: MockResponse, method: str) -> Any:
    """Return a response of http.client that parses the substitute as if a server had sent it."""
    version = "1.0" if response.version == 10 else "1.1"
    reason = reason_phrase(substitute.status, response.status, response.reason)
    lines = [f"HTTP/{version} {substitute.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in with_headers(substitute, {"Transfer-Encoding": None}).headers]
    head = "\r\n".join(lines).encode("latin-1", "replace")
    copy = type(response)(_Socket(head + b"\r\n\r\n" + substitute.payload.content), method=method)
    copy.begin()
    return copy
