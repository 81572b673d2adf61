"""Four ways to test code that uses httpx."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from idle import idle, idle_async, names

from pytest_bctrl import assert_conforms
from pytest_bctrl.samples import response, runtime, runtimes
from pytest_bctrl.strategies import responses


@pytest.mark.bctrl_recording("listing")
def test_recorded(bctrl_client: httpx.Client, bctrl_space_id: str, bctrl_runtimes: list[dict[str, Any]]) -> None:
    assert names({"runtimes": bctrl_runtimes}) == idle(bctrl_client, bctrl_space_id)


@pytest.mark.bctrl_recording("listing")
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_recorded_async(bctrl_async_client: httpx.AsyncClient, bctrl_space_id: str) -> None:
    assert await idle_async(bctrl_async_client, bctrl_space_id)


@pytest.mark.bctrl_scenario("empty")
def test_an_empty_space(bctrl_client: httpx.Client, bctrl_space_id: str) -> None:
    assert [] == idle(bctrl_client, bctrl_space_id)


def test_an_error_response(bctrl_mock: Any, bctrl_client: httpx.Client) -> None:
    with bctrl_mock.fault("status", 403), pytest.raises(httpx.HTTPStatusError):
        idle(bctrl_client, bctrl_mock.space_id)


def test_samples() -> None:
    assert ["mine"] == names(response([runtime(name="mine", status="stopped"), *runtimes(2, status="active")]))


@given(responses(status="failed"))
def test_any_response(body: dict[str, Any]) -> None:
    assert len(body["runtimes"]) == len(names(body))


@pytest.mark.bctrl_live
def test_live(bctrl_client: httpx.Client, bctrl_space_id: str) -> None:
    assert_conforms(bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes"))
