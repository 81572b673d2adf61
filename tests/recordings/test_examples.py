"""The downstream projects: they pass offline, on many workers, and no packet of theirs leaves loopback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.recordings.conftest import Run
from tests.variants.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"

BLOCKED = """
import socket

connect = socket.socket.connect


def only_loopback(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise RuntimeError(f"a packet would leave this machine: {address}")
    return connect(self, address)


socket.socket.connect = only_loopback
"""

PROJECTS = {"with_httpx": (6, "httpx"), "with_requests": (5, "requests"), "with_sdk": (3, "bctrl")}


def project(pytester: pytest.Pytester, name: str) -> int:
    """Copy an example, with the network blocked, and return how many of its tests pass offline."""
    passing, library = PROJECTS[name]
    pytest.importorskip(library)
    shutil.copytree(
        EXAMPLES / name, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    pytester.makepyfile(blocked=BLOCKED)
    return passing


@pytest.mark.parametrize("name", PROJECTS)
def test_an_example_passes_offline_on_four_workers(pytester: pytest.Pytester, replay: Run, name: str) -> None:
    passing = project(pytester, name)
    before = {path: path.read_bytes() for path in pytester.path.rglob("*.har")}
    assert before

    replay("-p", "blocked", "-n", "4").assert_outcomes(passed=passing, skipped=1)

    assert before == {path: path.read_bytes() for path in pytester.path.rglob("*.har")}


@pytest.mark.parametrize("name", PROJECTS)
def test_an_examples_live_test_runs_against_the_api(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, api: Server, name: str
) -> None:
    project(pytester, name)
    monkeypatch.setenv("BCTRL_API_KEY", api.api_key)
    monkeypatch.setenv("BCTRL_SPACE_ID", api.space_id)

    result = pytester.runpytest_subprocess("--bctrl-live", "--bctrl-base-url", api.url, "-m", "bctrl_live")

    assert 1 == result.parseoutcomes()["passed"]
    assert api.listings


def test_the_block_itself_works(pytester: pytest.Pytester, replay: Run) -> None:
    pytester.makepyfile(
        blocked=BLOCKED, test_it="import socket\ndef test_it():\n    socket.create_connection(('192.0.2.1', 80), 1)\n"
    )
    result = replay("-p", "blocked")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a packet would leave this machine*"])
