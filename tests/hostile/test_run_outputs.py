"""No run of pytest prints or writes a command for a CI system from a server, a document or a failing test."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from pytest_bctrl.traffic.client import client
from tests.hostile.ci_parsers import azure_commands, github_commands
from tests.hostile.inputs import INTENDED, JOB, command_output, document, har
from tests.hostile.outputs import PAYLOAD, faults, markdown_faults
from tests.traffic.callers import KeyAuth
from tests.traffic.servers import CLOSE, serve


def hostile_body(text: str) -> bytes:
    """Return a body with a text as names and values, which violates the contract of `document`."""
    return json.dumps({text: text, f"{text}3": text}).encode()


def without_annotations(result: pytest.RunResult) -> str:
    """Return the output of a run without its annotations, each of which must be a single command of GitHub."""
    others = []
    for line in result.outlines:
        commands = github_commands(line)
        if line.startswith("::") and commands:
            assert (1, True, []) == (len(commands), commands[0].name in INTENDED, azure_commands(line))
        else:
            others.append(line)
    return "\n".join(others)


TESTS = """
    import json
    from pathlib import Path

    import pytest

    import pytest_bctrl
    from pytest_bctrl.errors import DocumentError

    TEXT = Path("text").read_text("utf-8")

    def test_response():
        pytest_bctrl.assert_conforms({"runtimes": [{TEXT: TEXT, "status": TEXT}]}, fail_on="warning")

    def test_error():
        problem, where = TEXT, TEXT
        raise DocumentError(problem, where, TEXT)

    @pytest.mark.bctrl_recording("recorded")
    def test_recording(bctrl_runtimes):
        pass

    @pytest.mark.bctrl_recording("recorded")
    def test_request(bctrl_client):
        bctrl_client.get("/v1/spaces/1/runtimes", params={"a": TEXT})

    @pytest.mark.bctrl_scenario("empty")
    def test_mock(bctrl_mock):
        bctrl_mock.fault(TEXT)

    def test_scenario(bctrl_mock):
        bctrl_mock.scenario(TEXT)
