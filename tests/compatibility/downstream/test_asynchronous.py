"""Async fixtures under pytest-asyncio, in loops of several scopes, and under anyio, on both of its backends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from pytest_bctrl import assert_conforms


@pytest_asyncio.fixture
async def response(bctrl_async_client: httpx.AsyncClient, listing: str) -> AsyncIterator[httpx.Response]:
    """Return a response received by an async fixture of the project."""
    yield await bctrl_async_client.get(listing)


@pytest.mark.asyncio
async def test_a_fixture_and_its_test_share_a_loop(
    response: httpx.Response, bctrl_async_client: httpx.AsyncClient, listing: str
) -> None:
    assert_conforms(response, fail_on="info")
    assert response.json() == (await bctrl_async_client.get(listing)).json()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("turn", [1, 2])
async def test_two_tests_share_a_loop(turn: int, bctrl_async_client: httpx.AsyncClient, listing: str) -> None:
    responses = await asyncio.gather(*(bctrl_async_client.get(listing) for _ in range(5)))
    assert [200] * 5 == [response.status_code for response in responses]


@pytest.mark.asyncio
@pytest.mark.bctrl_recording
async def test_recorded(bctrl_async_client: httpx.AsyncClient, listing: str) -> None:
    assert (await bctrl_async_client.get(listing)).json()["runtimes"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_the_async_client_works_on_any_backend(bctrl_async_client: httpx.AsyncClient, listing: str) -> None:
    assert_conforms(await bctrl_async_client.get(listing), fail_on="info")
