"""A recorded test in this process, and a project that records responses of a server and replays them without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.recorded.recording_path import RecordingPath
from pytest_bctrl.recorded.recording_session import RecordedTest, RecordingTarget
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from tests.traffic.callers import KeyAuth
from tests.variants import named, serve
from tests.variants.server import Server

PROJECT = """
from hashlib import sha256

import pytest

pytestmark = pytest.mark.bctrl_recording


def shown(response):
    print("BODY", sha256(response.content).hexdigest())
    assert response.json()["runtimes"]


def test_sync(bctrl_client, bctrl_space_id):
    shown(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"))


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async(bctrl_async_client, bctrl_space_id):
    shown(await bctrl_async_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"))


def test_port(bctrl_recording, bctrl_space_id):
    import requests
    shown(requests.get(f"{bctrl_recording.url}/v1/spaces/{bctrl_space_id}/runtimes"))


def test_fixture(bctrl_runtimes, bctrl_space_id):
    assert {bctrl_space_id} == {runtime["spaceId"] for runtime in bctrl_runtimes}
"""

Run = Callable[..., pytest.RunResult]
CONTRACT = load()
HINT = "pytest --bctrl-record-mode=rewrite --bctrl-live"


def recorded(
    path: Path,
    test: str = "t",
    *,
    conforming: bool = True,
    secrets: tuple[Secret, ...] = (),
    scrub_ids: bool = False,
    mock: MockServer | None = None,
    aim: RecordingTarget | None = None,
) -> RecordedTest:
    """Return the recording of a test as the fixture does; with a `mock` or an `aim`, it records from there."""
    place = RecordingPath(path, test, HINT, path.name, conforming)
    if mock is not None:
        aim = RecordingTarget(mock.url, KeyAuth(mock.url, mock.api_key), mock.space_id, live=False)
    hide = Redaction()
    for secret in secrets:
        hide.add(secret)
    recorded_test = RecordedTest(place, CONTRACT, "rewrite" if aim else "none", hide, scrub_ids=scrub_ids)
    if aim is not None:
        recorded_test.aim = aim
    return recorded_test


def listing(recording: RecordedTest) -> httpx.Response:
    """Return the response to a request for the runtimes of a recording's space, replayed or recorded."""
    with recording.client() as client:
        return client.get(f"/v1/spaces/{recording.space_id}/runtimes")


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Yield the stack whose `close` stops the simulated live API, which stops at the end of the test at the latest."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def api(running: ExitStack) -> Server:
    """Return a simulated live API."""
    return running.enter_context(serve(named("plain")))


@pytest.fixture
def record(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, api: Server) -> Run:
    """Return a function that runs pytest against the simulated live API and rewrites recordings."""

    def run(*arguments: str) -> pytest.RunResult:
        with monkeypatch.context() as patch:
            patch.setenv("BCTRL_API_KEY", api.api_key)
            patch.setenv("BCTRL_SPACE_ID", api.space_id)
            options = ("--bctrl-live", f"--bctrl-base-url={api.url}", "--bctrl-record-mode=rewrite")
            return pytester.runpytest(*options, *arguments)

    return run


@pytest.fixture
def replay(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs pytest without the settings of a live run."""

    def run(*arguments: str) -> pytest.RunResult:
        with monkeypatch.context() as patch:
            for name in ("BCTRL_API_KEY", "BCTRL_SPACE_ID", "BCTRL_BASE_URL"):
                patch.delenv(name, raising=False)
            return pytester.runpytest(*arguments)

    return run
