"""A client receives the same bytes through the proxy as without it, and so does the target."""

from __future__ import annotations

import gc
import gzip
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.traffic.proxy.server import ProxyServer
from tests.mock.asking import vanish
from tests.proxy.targets import CLOSE, Observed, proxied, raw, target


def head(status: int = 200, *fields: str) -> bytes:
    """Return the head of a response with these header fields."""
    return "\r\n".join([f"HTTP/1.1 {status} Fine", *fields, "", ""]).encode()


BODY = gzip.compress(b'{"a": 1}' * 50, mtime=0)
RESPONSES = [
    head(200, "X-Odd-CASE:  two  spaces", "Set-Cookie: a=1", "Set-Cookie: b=2", "Content-Length: 2") + b"{}",
    head(200, "Content-Encoding: gzip", f"Content-Length: {len(BODY)}") + BODY,
    head(200, "Transfer-Encoding: chunked") + b"5;x=y\r\n\x00\xff\r\na\r\n0\r\nTrailer-Field: 1\r\n\r\n",
    head(204),
    head(304, "ETag: 1", "Content-Length: 7"),
    b"HTTP/1.1 102 Processing\r\n\r\n" + head(201, "Content-Length: 0"),
    head(500, "Content-Length: 70000") + b"e" * 70_000,
]
REQUESTS = [
    b"GET /a?q=%41&q HTTP/1.1\r\nHost: client\r\nAccept: */*\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: client\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\n\x00\r\n\xff",
    b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: client\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\nT: 1\r\n\r\n",
    b"DELETE /d%2Fe HTTP/1.1\r\nHost: client\r\nAuthorization: Bearer key\r\n\r\n",
]


