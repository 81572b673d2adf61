"""Configures the ten plugins of this project."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, Any]:
    """A mock server has another port in every run, and a cassette keeps no key."""
    return {"match_on": ["method", "path"], "filter_headers": ["authorization"]}


@pytest.fixture
def listing(bctrl_space_id: str) -> str:
    """The path of the endpoint."""
    return f"/v1/spaces/{bctrl_space_id}/runtimes"
