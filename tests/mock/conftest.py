"""What the mock's tests share: one server for each test, on a free loopback port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.traffic.mock import MockServer


@pytest.fixture(scope="session")
def contract() -> Contract:
    """Return the packaged contract."""
    return load()


@pytest.fixture
def mock(contract: Contract) -> Iterator[MockServer]:
    """Return a running mock server."""
    with MockServer(contract) as server:
        yield server


@pytest.fixture
def path(mock: MockServer) -> str:
    """Return the path of the list in the mock's space."""
    return f"/v1/spaces/{mock.space_id}/runtimes"


@pytest.fixture
def bearer(mock: MockServer) -> dict[str, str]:
    """Return the header fields with the mock's key."""
    return {"Authorization": f"Bearer {mock.api_key}"}


@pytest.fixture
def anyio_backend() -> str:
    """Return the event loop of async tests."""
    return "asyncio"
