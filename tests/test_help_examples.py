"""Every example that a help shows does what it says."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from pytest_bctrl.cli import COMMANDS, main
from pytest_bctrl.contract.files import packaged
from pytest_bctrl.samples import response
from pytest_bctrl.samples.text import encode
from tests.mock.test_command_line import running

EXAMPLES = [
    (command, example) for command in COMMANDS for example in import_module(f"pytest_bctrl.cli.{command}").EXAMPLES
]
RECORDING = Path(__file__).parent.parent / "examples" / "with_httpx" / "recordings" / "listing.har"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with what the examples name: a recording, a body, and the published page with a change in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "listing.har").write_bytes(RECORDING.read_bytes())
    (tmp_path / "body.json").write_bytes(encode(response()))
    spec = packaged().spec.read_text("utf-8")
    (tmp_path / "page.md").write_text(f"# Runtimes\n\n```yaml\n{spec}```\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize(("command", "example"), [one for one in EXAMPLES if one[0] != "mock"])
def test_an_example_runs(project: Path, command: str, example: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 0, since nothing is wrong with what it is given, and within its own help."""
    program, *arguments = shlex.split(example)
    if command == "doctor":
        command_line = [sys.executable, "-m", "pytest_bctrl", *arguments]
        done = subprocess.run(command_line, capture_output=True, timeout=120, check=False)
        assert (0, b"") == (done.returncode, done.stderr)
    else:
        assert ("pytest-bctrl", command, 0) == (program, arguments[0], main(arguments))
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"  {example}\n" in capsys.readouterr().out


@pytest.mark.parametrize("example", [example for command, example in EXAMPLES if command == "mock"])
def test_an_example_of_the_mock_serves(project: Path, example: str) -> None:
    """On the port that it names, or the usual one where that is free."""
    arguments = shlex.split(example)[2:]
    with running(project, *arguments) as mock:
        assert mock.process.stdout is not None
        greeting, hint = mock.process.stdout.readline(), mock.process.stdout.readline()
        curl = shlex.split(hint.removeprefix("try: "))
        name, _, value = curl[curl.index("-H") + 1].partition(": ")
        statuses = [httpx.get(curl[-1], headers={name: value}, trust_env=False).status_code for _ in range(3)]
    assert greeting.startswith("mock of bctrl API 1.0.0 ")
    assert ([503, 503, 200] if "--fault" in arguments else [200, 200, 200]) == statuses


def test_the_help_of_all_ends_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert "  2  it could not be checked\n" in told
    assert told.rstrip().endswith("The contract suite itself runs under pytest: pytest --bctrl-mock bctrl")
