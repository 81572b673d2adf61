"""`pytest-bctrl` and `python -m pytest_bctrl`: what help shows, and that every example in it does what it says."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from pytest_bctrl import __version__
from pytest_bctrl.cli import COMMANDS, main
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.samples import response
from pytest_bctrl.samples.text import encode
from tests.mock.mock_command import MockCommand


def exit_of(*arguments: str) -> object:
    """Return the exit code with which a command line raises `SystemExit`."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_is_listed_with_its_description(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert (0, True) == (exit_of(command, "--help"), f"pytest-bctrl {command}" in capsys.readouterr().out)
    assert 0 == exit_of("--help")
    assert f"{command} {COMMANDS[command]}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_starts_without_pytest_httpx_and_yaml(command: str) -> None:
    """Each takes longer to import than the rest of the command; one that needs it imports it then."""
    code = (
        "import sys; from importlib import import_module;"
        f"import_module('pytest_bctrl.cli.{command}');"
        "print(*{'pytest', '_pytest', 'httpx', 'httpcore', 'yaml', 'jsonschema', 'schemathesis'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert "\n" == done.stdout


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("contract",), ("contract", "nonsense"), ("--nonsense",)])
def test_an_invalid_command_exits_with_2_and_a_message_before_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert 2 == exit_of(*arguments)
    message, usage, *_ = capsys.readouterr().err.splitlines()
    assert message.startswith("pytest-bctrl")
    assert usage.startswith("usage: pytest-bctrl")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--token=value_of_a_token", "--tokens", "value_of_a_token"), "--token --tokens"),
        (("api.json", "other.json"), "api.json other.json"),
    ],
)
def test_an_unknown_argument_of_a_command_is_named_with_the_usage_of_the_command(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], name: str
) -> None:
    assert 2 == exit_of("mock", *arguments)
    message, usage, *_ = capsys.readouterr().err.splitlines()
    assert f"pytest-bctrl mock: it has no argument {name}" == message
    assert usage.startswith("usage: pytest-bctrl mock ")


def test_python_m_runs_the_command_and_importing_it_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m pytest_bctrl --version` prints the version, and importing `__main__` prints nothing."""
    command = [sys.executable, "-m", "pytest_bctrl", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (0, f"pytest-bctrl {__version__}\n") == (done.returncode, done.stdout)
    assert (main, "") == (import_module("pytest_bctrl.__main__").main, capsys.readouterr().out)


def test_a_subcommand_has_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == exit_of("contract", "update", "--help")
    assert capsys.readouterr().out.startswith("usage: pytest-bctrl contract update")


def test_help_is_80_columns_wide_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", None)
    assert 0 == exit_of("mock", "--help")
    assert 60 < max(map(len, options(capsys))) <= 80


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal as on POSIX")
def test_help_is_as_wide_as_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl
    import pty
    import struct
    import termios

    above, below = pty.openpty()
    fcntl.ioctl(below, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    monkeypatch.delenv("COLUMNS", raising=False)
    with os.fdopen(above, "rb"), os.fdopen(below, "w") as terminal:
        monkeypatch.setattr(sys, "__stdout__", terminal)
        assert 0 == exit_of("mock", "--help")
    assert 30 < max(map(len, options(capsys))) <= 50


def options(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines about options, which argparse wraps itself."""
    return capsys.readouterr().out.partition("options:\n")[2].partition("\n\n")[0].splitlines()


def test_output_without_a_preceding_format_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == exit_of("drift", "--format", "json", "--output", "a.json", "--output", "b.json")
    assert "argument --output: b.json: no --format precedes it" in capsys.readouterr().err


def test_a_broken_pipe_prints_no_error() -> None:
    code = "import sys; from pytest_bctrl.cli import main; sys.exit(main(['contract', 'show']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert b"" == done.stderr


EXAMPLES = [
    (command, example) for command in COMMANDS for example in import_module(f"pytest_bctrl.cli.{command}").EXAMPLES
]
RECORDING = Path(__file__).parent.parent / "examples" / "with_httpx" / "recordings" / "listing.har"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files of the examples: a recording, a body, and the page with a change."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "listing.har").write_bytes(RECORDING.read_bytes())
    (tmp_path / "body.json").write_bytes(encode(response()))
    spec = packaged().spec.read_text("utf-8")
    (tmp_path / "page.md").write_text(f"# Runtimes\n\n```yaml\n{spec}```\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(("command", "example"), [row for row in EXAMPLES if row[0] not in ("mock", "proxy")])
def test_every_example_in_the_help_runs(
    project: Path, command: str, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Except those of `mock` and `proxy`: each exits with 0, and the help of its command shows it."""
    program, *arguments = shlex.split(example)
    assert ("pytest-bctrl", command, 0) == (program, arguments[0], main(arguments))
    capsys.readouterr()
    assert 0 == exit_of(command, "--help")
    assert f"  {example}\n" in capsys.readouterr().out


@pytest.mark.parametrize("example", [example for command, example in EXAMPLES if command == "mock"])
def test_every_mock_example_in_the_help_serves(project: Path, python: list[str], example: str) -> None:
    """The printed curl request gets 200; with the fault of an example, the first two get 503."""
    arguments = shlex.split(example)[2:]
    with MockCommand(python, project).running(*arguments) as mock:
        assert mock.process.stdout is not None
        greeting, hint = mock.process.stdout.readline(), mock.process.stdout.readline()
        curl = shlex.split(hint.removeprefix("try: "))
        name, _, value = curl[curl.index("-H") + 1].partition(": ")
        statuses = [httpx.get(curl[-1], headers={name: value}, trust_env=False).status_code for _ in range(3)]
    assert greeting.startswith("mock of bctrl API 1.0.0 ")
    assert ([503, 503, 200] if "--fault" in arguments else [200, 200, 200]) == statuses


def test_help_ends_with_the_pytest_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == exit_of("--help")
    output = capsys.readouterr().out
    assert "  2  the check could not run\n" in output
    assert "The contract suite itself runs under pytest: pytest --bctrl-mock bctrl" == output.splitlines()[-1]
