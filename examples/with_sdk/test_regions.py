"""Four ways to test code that uses the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from regions import regions, regions_in

from pytest_bctrl.strategies import responses


@pytest.mark.bctrl_recording
def test_recorded(bctrl_recording: Any, bctrl_space_id: str) -> None:
    assert regions(bctrl_recording.url, bctrl_recording.api_key, bctrl_space_id)


@pytest.mark.bctrl_scenario("empty")
def test_an_empty_space(bctrl_mock: Any) -> None:
    assert set() == regions(bctrl_mock.url, bctrl_mock.api_key, bctrl_mock.space_id)


@given(responses(min_size=1, region="eu-west"))
def test_any_response(body: dict[str, Any]) -> None:
    assert {"eu-west"} == regions_in(body)


@pytest.mark.bctrl_live
def test_live(bctrl_base_url: str, bctrl_api_key: Any, bctrl_space_id: str) -> None:
    assert regions(bctrl_base_url, bctrl_api_key.reveal(), bctrl_space_id)
