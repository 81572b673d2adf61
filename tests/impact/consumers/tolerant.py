"""A consumer with a typed model that takes what it can, and a default for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest


@dataclass
class Runtime:
    id: str
    name: str
    status: str
    region: str
    created: str

    @classmethod
    def of(cls, data: dict[str, Any]) -> Runtime:
        """Return the model of a runtime; a missing value is empty, and another status is `unknown`."""
        status = data.get("status")
        status_or_unknown = status if status in ("starting", "idle", "active", "stopped", "failed") else "unknown"
        words = (str(data.get(name) or "") for name in ("name", "region", "createdAt"))
        name, region, created = words
        return cls(str(data["id"]), name, status_or_unknown, region, created)


@pytest.fixture
def runtimes(bctrl_client: httpx.Client, bctrl_space_id: str) -> list[Any]:
    """Return the models of the runtimes in a successful response."""
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    response.raise_for_status()
    return [Runtime.of(runtime) for runtime in response.json().get("runtimes", [])]


def test_there_are_some(runtimes: list[Any]) -> None:
    """The list of runtimes is not empty."""
    assert runtimes


def test_status(runtimes: list[Any]) -> None:
    """The model has a status, or a default, for each runtime."""
    assert all(runtime.status for runtime in runtimes)


def test_name(runtimes: list[Any]) -> None:
    """The model has a text as name, or a default."""
    assert all(isinstance(runtime.name, str) for runtime in runtimes)


def test_region(runtimes: list[Any]) -> None:
    """The model has a text as region, or a default."""
    assert all(isinstance(runtime.region, str) for runtime in runtimes)


def test_created(runtimes: list[Any]) -> None:
    """The model has a text as creation time, or a default."""
    assert all(isinstance(runtime.created, str) for runtime in runtimes)


def test_ids(runtimes: list[Any]) -> None:
    """Each runtime has an id that is not empty."""
    assert all(runtime.id for runtime in runtimes)


def test_they_print(runtimes: list[Any]) -> None:
    """The model of each runtime can be converted to a text."""
    assert all(str(runtime) for runtime in runtimes)
