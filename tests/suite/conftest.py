"""A live run against a server of ours, as a user would start one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.variants.server import Server

LiveRun = Callable[..., pytest.RunResult]


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> LiveRun:
    """Run `pytest --bctrl-live` in a process of its own against a server, with nothing configured but key and space."""

    def run(server: Server, *arguments: str) -> pytest.RunResult:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        return pytester.runpytest("--bctrl-live", "--bctrl-base-url", server.url, "-p", "no:randomly", *arguments)

    return run
