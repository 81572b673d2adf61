"""A load generator of plain sockets: it costs little, and the same for every server."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What came of one burst: answers a second, and the 99th percentile of the time to a whole answer in seconds."""

    rate: float
    p99: float
    failures: int


class _Client:
    """One connection that sends a request, reads the whole answer, and sends the next; opened again when it closes."""

    def __init__(self, address: tuple[str, int], request: bytes, times: deque[float]) -> None:
        self._address = address
        self._request = request
        self._times = times
        self.failures = 0
        self._open()

    def _open(self) -> None:
        self.sock = socket.create_connection(self._address, timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._missing = -1

    def send(self) -> None:
        """Send one request."""
        self._began = time.perf_counter()
        self.sock.sendall(self._request)

    def receive(self) -> bool:
        """Read what there is; returns whether an answer is whole."""
        try:
            part = self.sock.recv(262_144)
        except ConnectionResetError:
            part = b""
        if not part:
            self.failures += 1
            self.reopen()
            return True
        if self._missing < 0:
            self._received += part
            head, found, rest = self._received.partition(b"\r\n\r\n")
            if not found:
                return False
            self._closes = b"connection: close" in head.lower() or head.startswith(b"HTTP/1.0")
            self._chunked = b"transfer-encoding: chunked" in head.lower()
            self.failures += head[9:12] != b"200"
            self._missing = 0 if self._chunked else _length(head) - len(rest)
            self._tail = rest[-8:]
        else:
            self._missing -= 0 if self._chunked else len(part)
            self._tail = (self._tail + part)[-8:]
        done = self._tail.endswith(b"0\r\n\r\n") if self._chunked else self._missing <= 0
        if done:
            self._times.append(time.perf_counter() - self._began)
            self._received, self._missing = b"", -1
        return done

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after this answer."""
        return self._closes

    def reopen(self) -> None:
        """Take a connection of its own again."""
        self.sock.close()
        self._open()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def load(address: tuple[str, int], request: bytes, connections: int, seconds: float) -> Load:
    """Send `request` over `connections` connections for `seconds`, each time one answer has come the next."""
    times: deque[float] = deque()
    try:
        return _run([_Client(address, request, times) for _ in range(connections)], times, seconds)
    except OSError:
        # It does not take that many connections, or stopped taking them.
        return Load(0.0, float("inf"), connections)


def _run(clients: list[_Client], times: deque[float], seconds: float) -> Load:
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.sock, selectors.EVENT_READ, client)
        began = time.perf_counter()
        for client in clients:
            client.send()
        while time.perf_counter() - began < seconds:
            for key, _ in selector.select(1):
                _next(selector, key.data)
        passed = time.perf_counter() - began
    for client in clients:
        client.sock.close()
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99)] if ordered else float("nan")
    return Load(len(ordered) / passed, p99, sum(client.failures for client in clients))


def _next(selector: selectors.BaseSelector, client: _Client) -> None:
    before = client.sock
    if not client.receive():
        return
    if client.sock is before and client.closes:
        selector.unregister(before)
        client.reopen()
        selector.register(client.sock, selectors.EVENT_READ, client)
    elif client.sock is not before:
        selector.register(client.sock, selectors.EVENT_READ, client)
    client.send()
