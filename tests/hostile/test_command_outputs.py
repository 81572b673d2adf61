"""No command prints or writes a command for a CI system from a document, a recording, an argument or a request."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_bctrl.cli import COMMANDS
from pytest_bctrl.reports import FORMATS
from tests.hostile.ci_parsers import github_commands
from tests.hostile.inputs import INTENDED, JOB, command_output, document, job
from tests.hostile.outputs import EVERYTHING, PAYLOAD, TEXTS, faults
from tests.proxy.proxy_command import ProxyCommand
from tests.proxy.targets import raw, target

GATE = "drift new.json --base old.json"
COMMAND_LINES = {
    "check": [
        *(f"check body.json --contract old.json --operation TEXT --format {name}" for name in sorted(FORMATS)),
        "check recording.har",
        "check recording.har --format github",
        "check TEXT.har",
        "check recording.har --level TEXT=off",
        "check recording.har --accept TEXT",
        "check body.json --operation TEXT",
        "check folder",
    ],
    "contract": [
        "contract show old.json",
        "contract show TEXT",
        "contract suggest recording.har",
        "contract update page.json --contracts TEXT",
        "contract suggest recording.har --output TEXT.yaml",
        "contract update page.json --dry-run",
        "contract build --contract old.json --overlay overlay.yaml --output TEXT.json",
    ],
    "drift": [
        *(f"{GATE} --format {name}" for name in sorted(FORMATS)),
        f"{GATE} --observed recording.har",
        f"{GATE} --accept TEXT",
        f"{GATE} --fail-on never --baseline TEXT",
        "drift TEXT --base old.json",
        "drift new.json --base TEXT",
    ],
    "mock": ["mock --scenario TEXT", "mock --fault TEXT", "mock --contract TEXT", "mock --recording TEXT.har"],
    "proxy": [
        "proxy TEXT",
        "proxy http://localhost:1 --report none/TEXT.json",
        "proxy http://localhost:1 --record TEXT",
        "proxy http://localhost:1 --level TEXT=off",
        "proxy http://localhost:1 --contract TEXT",
    ],
    "explain": ["explain TEXT", "explain --contract old.json", "explain unique --contract old.json"],
    "doctor": [
        "doctor --offline -- --bctrl-fail-on=TEXT",
        "doctor --offline --format json -- --bctrl-contract=TEXT",
        "doctor --contract old.json",
        "doctor --contract TEXT --format json",
    ],
    "init": ["init old.json", "init TEXT"],
    "": ["TEXT", "check"],
}
"""Command lines by command; TEXT stands for the text."""


def test_every_command_has_lines_that_are_tested() -> None:
    """`COMMAND_LINES` of this module has the names of all commands and the empty one."""
    assert {*COMMANDS, ""} == set(COMMAND_LINES)


LINES = [line for lines in COMMAND_LINES.values() for line in lines]


def outputs_of(line: str, text: str) -> dict[str, str]:
    """Return the outputs of a command line about a text, by stream and file name; intended annotations are removed."""
    arguments = [part.replace("TEXT", text) for part in line.split()]
    with job(text) as folder:
        existing = {path for path in folder.rglob("*") if path.is_file()}
        out, err = command_output(arguments)
        files = {path.name: path.read_text("utf-8") for path in {*folder.rglob("*")} - existing if path.is_file()}
    if "github" in line:
        commands = github_commands(out)
        assert (len(commands), True) == (len(out.splitlines()), INTENDED >= {command.name for command in commands})
        out = "\n".join(command.data for command in commands)
    return {"out": out, "err": err, **files}


@pytest.mark.parametrize("line", LINES)
def test_no_output_contains_a_workflow_command(line: str) -> None:
    outputs = outputs_of(line, EVERYTHING)
    assert {} == {name: faults(text) for name, text in outputs.items() if faults(text)}
    assert outputs["out"] or outputs["err"]


@given(line=st.sampled_from(LINES), text=TEXTS.map(lambda text: text.replace("\0", "")))
@settings(max_examples=10)
def test_no_text_can_inject_a_workflow_command(line: str, text: str) -> None:
    outputs = outputs_of(line, text)
    assert {} == {name: faults(output) for name, output in outputs.items() if faults(output)}
    for name in outputs.keys() - {"out", "err", "pytest.ini", "test_api.py"}:
        yaml.safe_load(outputs[name])


def test_the_mock_prints_no_workflow_command_from_a_request_or_contract(tmp_path: Path, python: list[str]) -> None:
    contract = tmp_path / "contract.json"
    contract.write_text(json.dumps(document(PAYLOAD, "listed", "^a$")), "utf-8")
    ready = tmp_path / "ready.json"
    command = [*python, "-m", "pytest_bctrl", "mock", "--port=0", f"--contract={contract}", f"--ready-file={ready}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **JOB}) as mock:
        while not ready.exists() and mock.poll() is None:
            time.sleep(0.01)
        url = urlsplit(json.loads(ready.read_text("utf-8"))["url"])
        target = PAYLOAD.replace("\r", "").replace("\n", "").replace(" ", "")
        for line in (f"GET /{target} HTTP/1.1", f"{target} / HTTP/1.1", f"GET /things?{quote(PAYLOAD)} HTTP/1.1"):
            with socket.create_connection((str(url.hostname), int(url.port or 0))) as connection:
                connection.sendall(f"{line}\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
                connection.makefile("rb").read()
        mock.send_signal(signal.SIGINT)
        out, _ = mock.communicate()
    lines = out.decode().splitlines()
    assert [] == faults("\n".join(lines))
    assert 4 < len(lines), lines


def test_the_proxy_prints_no_workflow_command_from_a_request_or_response(tmp_path: Path, python: list[str]) -> None:
    def respond(number: int) -> bytes:
        fields = f"Content-Type: {PAYLOAD}".replace("\r", "").replace("\n", "")
        body = json.dumps({PAYLOAD: PAYLOAD}).encode()
        return f"HTTP/1.1 418 X\r\n{fields}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    path = PAYLOAD.replace("\r", "").replace("\n", "").replace(" ", "")
    with target(respond) as server, ProxyCommand(python, tmp_path).running(server.url, "--report", "r.md") as proxy:
        for line in (f"GET /{path} HTTP/1.1", f"GET /v1/spaces/{quote(path)}/runtimes?{quote(PAYLOAD)} HTTP/1.1"):
            raw(proxy.url, f"{line}\r\nHost: a\r\nConnection: close\r\n\r\n".encode(), half_close=True)
        _, out, err = proxy.end()
    assert "not in the contract: GET /" in out
    assert [] == faults(out) == faults(err)
    # The mark of a verdict that something was not checked has a variation selector.
    assert [] == faults((tmp_path / "r.md").read_text("utf-8").replace("⚠️", ""))
