"""Streams that are closed, full or gone, and mistakes of our own: never 0, never 1, and one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bctrl.cli import main

from .published import TEXT, written

PAUSED = TEXT.replace("- failed", "- failed\n        - paused")
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the shell closes the streams")


def gate(tmp_path: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the gate on a breaking change through a shell, which can close streams."""
    written(tmp_path, TEXT, "base.yaml")
    written(tmp_path, PAUSED, "new.yaml")
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        f"'{sys.executable}' -m pytest_bctrl drift --base base.yaml {arguments}",
        shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment, timeout=120,
    )  # fmt: skip


@needs_shell
def test_closed_standard_output_is_an_error(tmp_path: Path) -> None:
    done = gate(tmp_path, "new.yaml >&-")
    assert done.returncode == 2
    assert done.stderr == "pytest-bctrl: standard output: it is closed (give --output PATH)\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_device_at_standard_output_is_an_error(tmp_path: Path) -> None:
    done = gate(tmp_path, "new.yaml > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("pytest-bctrl: standard output: it cannot be written: ")
    assert done.stderr.count("\n") == 1


@needs_shell
def test_closed_standard_input_is_an_error(tmp_path: Path) -> None:
    done = gate(tmp_path, "- <&-")
    assert done.returncode == 2
    assert done.stderr.startswith("pytest-bctrl: standard input: it is closed")


@needs_shell
def test_messages_do_not_enter_the_report_if_standard_error_is_closed(tmp_path: Path) -> None:
    done = gate(tmp_path, "new.yaml --format json 2>&-")
    assert done.returncode == 1
    assert "pytest-bctrl:" not in done.stdout


@needs_shell
def test_a_report_is_written_to_its_file_if_standard_output_is_closed(tmp_path: Path) -> None:
    done = gate(tmp_path, "new.yaml --format json --output report.json >&-")
    assert done.returncode == 1
    assert (tmp_path / "report.json").is_file()


@needs_shell
def test_a_broken_pipe_causes_no_traceback(tmp_path: Path) -> None:
    done = gate(tmp_path, "new.yaml | true")
    assert done.stderr == ""


def test_reports_are_written_for_a_breaking_change(tmp_path: Path) -> None:
    done = gate(tmp_path, "new.yaml --format json --output report.json --format junit --output report.xml")
    assert done.returncode == 1
    assert "response-property-enum-value-added" in (tmp_path / "report.json").read_text("utf-8")
    assert "response-property-enum-value-added" in (tmp_path / "report.xml").read_text("utf-8")


def test_accepting_creates_the_baseline(tmp_path: Path) -> None:
    assert gate(tmp_path, "new.yaml --accept 'we cope' --baseline ours.yaml").returncode == 0
    assert gate(tmp_path, "new.yaml --baseline ours.yaml").returncode == 0


@pytest.mark.parametrize(("error", "code"), [(BrokenPipeError, 2), (KeyboardInterrupt, 130)])
def test_an_interrupted_run_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: type[BaseException], code: int
) -> None:
    """The exit code is 2 if the reader of standard error closed it, and 130 if the user pressed Ctrl-C."""

    def ended(arguments: object) -> int:
        raise error

    monkeypatch.setattr("pytest_bctrl.cli.drift.run", ended)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["drift"]) == code
    assert capsys.readouterr().err == ""


def test_an_internal_error_does_not_exit_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits with 2, the traceback and a line that calls it a bug; 1 would mean that the contract has drifted."""

    def broken(arguments: object) -> int:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("pytest_bctrl.cli.drift.run", broken)
    assert main(["drift"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "ZeroDivisionError: ours" in shown.err
    assert shown.err.splitlines()[-1].startswith("pytest-bctrl: a bug in pytest-bctrl")
