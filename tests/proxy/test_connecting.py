"""Connecting to the target: it may be down, and the client may go before the connection is open."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.mock.asking import vanish
from tests.proxy.targets import proxied, raw, target

GET = b"GET /a HTTP/1.1\r\nHost: client\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: client\r\nContent-Length: 4\r\n\r\nbody"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_a_target_that_is_down_gives_502() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with proxied(f"http://127.0.0.1:{port}") as (url, observed):
        arrived = raw(url, POST)
        half_closed = raw(url, POST, half_close=True)
        head_only = raw(url, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"HTTP/1.1 502 Bad Gateway" in arrived
    assert arrived == half_closed
    assert b"the target cannot be reached: " in arrived
    assert head_only.startswith(b"HTTP/1.1 502 ")
    assert head_only.endswith(b"\r\n\r\n")
    assert ["ConnectError"] * 3 == [error.name for error in observed.unreachable]
    assert ["the target cannot be reached"] * 3 == [exchange.cancelled for exchange in observed.exchanges]


def reset_by_client(url: str, data: bytes, seconds: float = 0.0) -> None:
    """Send data on a new connection, and reset it after some seconds."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(data)
        time.sleep(seconds)
        vanish(client)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_no_connection_to_the_target_stays_open_if_its_client_resets() -> None:
    """Whether the client resets before, during or after the attempt to connect; a freed open socket would warn."""
    with target(lambda number: RESPONSE) as server, proxied(server.url) as (url, observed):
        for number in range(200):
            reset_by_client(url, POST[:-1], 0.0002 * (number % 8))
        assert RESPONSE == raw(url, GET, reads=len(RESPONSE))
    gc.collect()
    assert [] == observed.unreachable


def test_a_target_that_refuses_is_reported_even_if_the_client_resets() -> None:
    """Whether the client resets before or after the proxy tried to connect."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with proxied(f"http://127.0.0.1:{port}") as (url, observed):
        reset_by_client(url, GET)
        assert b"400 Bad Request" in raw(url, b"nonsense\r\n\r\n")
    assert ["ConnectError"] == [error.name for error in observed.unreachable]


@contextmanager
def full_listener() -> Iterator[socket.socket]:
    """Listen on a free port, with a full queue: a further connection is neither accepted nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener


def test_the_proxy_ends_while_it_connects_for_a_client_that_has_gone() -> None:
    with full_listener() as listener, proxied(f"http://127.0.0.1:{listener.getsockname()[1]}") as (url, observed):
        reset_by_client(url, GET)
        assert b"400 Bad Request" in raw(url, b"nonsense\r\n\r\n")
    assert [] == observed.unreachable


def test_a_target_that_refuses_after_its_client_has_gone_is_reported() -> None:
    """The proxy is still connecting when the client resets."""
    with full_listener() as listener, proxied(f"http://127.0.0.1:{listener.getsockname()[1]}") as (url, observed):
        reset_by_client(url, GET)
        assert b"400 Bad Request" in raw(url, b"nonsense\r\n\r\n")
        listener.close()
        end = time.monotonic() + 60
        while not observed.unreachable and time.monotonic() < end:
            time.sleep(0.01)
    assert ["ConnectError"] == [error.name for error in observed.unreachable]
