"""No secret leaves the process: from any source, in any encoding, through any output of a test, a plugin or a command.

`downstream` is a project with a test for each output. These tests verify the promises of SECURITY.md.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pytest

import pytest_bctrl
from pytest_bctrl.cli import COMMANDS, main
from pytest_bctrl.reports import FORMATS
from tests.hostile.echo import PLACES, all_encodings, echo, hits
from tests.variants import serve
from tests.variants.reply import Reply
from tests.variants.runtimes import SPACE_ID, edited, put
from tests.variants.service import Service
from tests.variants.variant import faulty

KEY = 'pk/Li<ve"51Nightjar4&Kd9wQx2LmZ'

PROJECT = Path(__file__).with_name("downstream")
_SINK = r'(?:echoed|Broken|Shown)\("([a-z-]+)"\)'
SINKS = frozenset(re.findall(_SINK, "".join(path.read_text("utf-8") for path in PROJECT.glob("*.py"))))
ENDS = ("conftest", "usage", "configure", "start", "internal", "finish", "exit", "interrupt")

FILES = ["--junitxml=out.xml", "-o", "junit_logging=all", "-o", "junit_family=xunit1"]
FILES += ["--alluredir=allure", "--json-report", "--log-file=run.log", "--log-file-level=DEBUG"]
MOST = ("-rA", "-vv", "--showlocals", "--tb=long", "--continue-on-collection-errors")
PROPERTIES = {"attribute", "property", "property-name", "deep-property", "suite-property"}
WITHOUT = [f"-pno:{name}" for name in ("randomly", "schemathesis", "hypothesispytest", "anyio")]
"""Options that disable plugins which show nothing of these tests and take long to load."""
PAST_PYTHON = re.compile(r"(\S+\.py )?[.FEsxX]*(process|descriptor) ")

RUNS = {
    "the key, into all files": ([*MOST, *FILES, "--debug", "--log-cli-level=INFO"], {"VARIABLE": "BCTRL_API_KEY"}, {}),
    "the key, by workers": ([*MOST, *FILES, "-n2"], {"VARIABLE": "BCTRL_API_KEY"}, {"attribute", "suite-property"}),
    "a value of bctrl_secrets, uncaptured": (
        ["-rA", "-s", "--tb=native", MOST[-1], "-o", "bctrl_secrets=$TOKEN", "-p", "no:allure_pytest"],
        {"VARIABLE": "TOKEN", "PYTEST_DEBUG": "1"},
        {*PROPERTIES, "local", "local-object"},
    ),
    "a key of the project's own fixture": (
        [*MOST, *FILES, "-k", "not (test_parameter or test_id)"],
        {"VARIABLE": "TOKEN", "FROM_FIXTURE": "1"},
        {"header", "collection", "module-skip", "parameter"},
    ),
    "the password of a proxy": (
        [*MOST, "test_sinks.py"],
        {"VARIABLE": "TOKEN", "HTTPS_PROXY": f"http://me:{KEY}@127.0.0.1:9", "BCTRL_API_KEY": "another-one"},
        {*PROPERTIES, "collection", "module-skip"},
    ),
}  # fmt: skip


class Downstream:
    """The downstream project in a temporary folder."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        # It has tests for what other plugins write.
        monkeypatch.delenv("PYTEST_ADDOPTS")
        for path in PROJECT.glob("*.py"):
            (pytester.path / path.name).write_text(path.read_text("utf-8"), "utf-8")

    def run(self, *arguments: str, **environment: str) -> str:
        """Run pytest there with the key in $VARIABLE and a server that echoes it; return the output and all files."""
        with echo("chunks") as url:
            for name, value in ({"TARGET": url, environment["VARIABLE"]: KEY} | environment).items():
                self._monkeypatch.setenv(name, value)
            result = self._pytester.runpytest_subprocess(*WITHOUT, *arguments)
        # pytest's cache names tests by their ids, as the threat model says.
        shutil.rmtree(self._pytester.path / ".pytest_cache", ignore_errors=True)
        written = [path for path in self._pytester.path.rglob("*") if path.suffix not in (".py", ".pyc")]
        files = [path.read_text("utf-8", "replace") for path in written if path.is_file()]
        return "\n".join([result.stdout.str(), result.stderr.str(), *map(str, written), *files])


