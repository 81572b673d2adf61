"""A consumer that relies on every detail of the present responses, so that most changes break it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

LABELS = dict.fromkeys(("starting", "idle", "active", "stopped", "failed"), "known")


@pytest.fixture
def runtimes(bctrl_client: httpx.Client, bctrl_space_id: str) -> list[Any]:
    """Return the runtimes of a response whose status and media type are as expected."""
    response = bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes")
    response.raise_for_status()
    assert response.headers["content-type"] == "application/json"
    items: list[Any] = response.json()["runtimes"]
    return items


def test_label(runtimes: list[Any]) -> None:
    """`LABELS` has a label for each status; a new status is a `KeyError`."""
    assert all(LABELS[runtime["status"]] for runtime in runtimes)


def test_region(runtimes: list[Any]) -> None:
    """Each runtime has a region that is a text and not empty."""
    assert all(runtime["region"].lower() for runtime in runtimes)


def test_name(runtimes: list[Any]) -> None:
    """Each runtime has a name that is a text and not empty."""
    assert all(runtime["name"].upper() for runtime in runtimes)


def test_created(runtimes: list[Any]) -> None:
    """`createdAt` of each runtime begins with four digits."""
    assert all(runtime["createdAt"][:4].isdigit() for runtime in runtimes)


def test_backing(runtimes: list[Any]) -> None:
    """`backing`, if it is there, has one of two kinds."""
    kinds = {"ephemeral": 1, "profile": 2}
    assert all(kinds[runtime["backing"]["kind"]] for runtime in runtimes if "backing" in runtime)


def test_names_of_properties(runtimes: list[Any]) -> None:
    """No runtime has a property that this consumer does not know."""
    fields = {"id", "spaceId", "name", "kind", "type", "status", "region", "createdAt", "updatedAt", "activeRunId"}
    fields |= {"capabilities", "connections", "metadata", "backing", "summary"}
    assert all(set(runtime) <= fields for runtime in runtimes)


def test_capabilities(runtimes: list[Any]) -> None:
    """Each capability is a text and not blank."""
    assert all(capability.strip() for runtime in runtimes for capability in runtime["capabilities"])
