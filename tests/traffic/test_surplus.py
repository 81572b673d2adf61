"""Bytes that belong to no response: an error where they follow one, and never the response to the next request."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
import trustme

from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import Surplus, find_nested
from pytest_bctrl.traffic.watched_connection import WatchedBackend, WatchedStream
from tests.traffic.callers import QUICK, Ask
from tests.traffic.servers import CLOSE, response, serve

AFTER_THE_END = [
    (
        "GET",
        response() + response(),
        rf"{len(response())} bytes after the end of the response: 'HTTP/1.1 200 Said\\r\\nContent-L.*…",
    ),
    ("GET", response() + b"\x00", r"1 byte after the end of the response: '\\x00'"),
    ("GET", response().replace(b": 2", b": 1"), "1 byte after the end of the response: '}'"),
    ("GET", response(401) + response(), f"{len(response())} bytes after the end"),
    (
        "GET",
        response(204, b"").replace(b"Content-Length: 0\r\n", b"") + b"{}",
        "2 bytes after the end of the response: '{}'",
    ),
    ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n\r\n", "5 bytes after the end"),
    ("GET", response(Connection="close") + b"more", "4 bytes after the end"),
    ("HEAD", response(), "2 bytes after the end of the response: '{}'"),
    (
        "GET",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + response() + b"more",
        "4 bytes after the end",
    ),
]


@pytest.mark.parametrize(("method", "sent", "words"), AFTER_THE_END)
def test_bytes_after_the_end_of_a_response_are_an_error(ask: Ask, method: str, sent: bytes, words: str) -> None:
    """`RemoteProtocolError` has their number and their beginning, and the request is not retried."""
    with serve(sent) as server, pytest.raises(httpx.RemoteProtocolError, match=words):
        ask(server.url, method)
    # It is not retried: another attempt would hide the fault.
    assert 1 == len(server.requests)


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("GET", response() + b"\r\n"),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\n" + response()),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response()),
        ("HEAD", response(body=b"")),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ],
)
def test_responses_that_http_allows_are_accepted(ask: Ask, method: str, sent: bytes) -> None:
    """An empty line after it, 100 and 103 before it, and others: the status is 200."""
    with serve(sent) as server:
        assert 200 == ask(server.url, method).status_code


def test_a_body_ended_by_closing_the_connection_is_accepted(ask: Ask) -> None:
    def until_close(connection: socket.socket, _number: int) -> object:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n")
        return CLOSE

    with serve(until_close) as server:
        assert "HTTP/1.1 200 OK\r\n" == ask(server.url).text


class Late:
    """Responds to each request with its number, and sends `data` after the first response once `send` is called."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.may_send, self.sent = threading.Event(), threading.Event()

    def __call__(self, connection: socket.socket, number: int) -> object:
        connection.sendall(response(body=b"%d" % number))
        if number == 1:
            self.may_send.wait(30)
            connection.sendall(self.data)
            self.sent.set()
        return None

    def send(self) -> None:
        """Have the data sent, and return afterwards."""
        self.may_send.set()
        assert self.sent.wait(30)


@contextmanager
def watched(url: str) -> Iterator[tuple[httpx.Client, list[Surplus], WatchedBackend]]:
    """Yield a client, the surplus that its connections report, and the backend that opens them."""
    surplus_bytes: list[Surplus] = []
    backend = WatchedBackend(surplus_bytes.append)
    with client(url, None, live=True, retry=QUICK, backend=backend) as http:
        yield http, surplus_bytes, backend


def used_again(http: httpx.Client, _backend: WatchedBackend) -> None:
    """Send a second request, which gets its own response."""
    assert b"2" == http.get("/b").content


def closed(http: httpx.Client, _backend: WatchedBackend) -> None:
    """Close the client."""
    http.close()


def looked_at(_http: httpx.Client, backend: WatchedBackend) -> None:
    """Check all connections for surplus without waiting."""
    backend.look(0.0)


