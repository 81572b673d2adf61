"""The mock without a socket, through httpx, sync and async."""

from __future__ import annotations

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.transport import MockTransport

from .asking import listed


@pytest.fixture
def apart(contract: Contract) -> MockServer:
    """Return a mock that is not started."""
    return MockServer(contract)


def client(mock: MockServer, **extra: float) -> httpx.Client:
    return httpx.Client(
        transport=MockTransport(mock),
        base_url="http://mock.test",
        headers={"Authorization": f"Bearer {mock.api_key.reveal()}"},
        **extra,  # type: ignore[arg-type]
    )


def test_the_transport_returns_the_same_response_as_the_server(mock: MockServer, path: str) -> None:
    """Status, body and header fields, except those of the connection and the clock."""
    over_the_wire = listed(mock, X_Request_Id="one")
    with client(mock) as direct:
        reply = direct.get(path, headers={"X-Request-Id": "one"})
    assert (reply.status_code, reply.json()) == (200, over_the_wire.json())
    assert set(over_the_wire.headers) - set(reply.headers) == {"date"}
    assert reply.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("HEAD", 200), ("OPTIONS", 204), ("POST", 405), ("DELETE", 405)]
)
def test_the_transport_supports_every_method(apart: MockServer, method: str, status: int) -> None:
    with client(apart) as direct:
        reply = direct.request(method, f"/v1/spaces/{apart.space_id}/runtimes")
    assert (reply.status_code, bool(reply.content)) == (status, method in ("GET", "POST", "DELETE"))


def test_the_transport_applies_faults_and_fills_the_journal(apart: MockServer) -> None:
    """A status, a hang, a reset and a truncated body raise what httpx raises on a socket."""
    path = f"/v1/spaces/{apart.space_id}/runtimes"
    apart.fault("sequence", 503, "hang", "reset", "truncate")
    with client(apart) as direct:
        assert direct.get(path).status_code == 503
        for error in (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            with pytest.raises(error):
                direct.get(path)
        assert direct.get(path).status_code == 200
    assert len(apart.requests.assert_requested("GET", path)) == 5


def test_a_delay_longer_than_the_time_out_raises_read_timeout(apart: MockServer) -> None:
    apart.fault("delay", 3600)
    with client(apart, timeout=0.01) as direct, pytest.raises(httpx.ReadTimeout):
        direct.get(f"/v1/spaces/{apart.space_id}/runtimes")


@pytest.mark.anyio
async def test_the_transport_works_with_an_async_client(apart: MockServer) -> None:
    path = f"/v1/spaces/{apart.space_id}/runtimes"
    apart.fault("delay", 0.01, times=1)
    headers = {"Authorization": f"Bearer {apart.api_key.reveal()}"}
    async with httpx.AsyncClient(
        transport=MockTransport(apart), base_url="http://mock.test", headers=headers
    ) as direct:
        reply = await direct.request("GET", path, json={})
        assert reply.json()["runtimes"] == apart.runtimes
        apart.fault("truncate")
        with pytest.raises(httpx.RemoteProtocolError):
            await direct.get(path)
    assert apart.requests[0].json() == {}
