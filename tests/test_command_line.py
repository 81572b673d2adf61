"""`pytest-bctrl` and `python -m pytest_bctrl`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_bctrl import __version__
from pytest_bctrl.cli import COMMANDS, main


def exit_of(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert (0, f"pytest-bctrl {__version__}\n") == (exit_of("--version"), capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_every_command_with_its_words(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert 0 == exit_of("--help")
    words = " ".join(capsys.readouterr().out.split())
    assert f"{command} {COMMANDS[command]}" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert (0, True) == (exit_of(command, "--help"), f"pytest-bctrl {command}" in capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("contract",), ("contract", "nonsense"), ("--nonsense",)])
def test_a_wrong_command_is_exit_code_2_with_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert (2, True) == (exit_of(*arguments), capsys.readouterr().err.startswith("usage: pytest-bctrl"))


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_bctrl", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, f"pytest-bctrl {__version__}\n") == (done.returncode, done.stdout)


def test_a_reader_that_goes_away_is_no_crash() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; from pytest_bctrl.cli import main; sys.exit(main(['contract', 'show']))"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert "" == running.stderr.read()