MOMENTS = [used_again, closed, looked_at]


@pytest.mark.parametrize("moment", MOMENTS)
def test_late_bytes_are_reported_and_not_used(moment: Callable[[httpx.Client, WatchedBackend], None]) -> None:
    """Bytes after a response are reported once with their request: at reuse, at the end, or at a check."""
    late = Late(response(body=b"late"))
    with serve(late) as server:
        with watched(server.url) as (http, surplus_bytes, backend):
            assert b"1" == http.get("/a").content
            late.send()
            moment(http, backend)
            (surplus,) = surplus_bytes
        assert (response(body=b"late"), f"GET {server.url}/a") == (surplus.data, surplus.source)
        # It is reported once.
        assert 1 == len(surplus_bytes)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("data", [b"\r\n", response(408, b"", Connection="close"), b""])
def test_allowed_late_bytes_are_neither_reported_nor_used(
    data: bytes, moment: Callable[[httpx.Client, WatchedBackend], None]
) -> None:
    """An empty line, a 408 with `Connection: close`, or none, sent after a response: no surplus."""
    late = Late(data)
    with serve(late) as server, watched(server.url) as (http, surplus_bytes, backend):
        http.get("/a")
        late.send()
        moment(http, backend)
        assert [] == surplus_bytes


def test_bytes_that_arrive_after_the_connection_was_selected_are_reported_and_not_used() -> None:
    """They arrive after httpcore's check of the idle connection: the pool then uses another one."""
    surplus_bytes: list[Surplus] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = WatchedBackend(surplus_bytes.append).connect_tcp(*server.getsockname())
        peer, _ = server.accept()
        with closing(stream), peer:
            request = httpx.Request("GET", "http://127.0.0.1/a")
            stream.write(b"GET /a HTTP/1.1\r\n\r\n")
            assert isinstance(stream, WatchedStream)
            assert stream.finish(httpx.Response(200, content=b"1"), b"1", request, wait=0.0) is None
            peer.sendall(b"late")
            select.select([stream.get_extra_info("socket")], [], [])
            with pytest.raises(httpcore.ConnectionNotAvailable):
                stream.write(b"GET /b HTTP/1.1\r\n\r\n")
    assert [(b"late", "GET http://127.0.0.1/a")] == [(surplus.data, surplus.source) for surplus in surplus_bytes]


