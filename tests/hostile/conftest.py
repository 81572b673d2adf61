"""A server whose responses become far larger when they are decoded."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.traffic.servers import Server, response, serve

from .bombs import body


@pytest.fixture(scope="session")
def hostile() -> Iterator[Server]:
    """Yield a server that responds to every path below `/NAME/` with the body of that name."""

    def step(connection: socket.socket, number: int) -> None:
        verb, path, _ = server.requests[-1].split(" ", 2)
        content, coding = body(path.split("/")[1])
        head = response(body=content, Content_Encoding=coding or "identity")
        connection.sendall(head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if verb == "HEAD" else head)

    with serve(step) as server:
        yield server
