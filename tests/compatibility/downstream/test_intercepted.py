"""Other libraries intercept requests of the client, or pass them through to the mock."""

from __future__ import annotations

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from pytest_bctrl import assert_conforms, check
from pytest_bctrl.samples import response as generated_response
from pytest_bctrl.samples import runtime
from pytest_bctrl.traffic.mock import MockServer

ELSEWHERE = "https://elsewhere.test/hook"


def test_httpx_mock_intercepts_the_client(httpx_mock: HTTPXMock, bctrl_client: httpx.Client, listing: str) -> None:
    httpx_mock.add_response(json=generated_response([runtime(name="from pytest-httpx")]))

    response = bctrl_client.get(listing)

    assert ["from pytest-httpx"] == [item["name"] for item in response.json()["runtimes"]]
    assert_conforms(response)


@pytest.mark.httpx_mock(should_mock=lambda request: request.url.host == "elsewhere.test")
def test_httpx_mock_passes_requests_to_the_mock_through(
    httpx_mock: HTTPXMock, bctrl_client: httpx.Client, bctrl_mock: MockServer, listing: str
) -> None:
    httpx_mock.add_response(url=ELSEWHERE, status_code=204)

    assert 204 == httpx.get(ELSEWHERE).status_code
    assert 200 == bctrl_client.get(listing).status_code
    assert 1 == len(bctrl_mock.requests)


def test_respx_intercepts_the_client(respx_mock: respx.MockRouter, bctrl_client: httpx.Client, listing: str) -> None:
    respx_mock.get(path=listing).respond(json=generated_response([runtime(name="from respx")]))

    response = bctrl_client.get(listing)

    assert ["from respx"] == [item["name"] for item in response.json()["runtimes"]]
    assert [] == check(response)


def test_respx_passes_requests_to_the_mock_through(
    respx_mock: respx.MockRouter, bctrl_client: httpx.Client, bctrl_mock: MockServer, listing: str
) -> None:
    respx_mock.get(ELSEWHERE).respond(204)
    respx_mock.route(host="127.0.0.1").pass_through()

    assert 204 == httpx.get(ELSEWHERE).status_code
    assert 200 == bctrl_client.get(listing).status_code
    assert 1 == len(bctrl_mock.requests)


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_the_mock_is_reachable_with_a_blocked_network(
    bctrl_client: httpx.Client, bctrl_mock: MockServer, listing: str
) -> None:
    assert 200 == bctrl_client.get(listing).status_code
    assert 1 == len(bctrl_mock.requests)
