"""The run, the drift gate and `check` write JSON of one shape, and every other format too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_bctrl.finding import Finding
from pytest_bctrl.reports.findings_json import findings_schema
from pytest_bctrl.samples import response, runtime
from tests.drift.published import TEXT

FIELDS = {name for name in Finding.__slots__ if name != "extra"}


def written(folder: Path, *arguments: str) -> str:
    """What a command writes about something that breaks."""
    body = response([runtime()])
    body["runtimes"][0]["status"] = "archived"
    (folder / "body.json").write_text(json.dumps(body), "utf-8")
    (folder / "old.yaml").write_text(TEXT, "utf-8")
    (folder / "new.yaml").write_text(TEXT.replace("- failed", "- failed\n        - paused"), "utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "pytest_bctrl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert 1 == result.returncode, result.stderr
    return result.stdout


COMMANDS = {
    "check": ("check", "body.json"),
    "drift": ("drift", "new.yaml", "--base", "old.yaml"),
}


@pytest.mark.parametrize("command", ["check", "drift"])
def test_json_is_of_one_schema(tmp_path: Path, command: str) -> None:
    report: dict[str, Any] = json.loads(written(tmp_path, *COMMANDS[command], "--format", "json"))

    jsonschema.validate(report, findings_schema(), jsonschema.Draft202012Validator)
    assert (command, "failed") == (report["report"], report["verdict"]["status"])
    assert FIELDS <= report["findings"][0].keys()


@pytest.mark.parametrize("command", ["check", "drift"])
@pytest.mark.parametrize(
    ("name", "start"),
    [("html", "<!doctype html>"), ("markdown", "## "), ("sarif", "{"), ("junit", "<?xml"), ("github", "::error ")],
)
def test_both_commands_have_every_format(tmp_path: Path, command: str, name: str, start: str) -> None:
    assert written(tmp_path, *COMMANDS[command], "--format", name).startswith(start)


def test_a_check_that_could_not_read_everything_is_not_called_passed(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(response()), "utf-8")
    (tmp_path / "empty.json").write_text("", "utf-8")
    command = [sys.executable, "-m", "pytest_bctrl", "check", "good.json", "empty.json", "--format", "json"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 2 == result.returncode
    assert "not checked" == json.loads(result.stdout)["verdict"]["status"]
