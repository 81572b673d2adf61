"""In a job of GitHub Actions a contract run writes annotations and a job summary, unless the setting disables it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.suite.conftest import LiveRun
from tests.variants import named, serve

COMMAND = re.compile(r"^::(error|warning|notice) (.*?)::(.*)$", re.MULTILINE)


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Set the variables of a GitHub Actions job, and return the file of its summary."""
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    return summary


def test_findings_are_annotations_and_appended_to_the_job_summary(live: LiveRun, job: Path) -> None:
    """The text that the file had stays in front of the summary."""
    job.write_text("# what was there before\n", "utf-8")
    with serve(named("status-not-in-enum-1")) as server:
        commands = COMMAND.findall(live(server).stdout.str())

    assert ("error", "title=response_schema_conformance") == commands[0][:2]
    assert "runtimes[*].status" in commands[0][2]
    text = job.read_text("utf-8")
    assert text.startswith("# what was there before\n\n## contract run: ")
    assert "❌ **Failed.**" in text


def test_a_run_with_workers_writes_one_job_summary(job: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest("--bctrl-mock", "-k", "answer_conforms or credential", "-n", "2")

    assert 1 == job.read_text("utf-8").count("## contract run")


@pytest.mark.parametrize("off", ["option", "ini", "outside of a job"])
def test_no_annotations_are_written_if_disabled_or_outside_a_job(
    pytester: pytest.Pytester, live: LiveRun, job: Path, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    if off == "ini":
        pytester.makeini("[pytest]\nbctrl_github = off\n")
    if off == "outside of a job":
        monkeypatch.delenv("GITHUB_ACTIONS")
    with serve(named("status-not-in-enum-1")) as server:
        result = live(server, "-k", "answer_conforms", *(["--bctrl-github=off"] if off == "option" else []))

    assert (1, []) == (result.ret, COMMAND.findall(result.stdout.str()))
    assert not job.exists()


def test_a_job_summary_that_cannot_be_written_is_reported(job: Path, pytester: pytest.Pytester) -> None:
    job.mkdir()

    result = pytester.runpytest("--bctrl-mock")

    result.stdout.fnmatch_lines(["bctrl: the job summary is not written: *"])


def test_the_key_is_in_neither_annotations_nor_job_summary(live: LiveRun, job: Path) -> None:
    """The server rejects the right key with 401."""
    with serve(named("401-for-right-key")) as server:
        text = live(server).stdout.str()
        assert server.api_key not in text + job.read_text("utf-8")
    assert COMMAND.findall(text)
