"""The requests that the proxy does not forward, or not to their end, and what client, target and report get."""

from __future__ import annotations

import posixpath
import re
import time
from contextlib import suppress
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.http.message import Request
from pytest_bctrl.traffic.proxy.server import ProxyServer, _leaves_base
from tests.proxy.targets import Observed, proxied, raw, target
from tests.proxy.test_forwarding import REQUESTS, RESPONSES, connected, head

REJECTED = {
    "a forward proxy": (b"GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "reverse proxy"),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "reverse proxy"),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "several Host fields"),
    "rebinding": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "--allow-host"),
    "upgrade": (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 501, "upgrade to websocket"
    ),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "malformed"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed"),
    "an endless head": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1_100_000, 400, "larger than"),
}  # fmt: skip


@pytest.mark.parametrize(("request_bytes", "status", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_request_that_is_not_forwarded_gets_the_reason(request_bytes: bytes, status: int, reason: str) -> None:
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, observed):
        arrived = raw(url, request_bytes)
    line, _, rest = arrived.partition(b"\r\n")
    assert f"HTTP/1.1 {status} ".encode() in line
    assert b"application/problem+json" in rest
    assert reason in rest.decode()
    assert ([], []) == (server.received, observed.exchanges)
    assert 1 == len(observed.rejected)


LEAVING = [
    "/../admin", "/%2e%2e/admin", "/.%2E/admin", "/v1/../../admin", "/v1/..;x=1/..;/admin", "/v1//../../admin",
    "/v1/%2e%2e%2f..%2Fadmin", "/a%2fb/../../admin", "/..\\admin", "/..%5Cadmin", "/.%2e%5cadmin", "/..", "/./..?q",
    "//../admin", "/v1/..%00/../admin", "*/../admin",
]  # fmt: skip


@pytest.mark.parametrize("path", LEAVING)
def test_a_path_that_leaves_the_path_of_the_target_is_rejected(path: str) -> None:
    """With 400 and the reason; below a target without a path there is nothing to leave."""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with target(lambda number: RESPONSES[0]) as server, proxied(f"{server.url}/api") as (url, observed):
        assert b" 400 " in raw(url, request).partition(b"\r\n")[0]
    assert ([], [], 1) == (server.received, observed.exchanges, len(observed.rejected))


SEGMENTS = ["a", "..", ".", "", "%2e%2E", "..;p", "b%2Fc", "..%2fd", "e\\..", "...", "%2e", "f;..", "..x"]


@given(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=6))
def test_a_path_is_rejected_only_if_a_server_could_resolve_it_outside(segments: list[str]) -> None:
    """Any other is inside for a server that decodes it, and for one that does not."""
    path = "/" + "/".join(segments)
    decoded = re.sub(";[^/]*", "", unquote(path).replace("\\", "/"))
    readings = [path, re.sub(";[^/]*", "", path.replace("%2e", ".").replace("%2E", ".")), decoded]
    outside = [posixpath.normpath(f"base{re.sub('/+', '/', reading)}").split("/")[0] != "base" for reading in readings]
    assert _leaves_base(path) or not any(outside)
    if not {"..", "%2e%2E", "..;p", "..%2fd", "e\\.."} & set(segments):
        assert not _leaves_base(path)


def test_endless_trailers_of_a_request_get_400() -> None:
    """The target does not get the end of the request, and the exchange has the reason."""
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    trailers = b"".join(b"X-%d: %s\r\n" % (number, b"t" * 1000) for number in range(1200))
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, observed):
        arrived = raw(url, chunked, trailers)
    assert arrived.startswith(b"HTTP/1.1 400 ") or arrived.endswith(b"<reset>")
    assert [] == server.received
    assert ["the trailer section of the request is larger than 1,048,576 bytes"] == [
        exchange.cancelled for exchange in observed.exchanges
    ]


