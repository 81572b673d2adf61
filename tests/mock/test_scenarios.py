"""Scenarios: each is a state in which the API keeps its contract."""

from __future__ import annotations

import json

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS

from .asking import ask, connected, listed, read_all, request_bytes
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


def test_empty_has_no_runtimes(mock: MockServer) -> None:
    assert listed(mock.scenario("empty")).json() == {"runtimes": []}


def test_many_has_as_many_as_asked(mock: MockServer, contract: Contract) -> None:
    """All of them told apart, also beyond the block from which they are made."""
    body = listed(mock.scenario("many", count=1_234)).json()
    assert len(body["runtimes"]) == 1_234
    assert troubles(contract, body) == []


def test_many_is_built_once(mock: MockServer) -> None:
    """The same bytes are served again: the second payload is the first one."""
    mock.scenario("many", count=2_000)
    listed(mock)
    listed(mock)
    first, second = mock.requests
    assert first.answer.payload is second.answer.payload


def test_generated_differs_with_each_answer_and_comes_again_with_its_seed(mock: MockServer) -> None:
    first = [listed(mock.scenario("generated", seed=4)).body] + [listed(mock).body for _ in range(11)]
    again = [listed(mock.scenario("generated", seed=4)).body] + [listed(mock).body for _ in range(11)]
    assert first == again
    assert len(set(first)) >= 11


def test_the_runtimes_are_those_of_the_latest_answer(mock: MockServer) -> None:
    mock.scenario("generated", seed=4)
    for _ in range(3):
        assert listed(mock).json()["runtimes"] == mock.runtimes


def test_minimal_leaves_out_all_that_may_be_left_out(mock: MockServer) -> None:
    for runtime in listed(mock.scenario("minimal")).json()["runtimes"]:
        assert not runtime.keys() & {"backing", "summary"}
        assert runtime["connections"] == {}


def test_full_leaves_out_nothing(mock: MockServer) -> None:
    for runtime in listed(mock.scenario("full")).json()["runtimes"]:
        assert len(runtime["summary"]) == 5
        assert len(runtime["connections"]) == 6


def test_unicode_reaches_the_free_text(mock: MockServer) -> None:
    body = listed(mock.scenario("unicode")).json()
    assert {"🦄 👩\u200d💻 🇨🇭", "", "среда выполнения"} <= {runtime["name"] for runtime in body["runtimes"]} | {
        runtime["region"] for runtime in body["runtimes"]
    }


def test_deep_nests_the_free_form_objects(mock: MockServer) -> None:
    body = listed(mock.scenario("deep", levels=200)).body
    assert b'"level0"' in body
    assert b'"level199"' in body


def test_large_fills_the_free_text(mock: MockServer) -> None:
    assert {len(runtime["name"]) for runtime in listed(mock.scenario("large", length=5)).json()["runtimes"]} == {5}


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
    assert listed(mock).headers["content-type"] == "application/json; charset=utf-8"
    assert "content-type" not in ask(mock, "OPTIONS", path, {}).headers


def test_closing_closes(mock: MockServer) -> None:
    assert listed(mock.scenario("closing")).headers["connection"] == "close"


def test_flat_errors_have_the_older_shape(mock: MockServer, path: str, contract: Contract) -> None:
    mock.scenario("flat_errors")
    assert set(ask(mock, "GET", path, {}).json()) == {"error", "code", "requestId"}


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
        ("slow(seconds='x')", {}, "is no time"),
        ("large(length='x')", {}, "is no whole number"),
        ("deep(levels=5000)", {}, "is no whole number from 0 to 200"),
        ("many(count=open('x'))", {}, "is no whole number from 0 to 100,000"),
    ],
)
def test_a_wrong_scenario_is_refused_at_once(mock: MockServer, name: str, arguments: dict[str, int], said: str) -> None:
    """With what there is, before any request meets it; nothing in the text is executed."""
    with pytest.raises(SettingError, match=said):
        mock.scenario(name, **arguments)
