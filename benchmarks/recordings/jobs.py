"""What is compared: each job writes a file of its own kind once, and then loads and replays it as its users do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from pytest_bctrl.contract.read import load as load_contract
from pytest_bctrl.recorded.conform import Checked, errors_of
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.recordings.exchange import Exchange, Recording, encode
from pytest_bctrl.traffic.recordings.har_file import load
from pytest_bctrl.traffic.recordings.replay import Player, replay_transport

CONTRACT = load_contract()


@dataclass(frozen=True)
class Source:
    """A server's answer: where it was asked for, with which key, and its body."""

    url: str
    key: str
    body: bytes


@dataclass(frozen=True)
class Job:
    """`write` makes the file while the server answers; `replay` returns the body, or None for no replay at all.

    `package` is what has to be installed, `times` how often a process loads and replays.
    """

    package: str
    suffix: str
    write: Callable[[Path, Source], None]
    replay: Callable[[Path, str], bytes | None]
    times: int = 7


def source(server: MockServer) -> Source:
    """Ask a server for its list."""
    url = f"{server.url}/v1/spaces/{server.space_id}/runtimes"
    return Source(url, server.api_key.reveal(), _asked(url, server.api_key.reveal()))


def _asked(url: str, key: str = "") -> bytes:
    # Not compressed: a peer keeps the bytes that came, and each is to read as many.
    headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        return client.get(url).raise_for_status().content


def _write(path: Path, given: Source) -> None:
    exchange = Exchange("GET", given.url, 200, (("Content-Type", "application/json"),), given.body)
    path.write_bytes(encode(Recording((exchange,), "mock")))


def _replay_again(path: Path, url: str) -> bytes:
    """As from the second run on: the first left a note in the user's cache."""
    return _replay(path, url, project=path)


def _replay_first(path: Path, url: str) -> bytes:
    """As in a first run: a cache within the project is not used."""
    return _replay(path, url, project=path.parent)


def _replay(path: Path, url: str, project: Path) -> bytes:
    found = load(path)
    checked = Checked(CONTRACT, project, {"XDG_CACHE_HOME": str(path.parent / "cache")})
    if found is None or errors_of(found.exchanges[0], CONTRACT, checked):
        raise SystemExit("the recording is not what was written")
    player = Player(found.exchanges, name=path.name, hint="")
    with httpx.Client(transport=replay_transport(player), trust_env=False) as client:
        return client.get(url).content


def _parse(path: Path, url: str) -> None:
    json.loads(path.read_bytes())


def _write_vcrpy(path: Path, given: Source) -> None:
    import vcr

    with vcr.use_cassette(str(path), record_mode="all"):
        _asked(given.url, given.key)


def _replay_vcrpy(path: Path, url: str) -> bytes:
    import vcr

    with vcr.use_cassette(str(path), record_mode="none"):
        return _asked(url)


def _write_cassetter(path: Path, given: Source) -> None:
    import cassetter

    with cassetter.use_cassette(path, record_mode="all"):
        _asked(given.url, given.key)


def _replay_cassetter(path: Path, url: str) -> bytes:
    import cassetter

    with cassetter.use_cassette(path, record_mode="none"):
        return _asked(url)


JOBS = {
    "json.loads of our file": Job("", ".har", _write, _parse),
    "pytest-bctrl": Job("", ".har", _write, _replay_again),
    "pytest-bctrl, with the contract's check": Job("", ".har", _write, _replay_first, times=1),
    "vcrpy": Job("vcr", ".yaml", _write_vcrpy, _replay_vcrpy),
    "cassetter": Job("cassetter", ".yaml", _write_cassetter, _replay_cassetter),
}
