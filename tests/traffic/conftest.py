"""What the client's tests share: the two ways to ask."""

from __future__ import annotations

import pytest

from .callers import Ask, ask_async, ask_sync


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask through the sync client, then through the async one."""
    made: Ask = request.param
    return made
