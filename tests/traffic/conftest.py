"""The fixture with which tests send requests through each client."""

from __future__ import annotations

import pytest

from .callers import Ask, ask_async, ask_sync


@pytest.fixture(params=[ask_sync, ask_async("asyncio"), ask_async("trio")], ids=["sync", "asyncio", "trio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Return a function that sends a request: with the sync client, or the async client under asyncio or trio."""
    caller: Ask = request.param
    return caller
