"""Loopback servers that send scripted bytes, and record the requests that they receive."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

Script = Callable[[socket.socket, int], object]
"""Responds to one request on a connection; the number is 1 for the first request that the server received."""


def response(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """Return a complete HTTP/1.1 response."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    """A running server; `requests` are the heads of all requests, as they were sent."""

    port: int = 0
    requests: list[str] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def authorizations(self) -> list[str]:
        """Return the value of `Authorization` of each request, empty if it had none."""
        return [
            next((line[15:] for line in head.split("\r\n") if line.lower().startswith("authorization: ")), "")
            for head in self.requests
        ]


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Call `handle` in a thread for each connection to a free port, and yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        """Start a thread for each connection, until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(10)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)


@contextmanager
def serve(*script: bytes | Script) -> Iterator[Server]:
    """Serve on a free port: the first step handles the first request, the last one all further requests."""
    server = Server()
    with listening(partial(_talk, server, script)) as server.port:
        yield server


def _talk(server: Server, script: tuple[bytes | Script, ...], connection: socket.socket) -> None:
    """Record the requests on a connection, and take the step for each, until either side closes the connection."""
    with connection, suppress(OSError):
        while head := _head(connection):
            server.requests.append(head)
            number = len(server.requests)
            step = script[min(number, len(script)) - 1]
            if isinstance(step, bytes):
                connection.sendall(step)
            elif step(connection, number) is CLOSE:
                return


def _head(connection: socket.socket) -> str:
    """Return the head of the next request, and read its body; empty if the connection was closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return ""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        chunk = connection.recv(65536)
        if not chunk:
            return ""
        body += chunk
    return head.decode("latin-1")


CLOSE = object()
"""The result of a script after which the connection is closed."""


def close(connection: socket.socket, number: int) -> object:
    """Close the connection without a response."""
    return CLOSE


def cut(connection: socket.socket, number: int) -> object:
    """Announce more bytes than are sent, and close the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    return CLOSE


def hang(connection: socket.socket, number: int) -> object:
    """Accept the request and send nothing until the client disconnects."""
    connection.recv(1)
    return CLOSE


def drip_body(connection: socket.socket, number: int) -> object:
    """Send a body byte by byte that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    return _drip(connection)


def drip_head(connection: socket.socket, number: int) -> object:
    """Send a header byte by byte that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    return _drip(connection)


def _drip(connection: socket.socket) -> object:
    """Send a byte about every 20 milliseconds, until the client closes its side."""
    connection.settimeout(0.02)
    while True:
        connection.sendall(b"a")
        with suppress(TimeoutError):
            if not connection.recv(1):
                return CLOSE