@given(
    st.lists(st.tuples(st.sampled_from(REQUESTS), st.sampled_from(RESPONSES)), min_size=1, max_size=8),
    st.lists(st.integers(1, 100_000), max_size=4),
)
def test_pipelined_exchanges_are_the_same_with_and_without_the_proxy(
    exchanges: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    """The client receives the same bytes, and the target the same requests except for `Host`."""
    sent = b"".join(request for request, _ in exchanges)
    positions = [0, *sorted(cut % len(sent) for cut in cuts), len(sent)]
    pieces = [sent[start:end] for start, end in pairwise(positions)]
    with target(lambda number: exchanges[number % len(exchanges)][1]) as server:
        size = sum(len(response) for _, response in exchanges)
        direct = raw(server.url, *pieces, reads=size)
        directly_received, server.received = server.received, []
        with proxied(server.url) as (url, observed):
            through = raw(url, *pieces, reads=size)
        through_received = server.received
    assert direct == through
    assert len(exchanges) == len(observed.exchanges)
    for request, other in zip(directly_received, through_received, strict=True):
        assert (request.method, request.target, request.body) == (other.method, other.target, other.body)
        changed = {"Host": f"127.0.0.1:{server.port}"}
        assert [(name, changed.get(name, value)) for name, value in request.headers] == other.headers


ENDINGS = {
    "no response": CLOSE,
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": head(200, "Content-Length: 10") + b"abc",
    "half a chunk": head(200, "Transfer-Encoding: chunked") + b"9\r\nabc",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "surplus": head(200, "Content-Length: 2") + b"{}" + head(200, "Content-Length: 0"),
    "a body that the close ends": head(200) + b"all of it",
}


@pytest.mark.parametrize("response", ENDINGS.values(), ids=ENDINGS)
def test_a_response_that_the_target_ends_early_or_wrongly_arrives_as_it_is(response: bytes) -> None:
    """The client gets the same bytes as without the proxy; an exchange without a complete response has an error."""
    with target(lambda number: response, lambda number: True) as server:
        direct = raw(server.url, REQUESTS[0])
        with proxied(server.url) as (url, observed):
            assert direct == raw(url, REQUESTS[0])
    (exchange,) = observed.exchanges
    is_complete = exchange.response_body.is_complete
    assert is_complete == (exchange.error is None)
    assert is_complete == (response in (ENDINGS["surplus"], ENDINGS["a body that the close ends"]))
    assert bool(observed.surplus) == (response == ENDINGS["surplus"])


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket, Observed]]:
    """Yield a client that is connected to a proxy, the listener of its target, and what the proxy observes."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, proxied(f"http://127.0.0.1:{listener.getsockname()[1]}") as (url, observed):
        host, _, port = url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            yield client, listener, observed


def test_a_reset_is_passed_on_as_a_reset() -> None:
    with connected() as (client, listener, observed):
        client.sendall(REQUESTS[0])
        connection, _ = listener.accept()
        connection.recv(65536)
        vanish(connection)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert observed.exchanges[0].error is not None
    assert "ReadError" == observed.exchanges[0].error.name


def test_the_target_learns_that_a_client_has_gone() -> None:
    """Its connection is closed, and the exchange has the reason."""
    with connected() as (client, listener, observed):
        client.sendall(REQUESTS[0])
        connection, _ = listener.accept()
        connection.settimeout(30)
        with connection:
            assert connection.recv(65536)
            client.close()
            assert b"" == connection.recv(65536)
    assert ["the client closed its connection"] == [exchange.cancelled for exchange in observed.exchanges]


def test_a_client_that_sends_nothing_more_gets_its_response() -> None:
    """It closes its sending side after the request."""
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, observed):
        assert RESPONSES[0] == raw(url, REQUESTS[1], half_close=True)
    assert 1 == len(observed.exchanges)


def test_the_target_decides_about_expect() -> None:
    """`100 Continue` of the target reaches the client before the body is sent."""
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, observed):
        host, _, port = url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(b"POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert b"HTTP/1.1 100 Continue\r\n\r\n" == client.recv(1000)
            client.sendall(b"body")
            arrived = b""
            while len(arrived) < len(RESPONSES[0]):
                arrived += client.recv(1000)
    assert RESPONSES[0] == arrived
    assert [b"body"] == [request.body for request in server.received]
    assert b"body" == bytes(observed.exchanges[0].request_body)


def test_the_response_to_head_has_its_headers_and_no_body() -> None:
    """Three times on one connection; `Content-Length` is passed on."""
    response = head(200, "Content-Length: 5000")
    with target(lambda number: response) as server, proxied(server.url) as (url, observed):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        for _ in range(3):
            connection.request("HEAD", "/")
            reply = connection.getresponse()
            assert ("5000", b"") == (reply.headers["Content-Length"], reply.read())
        connection.close()
    assert [(200, 0)] * 3 == [(exchange.status, exchange.response_body.size) for exchange in observed.exchanges]


def test_an_http_1_0_client_is_served_in_http_1_0() -> None:
    """The response without a length is passed on, and the target gets a `Host`."""
    with target(lambda number: head(200) + b"old", lambda number: True) as server, proxied(server.url) as (url, _):
        assert head(200) + b"old" == raw(url, b"GET / HTTP/1.0\r\n\r\n")
    assert ("Host", f"127.0.0.1:{server.port}") in server.received[0].headers


def test_the_path_of_the_target_precedes_that_of_the_request() -> None:
    with target(lambda number: RESPONSES[0]) as server, proxied(f"{server.url}/api/v3/") as (url, observed):
        raw(url, REQUESTS[0], reads=len(RESPONSES[0]))
    assert "/api/v3/a?q=%41&q" == server.received[0].target == observed.exchanges[0].target


def test_other_paths_are_forwarded_as_they_were_sent() -> None:
    """With dot segments that stay below the path of the target, and empty segments."""
    paths = ["/v1/../v2", "/a/%2e%2e/b", "//host/path", "/...", "/a%2Fb/./c;d", "/%252e%252e/x", "/a?../../../b"]
    sent = "".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths).encode()
    with target(lambda number: RESPONSES[0]) as server, proxied(f"{server.url}/api") as (url, _):
        raw(url, sent, reads=len(paths) * len(RESPONSES[0]))
    assert [f"/api{path}" for path in paths] == [request.target for request in server.received]


def test_a_path_of_a_target_without_a_path_is_forwarded_as_it_was_sent() -> None:
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, _):
        raw(url, b"GET /../a HTTP/1.1\r\nHost: a\r\n\r\n", reads=len(RESPONSES[0]))
    assert ["/../a"] == [request.target for request in server.received]


def test_an_offer_of_http_2_is_ignored() -> None:
    """The requests are forwarded without it, with their bodies. Java's HTTP client makes it with each first request."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n"
    first = b"POST /a HTTP/1.1\r\nHost: a\r\n" + offer + b"Content-Length: 4\r\n\r\nbody"
    chunked = b"POST /b HTTP/1.1\r\nHost: a\r\n" + offer + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    empty = b"GET /c HTTP/1.1\r\nHost: a\r\n" + offer + b"\r\n"
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, _):
        assert RESPONSES[0] * 4 == raw(url, first + chunked + empty + REQUESTS[0], reads=4 * len(RESPONSES[0]))
    assert [("/a", b"body"), ("/b", b"ok"), ("/c", b"")] == [
        (request.target, request.body) for request in server.received[:3]
    ]
    assert not {"upgrade", "http2-settings", "connection"} & {name.lower() for name, _ in server.received[0].headers}