@pytest.fixture
def downstream(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Downstream:
    """Return the downstream project, copied to the folder of the test."""
    return Downstream(pytester, monkeypatch)


def sinks_in(text: str) -> set[str]:
    """Return the sinks whose output is in a text, redacted or not."""
    return {sink for sink in SINKS if f"{sink} begins" in text}


@pytest.mark.parametrize("run", RUNS)
def test_no_output_shows_a_secret(downstream: Downstream, run: str) -> None:
    """Tests put the key into each output: with each set of options, no line contains it, in any encoding."""
    arguments, environment, absent = RUNS[run]
    text = downstream.run(*arguments, **environment)
    # Output written past Python is seen if it is captured; `-s` does not capture it, as the threat model says.
    lines = [line for line in text.splitlines() if "-s" not in arguments or not PAST_PYTHON.match(line)]
    assert [] == [(hits(KEY, line), line[:200]) for line in lines if hits(KEY, line)]
    assert SINKS - {*absent, *ENDS} == sinks_in(text)


def test_every_output_shows_a_value_that_is_not_a_secret(downstream: Downstream) -> None:
    """The control: with the same arguments, each output of a run that is not aborted shows such a value."""
    text = downstream.run(*RUNS["the key, into all files"][0], VARIABLE="UNKNOWN")
    assert 55 < len(SINKS)
    silent = {sink for sink in SINKS if not any(hits(KEY, shown) for shown in re.findall(f"{sink} begins .*", text))}
    assert set(ENDS) == silent


@pytest.mark.parametrize("end", ENDS)
def test_no_secret_is_shown_when_a_run_is_aborted(downstream: Downstream, end: str) -> None:
    """An error, `pytest.exit` or an interrupt ends the run at `end`, and its message has the key."""
    text = downstream.run("--full-trace", "--junitxml=out.xml", "test_ends.py", VARIABLE="BCTRL_API_KEY", ENDS=end)
    assert ([], True) == (hits(KEY, text), end in sinks_in(text))


def test_findings_in_every_report_redact_the_key(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target returns the key as an enum value and in an error page, each in every encoding."""
    monkeypatch.delenv("PYTEST_ADDOPTS")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    echoed = " ".join(["echoed", *all_encodings(KEY)])
    page = Reply(500, f"<p>{echoed}</p>".encode(), (("Content-Type", "text/html"),))
    service = Service(
        document=edited(put(3, "status", echoed)),
        admits=lambda visit: visit.request.authorization == ("bearer", KEY),
        unknown=lambda _, __: page,
    )
    reports = [f"--bctrl-report=out.{kind}" for kind in ("json", "html", "sarif", "md", "xml")]
    with serve(faulty("schema", "echoed", "schema", service)) as server:
        monkeypatch.setenv("BCTRL_API_KEY", KEY)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest("--bctrl-live", f"--bctrl-base-url={server.url}", "-vv", *FILES, *reports)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    shown = {"out": result.stdout.str(), "err": result.stderr.str()}
    shown |= {str(path): path.read_text("utf-8", "replace") for path in pytester.path.rglob("*") if path.is_file()}
    assert {} == {name: hits(KEY, text) for name, text in shown.items() if hits(KEY, text)}
    assert 7 <= sum("echoed [redacted]" in text for text in shown.values())


@pytest.mark.parametrize("place", ["status line", "header line", "length"])
def test_the_final_error_line_redacts_the_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The server returns the key in an invalid response."""
    monkeypatch.setenv("BCTRL_API_KEY", KEY)
    monkeypatch.setenv("BCTRL_SPACE_ID", SPACE_ID)
    with echo(place, str) as url:
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, "-p", "no:randomly")
    assert (1, []) == (result.ret, hits(KEY, result.stdout.str() + result.stderr.str()))
    result.stdout.fnmatch_lines(["!* bctrl: *!"])


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("place", PLACES)
def test_doctor_redacts_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with echo(place, lambda secret: " ".join(all_encodings(secret))) as url:
        for name, value in (("API_KEY", KEY), ("SPACE_ID", SPACE_ID), ("BASE_URL", url)):
            monkeypatch.setenv(f"BCTRL_{name}", value)
        code = main(["doctor", "--format", form])
    shown = capsys.readouterr()
    assert ([], "", True) == (hits(KEY, shown.out), shown.err, url in shown.out)
    if form == "json":
        assert code == json.loads(shown.out)["exit_code"]


PLAIN = "pkLive51Nightjar4Kd9wQx2LmZ"
"""A key that no format escapes."""
ECHOED = " ".join(["echoed", *all_encodings(PLAIN)])
BODY = json.dumps(edited(put(0, "status", ECHOED), put(1, f"echoed{PLAIN}", 1))())
SPEC = {"openapi": "3.1.0", "info": {"title": ECHOED, "version": "1"}, "paths": {}}
ENUM = {"type": "string", "enum": ["a"], "description": ECHOED}
OLD = {**SPEC, "paths": {"/a": {"get": {"parameters": [{"name": f"echoed{PLAIN}", "in": "query", "schema": ENUM}]}}}}
NAMED = {**SPEC, "paths": {"/a": {"get": {"operationId": PLAIN, "responses": {"200": {"description": ""}}}}}}
NEW = json.loads(json.dumps(OLD).replace('["a"]', json.dumps([ECHOED])))

COMMAND_LINES = {
    "check": [["check", "body.json", "--format", name] for name in sorted(FORMATS)]
    + [["check", "body.json", "--fail-on", "info", "--accept", "why"], ["check", f"{PLAIN}.json"]],
    "contract": [
        ["contract", "suggest", "body.json"],
        ["contract", "suggest", "body.json", "--output", "suggested.yaml"],
        ["contract", "show", "old.json"],
    ],
    "drift": [["drift", "new.json", "--base", "old.json", "--format", name, *output] for name in sorted(FORMATS)
              for output in ([], ["--output", "drift.out"])]
    + [["drift", "new.json", "--base", "old.json", "--accept", "why"], ["drift", ECHOED, "--base", "old.json"]],
    "mock": [["mock", "--quiet", "--scenario", f"echoed-{PLAIN}"], ["mock", "--quiet", "--recording", f"{PLAIN}.har"]],
    "proxy": [["proxy", ECHOED], ["proxy", "http://localhost:1", "--level", f"{PLAIN}=off"]],
    "explain": [["explain", PLAIN]],
    "doctor": [["doctor", "--offline", "--", "--bctrl-fail-on", ECHOED], ["doctor", "--contract", "new.json"]],
    "init": [["init", "named.json"], ["init", f"{PLAIN}.json"]],
}  # fmt: skip
"""Command lines that show their arguments, for every command and format; the output of doctor is tested above."""


def test_every_command_has_lines_that_are_tested_with_a_key() -> None:
    """`COMMAND_LINES` of this module has the names of all commands."""
    assert set(COMMANDS) == set(COMMAND_LINES)


@pytest.mark.parametrize("line", [line for lines in COMMAND_LINES.values() for line in lines], ids=" ".join)
def test_no_command_prints_or_writes_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    """Without the key in its environment, each command prints or writes the same text, as a control."""
    shown = []
    for key in ("another key", PLAIN):
        folder = tmp_path / key[:2]
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("BCTRL_API_KEY", key)
        input_files = {"body.json": BODY, "old.json": json.dumps(OLD), "new.json": json.dumps(NEW)}
        input_files |= {"named.json": json.dumps(NAMED)}
        for name, text in input_files.items():
            Path(name).write_text(text, "utf-8")
        main(line)
        files = [
            path.read_text("utf-8") for path in folder.rglob("*") if path.is_file() and path.name not in input_files
        ]
        shown.append("".join([*capsys.readouterr(), *files]))
    assert (True, []) == (bool(hits(PLAIN, shown[0])), hits(PLAIN, shown[1]))


WRITES = re.compile("print|write|write_text|write_bytes|write_files|print_exc|setwriter")
KNOWN = {
    "baseline/write_entries.py write_files": "accepted findings, which were redacted before",
    "cli/serving.py write": "the log, which gets a function that redacts",
    "traffic/proxy/connection.py write": "to the client and to the target, unchanged",
    "cli/serving.py write_files": "the ready file, for its owner alone: the URL, and the key and token of the mock",
    "cli/init.py write_files": "a redacted table for pyproject.toml",
    "cli/options.py write_text": "findings, which were redacted before",
    "drift/containment.py write": "a schema for the engine, which is not printed",
    "drift/schema_writer.py write": "a schema for the engine, which is not printed",
    "cli/contract.py write_files": "a redacted overlay; a contract that is built from the user's own documents",
    "contract/build.py write_files": "a contract that is built from the user's own documents",
    "secrets/streams.py write": "the redaction itself",
    "secrets/streams.py write_bytes": "a file, redacted",
    "files/locking.py write": "recordings, which are rejected if they contain a secret, and published documents",
    "reports/terminal.py write": "own words",
    "reports/github.py write": "findings, which were redacted before",
    "reports/failure_text.py write": "pytest's terminal, which is redacted",
    "suite/report/failures.py write": "pytest's terminal, which is redacted",
    "suite/report/hooks.py write_files": "findings, which were redacted before",
    "suite/report/sinks.py setwriter": "the redaction itself",
    "suite/report/sinks.py write": "a note, which is redacted before it is written",
    "suite/report/results.py write": "the list of accepted findings",
    "watch/results.py write": "the baseline, which names rules and locations alone",
}
"""Calls that write elsewhere than to the streams of a command, which `main` redacts, and why they write no secrets."""


def test_every_call_that_writes_output_is_listed() -> None:
    """Scan the package's source for calls that write to files or streams: they are those of `KNOWN`."""
    root = Path(pytest_bctrl.__file__).parent
    outputs_of_package = set()
    for path in root.rglob("*.py"):
        name, text = path.relative_to(root).as_posix(), path.read_text("utf-8")
        # Parsing takes long, and a module without these words has no such call.
        if not WRITES.search(text):
            continue
        for call in [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]:
            called = getattr(call, "attr", getattr(call, "id", ""))
            if not WRITES.fullmatch(called):
                continue
            to_stream = called in ("print", "print_exc") or ast.unparse(call) in (
                "sys.stdout.write",
                "sys.stderr.write",
            )
            if not (to_stream and name.startswith("cli/")):
                outputs_of_package.add(f"{name} {called}")
    assert set(KNOWN) == outputs_of_package


def test_sigterm_lets_a_run_write_its_reports(pytester: pytest.Pytester) -> None:
    """The exit code is 2, the run's report says that it is incomplete, and the JUnit report exists."""
    pytester.makepyfile(
        """
        import os, signal, time

        def test_it():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

        def test_later():
            pass
        """
    )
    arguments = ("--bctrl-mock", "-p", "no:randomly", "-k", "test_it or test_later", "--bctrl-report=out.json")
    result = pytester.runpytest_subprocess(*arguments, "--junitxml=out.xml")
    result.stdout.fnmatch_lines(["!* bctrl: ended by SIGTERM !*"])
    report = json.loads((pytester.path / "out.json").read_text("utf-8"))
    assert (2, False, True) == (result.ret, report["complete"], (pytester.path / "out.xml").exists())
