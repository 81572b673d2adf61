"""Configures the plugins of this project."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, Any]:
    """Return settings by which cassettes ignore the port of the mock server, and contain no keys."""
    return {"match_on": ["method", "path"], "filter_headers": ["authorization"]}


@pytest.fixture
def listing(bctrl_space_id: str) -> str:
    """Return the path of the endpoint."""
    return f"/v1/spaces/{bctrl_space_id}/runtimes"
