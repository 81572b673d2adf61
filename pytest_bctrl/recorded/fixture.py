"""The recording of a test, aimed at the run's target where it records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_bctrl import fixture_values
from pytest_bctrl.recorded.hooks import recorded
from pytest_bctrl.recorded.recorded_test import Aim, RecordedTest


@contextmanager
def in_use(request: pytest.FixtureRequest) -> Iterator[RecordedTest]:
    """Give a test its recording, and close what it opened."""
    recording = recorded(request)
    if recording.is_recording:
        url, key, live = fixture_values.aim(request)
        recording.aim(Aim(url, key, request.getfixturevalue("bctrl_space_id"), live))
    try:
        yield recording
    finally:
        recording.close()
