"""The mock without a socket, through httpx, sync and async."""

from __future__ import annotations

import time

import httpx
import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.transport import MockTransport

from .asking import listed


@pytest.fixture
def unstarted(contract: Contract) -> MockServer:
    """Return a mock that is not started."""
    return MockServer(contract)


def client(mock: MockServer, **extra: float) -> httpx.Client:
    """Return a client that sends its requests to a mock in this process, with its key."""
    return httpx.Client(
        transport=MockTransport(mock),
        base_url="http://mock.test",
        headers={"Authorization": f"Bearer {mock.api_key}"},
        **extra,  # type: ignore[arg-type]
    )


def test_the_transport_returns_the_same_response_as_the_server(mock: MockServer, path: str) -> None:
    """Status, body and names of the header fields, except for `Date`; gzip is accepted."""
    over_the_wire = listed(mock, X_Request_Id="one")
    with client(mock) as direct:
        reply = direct.get(path, headers={"X-Request-Id": "one"})
    assert (reply.status_code, reply.json()) == (200, over_the_wire.json())
    assert set(over_the_wire.headers) - set(reply.headers) == {"date"}
    assert reply.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("HEAD", 200), ("OPTIONS", 204), ("POST", 405), ("DELETE", 405)]
)
def test_the_transport_sends_any_method(unstarted: MockServer, method: str, status: int) -> None:
    with client(unstarted) as direct:
        reply = direct.request(method, f"/v1/spaces/{unstarted.space_id}/runtimes")
    assert (reply.status_code, bool(reply.content)) == (status, method in ("GET", "POST", "DELETE"))


def test_the_transport_applies_faults_and_fills_the_journal(unstarted: MockServer) -> None:
    """After a 503, a hang, a reset and a truncated body raise the errors that httpx raises on a socket."""
    path = f"/v1/spaces/{unstarted.space_id}/runtimes"
    unstarted.sequence(503, "hang", "reset", "truncate", {})
    with client(unstarted) as direct:
        assert direct.get(path).status_code == 503
        for error in (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            with pytest.raises(error):
                direct.get(path)
        assert direct.get(path).status_code == 200
    assert len(unstarted.requests.assert_requested("GET", path)) == 5


def test_a_delay_longer_than_the_time_out_raises_read_timeout(unstarted: MockServer) -> None:
    unstarted.fault("delay", 3600)
    with client(unstarted, timeout=0.01) as direct, pytest.raises(httpx.ReadTimeout):
        direct.get(f"/v1/spaces/{unstarted.space_id}/runtimes")


def test_a_delay_is_waited_for_by_a_client_without_time_outs(unstarted: MockServer) -> None:
    unstarted.fault("delay", 0.02)
    with httpx.Client(transport=MockTransport(unstarted), base_url="http://mock.test", timeout=None) as direct:
        start = time.monotonic()
        assert 401 == direct.get(f"/v1/spaces/{unstarted.space_id}/runtimes").status_code
    assert time.monotonic() - start >= 0.02


@pytest.mark.anyio
async def test_an_async_client_gets_the_list_and_then_a_truncated_body(unstarted: MockServer) -> None:
    """Through `MockTransport`: the first response is delayed, and the second raises `RemoteProtocolError`."""
    path = f"/v1/spaces/{unstarted.space_id}/runtimes"
    unstarted.fault("delay", 0.01, times=1)
    headers = {"Authorization": f"Bearer {unstarted.api_key}"}
    async with httpx.AsyncClient(
        transport=MockTransport(unstarted), base_url="http://mock.test", headers=headers
    ) as direct:
        reply = await direct.request("GET", path, json={})
        assert reply.json()["runtimes"] == unstarted.runtimes
        unstarted.fault("truncate")
        with pytest.raises(httpx.RemoteProtocolError):
            await direct.get(path)
    assert unstarted.requests[0].json() == {}
