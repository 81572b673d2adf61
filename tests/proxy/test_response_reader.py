"""Responses are assigned to their requests, wherever the bytes of a server are split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.traffic.proxy.exchange import BodyBudget, CapturedBody, ProxiedExchange
from pytest_bctrl.traffic.proxy.response_reader import ResponseReader

LIMIT = 1000


class Reading:
    """A reader with its requests, and what it has passed on."""

    def __init__(self, *methods: str) -> None:
        self.finished: list[ProxiedExchange] = []
        self.surplus: list[tuple[int, bytes]] = []
        self.reader = ResponseReader(self.finished.append, lambda last, data: self.surplus.append((last.status, data)))
        for method in methods:
            self.reader.expect(exchange(method))

    def feed(self, data: bytes, *cuts: int) -> None:
        """Pass bytes to the reader, in pieces that end at `cuts`, each modulo the length."""
        positions = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
        for start, end in pairwise(positions):
            self.reader.feed(data[start:end])

    def results(self) -> list[tuple[int, bytes, bool, str]]:
        """Return status, body, whether it is complete, and the error or reason of each exchange that has ended."""
        return [
            (
                exchange.status,
                bytes(exchange.response_body),
                exchange.response_body.is_complete,
                exchange.error.detail if exchange.error else exchange.cancelled,
            )
            for exchange in self.finished
        ]


def exchange(method: str) -> ProxiedExchange:
    """Return an exchange whose response has not arrived."""
    budget = BodyBudget(4 * LIMIT, 0)
    return ProxiedExchange(method, "/", (), CapturedBody(LIMIT, budget), CapturedBody(LIMIT, budget))


def head(status: int, *fields: str) -> bytes:
    """Return the head of a response with these header fields."""
    return "\r\n".join([f"HTTP/1.1 {status} OK", *fields, "", ""]).encode()


CHUNKED = b"3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
ONE_OF_EACH = [
    ("GET", head(200, "Content-Length: 5") + b"first", (200, b"first")),
    ("POST", head(103, "Link: </a>") + head(100) + head(201, "Content-Length: 0"), (201, b"")),
    ("HEAD", head(200, "Content-Length: 5"), (200, b"")),
    ("GET", head(200, "Transfer-Encoding: chunked") + CHUNKED, (200, b"abcde")),
    ("GET", head(304, "Content-Length: 5"), (304, b"")),
    ("DELETE", head(204), (204, b"")),
]


@given(st.lists(st.sampled_from(ONE_OF_EACH), min_size=1, max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_pipelined_responses_are_assigned_to_their_requests(
    chosen: list[tuple[str, bytes, tuple[int, bytes]]], cuts: list[int]
) -> None:
    """In any number and split anywhere, each has its status and body."""
    reading = Reading(*(method for method, _, _ in chosen))
    reading.feed(b"".join(data for _, data, _ in chosen), *cuts)
    assert [(*expected, True, "") for _, _, expected in chosen] == reading.results()
    assert reading.reader.is_idle


def test_endless_trailers_are_an_error() -> None:
    reading = Reading("GET")
    reading.feed(head(200, "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\nX: ")
    for _ in range(1100):
        reading.feed(b"t" * 1000)
    assert [(200, b"a", False, "Receive buffer too long")] == reading.results()


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reading = Reading("GET")
    reading.feed(head(200) + b"until the end")
    assert [] == reading.results()
    reading.reader.end()
    assert [(200, b"until the end", True, "")] == reading.results()


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        (b"", 0, "Server disconnected without sending a response."),
        (b"HTTP/1.1 20", 0, "peer unexpectedly closed connection"),
        (head(200, "Content-Length: 9") + b"abc", 200, "peer closed connection without sending complete message body"),
        (head(200, "Transfer-Encoding: chunked") + b"3\r\nab", 200, "incomplete chunked read"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 0, "illegal status line"),
        (head(200, "Content-Length: one") + b"a", 0, "bad Content-Length"),
        (head(200, "Transfer-Encoding: chunked") + b"xyz\r\n", 200, "illegal chunk header"),
        (head(101, "Upgrade: websocket"), 0, "without a pending proposal"),
    ],
)
def test_an_incomplete_or_malformed_response_is_an_error(data: bytes, status: int, detail: str) -> None:
    reading = Reading("GET")
    reading.feed(data) if data else None
    reading.reader.end()
    ((actual_status, _, is_complete, error),) = reading.results()
    assert (status, False) == (actual_status, is_complete)
    assert detail in error
    assert reading.finished[0].error is not None
    assert "RemoteProtocolError" == reading.finished[0].error.name


def test_a_reset_is_an_error_of_the_response_in_progress() -> None:
    reading = Reading("GET")
    reading.feed(head(200, "Content-Length: 9"))
    reading.reader.end(ConnectionResetError(104, "Connection reset by peer"))
    assert [(200, b"", False, "Connection reset by peer")] == reading.results()


@pytest.mark.parametrize("reset", [None, ConnectionResetError(104, "Connection reset by peer")])
def test_an_idle_connection_may_be_closed_while_a_request_is_sent(reset: OSError | None) -> None:
    """The second request has no response and a reason, but no error."""
    reading = Reading("GET", "GET")
    reading.feed(head(200, "Content-Length: 0"))
    reading.reader.end(reset)
    reason = "the server closed the connection before it read the request"
    assert [(200, b"", True, ""), (0, b"", False, reason)] == reading.results()
    assert reading.finished[1].error is None


@given(st.integers(0, 10_000))
def test_bytes_after_the_last_response_are_surplus(cut: int) -> None:
    """A later request on the connection has no response that is certain to be its own."""
    reading = Reading("GET")
    first, second = head(200, "Content-Length: 2") + b"ok", head(200, "Content-Length: 0")
    reading.feed(first + second, cut)
    assert [(200, b"ok", True, "")] == reading.results()
    # The first bytes after the response are passed on; whatever follows is not read.
    assert 1 == len(reading.surplus)
    assert reading.surplus[0][0] == 200
    assert second.startswith(reading.surplus[0][1])
    reading.reader.expect(exchange("GET"))
    reading.feed(second)
    assert "the response cannot be distinguished from the bytes before it" in reading.results()[1][3]


def test_responses_after_a_malformed_one_are_not_assigned() -> None:
    """The first exchange has an error; the second is cancelled, because its response cannot be distinguished."""
    reading = Reading("GET", "GET")
    reading.feed(b"nonsense\r\n\r\n" + head(200, "Content-Length: 0"))
    reading.reader.end()
    assert "illegal status line" in reading.results()[0][3]
    assert "the response cannot be distinguished from the bytes before it" in reading.results()[1][3]


def test_a_body_over_the_limit_is_not_kept_and_its_size_is_counted() -> None:
    reading = Reading("GET")
    reading.feed(head(200, f"Content-Length: {2 * LIMIT}") + b"x" * 2 * LIMIT, 700, 1400)
    body = reading.finished[0].response_body
    assert (0, 2 * LIMIT, True, False) == (len(bytes(body)), body.size, body.is_complete, body.is_known)


def test_cancelled_exchanges_have_the_reason() -> None:
    """`cancel` during the first of two responses ends both without a body; the first keeps its status."""
    reading = Reading("GET", "POST")
    reading.feed(head(200, "Content-Length: 5"))
    reading.reader.cancel("the client has gone")
    assert [(200, b"", False, "the client has gone"), (0, b"", False, "the client has gone")] == reading.results()
    assert reading.reader.is_idle


def test_bytes_without_any_request_are_not_assigned() -> None:
    """They are no surplus either."""
    reading = Reading()
    reading.feed(b"220 ftp.example ready")
    assert ([], []) == (reading.finished, reading.surplus)


def test_empty_lines_between_responses_are_ignored() -> None:
    """Also if the next request is on its way, and wherever the lines are split."""
    reading = Reading("GET", "GET")
    first = head(200, "Content-Length: 2") + b"ok\r\n"
    reading.feed(first + b"\r\n" + head(204), len(first))
    reading.feed(b"\r\n")
    reading.reader.expect(exchange("GET"))
    reading.feed(b"\n" + head(204))
    assert [(200, b"ok", True, ""), (204, b"", True, ""), (204, b"", True, "")] == reading.results()
    assert [] == reading.surplus
