"""All reports of a run have the same numbers, and the comparison finds a number that differs in one of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pytest_bctrl.reports import SUFFIXES, writer
from tests.reports.agreement import disagreements
from tests.reports.examples import Example, attributed, drift, failed, hostile, many, passed, unchecked

EXAMPLES = [failed, passed, unchecked, drift, attributed, hostile, partial(many, 40)]
OUTPUT = """error strict_json: the body is not JSON
  where     body
error unique_ids: an id occurs twice
failed       2 errors fail the run; 2 of 3 tests failed
===== 2 failed, 1 passed in 0.10s =====
"""


def write_reports(example: Example, folder: Path) -> None:
    """Write the reports of a run in each format that has a suffix."""
    for suffix, name in SUFFIXES.items():
        text = writer(name)(example.findings, example.title, example.run)
        (folder / f"report{suffix}").write_text(text, "utf-8")


@pytest.mark.parametrize("example", EXAMPLES)
def test_reports_of_the_same_findings_agree(example: Callable[[], Example], tmp_path: Path) -> None:
    write_reports(example(), tmp_path)
    assert [] == disagreements(tmp_path, 5)


@pytest.mark.parametrize(
    ("report", "pattern", "replacement", "number"),
    [
        ("report.json", r'"error": \d+', '"error": 99', "error"),
        ("report.json", r'"status": "failed"', '"status": "passed"', "status"),
        ("report.json", r'"failing": \d+', '"failing": 0', "failing"),
        ("report.html", r'"accepted":0', '"accepted":1', "accepted"),
        ("report.html", r'"outcome":"failed"', '"outcome":"passed"', "failed tests"),
        ("report.xml", r' failures="\d+"', ' failures="99"', "failing"),
        ("report.sarif", r'"level": "error",\s+"message"', '"level": "note", "message"', "info"),
        ("report.md", r"\d+ errors", "99 errors", "error"),
    ],
)
def test_a_number_that_differs_is_found(
    report: str, pattern: str, replacement: str, number: str, tmp_path: Path
) -> None:
    write_reports(failed(), tmp_path)
    path = tmp_path / report
    changed, count = re.subn(pattern, replacement, path.read_text("utf-8"), count=1)
    path.write_text(changed, "utf-8")
    assert 1 == count
    assert number in {line.partition(":")[0] for line in disagreements(tmp_path, 5)}


@pytest.mark.parametrize(
    ("output", "code", "expected"),
    [
        (OUTPUT, 1, []),
        (OUTPUT, 0, ["status"]),
        (OUTPUT.replace("2 errors", "3 errors"), 1, []),
        (OUTPUT.replace("2 errors fail", "2 errors with 1 cause fail"), 1, []),
        (OUTPUT.replace("2 of 3 tests", "1 of 3 tests"), 1, ["failed tests"]),
        (f"not checked  status 404\n{OUTPUT}", 1, []),
    ],
)
def test_the_output_is_compared_with_itself_and_the_exit_code(
    output: str, code: int, expected: list[str], tmp_path: Path
) -> None:
    """A row "not checked" above the verdict is about a part of the run."""
    (tmp_path / "stdout").write_text(output, "utf-8")
    assert expected == [line.partition(":")[0] for line in disagreements(tmp_path, code)]
