"""Four ways to test code that uses requests, or any client that takes a base URL."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from census import census, count_by_status
from hypothesis import given

from pytest_bctrl import check
from pytest_bctrl.strategies import Nonconforming, nonconforming, responses


@pytest.mark.bctrl_recording
def test_recorded(bctrl_recording: Any, bctrl_space_id: str) -> None:
    counts = census(bctrl_recording.url, bctrl_recording.api_key, bctrl_space_id)

    assert {"active", "stopped", "failed"} == set(counts)


@pytest.mark.bctrl_scenario("many", count=300)
def test_many(bctrl_mock: Any) -> None:
    assert 300 == census(bctrl_mock.url, bctrl_mock.api_key, bctrl_mock.space_id).total()


def test_a_wrong_key(bctrl_mock: Any) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        census(bctrl_mock.url, "wrong", bctrl_mock.space_id)


@given(responses())
def test_any_response(body: dict[str, Any]) -> None:
    assert len(body["runtimes"]) == count_by_status(body).total()


@given(nonconforming())
def test_a_nonconforming_response_is_counted_or_raises_an_error(case: Nonconforming) -> None:
    try:
        count_by_status(case.body)
    except ValueError as error:
        assert "the body contains no list of runtimes" == str(error)  # noqa: PT017


@pytest.mark.bctrl_live
def test_live(bctrl_base_url: str, bctrl_api_key: Any, bctrl_space_id: str) -> None:
    headers = {"Authorization": f"Bearer {bctrl_api_key.reveal()}"}
    assert [] == check(
        requests.get(f"{bctrl_base_url}/v1/spaces/{bctrl_space_id}/runtimes", headers=headers, timeout=10)
    )
