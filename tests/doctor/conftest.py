"""A run of `pytest-bctrl doctor` in an empty folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.cli import main

KEY = "pk_doctor_test_0123456789"
Doctor = Callable[..., tuple[int, Callable[..., dict[str, str]]]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Return a function that runs doctor in an empty folder with the given settings: exit code, and lines by name."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("BCTRL_", "PYTEST_"))]:
        monkeypatch.delenv(name)

    def run(*arguments: str, **environment: str) -> tuple[int, Callable[..., dict[str, str]]]:
        """Run doctor with JSON output; return its exit code, and a function that finds a line of the output."""
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = main(["doctor", "--format", "json", *arguments])
        shown = capsys.readouterr()
        assert ("", False, False) == (shown.err, KEY in shown.out, "hidden" in shown.out)
        data: dict[str, Any] = json.loads(shown.out)
        assert data["exit_code"] == code

        def line(topic: str, words: str = "") -> dict[str, str]:
            """Return the first line about a topic whose text contains the words."""
            return next(
                line_of_output
                for line_of_output in data["lines"]
                if line_of_output["topic"] == topic and words in line_of_output["text"]
            )

        return code, line

    return run
