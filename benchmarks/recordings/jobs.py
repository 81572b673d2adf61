"""The measured jobs: each writes a file in its own format once, then loads and replays it as its users do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request, split_url
from pytest_bctrl.recorded.conform import errors_of
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.recordings.har_file import load
from pytest_bctrl.traffic.recordings.har_write import Recording, encode
from pytest_bctrl.traffic.recordings.replay import Player, replay_transport

CONTRACT = load_contract()


@dataclass(frozen=True)
class ListResponse:
    """The response that is recorded: its URL, the key of the request, and its body."""

    url: str
    key: str
    body: bytes


@dataclass(frozen=True)
class Job:
    """A way to record and replay a response.

    `write` writes the file while the server runs; `replay` returns the body, or None if the job replays nothing.
    `package` is the required package, `times` how often a process loads and replays the file.
    """

    package: str
    suffix: str
    write: Callable[[Path, ListResponse], None]
    replay: Callable[[Path, str], bytes | None]
    times: int = 7


def fetch_list(server: MockServer) -> ListResponse:
    """Return the list of a server, with the URL and the key of the request."""
    url = f"{server.url}/v1/spaces/{server.space_id}/runtimes"
    return ListResponse(url, server.api_key, _fetch(url, server.api_key))


def _fetch(url: str, key: str = "") -> bytes:
    """Return the body of a response."""
    # Not compressed, so that every recording has the same size: a peer stores the bytes as received.
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        return client.get(url).raise_for_status().content


def _write(path: Path, response: ListResponse) -> None:
    """Write a recording of the response."""
    base_url, target = split_url(response.url)
    request = Request("GET", target, base_url=base_url)
    exchange = Exchange(request, 200, (("Content-Type", "application/json"),), response.body)
    path.write_bytes(encode(Recording((exchange,), "mock")))


def _replay(path: Path, url: str) -> bytes:
    """Load, check and replay a recording, and return the body. Raises `SystemExit` if it does not conform."""
    recording = load(path)
    if recording is None or errors_of(recording.exchanges[0], CONTRACT):
        raise SystemExit("the recording does not conform to the contract")
    player = Player(recording.exchanges, name=path.name, hint="")
    with httpx.Client(transport=replay_transport(player), trust_env=False) as client:
        return client.get(url).content


def _parse(path: Path, url: str) -> None:
    """Only parse the file."""
    json.loads(path.read_bytes())


def _write_vcrpy(path: Path, response: ListResponse) -> None:
    import vcr

    with vcr.use_cassette(str(path), record_mode="all"):
        _fetch(response.url, response.key)


def _replay_vcrpy(path: Path, url: str) -> bytes:
    import vcr

    with vcr.use_cassette(str(path), record_mode="none"):
        return _fetch(url)


def _write_cassetter(path: Path, response: ListResponse) -> None:
    import cassetter

    with cassetter.use_cassette(path, record_mode="all"):
        _fetch(response.url, response.key)


def _replay_cassetter(path: Path, url: str) -> bytes:
    import cassetter

    with cassetter.use_cassette(path, record_mode="none"):
        return _fetch(url)


JOBS = {
    "json.loads of our file": Job("", ".har", _write, _parse),
    "pytest-bctrl": Job("", ".har", _write, _replay),
    "vcrpy": Job("vcr", ".yaml", _write_vcrpy, _replay_vcrpy),
    "cassetter": Job("cassetter", ".yaml", _write_cassetter, _replay_cassetter),
}