"""
RUNS = {
    "collected": ["--bctrl-mock", "--bctrl-contract=old.json", "--collect-only", "-q"],
    "tree, without logs": ["--bctrl-mock", "--bctrl-contract=old.json", "--collect-only", "-pno:logging"],
    "upstream": ["--bctrl-mock", "--bctrl-upstream=new.json", "--bctrl-contract=old.json", "-k", "upstream"],
    "upstream that is none": ["--bctrl-mock", "--bctrl-upstream=TEXT", "-k", "upstream", "-rA"],
    "tests of a project": ["test_project.py", "-rA", "--tb=short"],
    "impact": ["test_project.py", "--bctrl-impact=new.json", "--bctrl-contract=old.json", "--tb=line"],
    "setting": ["--bctrl-mock", "--bctrl-fail-on=TEXT"],
    "contract that is none": ["--bctrl-mock", "--bctrl-contract=TEXT"],
    "report": ["--bctrl-mock", "--bctrl-report=TEXT"],
    "test that is none": ["--bctrl-mock", "bctrl::TEXT"],
    "list of levels": ["--bctrl-mock", "-o", "bctrl_levels=TEXT = off"],
}


@pytest.mark.parametrize("run", RUNS)
def test_no_test_id_failure_or_error_is_a_workflow_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    text = PAYLOAD
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    files = {"old.json": document(text, "listed", "^a$"), "new.json": document(text, text, "^a$")}
    for name, data in files.items():
        pytester.path.joinpath(name).write_text(json.dumps(data), "utf-8")
    pytester.path.joinpath("text").write_text(text, "utf-8")
    pytester.mkdir("recordings").joinpath("recorded.har").write_text(json.dumps(har(text)), "utf-8")
    pytester.makepyfile(test_project=TESTS)
    options = [] if run in ("tests of a project", "impact") else ["--ignore=test_project.py"]
    arguments = [argument.replace("TEXT", text) for argument in RUNS[run]]
    result = pytester.runpytest(*arguments, *options, "-pno:randomly")
    outputs = {"out": without_annotations(result), "err": result.stderr.str()}
    assert {} == {name: faults(output) for name, output in outputs.items() if faults(output)}
    assert "evil.example" in outputs["out"] + outputs["err"]


@pytest.mark.parametrize("status", ["HTTP/1.1 {}", "HTTP/1.1 200 OK\r\nContent-Length: {}", "HTTP/1.1 200 OK\r\n{}"])
def test_no_error_of_the_client_is_a_workflow_command(status: str) -> None:
    """The message of httpx for an invalid response that contains one."""
    line = PAYLOAD.replace("\r", "").replace("\n", "")
    response = status.replace("{}", line).encode() + b"\r\n\r\n{}"
    with (
        serve(response) as server,
        client(server.url, KeyAuth(server.url, "key"), live=True) as api,
        pytest.raises(httpx.RemoteProtocolError) as caught,
    ):
        api.get("/")
    assert [] == faults(str(caught.value))


def test_no_traceback_of_a_contract_test_is_a_workflow_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    pytester.path.joinpath("text").write_text(PAYLOAD, "utf-8")
    pytester.makeconftest(
        """
        from pathlib import Path

        import pytest

        @pytest.fixture(autouse=True)
        def broken():
            text = Path("text").read_text("utf-8")
            raise ValueError(text)
        """
    )
    result = pytester.runpytest("--bctrl-mock", "-k", "answer_conforms", "-l")
    assert (1, []) == (result.ret, faults(without_annotations(result)))
    result.stdout.fnmatch_lines(["E * ValueError: ::error *"])


@pytest.mark.parametrize("status", ["HTTP/1.1 {}", "HTTP/1.1 200 OK\r\nContent-Length: {}"])
def test_no_invalid_http_response_is_a_workflow_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    for name, value in {**JOB, "BCTRL_API_KEY": "sk_0123456789abcdef", "BCTRL_SPACE_ID": "1"}.items():
        monkeypatch.setenv(name, value)
    line = PAYLOAD.replace("\r", "").replace("\n", "")
    with serve(status.replace("{}", line).encode() + b"\r\n\r\n{}") as server:
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={server.url}", "-pno:randomly", "-rA")
        monkeypatch.setenv("BCTRL_BASE_URL", server.url)
        doctor = command_output(["doctor"])
    outputs = {"out": without_annotations(result), "err": result.stderr.str(), "doctor": "".join(doctor)}
    assert {} == {name: faults(output) for name, output in outputs.items() if faults(output)}
    assert 0 != result.ret


REPORTS = [f"--bctrl-report=out.{kind}" for kind in ("json", "html", "sarif", "md", "xml")]


def test_no_contract_run_prints_or_writes_a_workflow_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, one_line = PAYLOAD, re.sub(r"[\r\n\x0b]", "", PAYLOAD)
    pytester.path.joinpath("contract.json").write_text(json.dumps(document(text, "listed")), "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    pytester.makeconftest(
        "import logging\ndef pytest_collection_modifyitems():\n    logging.warning('as %s', '##it is')"
    )
    for name, value in {**JOB, "BCTRL_API_KEY": "sk_0123456789abcdef", "BCTRL_SPACE_ID": "1"}.items():
        monkeypatch.setenv(name, value)

    def step(connection: Any, number: int) -> object:
        body = hostile_body(text)
        head = f"HTTP/1.1 {200 if number % 3 else 500} {one_line}\r\nServer: {one_line}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)
        return CLOSE

    with serve(step) as server:
        options = [f"--bctrl-base-url={server.url}", "--bctrl-contract=contract.json", "--bctrl-max-examples=1"]
        shown = [
            "-vv",
            "-rA",
            "--log-cli-level=DEBUG",
            "--bctrl-coverage",
            "--junitxml=junit.xml",
            "--log-file=run.log",
        ]
        result = pytester.runpytest("--bctrl-live", *options, "-pno:randomly", *shown, *REPORTS)
    assert 1 == result.ret
    out = without_annotations(result)
    assert out.count("\n") < len(result.outlines) - 1
    files = {path.name: path.read_text("utf-8") for path in pytester.path.iterdir() if path.name in WRITTEN}
    assert WRITTEN == set(files)
    outputs = {"out": out, "err": result.stderr.str(), **files}
    assert {} == {name: faults(text) for name, text in outputs.items() if faults(text)}
    assert [] == markdown_faults(files["summary.md"])
    assert "as ##it is" in files["run.log"]
    assert json.loads(files["out.json"])["findings"]


WRITTEN = {"junit.xml", "summary.md", "run.log", *(f"out.{kind}" for kind in ("json", "html", "sarif", "md", "xml"))}
