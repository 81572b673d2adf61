"""A connection of a client, and its connection to the target: the proxy has one of these pairs per client connection.

So a connection that either side closes, resets or keeps open is closed, reset or kept open for the other side too.
Bytes of the target are passed on as they arrive, and parsed afterwards. Requests are parsed first, because their `Host`
and their target change.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from http import HTTPStatus
from typing import Protocol, cast

from pytest_bctrl.http.message import Headers, Request
from pytest_bctrl.traffic.proxy.exchange import BodyBudget, CapturedBody, ProxiedExchange, TransportError
from pytest_bctrl.traffic.proxy.request_reader import RequestReader
from pytest_bctrl.traffic.proxy.response_reader import ResponseReader

_MAX_WAITING = 256 * 1024
"""Bytes of requests that wait for the connection to the target, beyond which the client is not read."""
_MAX_PENDING = 64
"""Requests without a response, beyond which the client is not read."""
_RESET = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)
"""`SO_LINGER` with no time to linger: closing resets the connection."""
_CLIENT_CLOSED = "the client closed its connection"
_STOPPED = "the proxy was stopped"
_EVICTED = "the proxy closed the connection for a new client"
_IDLE_SECONDS, _STALLED_SECONDS = 0.5, 60.0
"""How long a connection without and with a request in progress is inactive before a new client replaces it."""


class RejectionError(Exception):
    """A request that is not forwarded: the status and the reason that the client receives."""

    def __init__(self, status: int, reason: str, headers: Headers = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class Forwarder(Protocol):
    """What all connections share; `ProxyServer` is the one."""

    body_limit: int
    body_budget: BodyBudget

    def forwarded_head(self, request: Request) -> Request:
        """Return the head of a request as the target receives it; raises `RejectionError` if it is not forwarded."""
        ...

    async def connect(self, connection: TargetConnection) -> None:
        """Connect to the target; raises `OSError`."""

    def finished(self, exchange: ProxiedExchange, connection: ProxyConnection) -> None:
        """Handle an exchange of a connection that has ended, with or without a complete response."""

    def surplus(self, exchange: ProxiedExchange, data: bytes) -> None:
        """Handle bytes that the target sent after the response of an exchange, and that belong to no response."""

    def unreachable(self, error: TransportError) -> None:
        """Handle a target that cannot be reached."""

    def rejected(self, request: str, reason: str) -> None:
        """Handle a request that is not forwarded, given as method and path."""

    def add(self, connection: ProxyConnection) -> None:
        """Handle a new connection of a client."""

    def remove(self, connection: ProxyConnection) -> None:
        """Handle the end of a connection of a client."""


class ProxyConnection(asyncio.Protocol):
    """One client's connection: parses its requests, and forwards them to one connection to the target."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder
        self._requests = RequestReader(self)
        self.responses = ResponseReader(self._response_ended, forwarder.surplus)
        self.target: TargetConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._needs_no_target = False
        self._waiting = bytearray()
        self._arriving: ProxiedExchange | None = None
        self._is_chunked = False
        self._rejection: RejectionError | None = None
        self._method = ""
        self._is_half_closed = False
        self._pauses: set[str] = set()
        self.active_at = 0.0
        """The time at which bytes were last received or sent."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress on this connection."""
        return self.responses.is_idle and self._arriving is None

    def eviction_rank(self, now: float) -> tuple[bool, float] | None:
        """Return the rank in which connections are closed for new ones, lowest first; None if this one is in use."""
        patience = _IDLE_SECONDS if self.is_idle else _STALLED_SECONDS
        if now - self.active_at < patience:
            return None
        return not self.is_idle, self.active_at

    def pause(self, reason: str) -> None:
        """Read nothing from the client until `resume` is called with the same reason."""
        self._pauses.add(reason)
        self.transport.pause_reading()

    def resume(self, reason: str) -> None:
        """Read from the client again, unless there is another reason not to."""
        self._pauses.discard(reason)
        if not self._pauses:
            self.transport.resume_reading()

    # asyncio calls the following methods.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and tell the forwarder about the new client connection."""
        self.transport = cast("asyncio.Transport", transport)
        self.note_activity()
        self._forwarder.add(self)

    def data_received(self, data: bytes) -> None:
        """Parse the bytes of the client, which forwards them; reject the request if they are malformed."""
        self.note_activity()
        if self._rejection is not None:
            return
        problem = self._requests.feed(data)
        if problem:
            if self._arriving is None:
                self._forwarder.rejected("a request", problem)
            self._reject(RejectionError(400, problem))

    def eof_received(self) -> bool:
        """Handle a client that sends nothing more; return True, to keep the connection, while it awaits responses."""
        self._is_half_closed = True
        if self._arriving is not None or self.responses.is_idle:
            return False
        if self.target is not None and self.target.transport.can_write_eof():
            self.target.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the exchanges in progress and close the connection to the target, as the client has closed its own."""
        self._forwarder.remove(self)
        self._arriving = None
        self.responses.cancel(_CLIENT_CLOSED)
        self._disconnect()

    def pause_writing(self) -> None:
        """Stop reading from the target while the client does not read."""
        # Only bytes of the target can fill the buffer.
        cast("TargetConnection", self.target).transport.pause_reading()

    def resume_writing(self) -> None:
        """Read from the target again."""
        cast("TargetConnection", self.target).transport.resume_reading()

    # The reader of requests calls the following methods.

    def request_started(self, request: Request) -> None:
        """Forward the head of a request, or reject the request."""
        if self._rejection is not None:
            return
        self._method = request.method
        try:
            forwarded = self._forwarder.forwarded_head(request)
        except RejectionError as rejection:
            self._forwarder.rejected(f"{request.method} {request.target.partition('?')[0]}", rejection.reason)
            self._reject(rejection)
            return
        limit, budget = self._forwarder.body_limit, self._forwarder.body_budget
        bodies = CapturedBody(limit, budget), CapturedBody(limit, budget)
        exchange = ProxiedExchange(forwarded.method, forwarded.target, forwarded.headers, *bodies)
        self._arriving = exchange
        self._is_chunked = "chunked" in (request.header("transfer-encoding") or "").lower()
        self.responses.expect(exchange)
        if self.responses.pending >= _MAX_PENDING:
            self.pause("responses")
        lines = [f"{forwarded.method} {forwarded.target} HTTP/{forwarded.version}"]
        lines += [f"{name}: {value}" for name, value in forwarded.headers]
        self._forward("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def body_received(self, data: bytes) -> None:
        """Forward a part of a request body, as a chunk if the body is chunked."""
        if self._rejection is not None or self._arriving is None:
            return
        self._arriving.request_body.add(data)
        if self._is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._forward(data)

    def request_ended(self, trailers: Headers) -> None:
        """Forward the end of a request, with the trailer fields of a chunked body."""
        exchange, self._arriving = self._arriving, None
        if self._rejection is not None or exchange is None:
            return
        if self._is_chunked:
            fields = "".join(f"{name}: {value}\r\n" for name, value in trailers)
            self._forward(b"0\r\n" + fields.encode("latin-1") + b"\r\n")
        exchange.request_body.finish()

    # The connection to the target calls the following methods.

    def connected(self, target: TargetConnection) -> None:
        """Send what was received before the connection to the target was open."""
        if self._needs_no_target:
            target.transport.abort()
            return
        self.target = target
        target.transport.write(bytes(self._waiting))
        self._waiting.clear()
        self.resume("connecting")

    def target_lost(self, error: OSError | None) -> None:
        """End the client's connection in the way in which the target ended its own."""
        if self._is_half_closed and not self.responses.has_begun:
            # The target gave up on a request whose client has probably gone.
            self.responses.cancel(_CLIENT_CLOSED)
        self.responses.end(error)
        if error is not None and not self.transport.get_write_buffer_size():
            sock = self.transport.get_extra_info("socket")
            # The client may have reset its connection in the same step of the event loop.
            if sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()

    def stop(self, reason: str = _STOPPED) -> None:
        """Cancel the exchanges in progress, for a reason, and close the client's connection at once."""
        self.responses.cancel(_CLIENT_CLOSED if self._is_half_closed else reason)
        self.transport.abort()

    def evict(self) -> None:
        """Close the client's connection for a new client."""
        self.stop(_EVICTED)

    def note_activity(self) -> None:
        """Note that bytes were received or sent."""
        self.active_at = asyncio.get_running_loop().time()

    def _forward(self, data: bytes) -> None:
        """Send data to the target, or keep it and connect if the target is not connected."""
        if self.target is not None:
            self.target.transport.write(data)
            return
        self._waiting += data
        if len(self._waiting) > _MAX_WAITING:
            self.pause("connecting")
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        """Connect to the target; if that fails, report it, and respond with 502 if the client is still waiting."""
        try:
            await self._forwarder.connect(TargetConnection(self))
        except OSError as error:
            detail = error.strerror or str(error) or type(error).__name__
            name = "ConnectTimeout" if isinstance(error, TimeoutError) else "ConnectError"
            self._forwarder.unreachable(TransportError(name, detail))
            if self._needs_no_target:
                return
            self._arriving = None
            # Before the exchanges end, so that a half-closed client gets the response too.
            self._reject(RejectionError(502, f"the target cannot be reached: {detail}"))
            self.responses.cancel("the target cannot be reached")

    def _response_ended(self, exchange: ProxiedExchange) -> None:
        """Report an exchange that ended; after the last, send a pending rejection or close a half-closed connection."""
        if not self.transport.is_closing():
            self.resume("responses")
        self._forwarder.finished(exchange, self)
        if not self.responses.is_idle:
            return
        if self._rejection is not None:
            self._write_rejection(self._rejection)
        elif self._is_half_closed:
            self.transport.close()

    def _reject(self, rejection: RejectionError) -> None:
        """Respond to the client in place of the target, once no response is pending, and close the connection."""
        self._rejection = rejection
        if self._arriving is not None:
            # The request will never be complete, so its response will not be either.
            self._arriving = None
            if self.responses.has_begun:
                self.transport.abort()
            self.responses.cancel(rejection.reason)
            self._disconnect()
        elif self.responses.is_idle:
            self._write_rejection(rejection)

    def _disconnect(self) -> None:
        """Close the connection to the target, now or as soon as it is open.

        An attempt to connect is not cancelled: asyncio could leave the socket that it has just connected open.
        """
        self._needs_no_target = True
        if self.target is not None:
            self.target.transport.abort()

    def _write_rejection(self, rejection: RejectionError) -> None:
        """Send the client the rejection as `application/problem+json`, and close its connection."""
        phrase = HTTPStatus(rejection.status).phrase
        problem = {"title": phrase, "status": rejection.status, "detail": f"pytest-bctrl proxy: {rejection.reason}"}
        body = json.dumps(problem).encode()
        fields = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *rejection.headers,
        ]
        lines = [f"HTTP/1.1 {rejection.status} {phrase}", *(f"{name}: {value}" for name, value in fields)]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.transport.write(head if self._method == "HEAD" else head + body)
        self.transport.close()


class TargetConnection(asyncio.Protocol):
    """The connection to the target that belongs to one client's connection."""

    transport: asyncio.Transport

    def __init__(self, client: ProxyConnection) -> None:
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and tell the client connection that its target is connected."""
        self.transport = cast("asyncio.Transport", transport)
        self._client.connected(self)

    def data_received(self, data: bytes) -> None:
        """Pass bytes of the target on to the client, and parse them as responses."""
        self._client.note_activity()
        self._client.transport.write(data)
        self._client.responses.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the client connection that the target has closed its connection, and with which error."""
        reset = None
        if exc is not None:
            reset = exc if isinstance(exc, OSError) else OSError(0, str(exc))
        self._client.target_lost(reset)

    def pause_writing(self) -> None:
        """Stop reading from the client while the target does not read."""
        self._client.pause("the target")

    def resume_writing(self) -> None:
        """Read from the client again."""
        self._client.resume("the target")
