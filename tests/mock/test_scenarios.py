"""Scenarios: each is a state in which the API keeps its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS

from .asking import Reply, ask, connected, listed, raw, read_all, request_bytes
from .asking import replies as parsed
from .conforming import troubles


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_keeps_the_contract(mock: MockServer, contract: Contract, name: str) -> None:
    """Three answers in a row, read by a client that takes what comes."""
    mock.scenario(name)
    with httpx.Client(headers={"Authorization": f"Bearer {mock.api_key.reveal()}"}) as client:
        for _ in range(3):
            reply = client.get(f"{mock.url}/v1/spaces/{mock.space_id}/runtimes")
            assert (reply.status_code, troubles(contract, reply.json(), mock.space_id)) == (200, [])
            assert reply.headers["content-type"].startswith("application/json")


def runtimes(reply: Reply) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reply.json()["runtimes"]
    return found


SHOWN: dict[str, Callable[[Reply], object]] = {
    "empty": lambda reply: reply.json() == {"runtimes": []},
    "minimal": lambda reply: (
        {(False, False, 0)}
        == {("backing" in runtime, "summary" in runtime, len(runtime["connections"])) for runtime in runtimes(reply)}
    ),
    "full": lambda reply: (
        {(5, 6)} == {(len(runtime["summary"]), len(runtime["connections"])) for runtime in runtimes(reply)}
    ),
    "unicode": lambda reply: (
        {"🦄 👩\u200d💻 🇨🇭", "", "среда выполнения"}
        <= {runtime[name] for runtime in runtimes(reply) for name in ("name", "region")}
    ),
    "deep(levels=200)": lambda reply: b'"level0"' in reply.body and b'"level199"' in reply.body,
    "large(length=5)": lambda reply: {5} == {len(runtime["name"]) for runtime in runtimes(reply)},
    "closing": lambda reply: reply.headers["connection"] == "close",
    "charset": lambda reply: reply.headers["content-type"] == "application/json; charset=utf-8",
}


@pytest.mark.parametrize("spec", SHOWN)
def test_a_scenario_is_what_it_is_called(mock: MockServer, spec: str) -> None:
    assert SHOWN[spec](listed(mock.scenario(spec)))


def test_many_has_as_many_as_asked(mock: MockServer, contract: Contract) -> None:
    """All of them different, also beyond the block from which they are made; and made once for all answers."""
    body = listed(mock.scenario("many", count=1_234)).json()
    assert (1_234, []) == (len(body["runtimes"]), troubles(contract, body))
    listed(mock)
    first, second = mock.requests
    assert first.response.payload is second.response.payload


def test_generated_differs_with_each_answer_and_comes_again_with_its_seed(mock: MockServer) -> None:
    first = [listed(mock.scenario("generated", seed=4)).body] + [listed(mock).body for _ in range(11)]
    again = [listed(mock.scenario("generated", seed=4)).body] + [listed(mock).body for _ in range(11)]
    assert first == again
    assert len(set(first)) >= 11


def test_the_runtimes_are_those_of_the_latest_answer(mock: MockServer) -> None:
    mock.scenario("generated", seed=4)
    for _ in range(3):
        assert listed(mock).json()["runtimes"] == mock.runtimes


def test_chunked_sends_chunks(mock: MockServer) -> None:
    mock.scenario("chunked")
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock, close=True))
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert b"content-length" not in head.lower()
    assert body.endswith(b"\r\n0\r\n\r\n")


def test_chunked_is_no_answer_to_http_1_0(mock: MockServer) -> None:
    """Such a client does not know chunks (RFC 9112, 7.1)."""
    mock.scenario("chunked")
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock).replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert json.loads(body)["runtimes"]


def test_charset_says_nothing_of_an_answer_without_a_body(mock: MockServer, path: str) -> None:
    mock.scenario("charset")
    assert "content-type" not in ask(mock, "OPTIONS", path, {}).headers


def test_flat_errors_have_the_older_shape(mock: MockServer, path: str) -> None:
    """Those of the mock itself, of what a client prefers, of faults, and of what is no request."""
    mock.scenario("flat_errors")
    replies = [ask(mock, "GET", path, {}), ask(mock, "GET", "/", {}), listed(mock, Prefer="code=503")]
    mock.fault("status", 404)
    replies += [listed(mock), *parsed(raw(mock, b"GET / HTTP/3.0\r\n\r\n", half_close=True))]
    assert [401, 404, 503, 404, 400] == [reply.status for reply in replies]
    assert [{"error", "code", "requestId"}] * 5 == [set(reply.json()) for reply in replies]


def test_a_scenario_takes_the_place_of_the_one_before(mock: MockServer) -> None:
    """Its dress as well as its data."""
    mock.scenario("closing").scenario("empty")
    reply = listed(mock)
    assert reply.json() == {"runtimes": []}
    assert "connection" not in reply.headers


def test_runtimes_of_ones_own_are_served(mock: MockServer, contract: Contract) -> None:
    mine = [{**mock.runtimes[0], "name": "mine"}, mock.runtimes[1]]
    mock.runtimes = mine
    assert listed(mock).json() == {"runtimes": mine}
    assert mock.runtimes == mine


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("nope", {}, "there is no such scenario.*sample, empty"),
        ("many", {"number": 3}, "the arguments do not fit"),
        ("many", {"count": 100_001}, "from 0 to 100,000"),
        ("many(", {}, "not understood"),
        ("__import__('os')", {}, "no such scenario"),
        ("slow(seconds='x')", {}, "is not a time"),
        ("large(length='x')", {}, "is not a whole number"),
        ("deep(levels=5000)", {}, "is not a whole number from 0 to 200"),
        ("many(count=open('x'))", {}, "is not a whole number from 0 to 100,000"),
    ],
)
def test_a_wrong_scenario_is_refused_at_once(mock: MockServer, name: str, arguments: dict[str, int], said: str) -> None:
    """With what there is, before any request meets it; nothing in the text is executed."""
    with pytest.raises(SettingError, match=said):
        mock.scenario(name, **arguments)
