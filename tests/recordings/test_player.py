"""The responses of a player; for an unrecorded request, the most similar one and how it differs."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.mock.error_responses import ErrorResponses
from pytest_bctrl.traffic.mock.listener import Listener
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from pytest_bctrl.traffic.recordings.replay import (
    Miss,
    Player,
    forward,
    recorded_response,
    replay_transport,
)
from pytest_bctrl.traffic.retry import RetryPolicy
from tests.mock.mock_command import MockCommand
from tests.recordings.recorded_exchange import recorded_exchange
from tests.recordings.test_trust import listed

ORIGIN = "https://api.example.test"


def miss_lines(method: str, target: str, *recorded: str) -> list[str]:
    """Return the lines of the error for a request that is not among these recorded GETs."""
    player = Player([recorded_exchange("GET", f"{ORIGIN}{path}", 200) for path in recorded], name="x.har", hint="again")
    response = player.response(method, target)
    assert isinstance(response, Miss)
    return [line.strip() for line in response.text.splitlines()]


@pytest.mark.parametrize(
    ("method", "target", "differs"),
    [
        ("HEAD", "/v1/a/runtimes", "the method is GET, not HEAD"),
        ("GET", "/v1/b/runtimes", "the segment is 'a', not 'b'"),
        ("GET", "/v2/b/runtimes", "the path is different"),
        ("GET", "/v1/runtimes", "the path is different"),
        ("GET", "/v1/a/runtimes?limit=1", "the query is empty, not limit=1"),
    ],
)
def test_a_miss_names_the_nearest_request_and_the_difference(method: str, target: str, differs: str) -> None:
    assert f"nearest   GET /v1/a/runtimes: {differs}" in miss_lines(method, target, "/v1/a/runtimes")


def test_a_miss_lists_at_most_ten_recorded_requests() -> None:
    lines = miss_lines("GET", "/v1/other", *(f"/v1/{number}" for number in range(13)))
    assert ("GET /v1/9", "… and 3 more") == (lines[11], lines[12])


@contextmanager
def port(respond: Callable[[Request], MockResponse]) -> Iterator[str]:
    """Yield the base URL of a port whose responses `respond` returns."""
    error_responses = ErrorResponses(load())
    listener = Listener(respond, lambda problem: error_responses.response(problem.status, problem.reason, ""))
    yield listener.start("127.0.0.1", 0)
    listener.stop()


@pytest.fixture
def nowhere() -> Iterator[str]:
    """Yield the base URL of a port that forwards requests to an unreachable target."""
    http = client("http://127.0.0.1:9", None, live=True, retry=RetryPolicy(attempts=1))
    with http, port(lambda request: forward(http, load(), request)) as url:
        yield url


def test_an_unreachable_target_is_a_502_over_the_port(nowhere: str) -> None:
    """The port forwards requests as while recording; the response names the request."""
    response = httpx.get(f"{nowhere}/v1/x", trust_env=False)
    assert (502, True) == (response.status_code, "GET http://127.0.0.1:9/v1/x: " in response.text)


def test_an_invalid_request_is_a_400_over_the_port(nowhere: str) -> None:
    """The port forwards requests as while recording; the `Host` of this one is not a host."""
    response = httpx.get(f"{nowhere}/v1/x", headers={"Host": "a b"}, trust_env=False)
    assert 400 == response.status_code


@pytest.mark.parametrize("value", ["/\u00e9", "/\u4e16", "plain"])
def test_a_non_ascii_header_is_replayed_in_process_and_over_the_port(value: str) -> None:
    exchange = recorded_exchange("GET", "http://localhost:8787/v1/a", 302, (("Location", value),))
    player = Player([exchange], name="x.har", hint="")

    with httpx.Client(transport=replay_transport(player), base_url="http://a.test", trust_env=False) as client:
        assert value == client.get("/v1/a").headers["location"]
    assert value.encode() == location(player).encode("latin-1")


def location(player: Player) -> str:
    """Return the replayed `Location` as the standard library's client reads it: one character per byte."""
    with port(lambda request: recorded_response(player, request)) as url:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request("GET", "/v1/a")
        response = connection.getresponse()
        response.read()
        connection.close()
    return response.headers["Location"] or ""


def test_the_mock_command_replays_a_recording_byte_for_byte(tmp_path: Path, python: list[str]) -> None:
    """`pytest-bctrl mock --recording`, with and without `--nonconforming`."""
    (tmp_path / "x.har").write_bytes(encode(Recording((listed(),))))
    _assert_replayed(tmp_path, python)
    _assert_replayed(tmp_path, python, "--nonconforming")


def _assert_replayed(tmp_path: Path, python: list[str], *options: str) -> None:
    """Assert that the mock command replays the recording, and responds to another path with 421."""
    with MockCommand(python, tmp_path).running("--recording", str(tmp_path / "x.har"), "--quiet", *options) as mock:
        with urllib.request.urlopen(f"{mock.url}/v1/spaces/{SPACE_ID}/runtimes") as response:
            assert listed().body == response.read()
        with pytest.raises(urllib.error.HTTPError, match="421") as caught:
            urllib.request.urlopen(f"{mock.url}/v1/other")
        with caught.value:
            assert b"no response is recorded for this request" in caught.value.read()
