"""Promises of redaction that single examples show: visible text, rejected secrets, and files after a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bctrl.secrets.redaction import MASK
from tests.redaction.echoing_server import serve_echoes
from tests.redaction.fragments import MOST_COVERED, assert_unrecognisable, covered_characters, read_outputs
from tests.redaction.runs import random_key
from tests.variants.runtimes import SPACE_ID

RUNS_IN_ONE_PROCESS = 1000 if os.environ.get("REDACTION") else 12


@pytest.mark.parametrize("prefix", ["sk_live_", "bctrl_test_", "ghp_"])
def test_a_public_prefix_of_the_key_is_shown(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """Only the part after it is a secret: readers of the message need to know the format of a key."""
    monkeypatch.setenv("BCTRL_API_KEY", prefix + random_key(prefix)[:22])
    pytester.makepyfile(f"def test_prefix(): raise ValueError('key must start with {prefix}')")

    result = pytester.runpytest("--junitxml=junit.xml")

    result.stdout.fnmatch_lines([f"E*ValueError: key must start with {prefix}"])
    assert f"key must start with {prefix}" in (pytester.path / "junit.xml").read_text()


@pytest.mark.parametrize("length", [1, 4, 5, 6, 7])
def test_recording_rejects_a_short_key(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """The run is a usage error and records nothing: some encodings of a short key are too common to be searched for."""
    result = record(pytester, monkeypatch, random_key("short")[:length])

    assert 4 == result.ret
    assert "BCTRL_API_KEY" in str(result.stderr)
    assert "eight characters" in str(result.stderr) or "8 characters" in str(result.stderr)
    assert not (pytester.path / "recordings").exists()


def test_recording_accepts_a_key_of_eight_characters(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run exits with 0 and writes one recording."""
    result = record(pytester, monkeypatch, random_key("short")[:8])

    assert 0 == result.ret
    assert 1 == len(list((pytester.path / "recordings").rglob("*.har")))


def record(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, key: str) -> pytest.RunResult:
    """Run a test that records a response of a server whose only key is `key`."""
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makepyfile(
        test_recorded="""
        import pytest

        @pytest.mark.bctrl_recording
        def test_lists_runtimes(bctrl_client, bctrl_space_id):
            assert bctrl_client.get(f"/v1/spaces/{bctrl_space_id}/runtimes").status_code == 200
        """
    )
    with serve_echoes(key, [], is_faulty=False) as server:
        return pytester.runpytest(
            "--bctrl-live",
            "--bctrl-record-mode=rewrite",
            f"--bctrl-base-url={server.url}",
            f"--bctrl-space-id={SPACE_ID}",
            "test_recorded.py",
        )


