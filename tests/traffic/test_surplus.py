"""Bytes after the end of a response: an error if they arrive with it, and never the response to the next request."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import trustme

from pytest_bctrl.traffic import surplus
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.surplus import find_nested
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


LATE = [response(body=b"late"), response(401), b"late", b"\r\n", response(408, b"", Connection="close"), b""]


@pytest.mark.parametrize("keep_alive", [False, True])
@pytest.mark.parametrize("late", LATE)
def test_late_bytes_are_not_used_as_the_next_response(late: bytes, keep_alive: bool) -> None:
    """They arrive before the next request, which gets its own response on another connection."""
    response_read, sent = threading.Event(), threading.Event()

    def script(connection: socket.socket, number: int) -> object:
        connection.sendall(response(body=b"%d" % number))
        if number == 1:
            response_read.wait(30)
            # The client may have closed the connection already.
            with suppress(OSError):
                connection.sendall(late)
            sent.set()
        return None

    with serve(script) as server, client(server.url, None, live=True, retry=QUICK, keep_alive=keep_alive) as http:
        assert b"1" == http.get("/a").content
        response_read.set()
        assert sent.wait(30)
        assert b"2" == http.get("/b").content


@pytest.mark.parametrize("more", [response(body=b"more"), b"more", b"\r\n"])
def test_a_connection_with_surplus_is_not_reused(more: bytes) -> None:
    """The client keeps connections open; the request after the surplus gets its own response on a new one."""
    peers: list[object] = []

    def script(connection: socket.socket, number: int) -> object:
        peers.append(connection.getpeername())
        connection.sendall(response(body=b"%d" % number) + more * (number == 2))
        return None

    with serve(script) as server, client(server.url, None, live=True, retry=QUICK, keep_alive=True) as http:
        http.get("/a")
        with suppress(httpx.RemoteProtocolError):
            http.get("/b")
        assert b"3" == http.get("/c").content
    assert peers[0] == peers[1] != peers[2]


def test_the_parser_of_the_installed_httpcore_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its private name was tried with httpcore 1.0.0 to 1.0.9; without it, no connection is reused.

    Another name in a new version makes the first assertion fail, and the bytes above are no error any more.
    """
    peers: list[object] = []

    def script(connection: socket.socket, _number: int) -> object:
        peers.append(connection.getpeername())
        connection.sendall(response())
        return None

    with serve(script) as server, client(server.url, None, live=True, keep_alive=True) as http:
        http.get("/")
        http.get("/")
        assert 1 == len(set(peers))
        monkeypatch.setattr(surplus, "_PARSER_ATTRIBUTES", ("_a_new_name",))
        http.get("/")
        http.get("/")
        assert 2 == len(set(peers))


@pytest.mark.parametrize("cut", range(1, len(response())))
def test_half_a_late_response_is_not_merged_with_the_next_response(cut: int) -> None:
    """It arrives just before the next response on a reused connection; together, they parse as one with status 200."""

    def script(connection: socket.socket, number: int) -> object:
        connection.sendall((response()[:cut] if number == 2 else b"") + response(401))
        return None

    with serve(script) as server, client(server.url, None, live=True, retry=QUICK, keep_alive=True) as http:
        assert 401 == http.get("/a").status_code
        with suppress(httpx.RemoteProtocolError):
            assert 401 == http.get("/b").status_code


def test_find_nested_returns_a_status_line_inside_a_head_or_a_body() -> None:
    assert [b"HTTP/1.1 401 No", b"HTTP/1.0 200\r\n", b"", b""] == [
        find_nested("a", "x HTTP/1.1 401 No"),
        find_nested(b"{HTTP/1.0 200\r\n"),
        find_nested("1.1 proxy", "HTTP/1.1 proxy"),
        find_nested(b"HTTP/1.1 0200 "),
    ]


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


def test_a_tls_connection_is_reused(authority: trustme.CA) -> None:
    """Three requests use one connection, since the server accepts no other."""

    def script(stream: ssl.SSLSocket) -> None:
        for _ in range(3):
            read_head(stream)
            stream.sendall(response())
        # The client may have closed the connection already.
        with suppress(OSError):
            stream.unwrap()

    with secured(authority, script) as url, client(url, None, live=True, keep_alive=True) as http:
        assert [200] * 3 == [http.get("/").status_code for _ in range(3)]


def test_a_reset_idle_connection_is_no_error() -> None:
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

    with serve(script) as server, client(server.url, None, live=True, retry=QUICK, keep_alive=True) as http:
        http.get("/")
        response_read.set()
        assert sent.wait(30)
        assert 200 == http.get("/").status_code
