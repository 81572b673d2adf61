"""A load generator on plain sockets, with little overhead and the same for every server."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """The result of a burst: responses per second, and the 99th percentile of the time to a complete response."""

    rate: float
    p99: float
    failures: int


class _Client:
    """A connection that sends the next request after each complete response, and is opened again when it closes."""

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
        self._start = time.perf_counter()
        self.sock.sendall(self._request)

    def receive(self) -> bool:
        """Read the bytes that have arrived, and return whether a response is complete or has failed."""
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
            head, separator, body = self._received.partition(b"\r\n\r\n")
            if not separator:
                return False
            self._closes = b"connection: close" in head.lower() or head.startswith(b"HTTP/1.0")
            self._chunked = b"transfer-encoding: chunked" in head.lower()
            self.failures += head[9:12] != b"200"
            self._missing = 0 if self._chunked else _content_length(head) - len(body)
            self._tail = body[-8:]
        else:
            self._missing -= 0 if self._chunked else len(part)
            self._tail = (self._tail + part)[-8:]
        done = self._tail.endswith(b"0\r\n\r\n") if self._chunked else self._missing <= 0
        if done:
            self._times.append(time.perf_counter() - self._start)
            self._received, self._missing = b"", -1
        return done

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after this response."""
        return self._closes

    def reopen(self) -> None:
        """Replace the connection with a new one."""
        self.sock.close()
        self._open()


def _content_length(head: bytes) -> int:
    """Return the value of Content-Length; 0 without one."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def load(address: tuple[str, int], request: bytes, connections: int, seconds: float) -> Load:
    """Send `request` over `connections` connections for `seconds`, the next after each response.

    All connections count as failures if the server does not accept that many.
    """
    times: deque[float] = deque()
    try:
        return _run([_Client(address, request, times) for _ in range(connections)], times, seconds)
    except OSError:
        return Load(0.0, float("inf"), connections)


def _run(clients: list[_Client], times: deque[float], seconds: float) -> Load:
    """Drive the clients for `seconds`, and return the result."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.sock, selectors.EVENT_READ, client)
        start = time.perf_counter()
        for client in clients:
            client.send()
        while time.perf_counter() - start < seconds:
            for key, _ in selector.select(1):
                _handle_bytes(selector, key.data)
        elapsed = time.perf_counter() - start
    for client in clients:
        client.sock.close()
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99)] if ordered else float("nan")
    return Load(len(ordered) / elapsed, p99, sum(client.failures for client in clients))


def _handle_bytes(selector: selectors.BaseSelector, client: _Client) -> None:
    """Let a client read, and send its next request after a complete response, on a new connection if necessary."""
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
