"""Properties that hold for every request."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_bctrl.contract.read import load
from pytest_bctrl.http.message import (
    MockResponse,
    Payload,
    Request,
    accepts,
    accepts_gzip,
    chunks,
    encode,
    preferred_status,
)
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.parse import RequestParser, ServerLimits
from tests.contract.documents import rooted

CONTRACT = load()
MOCK = MockServer(CONTRACT)
KEY = f"Bearer {MOCK.api_key}"
ERRORS = Draft202012Validator(rooted(CONTRACT, {"$ref": "#/components/schemas/NestedError"}))

targets = st.one_of(
    st.text(max_size=60),
    st.text(max_size=40).map(lambda text: f"/v1/spaces/{text}/runtimes"),
    st.sampled_from(["*", "/", "//", "", "/v1/spaces/../runtimes", f"/v1/spaces/{MOCK.space_id}/runtimes"]),
)
values = st.one_of(st.text(max_size=40), st.sampled_from([KEY, "*/*", "application/json;q=0.5", "gzip", "code=404"]))
names = st.sampled_from(["authorization", "accept", "accept-encoding", "prefer", "x-request-id", "expect", "x-other"])
headers = st.lists(st.tuples(names, values), max_size=6).map(tuple)
methods = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY", ""])


@settings(deadline=None, max_examples=300)
@given(method=methods, target=targets, fields=headers, body=st.binary(max_size=20))
def test_every_request_gets_a_documented_response(
    method: str, target: str, fields: tuple[tuple[str, str], ...], body: bytes
) -> None:
    """A 5xx status only if requested, a list only for the right key and space, and errors as JSON."""
    request = Request(method, target, fields, body)
    response = MOCK.respond(request)
    prefers = preferred_status(request.header("prefer"))
    assert response.status < 500 or response.status == prefers
    if response.status == 200 and response.body:
        assert MOCK.api_key in (request.header("authorization") or "")
        assert MOCK.space_id in target
    if response.status >= 400:
        assert [error.message for error in ERRORS.iter_errors(json.loads(response.body))] == []
        assert response.header("content-type") == "application/json"


@settings(deadline=None, max_examples=200)
@given(fields=headers, body=st.binary(max_size=3000), chunked=st.booleans(), old=st.booleans())
def test_an_encoded_response_is_a_single_http_message(
    fields: tuple[tuple[str, str], ...], body: bytes, chunked: bool, old: bool
) -> None:
    """The head has one end and each field once; `Content-Length` is that of the body, unless it is chunked."""
    response = MockResponse(200, (("Content-Type", "application/json"),), Payload(body), chunked=chunked)
    head, sent = encode(Request("GET", "/", fields), response, "now", "keep-alive" if old else None)
    assert head.count(b"\r\n\r\n") == 1
    assert head.endswith(b"\r\n\r\n")
    names = [line.partition(b": ")[0] for line in head.splitlines()[1:-1]]
    assert len(names) == len(set(names)) == len([name for name in names if re.fullmatch(rb"[A-Za-z-]+", name)])
    if not chunked:
        assert f"Content-Length: {len(sent)}\r\n".encode() in head


@given(body=st.binary(max_size=3000), size=st.integers(1, 1500))
def test_a_chunked_body_is_decoded_to_the_original(body: bytes, size: int) -> None:
    """The server's own parser decodes it."""
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body, size)
    (request,) = RequestParser(ServerLimits()).feed(data)
    assert request.body == body


@settings(deadline=None)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(1, 60), max_size=12))
def test_splitting_the_bytes_does_not_change_the_parsed_requests(data: bytes, cuts: list[int]) -> None:
    """The same requests and the same problem, in one piece or in many."""
    start = b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: b\r\n\r\n"
    at_once, pieces = RequestParser(ServerLimits()), RequestParser(ServerLimits())
    expected = at_once.feed(start + data)
    remaining, parsed = start + data, []
    for cut in [*cuts, len(remaining)]:
        parsed += pieces.feed(remaining[:cut]) if remaining else []
        remaining = remaining[cut:]
    assert parsed == expected
    assert (pieces.problem is None) == (at_once.problem is None)


CHUNKS = [
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"2\r\n{}\r\n0\r\n\r\n",
    b"\r\n",
    b"{}",
    b"GE",
    b"T /a HTTP/1.1\r\nHost: a\r\n\r\n",
]


@settings(deadline=None, max_examples=300)
@given(
    before=st.lists(st.lists(st.sampled_from(CHUNKS), max_size=6), max_size=3),
    data=st.lists(st.sampled_from(CHUNKS), max_size=8),
)
@example(before=[[CHUNKS[0]]], data=[CHUNKS[2], CHUNKS[0]])
def test_previously_parsed_requests_do_not_affect_parsing(before: list[list[bytes]], data: list[bytes]) -> None:
    """A request is parsed as by a parser without a cache."""
    cache: dict[bytes, Request] = {}
    for earlier in before:
        parser = RequestParser(ServerLimits(), cache)
        for chunk in earlier:
            parser.feed(chunk)
    knowing, forgetful = RequestParser(ServerLimits(), cache), RequestParser(ServerLimits(), Forgetful())
    for chunk in data:
        assert knowing.feed(chunk) == forgetful.feed(chunk)
        assert knowing.problem == forgetful.problem
        assert knowing.is_within == forgetful.is_within


class Forgetful(dict[bytes, Request]):
    """Keeps nothing, so that everything is parsed."""

    def __setitem__(self, data: bytes, request: Request) -> None:
        pass


@given(text=st.text(max_size=60))
@example(text=", ;q=1, */*;level=1;q=x")
def test_any_header_value_can_be_negotiated(text: str) -> None:
    """`accepts`, `accepts_gzip` and `preferred_status` return a valid value for any text."""
    assert accepts(text, "application/json") in (True, False)
    assert accepts_gzip(text) in (True, False)
    status = preferred_status(text)
    assert status is None or 200 <= status <= 599


@pytest.fixture(autouse=True)
def _reset_mock() -> None:
    """Reset the mock that the tests share."""
    MOCK.reset()
