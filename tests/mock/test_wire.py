"""HTTP/1.1 itself: the bytes of clients of every kind, and malformed ones."""

from __future__ import annotations

import gzip
import json
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.parse import RequestParser, ServerLimits

from .asking import ask, connected, listed, raw, read_all, replies, request_bytes

_NO_HOSTS = (b"a b", b"a/b", b"user@a", b"a,b", b"a?b", b"a\\b")
GARBAGE: dict[str, bytes] = {
    "noise": b"\x00\x01\x02\xff\xfe\r\n\r\n",
    "words": b"hello there\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "version 3": b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "space in a field name": b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
    "space before a colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    **{f"host {host!r}": b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host for host in _NO_HOSTS},
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "length and chunks": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "negative length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "bad chunk": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "control in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\x00\r\n\r\n",
    "control in the target": b"GET /\x01\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
    "bare line feed in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\n b\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_malformed_request_is_rejected_with_400(mock: MockServer, name: str) -> None:
    """As JSON; the connection is closed, and the next client is served (RFC 9112, 2.2 and 11.2)."""
    (reply,) = replies(raw(mock, GARBAGE[name], half_close=True))
    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert reply.json()["error"]["code"] == "bad_request"
    assert listed(mock).status == 200


def test_a_valid_request_before_a_malformed_one_gets_200(mock: MockServer) -> None:
    """The responses are sent in the order of the requests."""
    responses = replies(raw(mock, request_bytes(mock) + b"garbage\r\n\r\n", half_close=True))
    assert [reply.status for reply in responses] == [200, 400]


def test_responses_to_pipelined_requests_are_in_order(mock: MockServer) -> None:
    """201 of them, more than the queue holds at once (RFC 9112, 9.3.2)."""
    data = b"".join(request_bytes(mock, f"X-Request-Id: n{number}") for number in range(200))
    responses = replies(raw(mock, data + request_bytes(mock, "X-Request-Id: last", close=True)))
    assert [reply.headers["x-request-id"] for reply in responses] == [f"n{number}" for number in range(200)] + ["last"]


def test_a_request_sent_byte_by_byte_gets_200(mock: MockServer) -> None:
    with connected(mock) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes(mock, close=True):
            sock.sendall(bytes([byte]))
        assert [reply.status for reply in replies(read_all(sock))] == [200]


def test_a_chunked_body_is_read_completely(mock: MockServer) -> None:
    """Chunks, an extension and a trailer; the trailer is not a header (RFC 9110, 6.5.1)."""
    body = b"1;ext=1\r\n{\r\n1\r\n}\r\n0\r\nAuthorization: Bearer sneaked\r\n\r\n"
    data = request_bytes(mock, "Transfer-Encoding: chunked") + body + request_bytes(mock, close=True)
    assert [reply.status for reply in replies(raw(mock, data))] == [200, 200]
    assert mock.requests[0].json() == {}
    assert len([name for name, _ in mock.requests[0].headers if name == "authorization"]) == 1


def test_a_body_in_chunks_of_one_byte_is_read_completely(mock: MockServer) -> None:
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"x":"' + b"y" * 20_000 + b'"}') + b"0\r\n\r\n"
    data = request_bytes(mock, "Transfer-Encoding: chunked", close=True) + body
    assert [reply.status for reply in replies(raw(mock, data))] == [200]
    assert mock.requests[0].json() == {"x": "y" * 20_000}


def test_expect_100_continue_gets_100_before_the_body_is_sent(mock: MockServer) -> None:
    """RFC 9110, 10.1.1."""
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock, "Expect: 100-continue", "Content-Length: 2", close=True))
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"{}")
        assert [reply.status for reply in replies(read_all(sock))] == [200]


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_response_without_a_body_ends_after_its_headers(mock: MockServer, status: int) -> None:
    """The client does not wait for more; 205 has a length of zero (RFC 9110, 15.3.6)."""
    data = request_bytes(mock, f"Prefer: code={status}") + request_bytes(mock, close=True)
    first, second = replies(raw(mock, data))
    assert (first.status, first.headers.get("content-length")) == (status, "0" if status == 205 else None)
    assert second.status == 200


def test_http_1_0_gets_200_and_supports_keep_alive(mock: MockServer) -> None:
    """No Host is needed; the response states that the connection stays open."""
    old = request_bytes(mock).replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: mock.test\r\n", b"")
    persistent = old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    for data, expected in ((old, ["close"]), (persistent + old, ["keep-alive", "close"])):
        responses = replies(raw(mock, data))
        assert [(200, connection) for connection in expected] == [
            (reply.status, reply.headers["connection"]) for reply in responses
        ]


@pytest.mark.parametrize(
    ("version", "connection", "stays_open"),
    [
        ("1.1", [], True),
        ("1.1", ["keep-alive"], True),
        ("1.1", ["x-close, closed"], True),
        ("1.1", ["Close"], False),
        ("1.1", ["x", "keep-alive ,close"], False),
        ("1.0", [], False),
        ("1.0", ["Keep-Alive"], True),
        ("1.0", ["x, keep-alive"], True),
        ("1.0", ["keep-alive", "close"], False),
    ],
)
def test_a_connection_stays_open_as_version_and_connection_field_say(
    version: str, connection: list[str], stays_open: bool
) -> None:
    fields = "".join(f"Connection: {options}\r\n" for options in connection)
    (request,) = RequestParser(ServerLimits()).feed(f"GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n".encode())
    assert request.keeps_connection == stays_open


UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ([], b""),
        (["Content-Length: 0"], b""),
        (["Content-Length: 2"], b"{}"),
        (["Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_an_upgrade_to_h2c_is_ignored(mock: MockServer, framing: list[str], body: bytes, pieces: int) -> None:
    """Java's client and curl offer h2c, with or without a body; the response is HTTP/1.1 and the connection stays."""
    head, remainder = request_bytes(mock, *UPGRADE, *framing), body + request_bytes(mock, close=True)
    with connected(mock) as sock:
        sock.sendall(head + remainder if pieces == 1 else head)
        if pieces == 2:
            while not mock.requests and not body:
                pass
            sock.sendall(remainder)
        assert [reply.status for reply in replies(read_all(sock))] == [200, 200]
    assert [entry.body for entry in mock.requests] == [b"{}" if body else b"", b""]
    assert mock.requests[0].header("upgrade") == "h2c"


@pytest.mark.parametrize("framing", ["", "Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n"])
def test_connect_is_rejected(mock: MockServer, framing: str) -> None:
    """With 404, since the mock is not a proxy (RFC 9110, 9.3.6); a further client is served."""
    data = f"CONNECT elsewhere.test:443 HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n{framing}\r\n{{}}"
    first, *_ = replies(raw(mock, data.encode(), half_close=True))
    assert first.status == 404
    assert listed(mock).status == 200


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_the_parser_survives_any_upgrade_request(data: st.DataObject) -> None:
    """It returns requests, has a problem, or waits for more bytes, and raises nothing."""
    fields = [
        *UPGRADE,
        "Host: a",
        "Content-Length: 2",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Upgrade: websocket",
    ]
    chosen = data.draw(st.lists(st.sampled_from(fields), max_size=7))
    method = data.draw(st.sampled_from(["GET", "POST", "CONNECT", "HEAD"]))
    remainder = data.draw(st.one_of(st.binary(max_size=20), st.sampled_from([b"{}", b"2\r\n{}\r\n0\r\n\r\n"])))
    head = "\r\n".join([f"{method} / HTTP/1.1", *chosen]) + "\r\n\r\n"
    parser = RequestParser(ServerLimits())
    arrived = parser.feed(head.encode() + remainder)
    assert arrived or parser.problem or parser.is_within


def test_a_half_closed_connection_receives_the_response(mock: MockServer) -> None:
    """A client may close its sending side and wait for the response."""
    assert [reply.status for reply in replies(raw(mock, request_bytes(mock), half_close=True))] == [200]


def test_gzip_is_used_if_the_client_accepts_it(mock: MockServer) -> None:
    """`Vary` informs caches (RFC 9110, 12.5.5)."""
    plain, coded, refused = listed(mock), listed(mock, Accept_Encoding="gzip"), listed(mock, Accept_Encoding="gzip;q=0")
    assert ["content-encoding" in reply.headers for reply in (plain, coded, refused)] == [False, True, False]
    assert gzip.decompress(coded.body) == plain.body == refused.body
    assert {reply.headers["vary"] for reply in (plain, coded, refused)} == {"Accept-Encoding"}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("application/*", 200),
        ("*/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("", 200),
        ("APPLICATION/JSON", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("*/*, application/json;q=0", 406),
        ("application/xml, text/*", 406),
        ("application/json;q=much", 406),
    ],
)
def test_accept_must_include_a_documented_media_type(mock: MockServer, accept: str, status: int) -> None:
    """RFC 9110, 12.5.1; the rejection is JSON in any case."""
    reply = listed(mock, Accept=accept)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")


def test_the_request_id_is_returned_or_generated(mock: MockServer) -> None:
    """It is the same in header and error body; an id that could break the header is replaced."""
    assert listed(mock, X_Request_Id="abc-1").headers["x-request-id"] == "abc-1"
    generated = listed(mock, X_Request_Id="x" * 200, Accept="text/html")
    assert generated.headers["x-request-id"] == generated.json()["error"]["requestId"] != "x" * 200


@pytest.mark.parametrize(
    ("prefer", "status"), [("code=404", 404), ("code=429, wait=1", 429), ("wait=1 code=503", 503), ("code=401", 401)]
)
def test_prefer_code_selects_a_status(mock: MockServer, contract: Contract, prefer: str, status: int) -> None:
    """As in Prism: the documented error, and Preference-Applied (RFC 7240, 3)."""
    reply = listed(mock, Prefer=prefer)
    assert (reply.status, reply.headers["preference-applied"]) == (status, f"code={status}")
    assert set(reply.json()["error"]) == {"code", "message", "reasonClass", "requestId"}


def test_prefer_does_not_bypass_authentication(mock: MockServer, path: str) -> None:
    """Without a key, a request that prefers 200 gets 401."""
    assert ask(mock, "GET", path, {"Prefer": "code=200"}).status == 401


def test_options_asterisk_lists_the_allowed_methods(mock: MockServer) -> None:
    (reply,) = replies(raw(mock, b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    assert (204, "GET, HEAD, OPTIONS") == (reply.status, reply.headers["allow"])


def test_the_request_body_is_in_the_journal(mock: MockServer) -> None:
    data = request_bytes(mock, "Content-Length: 13", "Content-Type: application/json", close=True) + b'{"page": "2"}'
    assert [reply.status for reply in replies(raw(mock, data))] == [200]
    assert json.loads(mock.requests[0].body) == {"page": "2"}
