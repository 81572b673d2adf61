"""A connection of the mock: reads requests, sends the responses in order, and never blocks other connections."""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from math import inf
from time import time
from typing import Protocol

from pytest_bctrl.http.message import CONTINUE, MockResponse, Request, date_at, encode
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.mock.parse import RequestParser, RequestProblem, ServerLimits

READ, WRITE = 1, 2
"""The same bits as `selectors.EVENT_READ` and `EVENT_WRITE`."""

_CHUNK = 65536
_AT_ONCE = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)
"""`SO_LINGER` with no time to linger: closing resets the connection."""

_DRAIN_SECONDS = 1.0
_SILENT_SECONDS, _STALLED_SECONDS = 0.1, 1.0
"""Seconds of inactivity after which a connection may be evicted: without any request, and with one."""


class Loop(Protocol):
    """The loop that drives connections, as they use it; `Listener` is the one."""

    limits: ServerLimits
    request_cache: dict[bytes, Request]
    respond: Callable[[Request], MockResponse]
    reject: Callable[[RequestProblem], MockResponse]

    def watch(self, connection: ClientConnection, events: int) -> None:
        """Call `connection.ready` when one of `events` is possible; 0 for never."""

    def later(self, seconds: float, connection: ClientConnection) -> None:
        """Call `connection.due` after `seconds`."""

    def forget(self, connection: ClientConnection) -> None:
        """Stop watching a connection that is about to be closed, and accept new connections again."""


_PART_SECONDS = 0.05
"""Seconds between two parts of a slow body, unless a part would have less than a byte."""


class _PacedBody:
    """The rest of a body that is sent at a limited speed."""

    def __init__(self, body: bytes, bytes_per_second: float) -> None:
        self._body = body
        self._sent = 0
        self._size = max(1, round(bytes_per_second * _PART_SECONDS))
        self.interval = self._size / bytes_per_second

    @property
    def is_complete(self) -> bool:
        """Whether the whole body was returned by `next_part`."""
        return self._sent >= len(self._body)

    def next_part(self) -> bytes:
        """Return the next part of the body, as many bytes as one interval allows."""
        part = self._body[self._sent : self._sent + self._size]
        self._sent += len(part)
        return part


