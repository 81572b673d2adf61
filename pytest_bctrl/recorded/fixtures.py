"""The fixtures of the plugin that use the recording of a test, if it has one. It imports pytest alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from pytest_bctrl.recorded.recording_session import RecordedTest
    from pytest_bctrl.traffic.mock import MockServer


@pytest.fixture
def bctrl_recording(request: pytest.FixtureRequest) -> Iterator[RecordedTest]:
    """The recording of this test, `.url`, `.exchanges`, `.space_id`: replays, or records under --bctrl-record-mode."""
    from pytest_bctrl.recorded.hooks import recording_in_use

    with recording_in_use(request) as recording:
        yield recording


@pytest.fixture
def bctrl_runtimes(bctrl_recording: RecordedTest) -> list[dict[str, Any]]:
    """The runtimes of this test's recorded response, as a fresh list of dicts."""
    from pytest_bctrl.recorded.hooks import runtimes_of

    return runtimes_of(bctrl_recording)


@pytest.fixture
def bctrl_client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """An authenticated `httpx.Client` on the recording, the mock or, with --bctrl-live, the API (safe methods only)."""
    from pytest_bctrl.integration.fixture_values import client_settings
    from pytest_bctrl.traffic.client import client

    is_plain = _recording_of(request) is None
    with client(**client_settings(request)) if is_plain else _recording_fixture(request).client() as http_client:
        yield http_client


@pytest.fixture
def bctrl_async_client(request: pytest.FixtureRequest) -> httpx.AsyncClient:
    """An authenticated `httpx.AsyncClient` on the same target, as safe as `bctrl_client`; needs no closing."""
    from pytest_bctrl.integration.fixture_values import client_settings
    from pytest_bctrl.traffic.client import async_client

    if _recording_of(request) is None:
        return async_client(**client_settings(request))
    return _recording_fixture(request).async_client()


@pytest.fixture
def bctrl_mock(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """The mock server of this test: `.url`, `.api_key`, `.space_id`, `.runtimes`, `.requests`; plays its recording."""
    from pytest_bctrl.integration import fixture_values

    recording = _recording_of(request)
    with fixture_values.mock_for(request) as server, ExitStack() as played:
        if recording is not None and not recording.is_recording:
            played.enter_context(recording.played_by(server))
        yield server


def _recording_of(request: pytest.FixtureRequest) -> RecordedTest | None:
    """Return the recording of a test that has the marker or requests one, directly or through a fixture; else None."""
    is_requested = {"bctrl_recording", "bctrl_runtimes"} & set(request.fixturenames)
    if not is_requested and request.node.get_closest_marker("bctrl_recording") is None:
        return None
    from pytest_bctrl.recorded.hooks import recorded_test

    return recorded_test(request)


def _recording_fixture(request: pytest.FixtureRequest) -> RecordedTest:
    """Return the value of the fixture `bctrl_recording`."""
    recording: RecordedTest = request.getfixturevalue("bctrl_recording")
    return recording
