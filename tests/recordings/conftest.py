"""A downstream project that records against a real server and replays with it gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.variants import named, serve
from tests.variants.server import Server

PROJECT = """
from hashlib import sha256

import pytest

pytestmark = pytest.mark.bctrl_recording


def listed(client, space):
    response = client.get(f"/v1/spaces/{space}/runtimes")
    print("BODY", sha256(response.content).hexdigest())
    return response


def test_sync(bctrl_client, bctrl_space_id):
    assert listed(bctrl_client, bctrl_space_id).json()["runtimes"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async(bctrl_async_client, bctrl_space_id):
    response = await bctrl_async_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    print("BODY", sha256(response.content).hexdigest())
    assert response.json()["runtimes"]


def test_port(bctrl_recording, bctrl_space_id):
    import requests
    response = requests.get(f"{bctrl_recording.url}/v1/spaces/{bctrl_space_id}/runtimes")
    print("BODY", sha256(response.content).hexdigest())
    assert response.json()["runtimes"]


def test_fixture(bctrl_runtimes, bctrl_space_id):
    assert {bctrl_space_id} == {runtime["spaceId"] for runtime in bctrl_runtimes}
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """What stops the stand-in for the live API when it is closed, at the latest at the test's end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def api(running: ExitStack) -> Server:
    """A stand-in for the live API."""
    return running.enter_context(serve(named("plain")))


@pytest.fixture
def record(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, api: Server) -> Run:
    """Run pytest against the server, rewriting recordings."""

    def run(*arguments: str) -> pytest.RunResult:
        with monkeypatch.context() as patch:
            patch.setenv("BCTRL_API_KEY", api.api_key)
            patch.setenv("BCTRL_SPACE_ID", api.space_id)
            return pytester.runpytest(
                "--bctrl-live",
                "--bctrl-base-url",
                api.url,
                "--bctrl-record-mode=rewrite",
                "-m",
                "not bctrl_contract",
                *arguments,
            )

    return run


@pytest.fixture
def replay(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest with nothing set."""

    def run(*arguments: str) -> pytest.RunResult:
        with monkeypatch.context() as patch:
            for name in ("BCTRL_API_KEY", "BCTRL_SPACE_ID", "BCTRL_BASE_URL"):
                patch.delenv(name, raising=False)
            return pytester.runpytest(*arguments)

    return run
