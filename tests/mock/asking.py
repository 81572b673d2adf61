"""A plain HTTP client, and the responses that it receives."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from pytest_bctrl.traffic.mock import MockServer


@dataclass(frozen=True)
class Reply:
    """A complete response, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON data, without gzip."""
        plain = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return json.loads(plain)


def ask(
    mock: MockServer, method: str, path: str, headers: dict[str, str], body: str | None = None, timeout: float = 60
) -> Reply:
    """Send a request on a new connection, and return the response."""
    connection = HTTPConnection(mock.url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Reply(response.status, {key.lower(): value for key, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def listed(mock: MockServer, **headers: str) -> Reply:
    """Request the runtimes of the mock's space, with its key; a `_` in a header name stands for a hyphen."""
    path = f"/v1/spaces/{mock.space_id}/runtimes"
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(mock, "GET", path, {"Authorization": f"Bearer {mock.api_key}", **fields})


def raw(mock: MockServer, data: bytes, *, half_close: bool = False, timeout: float = 60) -> bytes:
    """Send bytes unchanged and return everything until the server closes the connection."""
    with connected(mock, timeout) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def connected(mock: MockServer, timeout: float = 60) -> socket.socket:
    """Return an open socket to the mock."""
    host, _, port = mock.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=timeout)


def vanish(sock: socket.socket) -> None:
    """Close with a reset, like a killed client."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_all(sock: socket.socket) -> bytes:
    """Read until the other side closes, or resets."""
    received = b""
    while True:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            return received
        if not part:
            return received
        received += part


def request_bytes(mock: MockServer, *extra: str, method: str = "GET", close: bool = False) -> bytes:
    """Return a complete request for the mock's list, as bytes."""
    lines = [
        f"{method} /v1/spaces/{mock.space_id}/runtimes HTTP/1.1",
        "Host: mock.test",
        f"Authorization: Bearer {mock.api_key}",
        *extra,
        *(["Connection: close"] if close else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def replies(data: bytes) -> list[Reply]:
    """Split bytes into responses by their `Content-Length`; none may be a response to HEAD."""
    parsed = []
    while data:
        head, _, remaining = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        parsed.append(Reply(int(first.split()[1]), headers, remaining[:length]))
        data = remaining[length:]
    return parsed
