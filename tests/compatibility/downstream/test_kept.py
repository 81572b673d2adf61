"""Responses in files: a recording of this plugin, a cassette of vcrpy, a snapshot of syrupy."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest
from syrupy.assertion import SnapshotAssertion

from pytest_bctrl import assert_conforms


@pytest.mark.vcr
def test_a_cassette(bctrl_client: httpx.Client, listing: str) -> None:
    assert_conforms(bctrl_client.get(listing), fail_on="info")


@pytest.mark.bctrl_recording("listing")
@pytest.mark.block_network
def test_a_recording_with_the_network_blocked(bctrl_client: httpx.Client, listing: str) -> None:
    assert bctrl_client.get(listing).json()["runtimes"]


@pytest.mark.bctrl_recording("listing")
def test_a_snapshot_of_a_recording(bctrl_runtimes: list[dict[str, Any]], snapshot: SnapshotAssertion) -> None:
    assert snapshot == bctrl_runtimes


@pytest.mark.timeout(30, method="thread")
def test_the_fixtures_do_not_change_the_random_state(bctrl_client: httpx.Client, listing: str) -> None:
    """pytest-randomly seeds every test; a fixture that draws or seeds would change the following values."""
    state = random.getstate()
    assert_conforms(bctrl_client.get(listing))
    assert state == random.getstate()
