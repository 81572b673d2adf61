"""Targets of the proxy: a server that sends scripted bytes, and what it has received."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import h11

from pytest_bctrl.traffic.proxy.exchange import ProxiedExchange, TransportError
from pytest_bctrl.traffic.proxy.server import ProxyEvents, ProxyServer
from tests.traffic.servers import listening

CLOSE = b""
"""A scripted response that closes the connection without sending anything."""


@dataclass
class Received:
    """A request that the target has received."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""


@dataclass
class Target:
    """A running target; `respond` returns the bytes to send for the request of a number, counted from zero.

    After a response for which `closes` is true, the connection is closed.
    """

    respond: Callable[[int], bytes]
    closes: Callable[[int], bool] = lambda number: False
    received: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """The base URL of the target."""
        return f"http://127.0.0.1:{self.port}"

    def talk(self, connection: socket.socket) -> None:
        """Respond to the requests on a connection, and record them, until either side closes it."""
        with connection, suppress(OSError):
            data = b""
            while True:
                request, data = self._read(connection, data)
                if request is None:
                    return
                number = len(self.received)
                self.received.append(request)
                response = self.respond(number)
                connection.sendall(response)
                if response == CLOSE or self.closes(number):
                    return

    def _read(self, connection: socket.socket, data: bytes) -> tuple[Received | None, bytes]:
        """Return the next request, which begins with `data`, and the bytes after it; None if the connection ends."""
        parser = h11.Connection(h11.SERVER)
        parser.receive_data(data) if data else None
        request: Received | None = None
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                if parser.they_are_waiting_for_100_continue:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                data = connection.recv(65536)
                if not data:
                    return None, b""
                parser.receive_data(data)
            elif isinstance(event, h11.Request):
                headers = [(name.decode(), value.decode("latin-1")) for name, value in event.headers.raw_items()]
                request = Received(event.method.decode(), event.target.decode(), headers)
            elif isinstance(event, h11.Data):
                assert request is not None
                request.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return request, parser.trailing_data[0]
            else:
                return None, b""


@contextmanager
def target(respond: Callable[[int], bytes], closes: Callable[[int], bool] = lambda number: False) -> Iterator[Target]:
    """Run a target on a free port."""
    server = Target(respond, closes)
    with listening(server.talk) as server.port:
        yield server


@dataclass
class Observed:
    """What a proxy has passed on to its callbacks."""

    exchanges: list[ProxiedExchange] = field(default_factory=list)
    surplus: list[bytes] = field(default_factory=list)
    unreachable: list[TransportError] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def events(self) -> ProxyEvents:
        """Return the callbacks that record what the proxy passes on."""
        return ProxyEvents(
            self.exchanges.append,
            lambda exchange, data: self.surplus.append(data),
            self.unreachable.append,
            lambda request, reason: self.rejected.append(f"{request}: {reason}"),
        )


@contextmanager
def proxied(url: str, *, only_safe: bool = False, hosts: tuple[str, ...] = ()) -> Iterator[tuple[str, Observed]]:
    """Run a proxy in front of a URL; yield its URL and what it passes on, which is complete when it has ended."""
    observed = Observed()
    with ProxyServer(url, observed.events(), body_limit=1_000_000, only_safe=only_safe, hosts=hosts) as proxy:
        yield proxy.url, observed


def raw(url: str, *pieces: bytes, half_close: bool = False, reads: int | None = None) -> bytes:
    """Send pieces on one connection, and return what arrives until the server closes it, or `reads` bytes.

    A reset is returned as `<reset>` after the bytes before it.
    """
    host, _, port = url.removeprefix("http://").rpartition(":")
    arrived = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        try:
            while reads is None or len(arrived) < reads:
                data = connection.recv(65536)
                if not data:
                    break
                arrived += data
        except ConnectionResetError:
            arrived += b"<reset>"
    return arrived
