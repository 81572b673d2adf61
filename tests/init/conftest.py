"""The command `pytest-bctrl init` in an empty folder, and the commands that it prints and writes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_bctrl.cli import main
from tests import UNUSED

BOOKSHOP = (Path(__file__).parents[1] / "second_contract" / "bookshop.yaml").read_text("utf-8")


WORKFLOW = Path(".github", "workflows", "contract.yml")


Init = Callable[..., str]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Init:
    """Return a function that runs the command in an empty folder and returns its output."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bookshop.yaml").write_text(BOOKSHOP, "utf-8")

    def run(*arguments: str, code: int = 0) -> str:
        """Run `init`, which exits with this code, and return its output and errors."""
        assert code == main(["init", *arguments])
        shown = capsys.readouterr()
        return shown.out + shown.err

    return run


def run_command(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a workflow in the working directory, with the interpreter of these tests."""
    program, *arguments = shlex.split(command)
    module = {"pytest": "pytest", "pytest-bctrl": "pytest_bctrl"}[program]
    environment = {**os.environ, "PYTEST_ADDOPTS": f"-p no:randomly {UNUSED}", **variables}
    words = [sys.executable, "-m", module, *arguments]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=300)


def steps(job: str) -> list[dict[str, Any]]:
    """Return the steps of a job of the written workflow."""
    written_steps = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"][job]["steps"]
    assert isinstance(written_steps, list)
    return written_steps


DOCUMENT: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "paths": {
        "/pets/{petId}": {
            "get": {
                "parameters": [
                    {"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "X-Tenant", "in": "header", "required": True, "schema": {"const": "a"}},
                ],
                "responses": {"200": {"description": "A pet"}},
            }
        },
        "/pets": {"post": {"responses": {"201": {"description": "Created"}}}},
    },
}
