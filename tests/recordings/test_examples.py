"""The example projects pass offline, one of them on workers, and connect to no other host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.recordings.conftest import Run
from tests.variants.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"

BLOCKED = """
import contextlib
import sys
import urllib.request
from pathlib import Path

from hypothesis import HealthCheck, settings

LOOPBACK = ("127.0.0.1", "::1", "localhost", "", None)
ATTEMPTS = Path(__file__).with_name("attempts.txt")


def only_loopback(event, arguments):
    # Python raises these events below every library, also where its exceptions are swallowed.
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if host not in LOOPBACK:
        with ATTEMPTS.open("a") as file:
            file.write(f"{event} {host}\\n")
        raise RuntimeError(f"a packet would leave this machine: {host}")


sys.addaudithook(only_loopback)
for url in ("http://192.0.2.1/", "http://api.bctrl.ai/"):
    with contextlib.suppress(RuntimeError):
        urllib.request.urlopen(url, timeout=1)
        sys.exit("the network is not blocked")
# Workers start at the same time.
ATTEMPTS.unlink(missing_ok=True)

# Many processes on two cores are slow, which says nothing of the example.
settings.register_profile("busy", deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
"""

PROJECTS = {"with_httpx": (6, 1), "with_requests": (5, 1), "with_sdk": (3, 1), "with_polling": (6, 0)}
"""How many tests of each pass offline, and how many are for the live API."""


def project(pytester: pytest.Pytester, name: str) -> dict[str, int]:
    """Copy an example and a plugin that blocks the network; return the expected outcomes of its tests offline."""
    pytest.importorskip({"with_requests": "requests", "with_sdk": "bctrl"}.get(name, "httpx"))
    shutil.copytree(
        EXAMPLES / name, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    pytester.makepyfile(blocked=BLOCKED)
    passing, live = PROJECTS[name]
    return {"passed": passing, "skipped": live}


@pytest.fixture
def replay(replay: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest in a subprocess, because the network block would remain in this process."""
    monkeypatch.setattr(pytester, "runpytest", pytester.runpytest_subprocess)
    return replay


@pytest.mark.parametrize(("name", "workers"), [*zip(PROJECTS, ("2", "0", "0", "0"), strict=True)])
def test_an_example_passes_offline(pytester: pytest.Pytester, replay: Run, name: str, workers: str) -> None:
    """Its recordings are replayed, unchanged, and no connection to another host is attempted."""
    expected = project(pytester, name)
    before = {path: path.read_bytes() for path in pytester.path.rglob("*.har")}
    assert bool(before) == (name != "with_polling")

    replay("-p", "blocked", "-n", workers).assert_outcomes(**expected)

    assert not (pytester.path / "attempts.txt").exists()
    assert before == {path: path.read_bytes() for path in pytester.path.rglob("*.har")}


@pytest.mark.parametrize("name", [name for name, (_, live) in PROJECTS.items() if live])
def test_the_live_test_of_an_example_runs_against_the_api(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, api: Server, name: str
) -> None:
    """With `-m bctrl_live`, a single test passes, and the simulated API receives a request for the runtimes."""
    project(pytester, name)
    monkeypatch.setenv("BCTRL_API_KEY", api.api_key)
    monkeypatch.setenv("BCTRL_SPACE_ID", api.space_id)

    result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", api.url, "-m", "bctrl_live")

    assert 1 == result.parseoutcomes()["passed"]
    assert api.listings