def test_bytes_before_the_first_request_are_an_error() -> None:
    """`RemoteProtocolError`: otherwise they would be read as the response to that request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        greeted = threading.Event()

        def greet() -> None:
            """Accept one connection, and send a response before any request."""
            connection, _ = listener.accept()
            with connection:
                connection.sendall(response())
                greeted.set()
                connection.recv(1)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()

        class Backend(WatchedBackend):
            def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
                """Return a connection on which the bytes of the server have been sent."""
                stream = super().connect_tcp(*arguments, **options)
                assert greeted.wait(30)
                return stream

        once = RetryPolicy(attempts=1)
        early = pytest.raises(httpx.RemoteProtocolError, match="bytes before the request was sent")
        with client(url, None, live=True, retry=once, backend=Backend()) as http, early:
            http.get("/")
        thread.join(30)


def test_a_late_partial_response_is_not_merged_with_the_next_response() -> None:
    """The next request raises an error: together they would parse as one response with the wrong status."""
    crossed = threading.Event()

    def script(connection: socket.socket, number: int) -> object:
        connection.sendall((b"" if number == 1 else b"HTTP/1.1 200 OK\r\nX-Half: ") + response(401))
        crossed.set()
        return None

    with serve(script) as server, watched(server.url) as (http, _, _):
        assert 401 == http.get("/a").status_code
        with pytest.raises(httpx.RemoteProtocolError, match=r"'HTTP/1\.1 401 Said"):
            http.get("/b")


def test_find_nested_returns_a_status_line_inside_a_head_or_a_body() -> None:
    assert [b"HTTP/1.1 401 No", b"HTTP/1.0 200\r\n", b"", b""] == [
        find_nested("a", "x HTTP/1.1 401 No"),
        find_nested(b"{HTTP/1.0 200\r\n"),
        find_nested("1.1 proxy", "HTTP/1.1 proxy"),
        find_nested(b"HTTP/1.1 0200 "),
    ]


def test_an_early_head_of_the_next_response_is_reported_instead_of_a_time_out() -> None:
    """The attempt that timed out names the bytes found in its body, and a retry succeeds."""

    def script(connection: socket.socket, number: int) -> object:
        if number == 1:
            connection.sendall(response())
        elif number == 2:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + response(401))
            connection.recv(1)
            return CLOSE
        else:
            connection.sendall(response(body=b"3"))
        return None

    with serve(script) as server, watched(server.url) as (http, _, _):
        http.get("/a")
        received = http.get("/b", timeout=0.3)
        assert b"3" == received.content
        first = received.extensions["bctrl_attempts"][0]
        assert "ReadTimeout" == first.error
        assert str(first.surplus).startswith(f"{len(response(401))} bytes after the end of the response: 'HTTP/1.1 401")


@contextmanager
def secured(authority: trustme.CA, script: Callable[[ssl.SSLSocket], None]) -> Iterator[str]:
    """Run a TLS 1.3 server, whose session tickets arrive after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def talk() -> None:
        """Accept one connection, and run the script on it."""
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as stream:
            script(stream)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(30)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Return a certificate authority that clients trust."""
    certificate_authority = trustme.CA()
    certificate_authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return certificate_authority


def read_head(stream: ssl.SSLSocket) -> None:
    """Read from a connection up to the end of a request's head."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(4096)


def test_a_tls_connection_is_reused_and_its_end_is_not_reported(authority: trustme.CA) -> None:
    """Three requests use one connection, since the server accepts no other."""

    def script(stream: ssl.SSLSocket) -> None:
        for _ in range(3):
            read_head(stream)
            stream.sendall(response())
        # The client may have closed the connection already.
        with suppress(OSError):
            stream.unwrap()

    with secured(authority, script) as url, watched(url) as (http, surplus_bytes, _):
        assert [200] * 3 == [http.get("/").status_code for _ in range(3)]
        http.close()
        assert [] == surplus_bytes


def test_late_bytes_over_tls_are_reported(authority: trustme.CA) -> None:
    response_read, sent = threading.Event(), threading.Event()

    def script(stream: ssl.SSLSocket) -> None:
        read_head(stream)
        stream.sendall(response())
        response_read.wait(30)
        stream.sendall(b"late")
        sent.set()

    with secured(authority, script) as url, watched(url) as (http, surplus_bytes, backend):
        http.get("/")
        response_read.set()
        assert sent.wait(30)
        backend.look(0.0)
        assert [b"late"] == [surplus.data for surplus in surplus_bytes]


def test_threads_that_share_a_client_lose_no_bytes() -> None:
    """400 requests of eight threads: all get 200, and no surplus bytes are reported."""
    with serve(response()) as server, watched(server.url) as (http, surplus_bytes, _), ThreadPoolExecutor(8) as threads:
        assert [200] * 400 == [received.status_code for received in threads.map(lambda _: http.get("/"), range(400))]
        assert [] == surplus_bytes


def test_a_reset_idle_connection_is_not_reported() -> None:
    """The next request uses another connection and gets 200."""
    response_read, sent = threading.Event(), threading.Event()

    def script(connection: socket.socket, number: int) -> object:
        connection.sendall(response())
        if number == 1:
            response_read.wait(30)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.close()
            sent.set()
            return CLOSE
        return None

    with serve(script) as server, watched(server.url) as (http, surplus_bytes, _):
        http.get("/")
        response_read.set()
        assert sent.wait(30)
        assert 200 == http.get("/").status_code
        assert [] == surplus_bytes
