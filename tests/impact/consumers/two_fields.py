"""A consumer that reads the id and the name, and nothing else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.fixture(params=range(7))
def pairs(bctrl_client: httpx.Client, bctrl_space_id: str) -> list[Any]:
    """Return the id and name of each runtime; seven tests use it."""
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    return [(runtime["id"], runtime["name"]) for runtime in response.json()["runtimes"]]


def test_pairs(pairs: list[Any]) -> None:
    """Each pair has an id, and a name that is not blank."""
    assert all(identity and name.strip() for identity, name in pairs)