def test_a_client_that_does_not_read_slows_the_target_down() -> None:
    """The target can send the rest of a large body only once the client reads."""
    size = 50_000_000
    sent: list[int] = []

    def send(listener: socket.socket) -> None:
        """Send a body of 50 MB, and count what the connection accepts."""
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(head(200, f"Content-Length: {size}"))
            for _ in range(size // 1_000_000):
                connection.sendall(b"x" * 1_000_000)
                sent.append(1_000_000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=send, args=(listener,), daemon=True)
        thread.start()
        with proxied(f"http://127.0.0.1:{listener.getsockname()[1]}") as (url, observed):
            host, _, port = url.removeprefix("http://").rpartition(":")
            with socket.create_connection((host, int(port)), timeout=60) as client:
                client.sendall(REQUESTS[0])
                # The response has begun. Until nothing more is sent: the buffers of the system are full.
                client.recv(1, socket.MSG_PEEK)
                before = -1
                while sum(sent) != before:
                    before = sum(sent)
                    time.sleep(0.5)
                assert 0 < before < size
                received = len(client.recv(65536))
                while received < size:
                    received += len(client.recv(1_000_000))
        thread.join(30)
    assert size == sum(sent)
    assert size == observed.exchanges[0].response_body.size


def test_exchanges_in_progress_are_completed_at_the_end() -> None:
    """The client gets the response that the target sends while the proxy stops."""
    may_respond = threading.Event()

    def respond(number: int) -> bytes:
        """Return the response once the test allows it."""
        may_respond.wait(30)
        return RESPONSES[0]

    arrived: list[bytes] = []
    with target(respond) as server:
        observed = Observed()
        proxy = ProxyServer(server.url, observed.events(), body_limit=1000)
        proxy.start()
        client = threading.Thread(target=lambda: arrived.append(raw(proxy.url, REQUESTS[0])))
        client.start()
        while not server.received:
            time.sleep(0.01)
        threading.Timer(0.2, may_respond.set).start()
        proxy.stop(grace=30)
        client.join(30)
    assert [RESPONSES[0]] == arrived
    assert [200] == [exchange.status for exchange in observed.exchanges]


def test_exchanges_beyond_the_grace_period_are_cancelled() -> None:
    """The reason is that the proxy was stopped."""
    may_respond = threading.Event()

    def respond(number: int) -> bytes:
        """Return the response once the test allows it."""
        may_respond.wait(30)
        return RESPONSES[0]

    with target(respond) as server:
        with proxied(server.url) as (url, observed):
            client = threading.Thread(target=raw, args=(url, REQUESTS[0]))
            client.start()
            while not server.received:
                time.sleep(0.01)
        may_respond.set()
        client.join(30)
    assert ["the proxy was stopped"] == [exchange.cancelled for exchange in observed.exchanges]


def test_the_end_closes_connections_that_were_accepted_just_before() -> None:
    """Whether or not another connection is open: neither is lost, and the proxy waits for neither."""
    for number in range(200):
        proxy = ProxyServer("http://127.0.0.1:9", Observed().events(), body_limit=1000)
        proxy.start()
        address = urlsplit(proxy.url)
        clients = [socket.create_connection((address.hostname, address.port), 60) for _ in range(1 + number % 2)]
        # The end comes at different moments while the proxy accepts the last connection.
        if number % 4 > 1:
            time.sleep(number / 150_000)
        ending = threading.Thread(target=proxy.stop, daemon=True)
        ending.start()
        ending.join(60)
        assert not ending.is_alive()
        for client in clients:
            with client, suppress(ConnectionResetError):
                assert client.recv(1) == b""
    # Deleting a connection that was lost is an error.
    gc.collect()


def test_client_and_target_may_reset_their_connections_at_the_same_moment(caplog: pytest.LogCaptureFixture) -> None:
    """The event loop, which is held in between, receives both resets in the same step, and logs no error."""
    is_held, are_reset = threading.Event(), threading.Event()

    def hold(_request: str, _reason: str) -> None:
        """Hold the event loop, which calls this for a rejected request, until both connections are reset."""
        is_held.set()
        are_reset.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        events = replace(Observed().events(), rejected=hold)
        with ProxyServer(f"http://127.0.0.1:{listener.getsockname()[1]}", events, body_limit=1000) as proxy:
            address = urlsplit(proxy.url)
            client = socket.create_connection((address.hostname, address.port), 30)
            client.sendall(REQUESTS[0])
            targeted, _ = listener.accept()
            targeted.recv(1000)
            holding = threading.Thread(target=raw, args=(proxy.url, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"))
            holding.start()
            assert is_held.wait(30)
            vanish(client)
            vanish(targeted)
            are_reset.set()
            holding.join(30)
    assert [] == [record.getMessage() for record in caplog.records]
