"""HTTP/1.1 itself: what clients of every kind, and what is no client at all, put on the wire."""

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
def test_what_is_no_request_is_refused_and_harms_nobody(mock: MockServer, name: str) -> None:
    """400 as JSON, the connection closed, and the next client is served (RFC 9112, 2.2 and 11.2)."""
    (reply,) = replies(raw(mock, GARBAGE[name], half_close=True))
    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert reply.json()["error"]["code"] == "bad_request"
    assert listed(mock).status == 200


def test_a_good_request_before_garbage_is_answered(mock: MockServer) -> None:
    """What came whole is answered; what follows is refused, in that order."""
    responses = replies(raw(mock, request_bytes(mock) + b"garbage\r\n\r\n", half_close=True))
    assert [reply.status for reply in responses] == [200, 400]


def test_requests_in_one_packet_are_answered_in_order(mock: MockServer) -> None:
    """Pipelining (RFC 9112, 9.3.2), more than the queue holds at once."""
    data = b"".join(request_bytes(mock, f"X-Request-Id: n{number}") for number in range(200))
    responses = replies(raw(mock, data + request_bytes(mock, "X-Request-Id: last", close=True)))
    assert [reply.headers["x-request-id"] for reply in responses] == [f"n{number}" for number in range(200)] + ["last"]


def test_a_request_in_single_bytes_is_a_request(mock: MockServer) -> None:
    """Packets end where they like."""
    with connected(mock) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes(mock, close=True):
            sock.sendall(bytes([byte]))
        assert [reply.status for reply in replies(read_all(sock))] == [200]


def test_a_chunked_body_is_read_whole(mock: MockServer) -> None:
    """Chunks, an extension and a trailer; the trailer is no header (RFC 9110, 6.5.1)."""
    body = b"1;ext=1\r\n{\r\n1\r\n}\r\n0\r\nAuthorization: Bearer sneaked\r\n\r\n"
    data = request_bytes(mock, "Transfer-Encoding: chunked") + body + request_bytes(mock, close=True)
    assert [reply.status for reply in replies(raw(mock, data))] == [200, 200]
    assert mock.requests[0].json() == {}
    assert len([name for name, _ in mock.requests[0].headers if name == "authorization"]) == 1


def test_a_body_in_chunks_of_one_byte_is_read_whole(mock: MockServer) -> None:
    """As slow as a sender may be, it is one body in the end."""
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"x":"' + b"y" * 20_000 + b'"}') + b"0\r\n\r\n"
    data = request_bytes(mock, "Transfer-Encoding: chunked", close=True) + body
    assert [reply.status for reply in replies(raw(mock, data))] == [200]
    assert mock.requests[0].json() == {"x": "y" * 20_000}


def test_a_client_that_waits_for_100_gets_it(mock: MockServer) -> None:
    """`Expect: 100-continue` (RFC 9110, 10.1.1)."""
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock, "Expect: 100-continue", "Content-Length: 2", close=True))
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"{}")
        assert [reply.status for reply in replies(read_all(sock))] == [200]


@pytest.mark.parametrize("status", [204, 205, 304])
def test_an_answer_without_a_body_ends_with_its_head(mock: MockServer, status: int) -> None:
    """A client on the same connection does not wait for more; 205 says so by its length (RFC 9110, 15.3.6)."""
    data = request_bytes(mock, f"Prefer: code={status}") + request_bytes(mock, close=True)
    first, second = replies(raw(mock, data))
    assert (first.status, first.headers.get("content-length")) == (status, "0" if status == 205 else None)
    assert second.status == 200


def test_http_1_0_is_answered_and_keeps_a_connection_that_asks_for_it(mock: MockServer) -> None:
    """No Host is needed; the answer says that the connection stays, as such a client has to be told."""
    old = request_bytes(mock).replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: mock.test\r\n", b"")
    kept = old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    for data, expected in ((old, ["close"]), (kept + old, ["keep-alive", "close"])):
        responses = replies(raw(mock, data))
        assert [(200, one) for one in expected] == [(reply.status, reply.headers["connection"]) for reply in responses]


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
def test_an_upgrade_is_passed_over(mock: MockServer, framing: list[str], body: bytes, pieces: int) -> None:
    """Java's and curl's clients offer h2c, with a body or without; the answer is HTTP/1.1, the connection goes on."""
    head, rest = request_bytes(mock, *UPGRADE, *framing), body + request_bytes(mock, close=True)
    with connected(mock) as sock:
        sock.sendall(head + rest if pieces == 1 else head)
        if pieces == 2:
            while not mock.requests and not body:
                pass
            sock.sendall(rest)
        assert [reply.status for reply in replies(read_all(sock))] == [200, 200]
    assert [entry.body for entry in mock.requests] == [b"{}" if body else b"", b""]
    assert mock.requests[0].header("upgrade") == "h2c"