@pytest.mark.parametrize("key", ["failed", "passed", "ab12", "e"])
def test_a_weak_key_is_reported(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A key that is short, or a word that the tool prints, cannot be redacted everywhere, and the run says so."""
    pytester.makepyfile("def test_passes(): pass")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    poor = pytester.runpytest()
    monkeypatch.setenv("BCTRL_API_KEY", random_key("good"))
    good = pytester.runpytest()

    assert (0, 0) == (poor.ret, good.ret)
    assert "BCTRL_API_KEY" in str(poor.stdout) + str(poor.stderr)
    assert "BCTRL_API_KEY" not in str(good.stdout) + str(good.stderr)


def test_credentials_derived_from_the_key_are_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server records the credentials it received; those that resemble the key appear nowhere."""
    key = random_key("derived")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    with serve_echoes(key, ["body", "header"], is_faulty=False) as server:
        result = pytester.runpytest(
            "--bctrl-live",
            "bctrl",
            "-vv",
            "-l",
            "--log-cli-level=DEBUG",
            "--junitxml=junit.xml",
            "--bctrl-report=own.json",
            f"--bctrl-base-url={server.url}",
            f"--bctrl-space-id={SPACE_ID}",
        )
        tokens = {token for request in server.log for name, value in request.headers for token in value.split()[-1:]}

    derived = {token for token in tokens if len(covered_characters(key, {"": token.encode()})) > MOST_COVERED}
    streams = {"stdout": str(result.stdout), "stderr": str(result.stderr)}
    outputs = read_outputs(pytester.path, streams)
    # Derived credentials share their made-up letters with credentials that contain no part of the key.
    for token in tokens:
        if len(token) >= len(key) and not covered_characters(key, {"": token.encode()}):
            outputs = {name: data.replace(token.encode(), b"") for name, data in outputs.items()}
    assert len(derived) > 1
    for token in derived:
        assert_unrecognisable(token, outputs)


def test_the_failure_of_a_custom_item_is_redacted_in_reports(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`repr_failure` returns an object whose text, known only when it is written, has the key."""
    key = random_key("object")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makeconftest(
        """
        import os
        import pytest

        class Representation:
            def __str__(self):
                return "failed with " + os.environ["BCTRL_API_KEY"]

        class Note(pytest.Item):
            def runtest(self):
                raise ValueError("note")

            def repr_failure(self, excinfo):
                return Representation()

        class NoteFile(pytest.File):
            def collect(self):
                yield Note.from_parent(self, name="note")

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".note":
                return NoteFile.from_parent(parent, path=file_path)
        """
    )
    (pytester.path / "all.note").touch()

    result = pytester.runpytest("--junitxml=junit.xml")

    result.assert_outcomes(failed=1)
    report = (pytester.path / "junit.xml").read_text()
    assert "failed with " in report
    assert key not in report + str(result.stdout)


@pytest.mark.parametrize("fixture", ["capfd", "capfdbinary"])
@pytest.mark.parametrize("capture", ["no", "sys", "tee-sys"])
def test_unread_captured_output_is_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capture: str, fixture: str
) -> None:
    """What a test printed under `capfd` and did not read, also from a subprocess, has the mask."""
    key = random_key("descriptors")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makepyfile(
        f"""
        import os
        import subprocess

        def test_prints({fixture}):
            print("left", os.environ["BCTRL_API_KEY"])
            subprocess.run(["sh", "-c", "echo child $BCTRL_API_KEY"])
        """
    )

    result = pytester.runpytest_subprocess(f"--capture={capture}")

    result.assert_outcomes(passed=1)
    output = f"{result.stdout}{result.stderr}"
    assert f"left {MASK}" in output
    assert f"child {MASK}" in output
    assert_unrecognisable(key, {"output": output.encode()})


def test_a_junit_report_is_redacted_before_it_is_written(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file never contains the secret, not even if the process ends right after pytest wrote it."""
    key = random_key("junit")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makepyfile("import os\ndef test_it():\n    raise ValueError(os.environ['BCTRL_API_KEY'])\n")
    pytester.makeconftest(
        """
        import os
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_sessionfinish():
            print(open("junit.xml").read())
            os._exit(3)
        """
    )

    result = pytester.runpytest_subprocess("-s", "--junitxml=junit.xml")

    assert 3 == result.ret
    report = (pytester.path / "junit.xml").read_bytes()
    assert f"ValueError: {MASK}".encode() in report
    assert_unrecognisable(key, {"junit.xml": report})


@pytest.mark.parametrize("name", ["report.csv", "report.txt", "report.md", "report.html"])
def test_a_report_of_text_is_redacted_even_if_a_test_printed_a_nul_byte(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A NUL byte is typical of images and archives, which are not redacted."""
    key = random_key("nul")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    write_reports(pytester)

    result = pytester.runpytest_subprocess(f"--result={name}")

    result.assert_outcomes(passed=1)
    report = (pytester.path / name).read_bytes()
    assert f"\0 {MASK}\n".encode() == report


def test_an_image_that_an_option_names_is_not_changed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`report.png` keeps the key that the plugin wrote."""
    key = random_key("image")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    write_reports(pytester)

    pytester.runpytest_subprocess("--result=report.png")

    assert f"\0 {key}\n".encode() == (pytester.path / "report.png").read_bytes()


def test_what_a_plugin_adds_to_the_summary_of_a_github_job_is_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No option names this file."""
    key = random_key("summary")
    summary = pytester.path / "step_summary"
    summary.write_text("An earlier line.\n")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", os.fspath(summary))
    write_reports(pytester)

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)
    assert f"An earlier line.\nfailed with {MASK}\n" == summary.read_text()


def test_a_secret_in_the_name_of_a_file_that_a_report_links_to_is_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-html writes a file for each text that a test attaches, with the id of the test in its name."""
    key = random_key("asset")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makepyfile("def test_passes(): pass")
    pytester.makeconftest(
        """
        import os
        from pathlib import Path

        def pytest_addoption(parser):
            parser.addoption("--report")

        def pytest_sessionfinish(session):
            key = os.environ["BCTRL_API_KEY"]
            report = Path(session.config.getoption("--report"))
            names = [f"test_it_{key}_.txt", f"test_it_{key.upper()}_.txt", "test_other.txt"]
            report.write_text("".join(f"<a href='assets/{name}'>" for name in names))
            for name in names:
                path = report.parent / "assets" / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(name)
        """
    )
    name = f"report_{key}.html"

    result = pytester.runpytest_subprocess(f"--report={name}")

    result.assert_outcomes(passed=1)
    linked = f"test_it_{MASK}_.txt"
    assets = {path.name: path.read_text() for path in (pytester.path / "assets").iterdir()}
    assert {linked: linked, f"test_it_{MASK}_ 2.txt": linked, "test_other.txt": "test_other.txt"} == assets
    links = [f"<a href='assets/{link}'>" for link in (linked, linked, "test_other.txt")]
    assert "".join(links) == (pytester.path / name).read_text()


WATCHED = """
import os
import httpx

def test_watched():
    key = os.environ["BCTRL_API_KEY"]
    response = httpx.Response(200, json={"runtimes": [{key: key, "id": key}]})
    with httpx.Client(transport=httpx.MockTransport(lambda request: response)) as client:
        client.get("https://api.bctrl.ai/v1/spaces/a/runtimes", headers={"Authorization": f"Bearer {key}"})
"""


@pytest.mark.parametrize("run", ["watch", "suite", "check"])
def test_a_baseline_contains_no_secret(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: str) -> None:
    """Neither in the reason nor in the locations of findings."""
    key = random_key("baseline")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makeini("[pytest]")
    pytester.makepyfile(test_watched=WATCHED)
    (pytester.path / "body.json").write_text(json.dumps({"runtimes": [{key: key, "id": key}]}))
    options = [f"--bctrl-accept=known, with {key}", "--bctrl-fail-on=info"]
    with serve_echoes(key, ["body"], is_faulty=True) as server:
        settings = [f"--bctrl-base-url={server.url}", f"--bctrl-space-id={SPACE_ID}"]
        commands = {
            "watch": ["pytest", "test_watched.py", "--bctrl-watch", *options],
            "suite": ["pytest", "--bctrl-live", "bctrl", *settings, *options],
            "check": ["pytest_bctrl", "check", "body.json", "--fail-on=info", f"--accept=known, with {key}"],
        }
        result = pytester.run(sys.executable, "-m", *commands[run])

    assert 0 == result.ret
    baseline = (pytester.path / "bctrl-baseline.yaml").read_text()
    assert f'reason: "known, with {MASK}"' in baseline
    assert_unrecognisable(key, {"baseline": baseline.encode(), "output": f"{result.stdout}{result.stderr}".encode()})


def test_what_a_worker_prints_when_it_exits_is_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker shares its standard error with the controller."""
    key = random_key("worker")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    # This test may run in a worker itself.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makepyfile("def test_passes(): pass")
    pytester.makeconftest(
        """
        import atexit, os, sys

        def pytest_unconfigure():
            print("ends with", os.environ["BCTRL_API_KEY"], file=sys.stderr)

        if "PYTEST_XDIST_WORKER" in os.environ:
            atexit.register(lambda: print("exits with", os.environ["BCTRL_API_KEY"], file=sys.stderr))
        """
    )

    result = pytester.runpytest_subprocess("-n2")

    result.assert_outcomes(passed=1)
    assert 2 == str(result.stderr).count(f"exits with {MASK}")
    assert 3 == str(result.stderr).count(f"ends with {MASK}")
    assert_unrecognisable(key, {"stdout": str(result.stdout).encode(), "stderr": str(result.stderr).encode()})


def write_reports(pytester: pytest.Pytester) -> None:
    """Write a test, and a plugin that writes the key to the report of an option and to the summary of a GitHub job."""
    pytester.makepyfile("def test_passes(): pass")
    pytester.makeconftest(
        """
        import os

        def pytest_addoption(parser):
            parser.addoption("--result")

        def pytest_sessionfinish(session):
            key = os.environ["BCTRL_API_KEY"]
            if path := session.config.getoption("--result"):
                with open(path, "w", newline="") as file:
                    file.write(f"\\0 {key}\\n")
            if path := os.environ.get("GITHUB_STEP_SUMMARY"):
                with open(path, "a") as file:
                    file.write(f"failed with {key}\\n")
        """
    )


def test_many_runs_in_one_process_leave_no_wrappers(tmp_path: Path) -> None:
    """The stack below a write is as deep in the last run as in the second."""
    (tmp_path / "test_prints.py").write_text("def test_prints(): print('text')")
    (tmp_path / "runs.py").write_text(
        f"""
import io
import sys
import pytest

class Buffer(io.BytesIO):
    depth = 0

    def write(self, data):
        frame, depth = sys._getframe(), 0
        while frame := frame.f_back:
            depth += 1
        self.depth = max(self.depth, depth)
        return len(data)

buffer = Buffer()
stream = sys.__stdout__ = sys.stdout = io.TextIOWrapper(buffer, write_through=True)
depths = []
for _ in range({RUNS_IN_ONE_PROCESS}):
    buffer.depth = 0
    assert pytest.main(["-q", "-s", "-p", "no:cacheprovider", "test_prints.py"]) == 0
    depths.append(buffer.depth)
assert sys.stdout is stream
assert depths[1] == depths[-1], depths
"""
    )
    environment = os.environ | {
        "BCTRL_API_KEY": random_key("runs"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "-p bctrl",
    }

    completed = subprocess.run(
        [sys.executable, "runs.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert 0 == completed.returncode, completed.stderr


def test_a_file_that_cannot_be_redacted_is_reported_and_others_are_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing the first of two reports fails; standard error names it."""
    monkeypatch.setenv("BCTRL_API_KEY", "sk_live_8b1c6e0f4d2a9753")
    pytester.makeconftest(
        """
        from pathlib import Path

        def pytest_addoption(parser):
            parser.addoption("--other-report")

        def pytest_sessionfinish(session):
            Path(session.config.option.other_report).write_text("passed")
        """
    )
    pytester.makepyfile("def test_it():\n    pass\n")
    redacted: list[str] = []

    def fail_on_first(path: Path, _redaction: object) -> None:
        redacted.append(path.name)
        if len(redacted) == 1:
            raise PermissionError("no access")

    monkeypatch.setattr("pytest_bctrl.suite.report.sinks.redact_file", fail_on_first)
    result = pytester.runpytest("--junitxml=junit.xml", "--other-report=other.txt")
    assert {"junit.xml", "other.txt"} == set(redacted[:2])
    result.stderr.fnmatch_lines([f"bctrl: *{redacted[0]} could not be redacted (PermissionError)"])


@pytest.mark.parametrize(
    ("removed", "output"),
    [
        (
            "from _pytest import capture\ndel capture.FDCapture.writeorg, capture.FDCaptureBinary.writeorg",
            "output that capfd captured",
        ),
        ("import _pytest.pastebin\ndel _pytest.pastebin.create_new_paste", "the upload of --pastebin"),
    ],
    ids=["capture", "pastebin"],
)
def test_a_version_of_pytest_whose_output_cannot_be_redacted_is_reported(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, removed: str, output: str
) -> None:
    """A private function of pytest is missing: a line says which output may contain secrets."""
    monkeypatch.setenv("BCTRL_API_KEY", random_key("private"))
    pytester.makepyfile("def test_passes(): pass")
    pytester.makepyfile(other_pytest=removed)
    pytester.syspathinsert()

    complete = pytester.runpytest_subprocess("--pastebin=failed")
    result = pytester.runpytest_subprocess("-p", "other_pytest", "--pastebin=failed")

    assert "may contain secrets" not in f"{complete.stdout}{complete.stderr}"
    result.stdout.fnmatch_lines([f"bctrl: pytest {pytest.__version__} has no *, so {output}* may contain secrets; *"])
