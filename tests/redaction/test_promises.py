"""Promises of redaction that single examples show: visible text, rejected and weak keys, captured output, workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bctrl.secrets.redaction import MASK
from tests.redaction.echoing_server import serve_echoes
from tests.redaction.fragments import assert_unrecognisable, read_outputs, shown_parts
from tests.redaction.runs import random_key
from tests.variants.runtimes import SPACE_ID

RUNS_IN_ONE_PROCESS = 12


@pytest.mark.parametrize("prefix", ["sk_live_", "bctrl_test_", "ghp_"])
def test_a_public_prefix_of_the_key_is_shown(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """Terminal and JUnit report show it in a message, since readers need to know the format of a key."""
    monkeypatch.setenv("BCTRL_API_KEY", prefix + random_key(prefix)[:22])
    pytester.makepyfile(f"def test_prefix(): raise ValueError('key must start with {prefix}')")

    result = pytester.runpytest("--junitxml=junit.xml")

    result.stdout.fnmatch_lines([f"E*ValueError: key must start with {prefix}"])
    assert f"key must start with {prefix}" in (pytester.path / "junit.xml").read_text()


@pytest.mark.parametrize("length", [1, 4, 5, 6, 7])
def test_recording_rejects_a_short_key(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """The run is a usage error and records nothing: some encodings of a short key are too common to be searched for."""
    result = run_recording(pytester, monkeypatch, random_key("short")[:length])

    assert 4 == result.ret
    assert "BCTRL_API_KEY" in str(result.stderr)
    assert "eight characters" in str(result.stderr) or "8 characters" in str(result.stderr)
    assert not (pytester.path / "recordings").exists()


def test_recording_accepts_a_key_of_eight_characters(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run exits with 0 and writes one recording."""
    result = run_recording(pytester, monkeypatch, random_key("short")[:8])

    assert 0 == result.ret
    assert 1 == len(list((pytester.path / "recordings").rglob("*.har")))


def run_recording(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, key: str) -> pytest.RunResult:
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
    """The output names the variable of a key that is short or a word of pytest, but not that of a random key."""
    pytester.makepyfile("def test_passes(): pass")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    weak_run = pytester.runpytest()
    monkeypatch.setenv("BCTRL_API_KEY", random_key("good"))
    random_run = pytester.runpytest()

    assert (0, 0) == (weak_run.ret, random_run.ret)
    assert "BCTRL_API_KEY" in str(weak_run.stdout) + str(weak_run.stderr)
    assert "BCTRL_API_KEY" not in str(random_run.stdout) + str(random_run.stderr)


def test_credentials_derived_from_the_key_are_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the credentials that the server received, those that resemble the key are in no output or file."""
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

    derived = {token for token in tokens if shown_parts(key, {"": token.encode()})}
    streams = {"stdout": str(result.stdout), "stderr": str(result.stderr)}
    outputs = read_outputs(pytester.path, streams)
    # Derived credentials share their made-up letters with credentials that contain no part of the key.
    for token in tokens:
        if len(token) >= len(key) and not shown_parts(key, {"": token.encode()}):
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

        def write(word):
            # In one call: two workers may write at the same time.
            sys.stderr.write(f"{word} with {os.environ['BCTRL_API_KEY']}\\n")

        def pytest_unconfigure():
            write("ends")

        if "PYTEST_XDIST_WORKER" in os.environ:
            atexit.register(write, "exits")
        """
    )

    result = pytester.runpytest_subprocess("-n2")

    result.assert_outcomes(passed=1)
    assert 2 == str(result.stderr).count(f"exits with {MASK}")
    assert 3 == str(result.stderr).count(f"ends with {MASK}")
    assert_unrecognisable(key, {"stdout": str(result.stdout).encode(), "stderr": str(result.stderr).encode()})


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


def test_a_trace_that_cannot_be_redacted_is_an_error_of_runs_with_a_trace_only(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private attribute of pluggy is missing: a run passes, and is rejected with `--debug` or `PYTEST_DEBUG`."""
    monkeypatch.setenv("BCTRL_API_KEY", random_key("trace"))
    pytester.makepyfile("def test_passes(): pass")
    pytester.makepyfile(
        other_pluggy="""
        from pluggy._tracing import TagTracer

        class OtherTracer(TagTracer):
            @property
            def _writer(self):
                raise AttributeError("_writer")

            def setwriter(self, writer):
                pass

            def _processmessage(self, tags, args):
                pass

        def pytest_addoption(parser, pluginmanager):
            pluginmanager.trace.root.__class__ = OtherTracer
        """
    )
    pytester.syspathinsert()

    assert 0 == pytester.runpytest_subprocess("-p", "other_pluggy").ret
    rejected = pytester.runpytest_subprocess("-p", "other_pluggy", "--debug")
    monkeypatch.setenv("PYTEST_DEBUG", "1")
    rejected_too = pytester.runpytest_subprocess("-p", "other_pluggy")

    for result in (rejected, rejected_too):
        assert pytest.ExitCode.USAGE_ERROR == result.ret
        message = "bctrl: --debug: the trace cannot be redacted (run without --debug and PYTEST_DEBUG)"
        result.stderr.fnmatch_lines([f"*{message}"])