def test_the_fields_of_a_head_are_read_a_constant_number_of_times() -> None:
    """With twice as many `Connection` fields, rewriting a head reads twice as many names."""
    counts = []
    for number in (500, 1000):
        names = CountedNames()
        request = Request("GET", "/", tuple((names.new("Connection"), "x") for _ in range(number)))
        ProxyServer("http://127.0.0.1:9", Observed().events(), body_limit=1000).forwarded_head(request)
        counts.append(names.count)
    assert counts[1] == 2 * counts[0]


class CountedNames:
    """Counts how often its names are compared in lower case."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, name: str) -> str:
        """Return a name that counts."""

        class Name(str):
            def lower(counted_name) -> str:  # noqa: N805 - `self` is the counter
                self.count += 1
                return str.lower(counted_name)

        return Name(name)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE\r\n\r\n",
        b"GET /?_method=DELETE HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_unsafe_and_overridden_methods_are_rejected_with_only_safe(request_bytes: bytes) -> None:
    """They get 405, after the response to the GET before them."""
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url, only_safe=True) as (url, observed):
        arrived = raw(url, REQUESTS[0] + request_bytes)
    assert arrived.startswith(RESPONSES[0] + b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"Allow: GET, HEAD, OPTIONS" in arrived
    assert ["GET"] == [request.method for request in server.received]
    assert 1 == len(observed.rejected)


def test_a_host_can_be_allowed() -> None:
    """A request with `Host: api.example` is forwarded if `hosts` has it."""
    request = REQUESTS[0].replace(b"Host: client", b"Host: api.example:80")
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url, hosts=("api.example",)) as (url, _):
        assert RESPONSES[0] == raw(url, request, reads=len(RESPONSES[0]))


def test_a_malformed_body_ends_the_request() -> None:
    """The target gets no request, and the exchange is cancelled."""
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nnonsense\r\n"
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, observed):
        raw(url, request)
    assert [] == server.received
    assert [0] == [exchange.status for exchange in observed.exchanges]
    assert observed.exchanges[0].cancelled


def test_requests_after_a_rejection_are_ignored() -> None:
    """In one piece or in several, the target does not get them."""
    rejected = b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"
    post = b"POST /a HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}"
    with target(lambda number: RESPONSES[0]) as server, proxied(server.url) as (url, observed):
        in_one_piece = raw(url, post + REQUESTS[1] + REQUESTS[2])
        in_pieces = raw(url, REQUESTS[0] + rejected, REQUESTS[1])
    assert 1 == in_one_piece.count(b"HTTP/1.1 421 ")
    assert in_pieces.startswith(RESPONSES[0] + b"HTTP/1.1 400 ")
    assert (["GET"], 2) == ([request.method for request in server.received], len(observed.rejected))


def test_requests_after_a_rejection_that_waits_for_a_response_are_ignored() -> None:
    """The rejected request is sent before the target responds to the first: the client gets that response and 400."""
    rejected = b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"
    with connected() as (client, listener, observed):
        client.sendall(REQUESTS[0])
        connection, _ = listener.accept()
        with connection:
            assert b"GET /a" in connection.recv(65536)
            client.sendall(rejected)
            while not observed.rejected:
                time.sleep(0.01)
            client.sendall(REQUESTS[1])
            time.sleep(0.1)
            connection.sendall(RESPONSES[0])
            received = b""
            while data := client.recv(65536):
                received += data
            assert b"" == connection.recv(65536)
    assert received.startswith(RESPONSES[0] + b"HTTP/1.1 400 ")
    assert 1 == len(observed.exchanges)


def test_a_request_that_turns_out_malformed_during_its_response_ends_the_connection() -> None:
    with connected() as (client, listener, observed):
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        connection, _ = listener.accept()
        with connection:
            connection.sendall(head(200, "Content-Length: 10") + b"half")
            while b"half" not in client.recv(65536):
                pass
            client.sendall(b"nonsense\r\n")
            with suppress(ConnectionResetError):
                assert b"" == client.recv(65536)
    (exchange,) = observed.exchanges
    assert (200, "the request is malformed") == (exchange.status, exchange.cancelled.partition(":")[0])
