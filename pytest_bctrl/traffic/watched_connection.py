"""Connections that are checked for surplus bytes.

The check runs at the end of each response, before a connection is reused, and when it is closed. A connection with
surplus bytes is closed, so that they are never mistaken for the response to another request.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any
from weakref import WeakSet

import httpcore
import httpx

from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.surplus import Surplus, find_nested

_CHUNK = 65_536
_POLL_SECONDS = 0.005

SOURCE = "bctrl_source"
"""Request extension: any object that identifies the request for its sender."""


class EarlyBytesError(httpcore.RemoteProtocolError):
    """A server sent bytes before the first request of a connection."""

    def __init__(self, surplus: Surplus) -> None:
        super().__init__(f"the server sent {surplus}")
        self.surplus = surplus


class WatchedBackend(httpcore.SyncBackend):
    """Opens connections that are checked between exchanges; `late` is called with bytes that arrive on an idle one."""

    def __init__(self, late: Callable[[Surplus], object] = lambda surplus: None) -> None:
        self._late = late
        self._streams: WeakSet[WatchedStream] = WeakSet()

    def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        """Return a new connection that is watched for surplus bytes."""
        stream = WatchedStream(super().connect_tcp(*arguments, **options), self._late, self._streams)
        self._streams.add(stream)
        return stream

    def look(self, seconds: float) -> bool:
        """Return whether any connection had surplus; waits for it until `seconds` after the last response on each."""
        tainted = [stream for stream in list(self._streams) if stream.settle(seconds)]
        return bool(tainted)


class WatchedStream(httpcore.NetworkStream):
    """A connection that keeps track of whether an exchange is in progress.

    Before httpcore reuses an idle connection, it checks whether the connection is readable, and closes it if so.
    """

    def __init__(
        self, stream: httpcore.NetworkStream, late: Callable[[Surplus], object], streams: WeakSet[WatchedStream]
    ) -> None:
        self._stream = stream
        self._late = late
        self._streams = streams
        # Held while the state changes: a check of an idle connection by another thread must not read response bytes.
        self._lock = Lock()
        self._is_idle = True
        self._is_closed = self._is_tainted = False
        self._finished = 0.0
        self._last = Surplus(b"")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes received, or wait for some."""
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes; before the first bytes of an exchange, raise if surplus has arrived.

        That is `EarlyBytesError` on a new connection, and `ConnectionNotAvailable` on a reused one, so that httpcore
        uses another connection. A broken connection raises `ReadError`, which says more about the cause than the error
        of sending would.
        """
        surplus = None
        with self._lock:
            if self._is_idle:
                surplus = self._receive_surplus()
            self._is_idle = False
        if surplus is not None and self._last.method:
            self._report(surplus)
            raise httpcore.ConnectionNotAvailable
        if surplus is not None and not surplus.is_harmless:
            raise EarlyBytesError(surplus)
        self._stream.write(buffer, timeout)

    def finish(self, response: httpx.Response, body: bytes, request: httpx.Request, wait: float) -> Surplus | None:
        """Return the surplus at the end of a response, after up to `wait` seconds; if any, close the connection."""
        data = _read_ahead(response)
        with self._lock:
            if self._last.method:
                # Late bytes that begin a response merge with the response after them.
                data = data or find_nested(*response.headers.values()) or find_nested(body)
            self._last = _surplus_context(response, request)
            # After a body that should not be there, another response may follow.
            may_continue = not data or replace(self._last, data=data).is_body
            late = self._receive_surplus_safely(wait if may_continue else 0.0)
            if late is not None:
                data += late.data
            if data:
                self._stream.close()
            self._finished = clock.monotonic()
            self._is_idle = not data
        surplus = _none_if_harmless(replace(self._last, data=data))
        self._is_tainted = surplus is not None and not surplus.is_body
        return surplus

    def settle(self, seconds: float) -> bool:
        """Return whether surplus has arrived; waits for it until `seconds` after the last response.

        A response on such a connection may belong to another request.
        """
        deadline = clock.monotonic() + seconds
        while not (self._is_tainted or self._check_idle(seconds)) and clock.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return self._is_tainted

    def _check_idle(self, seconds: float) -> bool:
        """Read surplus if the connection is idle, and close it if there is some; return False while it is in use."""
        with self._lock:
            if not self._is_idle:
                return self._is_closed
            surplus = self._receive_surplus_safely(max(0.0, self._finished + seconds - clock.monotonic()))
            self._is_idle = surplus is None
        if surplus is not None:
            self._stream.close()
            self._report(surplus)
        return True

    def close(self) -> None:
        """Close the connection and report the bytes that arrived while it was idle."""
        surplus = None
        with self._lock:
            if self._is_idle:
                surplus = self._receive_surplus_safely()
            self._is_idle, self._is_closed = False, True
            self._stream.close()
        if surplus is not None:
            self._report(surplus)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS, which is watched in place of this one."""
        with self._lock:
            self._is_idle = False
        secured = WatchedStream(
            self._stream.start_tls(ssl_context, server_hostname, timeout), self._late, self._streams
        )
        self._streams.discard(self)
        self._streams.add(secured)
        return secured

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection; for `is_readable`, read and report bytes that arrived on an idle one."""
        surplus = None
        with self._lock:
            if info == "is_readable" and self._is_idle and self._last.method:
                surplus = self._receive_surplus_safely()
                self._is_idle = surplus is None
        if surplus is not None:
            self._report(surplus)
            return True
        return self._stream.get_extra_info(info)

    def _receive_surplus_safely(self, wait: float = 0.0) -> Surplus | None:
        """Return the same as `_receive_surplus`, or None if the connection is broken."""
        with suppress(httpcore.ReadError):
            return self._receive_surplus(wait)
        return None

    def _receive_surplus(self, wait: float = 0.0) -> Surplus | None:
        """Return bytes that arrive within `wait` seconds; None for none, or a closed connection; raises `ReadError`."""
        try:
            data = self._stream.read(_CHUNK, timeout=wait)
        except httpcore.ReadTimeout:
            return None
        except httpcore.ReadError as error:
            if isinstance(error.__cause__, BlockingIOError | ssl.SSLWantReadError):
                return None
            raise
        if not data:
            return None
        return replace(self._last, data=data)

    def _report(self, surplus: Surplus) -> None:
        """Report surplus bytes and mark the connection as tainted, unless they are harmless."""
        if not surplus.is_harmless:
            self._is_tainted = True
            self._late(surplus)


def _surplus_context(response: httpx.Response, request: httpx.Request) -> Surplus:
    """Return a `Surplus` without data that describes the exchange."""
    source = request.extensions.get(SOURCE, f"{request.method} {request.url}")
    return Surplus(b"", request.method, response.status_code, source)


def _none_if_harmless(surplus: Surplus) -> Surplus | None:
    """Return the surplus, or None for harmless bytes, which need no report."""
    if surplus.is_harmless:
        return None
    return surplus


def find_surplus(response: httpx.Response, body: bytes, request: httpx.Request, wait: float) -> Surplus | None:
    """Return the surplus after a response whose body was read, and close the connection; None if there is no surplus.

    Waits up to `wait` seconds for further bytes. If the connection is not a `WatchedStream`, only the bytes that the
    parser read ahead are checked.
    """
    stream = response.extensions.get("network_stream")
    if isinstance(stream, WatchedStream):
        return stream.finish(response, body, request, wait)
    return _none_if_harmless(replace(_surplus_context(response, request), data=_read_ahead(response)))


_PARSER_ATTRIBUTES = ("_httpcore_stream", "_stream", "_connection", "_h11_state")
"""The attributes from the stream of an httpx response to its parser, which has no public name."""


def _read_ahead(response: httpx.Response) -> bytes:
    """Return the bytes that the parser holds beyond the end of the response; empty if there are none or no parser."""
    parser: Any = response.stream
    for name in _PARSER_ATTRIBUTES:
        parser = getattr(parser, name, None)
    if parser is None:
        return b""
    return bytes(parser.trailing_data[0])
