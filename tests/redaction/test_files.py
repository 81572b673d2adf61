"""Files that a run writes are redacted: reports, assets of a page, job summaries and baselines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from pytest_bctrl.secrets.redaction import MASK
from tests.redaction.echoing_server import serve_echoes
from tests.redaction.fragments import assert_unrecognisable
from tests.redaction.runs import random_key
from tests.variants.runtimes import SPACE_ID


def test_a_junit_report_is_redacted_before_it_is_written(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It contains no secret when the last hook reads it, after which the process ends at once."""
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
    """It is redacted by its suffix, although a NUL byte is typical of images and archives."""
    key = random_key("nul")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    write_reporting_project(pytester)

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
    write_reporting_project(pytester)

    pytester.runpytest_subprocess("--result=report.png")

    assert f"\0 {key}\n".encode() == (pytester.path / "report.png").read_bytes()


def test_what_a_plugin_adds_to_the_summary_of_a_github_job_is_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No option names this file; a line that it had before stays."""
    key = random_key("summary")
    summary = pytester.path / "step_summary"
    summary.write_text("An earlier line.\n")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", os.fspath(summary))
    write_reporting_project(pytester)

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
    """The key is in the reason and in the locations of findings: baseline and output have a mask instead."""
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


def write_reporting_project(pytester: pytest.Pytester) -> None:
    """Write a test, and a conftest that writes the key to the report of an option and to a GitHub job summary."""
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


def test_a_file_that_cannot_be_redacted_is_reported_and_others_are_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redacting the first of two reports fails: standard error names it, and the second one is redacted."""
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


def test_a_report_that_a_plugin_keeps_open_is_redacted_as_it_is_written(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin opens its report before the run and writes the key to it: the file never contains the key."""
    key = random_key("open")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    pytester.makepyfile("def test_passes(): pass")
    pytester.makeconftest(
        """
        import os
        from pathlib import Path

        class Reporter:
            def __init__(self, path):
                self.file = open(path, "w", buffering=1)

            def pytest_runtest_logreport(self, report):
                self.file.write(f"{report.when} {os.environ['BCTRL_API_KEY']}\\n")

            def pytest_sessionfinish(self):
                Path("copy").write_bytes(Path(self.file.name).read_bytes())
                self.file.close()

        def pytest_addoption(parser):
            parser.addoption("--other-report")

        def pytest_configure(config):
            config.pluginmanager.register(Reporter(config.getoption("--other-report")))
        """
    )
    assert 0 == pytester.runpytest("--other-report=other.txt").ret
    during, report = ((pytester.path / name).read_text() for name in ("copy", "other.txt"))
    assert f"call {MASK}" in during
    assert during == report
    assert_unrecognisable(key, {"report": report.encode()})


@pytest.mark.parametrize("mode", ["failed", "all"])
def test_what_is_uploaded_to_a_paste_service_is_redacted(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The text of a failure, and the bytes of the whole output, contain the mask in place of the key."""
    key = random_key("paste")
    monkeypatch.setenv("BCTRL_API_KEY", key)
    uploaded: list[str | bytes] = []

    def upload(contents: str | bytes) -> str:
        """Keep the contents in place of an upload."""
        uploaded.append(contents)
        return "https://paste.test/1"

    monkeypatch.setattr("_pytest.pastebin.create_new_paste", upload)
    pytester.makepyfile("import os\ndef test_it():\n    raise ValueError(os.environ['BCTRL_API_KEY'])\n")
    pytester.runpytest(f"--pastebin={mode}")
    (contents,) = uploaded
    data = contents.encode() if isinstance(contents, str) else contents
    assert f"ValueError: {MASK}".encode() in data
    assert_unrecognisable(key, {"paste": data})


def test_reports_that_cannot_be_listed_are_an_error_of_the_run_that_is_printed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome of the tests stays, and standard error says that a report may not be redacted."""
    monkeypatch.setenv("BCTRL_API_KEY", random_key("listing"))
    pytester.makepyfile("def test_passes(): pass")

    def refuse(*_: object) -> None:
        raise PermissionError("no access")

    monkeypatch.setattr("pytest_bctrl.suite.report.sinks.changed_files", refuse)
    result = pytester.runpytest("--junitxml=junit.xml")
    assert 0 == result.ret
    result.stderr.fnmatch_lines(["bctrl: not every report could be redacted (PermissionError)"])