@pytest.mark.parametrize("framing", ["", "Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n"])
def test_a_tunnel_is_refused(mock: MockServer, framing: str) -> None:
    """CONNECT asks for what this server is not (RFC 9110, 9.3.6); whatever follows, the mock lives."""
    data = f"CONNECT elsewhere.test:443 HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n{framing}\r\n{{}}"
    first, *_ = replies(raw(mock, data.encode(), half_close=True))
    assert first.status == 404
    assert listed(mock).status == 200


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_an_upgrade_with_anything_about_it_is_survived(data: st.DataObject) -> None:
    """Fields in any order and number, framing that contradicts itself, bodies that are none."""
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
    rest = data.draw(st.one_of(st.binary(max_size=20), st.sampled_from([b"{}", b"2\r\n{}\r\n0\r\n\r\n"])))
    head = "\r\n".join([f"{method} / HTTP/1.1", *chosen]) + "\r\n\r\n"
    parser = RequestParser(ServerLimits())
    arrived = parser.feed(head.encode() + rest)
    assert arrived or parser.problem or parser.is_within


def test_half_a_close_still_gets_the_answer(mock: MockServer) -> None:
    """A client may be done with sending and wait for the answer."""
    assert [reply.status for reply in replies(raw(mock, request_bytes(mock), half_close=True))] == [200]


def test_gzip_goes_to_those_who_take_it(mock: MockServer) -> None:
    """And `Vary` tells caches (RFC 9110, 12.5.5)."""
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
def test_only_what_the_contract_has_can_be_asked_for(mock: MockServer, accept: str, status: int) -> None:
    """`Accept` (RFC 9110, 12.5.1); the refusal is JSON all the same."""
    reply = listed(mock, Accept=accept)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")


def test_a_request_id_is_given_back_or_made(mock: MockServer) -> None:
    """The same in header and error body; one that could break the header is not taken over."""
    assert listed(mock, X_Request_Id="abc-1").headers["x-request-id"] == "abc-1"
    made = listed(mock, X_Request_Id="x" * 200, Accept="text/html")
    assert made.headers["x-request-id"] == made.json()["error"]["requestId"] != "x" * 200


@pytest.mark.parametrize(
    ("prefer", "status"), [("code=404", 404), ("code=429, wait=1", 429), ("example=a code=503", 503), ("code=401", 401)]
)
def test_prefer_code_asks_for_a_status(mock: MockServer, contract: Contract, prefer: str, status: int) -> None:
    """As people know it from Prism, in the documented shape, and said in Preference-Applied (RFC 7240, 3)."""
    reply = listed(mock, Prefer=prefer)
    assert (reply.status, reply.headers["preference-applied"]) == (status, f"code={status}")
    assert set(reply.json()["error"]) == {"code", "message", "reasonClass", "requestId"}


def test_prefer_does_not_open_the_door(mock: MockServer, path: str) -> None:
    """Without a key it is 401, whatever is preferred."""
    assert ask(mock, "GET", path, {"Prefer": "code=200"}).status == 401


def test_options_of_the_whole_server_are_answered(mock: MockServer) -> None:
    (reply,) = replies(raw(mock, b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
    assert (204, "GET, HEAD, OPTIONS") == (reply.status, reply.headers["allow"])


def test_the_body_that_was_sent_is_in_the_journal(mock: MockServer) -> None:
    data = request_bytes(mock, "Content-Length: 13", "Content-Type: application/json", close=True) + b'{"page": "2"}'
    assert [reply.status for reply in replies(raw(mock, data))] == [200]
    assert json.loads(mock.requests[0].body) == {"page": "2"}
