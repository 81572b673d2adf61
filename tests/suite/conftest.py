"""Fixtures for a live run against a local server, and for a printed command, both in this process."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from pytest_bctrl.cli import main
from tests.variants.server import Server

LiveRun = Callable[..., pytest.RunResult]
Typed = Callable[[str], pytest.RunResult]


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> LiveRun:
    """Return a function that runs `pytest --bctrl-live` against a server; only its URL, key and space are set."""

    def run(server: Server, *arguments: str) -> pytest.RunResult:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        return pytester.runpytest("--bctrl-live", "--bctrl-base-url", server.url, "-p", "no:randomly", *arguments)

    return run


@pytest.fixture
def typed(pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return a function that runs a printed `pytest …` or `pytest-bctrl …` command in this process."""

    def run(command: str) -> pytest.RunResult:
        program, *arguments = shlex.split(command)
        if program == "pytest":
            return pytester.runpytest(*arguments)
        capsys.readouterr()
        code = main(arguments)
        output = capsys.readouterr()
        return pytest.RunResult(code, output.out.splitlines(), output.err.splitlines(), 0.0)

    return run