class ClientConnection:
    """One client's connection.

    Pipelined requests wait in a queue. The next one is handled only after the previous response was sent, so that a
    client that does not read holds one response in memory at most.
    """

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        self.sock = sock
        self._loop = loop
        self._limits = loop.limits
        self._parser = RequestParser(loop.limits, loop.request_cache)
        self._queue: deque[Request] = deque()
        self._out: list[memoryview] = []
        self._waiting: tuple[Request, MockResponse] | None = None
        self._paced: _PacedBody | None = None
        self._is_last_response = False
        self._hung = False
        self._has_requested = False
        self._eof = False
        self._closing = False
        self._draining = False
        self._until = inf
        self._begun: float | None = None
        self._events = READ
        self.closed = False
        self.last = clock.monotonic()

    def ready(self, events: int) -> None:
        """Read requests, respond and write as far as possible without waiting; `events` are those of the selector."""
        self.last = clock.monotonic()
        if events & WRITE:
            self._flush()
        if events & READ and not self.closed:
            self._read()
        if not self.closed:
            self._advance()

    def due(self) -> None:
        """Send the response whose delay is over, or the next part of a slow body."""
        if self._paced is not None and not self.closed:
            self.last = clock.monotonic()
            self._send_part(self._paced)
            return
        if self._waiting is not None and not self.closed:
            (request, response), self._waiting = self._waiting, None
            self.last = clock.monotonic()
            self._send(request, response)
            if not self.closed:
                self._advance()

    def sweep(self, now: float) -> None:
        """Close the connection if idle for too long, or reject its incomplete request with 408."""
        if self._waiting is not None or self._hung or self._paced is not None:
            return
        if self._begun is not None and now - self._begun > self._limits.incomplete:
            self._begun = None
            self._reject(RequestProblem(408, f"the request did not arrive within {self._limits.incomplete:g} seconds"))
        elif now > self._until or now - self.last > self._limits.idle:
            # Without a reset, the kernel would keep the rest of the response for minutes if the client does not read.
            self.close(reset=bool(self._out))

    def eviction_rank(self, now: float) -> tuple[bool, bool, float] | None:
        """Return the rank in which connections are evicted, lowest first, or None if this connection is in use.

        Connections without a request come first, then those whose requests were all answered, then those that stalled
        within a request or response; within each group, the longest inactive one.
        """
        is_incomplete = bool(self._out) or self._begun is not None
        is_active = (is_incomplete or self._has_requested) and now - self.last < _STALLED_SECONDS
        if is_active or self._waiting or self._hung or self._draining or self._paced:
            return None
        return is_incomplete, self._has_requested, self.last

    def try_evict(self, now: float) -> bool:
        """Close the connection to make room; return False if it is new or a request is arriving."""
        is_new = not self._has_requested and now - self.last < _SILENT_SECONDS
        with suppress(OSError):
            if is_new or (not self._out and self.sock.recv(1, socket.MSG_PEEK)):
                return False
        self.close(reset=bool(self._out))
        return True

    def close(self, *, reset: bool = False) -> None:
        """Close the socket; with `reset`, the client gets a connection reset; a second call does nothing."""
        if self.closed:  # pragma: no cover - an event of the round in which it was closed
            return
        self.closed = True
        self._out.clear()
        self._loop.forget(self)
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.sock.close()

    def _read(self) -> None:
        """Read what has arrived and queue the complete requests; sends `100 Continue` if the client waits for it."""
        try:
            data = self.sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            self._eof = True
            if self._hung or self._draining:
                self.close()
            return
        if self._draining or self._hung:
            return
        self._queue.extend(self._parser.feed(data))
        self._begun = (self._begun or self.last) if self._parser.is_within else None
        if self._parser.continue_wanted and not self._queue and not self._out:
            self._parser.continue_wanted = False
            self._write(CONTINUE)

    def _advance(self) -> None:
        """Respond to the queued requests in order, up to a delayed response; closes a connection that is over."""
        while self._queue and not self._is_busy():
            request = self._queue.popleft()
            self._has_requested = True
            response = self._loop.respond(request)
            if response.delay:
                self._waiting = request, response
                self._loop.later(response.delay, self)
            else:
                self._send(request, response)
        if not self._is_busy():
            if self._parser.problem is not None and not self._closing:
                self._reject(self._parser.problem)
            elif self._eof or (self._is_last_response and self._begun is None):
                self.close()
        if not self.closed:
            self._watch_events()

    def _is_busy(self) -> bool:
        """Return whether no further response can be sent now, as one is in progress or the connection ends."""
        is_sending = bool(self._out) or self._waiting is not None or self._paced is not None
        return is_sending or self._hung or self._closing or self.closed

    def _watch_events(self) -> None:
        """Tell the loop which events to wait for: writing if output is pending, reading if the queue has room."""
        events = WRITE if self._out else 0
        has_room = self._hung or len(self._queue) < self._limits.pipelined
        if not self._eof and has_room and (self._draining or not self._closing):
            events |= READ
        if events != self._events:
            self._events = events
            self._loop.watch(self, events)

    def _reject(self, problem: RequestProblem) -> None:
        """Send the error response for a malformed request, and close the connection afterwards."""
        response = self._loop.reject(problem)
        self._send(problem.seen, response, drain=True)
        if not self.closed:
            self._watch_events()

    def _send(self, request: Request, response: MockResponse, *, drain: bool = False) -> None:
        """Send a response as its `ending` says: whole, truncated, reset or hung; decides whether to close."""
        if response.ending == "hang":
            self._hung = True
            if self._eof:
                self.close()
            return
        if response.ending == "reset":
            self.close(reset=True)
            return
        is_old = request.version == "1.0"
        has_connection_field = response.header("connection") is not None
        is_last = drain or has_connection_field or self._is_last_response or response.ending != "whole"
        stays_open = request.keeps_connection and not is_last
        connection = None
        if not stays_open and not has_connection_field:
            connection = "close"
        elif stays_open and is_old:
            connection = "keep-alive"
        if is_old and response.chunked:
            response = replace(response, chunked=False)
        head, body = encode(request, response, date_at(int(time())), connection)
        if response.ending == "truncate":
            body = body[: len(body) // 2]
        if not stays_open:
            self._closing = True
            self._draining = drain
            self._queue.clear()
        self._send_message(head, body, response.bytes_per_second)

    def _send_message(self, head: bytes, body: bytes, bytes_per_second: float | None) -> None:
        """Write head and body; with `bytes_per_second`, the body follows in timed parts."""
        if bytes_per_second is not None and body:
            self._paced = _PacedBody(body, bytes_per_second)
            self._write(head)
            self._loop.later(self._paced.interval, self)
        elif len(body) < _CHUNK:
            self._write(head + body)
        else:
            self._write(head, body)

    def _send_part(self, paced: _PacedBody) -> None:
        """Send the next part of a slow body, unless the client has not read the last one yet."""
        if not self._out:
            part = paced.next_part()
            if paced.is_complete:
                self._paced = None
            self._write(part)
        if self.closed:
            return
        if self._paced is not None:
            self._loop.later(paced.interval, self)
            self._watch_events()
        else:
            self._advance()

    def finish_when_idle(self) -> None:
        """Close the connection as soon as no request is in progress; a hung response ends at once."""
        self._is_last_response = True
        if self._hung:
            self.close()
        elif not self._is_busy():
            # A request that has arrived is read first.
            self.ready(READ)

    def _write(self, *parts: bytes) -> None:
        """Queue bytes for sending, and send what the socket accepts now."""
        self._out += [memoryview(part) for part in parts if part]
        self._flush()

    def _flush(self) -> None:
        """Send queued bytes until the socket would block; finishes the connection if it is to be closed afterwards."""
        try:
            while self._out:
                sent = self.sock.send(self._out[0])
                if sent == len(self._out[0]):
                    del self._out[0]
                else:
                    self._out[0] = self._out[0][sent:]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if self._closing and self._paced is None:
            self._finish()

    def _finish(self) -> None:
        """Close the connection, or while draining only stop sending: `sweep` closes it a moment later."""
        if not self._draining or self._eof:
            self.close()
            return
        # Closing while the client still sends would reset the connection, and the client might lose the response
        # (RFC 9112, 9.6): stop writing, and keep reading for a moment.
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        self._until = clock.monotonic() + _DRAIN_SECONDS
