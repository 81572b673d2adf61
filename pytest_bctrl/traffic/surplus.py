"""Bytes that a server sends where no response is due: after the end of a response, or before a request.

They are looked for at the end of each response, before a connection is used again, and when it is closed. A connection
that holds any is closed, so that they are never taken for the response to another request.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any
from weakref import WeakSet

import httpcore
import httpx

_CHUNK = 65_536
_EXCERPT = 60
_TURN = 0.005


SOURCE = "bctrl_source"
"""Request extension: any object by which the sender of a request knows it."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """The bytes that arrived where no response was due.

    `method` and `status` are those of the exchange after whose end they came, `source` is what its request has under
    `SOURCE`, else its method and URL; they are empty on a new connection, where the bytes came before the first
    request.
    """

    data: bytes
    method: str = ""
    status: int = 0
    source: Any = None

    @property
    def is_body(self) -> bool:
        """Whether they are the body of a response that must not have one (RFC 9110, 6.4.1)."""
        has_no_body = self.method == "HEAD" or self.status in (204, 304)
        return has_no_body and not find_nested(self.data)

    @property
    def is_harmless(self) -> bool:
        """Whether a server may send them: empty lines, or 408 before it closes an idle one (RFC 9110, 15.5.9)."""
        is_timeout = self.data.startswith(b"HTTP/1.") and self.data[8:12] == b" 408"
        return not self.data.strip(b"\r\n") or (is_timeout and self.method != "")

    def __str__(self) -> str:
        text = ascii(self.data[:_EXCERPT].decode("utf-8", "backslashreplace"))
        more = "…" if len(self.data) > _EXCERPT else ""
        place = "after the end of the response" if self.method else "before the request was sent"
        size = f"{len(self.data):,} byte{'s' if len(self.data) > 1 else ''}"
        return f"{size} {place}: {text}{more}"


class EarlyBytesError(httpcore.RemoteProtocolError):
    """A server sent something before it was sent the first request of a connection."""

    def __init__(self, surplus: Surplus) -> None:
        super().__init__(f"the server sent {surplus}")
        self.surplus = surplus


class WatchedBackend(httpcore.SyncBackend):
    """Opens connections that are watched between exchanges; `late` is shown what arrives on one that is idle."""

    def __init__(self, late: Callable[[Surplus], object] = lambda surplus: None) -> None:
        self._late = late
        self._streams: WeakSet[WatchedStream] = WeakSet()

    def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        """Return a new connection."""
        stream = WatchedStream(super().connect_tcp(*arguments, **options), self._late, self._streams)
        self._streams.add(stream)
        return stream

    def look(self, seconds: float) -> bool:
        """Return whether surplus arrived on a connection, until so many seconds after the last response on each."""
        tainted = [stream for stream in list(self._streams) if stream.settle(seconds)]
        return bool(tainted)


class WatchedStream(httpcore.NetworkStream):
    """A connection that knows whether an exchange is under way on it.

    httpcore asks each idle connection whether it is readable before it takes one, and closes those that are.
    """

    def __init__(
        self, stream: httpcore.NetworkStream, late: Callable[[Surplus], object], streams: WeakSet[WatchedStream]
    ) -> None:
        self._stream = stream
        self._late = late
        self._streams = streams
        # Held while the state changes: another thread's look at an idle connection must take no byte of a response.
        self._lock = Lock()
        self._is_idle = True
        self._is_closed = self._is_tainted = False
        self._finished = 0.0
        self._last = Surplus(b"")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, or wait for it."""
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes; with the first of an exchange, look at what arrived before.

        Raises `EarlyBytesError` on a new connection, and `ConnectionNotAvailable`, after which httpcore takes another
        connection, on one that was used. A connection that is broken raises `ReadError`, which tells more of it than
        the error of sending would.
        """
        with self._lock:
            surplus = self._arrived() if self._is_idle else None
            self._is_idle = False
        if surplus is not None and self._last.method:
            self._report(surplus)
            raise httpcore.ConnectionNotAvailable
        if surplus is not None and not surplus.is_harmless:
            raise EarlyBytesError(surplus)
        self._stream.write(buffer, timeout)

    def finish(self, response: httpx.Response, body: bytes, request: httpx.Request, wait: float) -> Surplus | None:
        """Return the surplus at the end of a response, waiting `wait` seconds; with any, close the connection."""
        data = _read_ahead(response)
        with self._lock:
            if self._last.method:
                # Late bytes that are the beginning of a response make one with the response after them.
                data = data or find_nested(*response.headers.values()) or find_nested(body)
            self._last = _without_surplus(response, request)
            # After a body that should not be there, another response may follow yet.
            is_open = not data or replace(self._last, data=data).is_body
            more = self._unread(wait if is_open else 0.0)
            data += more.data if more is not None else b""
            if data:
                self._stream.close()
            self._finished = time.monotonic()
            self._is_idle = not data
        surplus = _reported(replace(self._last, data=data))
        self._is_tainted = surplus is not None and not surplus.is_body
        return surplus

    def settle(self, seconds: float) -> bool:
        """Return whether surplus arrived, waiting until so many seconds have passed since the last response.

        A response on such a connection may be one to another request.
        """
        until = time.monotonic() + seconds
        while not (self._is_tainted or self._look(seconds)) and time.monotonic() < until:
            time.sleep(_TURN)
        return self._is_tainted

    def _look(self, seconds: float) -> bool:
        """Look at the connection, and return whether that is all there is to see; not while it is in use."""
        with self._lock:
            if not self._is_idle:
                return self._is_closed
            surplus = self._unread(max(0.0, self._finished + seconds - time.monotonic()))
            self._is_idle = surplus is None
        if surplus is not None:
            self._stream.close()
            self._report(surplus)
        return True

    def close(self) -> None:
        """Close the connection, and report what arrived on it while it was idle."""
        with self._lock:
            surplus = self._unread() if self._is_idle else None
            self._is_idle, self._is_closed = False, True
            self._stream.close()
        if surplus is not None:
            self._report(surplus)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS on it, watched in its place."""
        with self._lock:
            self._is_idle = False
        secured = WatchedStream(
            self._stream.start_tls(ssl_context, server_hostname, timeout), self._late, self._streams
        )
        self._streams.discard(self)
        self._streams.add(secured)
        return secured

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection; asked whether an idle one is readable, report what is there to read."""
        surplus = None
        with self._lock:
            if info == "is_readable" and self._is_idle and self._last.method:
                surplus = self._unread()
                self._is_idle = surplus is None
        if surplus is not None:
            self._report(surplus)
            return True
        return self._stream.get_extra_info(info)

    def _unread(self, wait: float = 0.0) -> Surplus | None:
        """Return the same as `_arrived`; None where the connection is broken, too."""
        with suppress(httpcore.ReadError):
            return self._arrived(wait)
        return None

    def _arrived(self, wait: float = 0.0) -> Surplus | None:
        """Return what arrives within so many seconds and was not read; None where nothing does, or it is the end."""
        try:
            data = self._stream.read(_CHUNK, timeout=wait)
        except httpcore.ReadTimeout:
            return None
        except httpcore.ReadError as error:
            if isinstance(error.__cause__, BlockingIOError | ssl.SSLWantReadError):
                return None
            raise
        return replace(self._last, data=data) if data else None

    def _report(self, surplus: Surplus) -> None:
        if not surplus.is_harmless:
            self._is_tainted = True
            self._late(surplus)


def _without_surplus(response: httpx.Response, request: httpx.Request) -> Surplus:
    """Return what is known of the exchange."""
    source = request.extensions.get(SOURCE, f"{request.method} {request.url}")
    return Surplus(b"", request.method, response.status_code, source)


def _reported(surplus: Surplus) -> Surplus | None:
    """Return the surplus where it is one to report."""
    return None if surplus.is_harmless else surplus


_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9]\d\d[ \r\n]")


def find_nested(*parts: bytes | str) -> bytes:
    """Return the bytes from the first status line on that stands in a part of a response; empty where there is none."""
    for part in parts:
        data = part.encode("utf-8", "replace") if isinstance(part, str) else part
        if match := _STATUS_LINE.search(data):
            return data[match.start() :]
    return b""


def find_surplus(response: httpx.Response, body: bytes, request: httpx.Request, wait: float) -> Surplus | None:
    """Return the surplus at the end of a response whose body was read; a connection with any is closed.

    `wait` seconds are given to what is still on its way. Where the connection is not a `WatchedStream`, what was read
    ahead is looked at alone.
    """
    stream = response.extensions.get("network_stream")
    if isinstance(stream, WatchedStream):
        return stream.finish(response, body, request, wait)
    return _reported(replace(_without_surplus(response, request), data=_read_ahead(response)))


_PARTS = ("_httpcore_stream", "_stream", "_connection", "_h11_state")
"""What leads from a response of httpx to its parser, which has no public name."""


def _read_ahead(response: httpx.Response) -> bytes:
    """Return what was read from the connection beyond the end of the response; empty where no socket was read."""
    part: Any = response.stream
    for name in _PARTS:
        part = getattr(part, name, None)
    return bytes(part.trailing_data[0]) if part is not None else b""
