"""Where a request ends: a length or a chunk that two parsers may read differently is rejected (RFC 9112, 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.traffic.mock import MockServer
from tests.mock.asking import raw, replies, request_bytes

CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

REJECTED = [
    (["Content-Length: 0", "Content-Length: 0"], b""),
    (["Content-Length: 0", "Content-Length: 5"], b"hello"),
    *(([f"Content-Length: {length}"], b"hello") for length in ("5, 5", "+5", "-5", "0x5", "5_0", "5 5", "", "\xb5")),
    *(([f"Content-Length: {length}"], b"hello") for length in (2**64, 2**64 + 5, "9" * 100)),
    (["Content-Length : 5"], b"hello"),
    (["Content-Length: 5", CHUNKED], END),
    ([CHUNKED, "Content-Length: 5"], END),
    ([CHUNKED, CHUNKED], END),
    ([CHUNKED, "Transfer-Encoding: identity"], END),
    *(
        ([f"Transfer-Encoding:{coding}"], END)
        for coding in ("xchunked", "chunked, identity", "chunked;x=1", '"chunked"', "\x0bchunked", "\r\n chunked")
    ),
    *(([CHUNKED], size + b"\r\nhello\r\n" + END) for size in (b"0x5", b"+5", b"-5", b"5 ", b"", b"f" * 17)),
    *(([CHUNKED], data + END) for data in (b"5\nhello\n", b"5;a=b\nhello\r\n", b"5\r\nhello!\r\n")),
    ([CHUNKED], b"0\r\nContent-Length: 5\r\n\r\n"),
    ([CHUNKED], b"0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    ([CHUNKED], b"0\r\nno trailer\r\n\r\n"),
    (["X: 1\rY: 2"], b""),
    (["X: a\0b"], b""),
    ([" X: 1"], b""),
    ([": 1"], b""),
    (["Connection: Upgrade", "Upgrade: x", CHUNKED, "Content-Length: 3"], END),
]
ACCEPTED = [
    (["Content-Length: 5"], b"hello"),
    (["Content-Length:\t000005 "], b"hello"),
    ([CHUNKED], b'5;a="b;c\\"d"\r\nhello\r\n0;x\r\n\r\n'),
    ([CHUNKED], b"0" * 100 + b"5\r\nhello\r\n" + END),
    ([CHUNKED], b"5;" + b"a" * 70_000 + b"\r\nhello\r\n" + END),
    ([CHUNKED], b"0\r\nX: 1\r\nHost: evil.example\r\n\r\n"),
    (["Connection: content-length", "Content-Length: 5"], b"hello"),
    (["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5"], b"hello"),
]


@pytest.fixture(scope="module")
def server(contract: Contract) -> Iterator[MockServer]:
    """Return one mock for all rows."""
    with MockServer(contract) as running:
        yield running


@pytest.mark.parametrize(("lines", "body"), REJECTED)
def test_a_request_of_uncertain_length_is_rejected_and_nothing_follows_it(
    server: MockServer, lines: list[str], body: bytes
) -> None:
    """The bytes after it may be a request that was smuggled in its body."""
    server.reset()
    responses = replies(raw(server, request_bytes(server, *lines) + body + request_bytes(server, close=True)))
    assert [(400, "close")] == [(response.status, response.headers["connection"]) for response in responses]
    assert [400] == [request.status for request in server.requests]


@pytest.mark.parametrize(("lines", "body"), ACCEPTED)
def test_a_request_follows_the_body_of_the_previous_one(server: MockServer, lines: list[str], body: bytes) -> None:
    """With each valid way to state the length of a body, both requests get 200."""
    server.reset()
    responses = replies(raw(server, request_bytes(server, *lines) + body + request_bytes(server, close=True)))
    assert [200, 200] == [response.status for response in responses]
    assert [200, 200] == [request.status for request in server.requests]
