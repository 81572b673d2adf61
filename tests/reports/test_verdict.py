"""The verdict of a report: its status, and the sentence with the reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.verdict import RanTest, RunReport, Title, verdict_of
from tests.reports.examples import CONTRACT

ERROR = Finding("r", "error", "a", "m")
ACCEPTED = replace(ERROR, extra={"accepted": {"reason": "r", "expires": "2027-01-31", "where": "w"}})
WARNING = Finding("r", "warning", "a", "m")


def run(*outcomes: Any, **fields: Any) -> RunReport:
    """Return a run with these outcomes of its tests."""
    tests = tuple(RanTest(f"t{number}", outcome, 0.0) for number, outcome in enumerate(outcomes))
    return RunReport(CONTRACT, tests=tests, **fields)


@pytest.mark.parametrize(
    ("findings", "title", "run_report", "status"),
    [
        ([], Title("t"), run("passed"), "passed"),
        ([WARNING], Title("t"), run("passed"), "passed"),
        ([WARNING], Title("t", fail_on="warning"), run("passed"), "failed"),
        ([ERROR], Title("t"), run("failed"), "failed"),
        ([ERROR], Title("t", fail_on="never"), run("passed"), "passed"),
        ([], Title("t"), run("passed", "failed"), "failed"),
        ([], Title("t"), run("passed", "error"), "failed"),
        ([], Title("t"), run(), "not checked"),
        ([], Title("t"), run("skipped", "skipped"), "not checked"),
        ([WARNING], Title("t"), run("skipped"), "not checked"),
        ([], Title("t"), run("passed", is_complete=False), "not checked"),
        ([ERROR], Title("t"), run("failed", is_complete=False), "failed"),
        ([], Title("t", not_checked=("x",)), run("passed", "not checked"), "not checked"),
        ([], Title("t"), None, "passed"),
        ([ERROR], Title("t"), None, "failed"),
        ([], Title("t", not_checked=("one file",)), None, "not checked"),
        ([ERROR], Title("t", not_checked=("one file",)), None, "failed"),
        ([ACCEPTED], Title("t"), run("accepted"), "passed"),
        ([ACCEPTED, ERROR], Title("t"), run("accepted", "failed"), "failed"),
        ([], Title("t"), run("passed", shortfall="too little was seen"), "failed"),
    ],
)
def test_status_of_the_verdict(
    findings: list[Finding], title: Title, run_report: RunReport | None, status: str
) -> None:
    """Passed, failed or not checked: by findings, the failing level, and the outcomes of the tests."""
    assert status == verdict_of(findings, title, run_report).status


@pytest.mark.parametrize(
    ("findings", "run_report", "sentence"),
    [
        ([ERROR], run("failed", "passed"), "1 error fails the run; 1 of 2 tests failed."),
        ([ERROR, ERROR], None, "2 errors with 1 cause fail the run."),
        ([], run("passed", "skipped"), "No findings; 1 of 2 tests passed; 1 skipped."),
        ([WARNING], run("passed"), "1 warning, at which the run does not fail; 1 of 1 test passed."),
        ([], run("passed", "accepted"), "No findings; 1 of 2 tests passed; the findings of 1 test are accepted."),
        ([], run(), "Nothing was checked."),
    ],
)
def test_sentence_of_the_verdict(findings: list[Finding], run_report: RunReport | None, sentence: str) -> None:
    """The expected text for findings and the outcomes of tests."""
    assert sentence == verdict_of(findings, Title("t"), run_report).sentence


def test_the_sentence_has_the_reason_why_something_was_not_checked() -> None:
    """`verdict_of` a run whose drift was not checked because a file is missing."""
    title = Title("t", not_checked=("the drift of the spec: no such file",))
    assert "no such file" in verdict_of([], title, run("not checked")).sentence
    assert "no such file" in verdict_of([], title, run("passed", "not checked")).sentence
