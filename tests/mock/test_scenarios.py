"""Scenarios: each is a state in which the API conforms to its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import SettingError
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.change import Fault
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS

from .asking import Reply, connected, listed, read_all, request_bytes
from .conforming import violations_in


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_conforms_to_the_contract(mock: MockServer, contract: Contract, name: str) -> None:
    """Three responses in a row have 200, JSON, and no violation."""
    mock.scenario(name)
    with httpx.Client(headers={"Authorization": f"Bearer {mock.api_key}"}) as client:
        for _ in range(3):
            reply = client.get(f"{mock.url}/v1/spaces/{mock.space_id}/runtimes")
            assert (reply.status_code, violations_in(contract, reply.json(), mock.space_id)) == (200, [])
            assert reply.headers["content-type"].startswith("application/json")


def runtimes(reply: Reply) -> list[dict[str, Any]]:
    """Return the runtimes in a response."""
    items: list[dict[str, Any]] = reply.json()["runtimes"]
    return items


CHUNKED = Fault("chunked()", lambda context: replace(context.response, chunked=True))

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
}


@pytest.mark.parametrize("spec", SHOWN)
def test_a_scenario_has_the_effect_of_its_name(mock: MockServer, spec: str) -> None:
    """Such as no runtimes, or long strings."""
    assert SHOWN[spec](listed(mock.scenario(spec)))


def test_many_lists_the_requested_number_of_runtimes(mock: MockServer, contract: Contract) -> None:
    """All are different, even beyond the generated block, and the body is built once for all responses."""
    body = listed(mock.scenario("many", count=1_234)).json()
    assert (1_234, []) == (len(body["runtimes"]), violations_in(contract, body))
    listed(mock)
    first, second = mock.requests
    assert first.response.payload is second.response.payload


def test_generated_differs_per_response_and_is_reproducible_by_seed(mock: MockServer) -> None:
    """Of twelve bodies, at least eleven are different."""
    first = [listed(mock.scenario("generated", seed=4)).body] + [listed(mock).body for _ in range(11)]
    again = [listed(mock.scenario("generated", seed=4)).body] + [listed(mock).body for _ in range(11)]
    assert first == again
    assert len(set(first)) >= 11


def test_runtimes_are_those_of_the_latest_response(mock: MockServer) -> None:
    """`mock.runtimes` equals the list of each response of the scenario `generated`."""
    mock.scenario("generated", seed=4)
    for _ in range(3):
        assert listed(mock).json()["runtimes"] == mock.runtimes


def test_a_chunked_response_is_sent_in_chunks(mock: MockServer) -> None:
    mock.fault(CHUNKED)
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock, close=True))
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert b"content-length" not in head.lower()
    assert body.endswith(b"\r\n0\r\n\r\n")


def test_a_chunked_response_is_not_chunked_for_http_1_0(mock: MockServer) -> None:
    """Such a client does not know chunks (RFC 9112, 7.1)."""
    mock.fault(CHUNKED)
    with connected(mock) as sock:
        sock.sendall(request_bytes(mock).replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert json.loads(body)["runtimes"]


def test_a_scenario_replaces_the_previous_one(mock: MockServer) -> None:
    assert listed(mock.scenario("many").scenario("empty")).json() == {"runtimes": []}


def test_assigned_runtimes_are_served(mock: MockServer, contract: Contract) -> None:
    """A list assigned to `mock.runtimes` is the body of the response."""
    mine = [{**mock.runtimes[0], "name": "mine"}, mock.runtimes[1]]
    mock.runtimes = mine
    assert listed(mock).json() == {"runtimes": mine}
    assert mock.runtimes == mine


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nope", {}, "unknown scenario.*sample, empty"),
        ("many", {"number": 3}, "the arguments do not fit"),
        ("many", {"count": 100_001}, "from 0 to 100,000"),
        ("many(", {}, "not understood"),
        ("__import__('os')", {}, "unknown scenario"),
        ("slow(seconds='x')", {}, "is not a time"),
        ("large(length='x')", {}, "is not a whole number"),
        ("deep(levels=5000)", {}, "is not a whole number from 0 to 200"),
        ("many(count=open('x'))", {}, "is not a whole number from 0 to 100,000"),
    ],
)
def test_an_invalid_scenario_is_an_error_when_it_is_set(
    mock: MockServer, name: str, arguments: dict[str, int], message: str
) -> None:
    """For an unknown name, wrong arguments, or text that is not understood, which is not executed."""
    with pytest.raises(SettingError, match=message):
        mock.scenario(name, **arguments)
