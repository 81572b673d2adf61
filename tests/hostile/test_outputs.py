"""No output obeys text of a server, a document, a recording or a setting, in a job of GitHub Actions or of Azure.

Each command and each report gets text that is made of what a terminal, a CI system, a page or a viewer would obey, and
ports of the parsers of both CI systems look for commands in all that is printed and written.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pytest_bctrl
from pytest_bctrl.cli import COMMANDS, main
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.finding import Finding
from pytest_bctrl.reports import FORMATS, writer
from pytest_bctrl.reports.github import shown_commands
from pytest_bctrl.reports.wording import RanTest, RunReport, Title
from pytest_bctrl.traffic.client import client
from tests.hostile.ci_parsers import azure_commands, github_commands
from tests.hostile.outputs import EVERYTHING, TEXTS, Page, faults, hidden, markdown_faults, markdown_text
from tests.reports.examples import failed
from tests.traffic.servers import CLOSE, serve

JOB = {"GITHUB_ACTIONS": "true", "TF_BUILD": "True"}
INTENDED = {"error", "warning", "notice"}


def report_of(text: str) -> tuple[list[Finding], Title, RunReport]:
    """A report in which each text that may come from outside is this one."""
    plain = failed()
    assert plain.run is not None
    answer = {"status": 500, "headers": [["Server", text], [text, text]], "size": 1, "body": {text: text}}
    accepted = {"expires": "2027-01-31", "reason": text, "where": text}
    spot = {"document": text, "line": 3, "pointer": f"/{text}"}
    extra = {"why": text, "meaning": text, text: text, "request": {"method": text, "path": text}, "response": answer}
    finding = Finding(
        "a_rule", "error", text, text, [text], {text: text}, 1, 3, {"location": text, "value": text}, text,
        fingerprint="0123456789ab", reproduce=f"curl {text}", extra={**extra, "item": {"location": text, "name": text}},
    )  # fmt: skip
    places = [{"rule": "a", "operation": text, "location": text, "status": 200}] * 2
    pointer = "/" + text.replace("~", "~0").replace("/", "~1")
    shown = {"by": "counterexample", "allowed": "now", "value": {text: text}, "at": pointer, "of": text}
    change = replace(
        finding,
        level="warning",
        extra={"base": spot, "revision": spot, "places": places, "changed": text, "shown": shown, "why": text},
    )
    witnesses = dict.fromkeys(("vendored", "upstream", "observed"), text)
    moved = replace(change, level="info", extra={**change.extra, "moved": text, "next": text, "witnesses": witnesses})
    findings = [finding, replace(finding, extra={**extra, "accepted": accepted}), change, replace(change, message="")]
    run = plain.run._replace(
        tests=(RanTest(text, "failed", 0.1, text), RanTest(text, "skipped", 0.1, text)), base_url=text, upstream=text
    )
    return [*findings, moved], Title(text, text, text, "error", (text,), (f"{text}.",)), run


def written(text: str) -> dict[str, str]:
    """The report in every format."""
    findings, title, run = report_of(text)
    takes_run = {"json", "markdown", "junit", "sarif", "html"}
    return {
        name: writer(name)(findings, title, run) if name in takes_run else writer(name)(findings, title)
        for name in FORMATS
    }


@given(TEXTS)
@example(EVERYTHING)
@settings(max_examples=8)
def test_no_report_holds_a_command_of_outside_and_each_holds_the_text(text: str) -> None:
    reports = written(text)
    line = " ".join(text.split())
    annotations = reports.pop("github")
    commands = github_commands(annotations)
    assert (len(commands), [], []) == (len(annotations.splitlines()), azure_commands(annotations), hidden(annotations))
    assert {*INTENDED} == {command.name for command in commands}
    assert {} == {name: faults(report) for name, report in reports.items() if faults(report)}

    data = json.loads(reports["json"])
    assert [text] * 4 == [data["report"], data["base"], *data["notes"], data["findings"][0]["message"]]
    assert {text: text} == data["findings"][0]["observed"]
    assert "0123456789ab" == data["findings"][0]["fingerprint"]

    result = json.loads(reports["sarif"])["runs"][0]["results"][0]
    assert {text: text} == result["properties"]["observed"]
    assert not re.search(r"(?<!\\)\](?=\()", result["message"]["text"])

    suite = ET.fromstring(reports["junit"])
    messages = [str(element.get("message")) for element in suite.iter("failure")]
    assert escape_line(line) == messages[0]
    assert [] == markdown_faults(reports["markdown"])
    assert escape_line(line) in " ".join(markdown_text(reports["markdown"]).split()) or "  " in line


@given(TEXTS)
@example(EVERYTHING)
@settings(max_examples=8)
def test_a_page_has_the_elements_and_links_of_the_program_alone(text: str) -> None:
    page, plain = Page(written(text)["html"]), Page(written("plain")["html"])
    (data,) = (json.loads(script) for script in page.scripts if script.startswith("{"))
    assert (plain.elements, plain.links) == (page.elements, page.links)
    assert [] == hidden(json.dumps(data, ensure_ascii=False).replace("\\t", ""))


def test_a_job_shows_each_finding_as_the_command_that_it_was_to_be() -> None:
    findings, title, _ = report_of(EVERYTHING)
    lines = shown_commands(findings, title)
    commands = [github_commands(line) for line in lines]
    assert [["error"], ["notice"], ["warning"], ["warning"], ["notice"], ["warning"]] == [
        [command.name for command in found] for found in commands
    ]
    assert [] == azure_commands("\n".join(lines))


# Commands


def document(text: str, value: str, pattern: str = "^a(?=b)$") -> dict[str, Any]:
    """A contract in which each name and each prose is a text; `value` is documented, as a match of `pattern` is."""
    schema = {
        "type": "object",
        "title": text,
        "description": text,
        "required": [f"{text}2"],
        "properties": {
            text: {"type": "string", "enum": [value], "description": text},
            f"{text}2": {"type": "string", "format": text, "pattern": pattern},
        },
    }
    parameters = [
        {"name": text, "in": "query", "description": text, "schema": {"type": "string", "enum": [value, "b"]}},
        {"name": "X-Name", "in": "header", "required": value == text, "schema": {"type": "string", "default": text}},
    ]
    operation = {
        "operationId": text,
        "summary": text,
        "description": text,
        "tags": [text],
        "parameters": parameters,
        "responses": {"200": {"description": text, "content": {"application/json": {"schema": schema}}}},
        "x-bctrl-invariants": [{"rule": "unique", "level": "error", "because": text, "unique": "a[*]"}],
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": text, "version": text, "description": text},
        "servers": [{"url": "http://127.0.0.1:9", "description": text}],
        "paths": {
            "/things": {"get": operation},
            f"/{text.replace('{', '')}": {"get": {**operation, "operationId": f"{text}b"}},
        },
    }


def har(text: str) -> dict[str, Any]:
    """A recording of a listing that breaks the packaged contract with a text."""
    url = "https://api.bctrl.ai/v1/spaces/3f0c1c1e-0f43-4a0e-9d0a-4f4f1f1c2b11/runtimes"
    body = json.dumps({"runtimes": [{text: text, "status": text}], "error": text})
    request = {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headers": [], "queryString": [], "cookies": []}
    entry = {
        "startedDateTime": "2026-03-14T09:26:53.000Z",
        "time": 1,
        "comment": text,
        "request": request,
        "response": {
            "status": 200,
            "statusText": text,
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Server", "value": text}],
            "cookies": [],
            "content": {"size": len(body), "mimeType": "application/json", "text": body},
            "redirectURL": "",
        },
        "cache": {},
        "timings": {"send": 0, "wait": 1, "receive": 0},
    }  # fmt: skip
    return {"log": {"version": "1.2", "creator": {"name": text, "version": text}, "entries": [entry, entry]}}


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
        f"{GATE} --fail-on never --allow-list TEXT",
        "drift TEXT --base old.json",
        "drift new.json --base TEXT",
    ],
    "mock": ["mock --scenario TEXT", "mock --fault TEXT", "mock --contract TEXT", "mock --recording TEXT.har"],
    "explain": ["explain TEXT", "explain --contract old.json", "explain unique --contract old.json"],
    "doctor": ["doctor --offline -- --bctrl-fail-on=TEXT", "doctor --offline --format json -- --bctrl-contract=TEXT"],
    "": ["TEXT", "check"],
}
"""Command lines by command; TEXT stands for the text."""


def test_every_command_and_format_is_among_them() -> None:
    assert {*COMMANDS, ""} == set(COMMAND_LINES)


@contextlib.contextmanager
def job(text: str) -> Iterator[Path]:
    """A folder with files that hold the text, in a job of both CI systems."""
    here, before = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.update(JOB)
        # YAML knows no surrogates.
        plain = "".join(char for char in text if ord(char) < 0x10000)
        given = {
            "old.json": document(text, "listed"),
            "new.json": document(text, text),
            "body.json": {text: text, f"{text}3": [text]},
            "recording.har": har(text),
            "page.json": document(plain, plain),
            "overlay.yaml": {
                "overlay": "1.0.0",
                "info": {"title": plain, "version": plain},
                "actions": [{"target": "$", "update": {"info": {"title": f"{plain}x"}}}],
            },
        }
        for name, data in given.items():
            Path(name).write_text(json.dumps(data), "utf-8")
        Path("folder").mkdir()
        Path("folder", f"{escape_line(text).replace('/', '')[:100]}.har").write_text("{", "utf-8")
        try:
            yield Path(folder)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)


def printed(arguments: list[str]) -> tuple[str, str]:
    """Run a command; return what it prints."""
    with contextlib.ExitStack() as stack:
        # Files, as some of what is run asks for their number.
        out, err = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="")) for _ in "oe")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
            main(arguments)
        return _text(out), _text(err)


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


LINES = [line for lines in COMMAND_LINES.values() for line in lines]


def outputs_of(line: str, text: str) -> dict[str, str]:
    """What a command prints and writes, by stream and name of the file."""
    arguments = [part.replace("TEXT", text) for part in line.split()]
    with job(text) as folder:
        known = {path for path in folder.rglob("*") if path.is_file()}
        out, err = printed(arguments)
        files = {path.name: path.read_text("utf-8") for path in {*folder.rglob("*")} - known if path.is_file()}
    if "github" in line:
        commands = github_commands(out)
        assert (len(commands), True) == (len(out.splitlines()), INTENDED >= {command.name for command in commands})
        out = "\n".join(command.data for command in commands)
    return {"out": out, "err": err, **files}


@pytest.mark.parametrize("line", LINES)
def test_no_command_prints_or_writes_a_command(line: str) -> None:
    outputs = outputs_of(line, EVERYTHING)
    assert {} == {name: faults(text) for name, text in outputs.items() if faults(text)}
    assert outputs["out"] or outputs["err"]


@given(line=st.sampled_from(LINES), text=TEXTS.map(lambda text: text.replace("\0", "")))
@settings(max_examples=10)
def test_no_text_makes_a_command_print_or_write_a_command(line: str, text: str) -> None:
    outputs = outputs_of(line, text)
    assert {} == {name: faults(output) for name, output in outputs.items() if faults(output)}
    for name in outputs.keys() - {"out", "err"}:
        yaml.safe_load(outputs[name])


# Runs of pytest


def hostile_body(text: str) -> bytes:
    """An answer of the contract that breaks it with a text in each place."""
    return json.dumps({text: text, f"{text}3": text}).encode()


PAYLOAD = EVERYTHING.replace("{", "").replace("}", "")


def without_annotations(result: pytest.RunResult) -> str:
    """Return what a run printed, but for the commands that it was to print, which hold no other."""
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
    "self-test": [
        "--bctrl-mock",
        "--bctrl-selftest",
        "--bctrl-contract=old.json",
        "-rA",
        "-v",
        "-k",
        "mutant or passes",
    ],
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
def test_no_test_id_failure_or_error_is_a_command(
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
    arguments = [one.replace("TEXT", text) for one in RUNS[run]]
    result = pytester.runpytest(*arguments, *options, "-pno:randomly")
    outputs = {"out": without_annotations(result), "err": result.stderr.str()}
    assert {} == {name: faults(output) for name, output in outputs.items() if faults(output)}
    assert "evil.example" in outputs["out"] + outputs["err"]


@pytest.mark.parametrize("status", ["HTTP/1.1 {}", "HTTP/1.1 200 OK\r\nContent-Length: {}", "HTTP/1.1 200 OK\r\n{}"])
def test_no_error_of_the_client_is_a_command(status: str) -> None:
    line = PAYLOAD.replace("\r", "").replace("\n", "")
    answer = status.replace("{}", line).encode() + b"\r\n\r\n{}"
    with (
        serve(answer) as server,
        client(server.url, "key", live=True) as api,
        pytest.raises(httpx.RemoteProtocolError) as caught,
    ):
        api.get("/")
    assert [] == faults(str(caught.value))


def test_no_traceback_of_a_contract_test_is_a_command(
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
def test_no_answer_that_is_no_http_is_a_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    for name, value in {**JOB, "BCTRL_API_KEY": "sk_0123456789abcdef", "BCTRL_SPACE_ID": "1"}.items():
        monkeypatch.setenv(name, value)
    line = PAYLOAD.replace("\r", "").replace("\n", "")
    with serve(status.replace("{}", line).encode() + b"\r\n\r\n{}") as server:
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={server.url}", "-pno:randomly", "-rA")
        monkeypatch.setenv("BCTRL_BASE_URL", server.url)
        doctor = printed(["doctor"])
    outputs = {"out": without_annotations(result), "err": result.stderr.str(), "doctor": "".join(doctor)}
    assert {} == {name: faults(output) for name, output in outputs.items() if faults(output)}
    assert 0 != result.ret


REPORTS = [f"--bctrl-report=out.{kind}" for kind in ("json", "html", "sarif", "md", "xml")]


def test_no_run_prints_or_writes_a_command(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_mock_prints_no_command_of_a_request_or_a_contract(tmp_path: Path) -> None:
    contract = tmp_path / "contract.json"
    contract.write_text(json.dumps(document(PAYLOAD, "listed", "^a$")), "utf-8")
    ready = tmp_path / "ready.json"
    command = [
        sys.executable,
        "-m",
        "pytest_bctrl",
        "mock",
        "--port=0",
        f"--contract={contract}",
        f"--ready-file={ready}",
    ]
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


SAYS = {"print", "line", "write_line", "fail", "skip", "xfail", "exit", "UsageError", "sys.stdout.write"}
SAYS |= {"sys.stderr.write", "terminal.write", "pytest.fail.Exception", "pytest.skip.Exception"}
KNOWN = {
    "cli/check.py *coverage_lines(observer)": "lines that are escaped",
    "cli/check.py _text(findings, title, answers) if is_te": "a report",
    "cli/contract.py drift_text(compared.findings, Title('dri": "a report",
    "cli/contract.py f'pytest-bctrl: nothing to suggest: the ": "own words",
    "cli/contract.py text": "YAML that is escaped",
    "cli/drift.py f'pytest-bctrl: nothing to accept: nothi": "own words",
    "cli/drift.py f'pytest-bctrl: {len(failing)} at or abo": "own words",
    "cli/options.py text": "a report",
    "fixture_values.py f'bctrl_scenario: {error}'": "an error, which is escaped",
    "fixture_values.py f'bctrl: {error}'": "an error, which is escaped",
    "fixture_values.py str(error)": "an error, which is escaped",
    "impact/replay.py f'it had not ended after {seconds:g} s'": "own words",
    "recorded/hooks.py f'bctrl recording: {error}'": "an error, which is escaped",
    "settings.py f'bctrl: {error}'": "an error, which is escaped",
    "suite/failures.py indent": "blanks",
    "suite/failures.py label": "own words",
    "suite/failures.py text": "rows, which are escaped",
    "suite/hooks.py '\\n'.join([message, *describe([failure.f": "lines that are escaped",
    "suite/hooks.py f'no contract test matches {chosen}; lis": "a name that is escaped",
    "suite/hooks.py message": "a line that is escaped",
    "suite/report_hooks.py line": "annotations, and lines that are escaped",
    "suite/sinks.py f'bctrl: {note}'": "own words, and the name of a setting",
    "suite/summary.py f'{label:<12} '": "own words",
    "suite/tests.py text": "lines that are escaped",
    "suite/upstream.py f'not checked: {verdict.not_checked}'": "an error, which is escaped",
    "suite/verdict.py '; '.join(dict.fromkeys(map(accepted_whe": "lines that are escaped",
}
"""What is printed, or given to pytest to print, without an escape in the same place, and why it needs none."""


def test_what_is_printed_is_escaped() -> None:
    root, found = Path(pytest_bctrl.__file__).parent, set()
    for path in root.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            name = ast.unparse(call.func)
            is_output = {name, getattr(call.func, "attr", name)} & SAYS and not name.endswith(
                ("document.line", "sys.exit")
            )
            if is_output and call.args and not isinstance(call.args[0], ast.Constant):
                text = ast.unparse(call.args[0])
                if "escape_" not in text:
                    found.add(f"{path.relative_to(root).as_posix()} {text[:40]}")
    assert set(KNOWN) == found
