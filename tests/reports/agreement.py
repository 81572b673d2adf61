"""The numbers in the reports of one run: verdict, findings, causes and failed tests, and those that differ."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

FORMATS = ("json", "html", "xml", "sarif", "md")
"""The formats of `--bctrl-report` and of the proxy's `--report`."""

RUN_OPTIONS = (*(f"--bctrl-report=report.{suffix}" for suffix in FORMATS), "--junitxml=junit.xml")
"""The options with which a run of pytest writes every report."""

CHECK_FORMATS = {
    "json": "report.json",
    "html": "report.html",
    "junit": "report.xml",
    "sarif": "report.sarif",
    "markdown": "report.md",
    "text": "text",
}
"""Each `--format` of `pytest-bctrl check`, and the name of the file with its output."""

Number = tuple[str, str, object]
"""The name of a report, of a number in it, and the number or text."""

_STATUSES = {0: "passed", 1: "failed", 2: "not checked"}
_SARIF_LEVELS = {"error": "error", "warning": "warning", "note": "info"}
_LEVELS = ("error", "warning", "info")
_VERDICT = re.compile(r"^(?P<status>passed|failed|not checked) {2,}(?P<sentence>.+)$", re.MULTILINE)
_ERROR_BLOCK = re.compile(r"^error \w+: .*(?:\n {2}\S.*)*", re.MULTILINE)
_CHECKED = re.compile(
    r"^\d+ exchanges?: .*?; (?P<levels>[^;]+?)(?:, \d+ of them accepted)? under contract", re.MULTILINE
)
_FAILING = re.compile(r"^(?P<levels>[^;]+?)(?: with (?P<causes>\d+) causes?)? fails? the run")
_TESTS = re.compile(r"(?P<failed>\d+) of (?P<tests>\d+) tests? failed")


def disagreements(folder: Path, code: int) -> list[str]:
    """Return a line for each number that differs between two reports of a finished run in this folder.

    `code` is its exit code, `stdout` its output in text, and `report.*` and `junit.xml` its reports, if it wrote them.
    """
    seen: dict[str, dict[object, list[str]]] = {}
    for report, name, value in (*_numbers_of_code(folder, code), *_numbers_of_reports(folder)):
        seen.setdefault(name, {}).setdefault(value, []).append(report)
    return [f"{name}: {_listed(values)}" for name, values in seen.items() if len(values) > 1]


def assert_agreement(folder: Path, code: int, output: str) -> None:
    """Save the output of a finished run to its folder, and compare it with the reports there."""
    (folder / "stdout").write_text(output, "utf-8")
    assert [] == disagreements(folder, code)


def _listed(values: dict[object, list[str]]) -> str:
    """Return values with the reports that have them."""
    return "; ".join(f"{value!r} in {', '.join(reports)}" for value, reports in values.items())


def _numbers_of_code(folder: Path, code: int) -> Iterator[Number]:
    """Yield the status that the exit code stands for; none if a setting is wrong or there was nothing to run."""
    # A test of the project may fail for a reason that is not about the contract.
    fails_otherwise = (folder / "junit.xml").exists() and code == 1
    if code in _STATUSES and not fails_otherwise:
        yield "exit code", "status", _STATUSES[code]


def _numbers_of_reports(folder: Path) -> Iterator[Number]:
    """Yield the numbers of each report that exists."""
    readers = {
        "report.json": _numbers_of_json,
        "report.html": _numbers_of_html,
        "report.xml": _numbers_of_xml,
        "report.sarif": _numbers_of_sarif,
        "report.md": _numbers_of_markdown,
        "junit.xml": _numbers_of_junit,
        "stdout": _numbers_of_output,
        "text": _numbers_of_text,
    }
    for name, read in readers.items():
        path = folder / name
        if path.exists():
            for number, value in read(path.read_text("utf-8", "replace")):
                yield name, number, value


def _numbers_of_json(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the JSON report, as it states them and as its lists have them."""
    yield from _numbers_of_data(json.loads(text))


def _numbers_of_html(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the data in the page, and the verdict above it."""
    script = re.search(r'<script type="application/json" id="report">(.*?)</script>', text, re.DOTALL)
    assert script is not None
    yield from _numbers_of_data(json.loads(script[1]))


def _numbers_of_data(data: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the numbers of a report as data."""
    findings, summary, causes = data["findings"], data["summary"], data.get("causes", [])
    limit = _LEVELS.index(data["fail_on"]) if data["fail_on"] != "never" else -1
    failing = [one for one in findings if _LEVELS.index(one["level"]) <= limit and "accepted" not in one]
    yield "status", data["verdict"]["status"]
    yield from _numbers_of_sentence(data["verdict"]["sentence"])
    yield "findings", len(findings)
    for level in _LEVELS:
        yield level, summary[level]
        yield level, sum(one["level"] == level for one in findings)
    yield "accepted", summary["accepted"]
    yield "accepted", sum("accepted" in one for one in findings)
    yield "failing", summary["failing"]
    yield "failing", len(failing)
    numbers = {one["cause"] for one in failing if "cause" in one}
    yield "failing causes", len(numbers)
    yield "failing causes", sum(_LEVELS.index(one["level"]) <= limit and not one["accepted"] for one in causes)
    errors = [cause for cause in causes if cause["level"] == "error" and not cause["accepted"]]
    if failing and limit >= 0:
        yield "errors that fail, as causes", len(errors)
    yield "operations of causes", True
    for number, cause in enumerate(causes):
        operations = {one["operation"] for one in findings if one.get("cause") == number and one["operation"]}
        yield "operations of causes", operations == set(cause["operations"])
    if "tests" in data:
        outcomes = Counter(test["outcome"] for test in data["tests"])
        yield "failed tests", outcomes["failed"] + outcomes["error"] + outcomes["not checked"]
        explained = {test for one in failing for test in _tests_of(one)}
        failed = {test["id"] for test in data["tests"] if test["outcome"] in ("failed", "error")}
        yield "failed tests without finding", len(failed - explained)


def _tests_of(finding: dict[str, Any]) -> set[str]:
    """Return the node ids of the tests that found a finding."""
    return {*finding.get("tests", ()), *(origin["test"] for origin in finding.get("watched", ()))}


def _numbers_of_sentence(sentence: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers in the sentence of a verdict, and the sentence."""
    yield "sentence", sentence
    failing = _FAILING.search(sentence)
    if failing:
        number = sum(map(int, re.findall(r"\d+", failing["levels"])))
        yield "failing", number
        if failing["causes"]:
            yield "failing causes", int(failing["causes"])
    tests = _TESTS.search(sentence)
    if tests:
        yield "failed tests", int(tests["failed"])


def _numbers_of_xml(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the JUnit report of findings, as it states them and as its cases have them."""
    suite = ET.fromstring(text)[0]
    for name, tag in (("failing", "failure"), ("failed tests without finding", "error")):
        yield name, int(str(suite.get(f"{tag}s")))
        yield name, len(suite.findall(f"testcase/{tag}"))
    yield (
        "findings",
        sum(
            case.find("error") is None and case.find("skipped") is None and case.get("name") != "no findings"
            for case in suite
        ),
    )


def _numbers_of_sarif(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the results of a SARIF log."""
    results = json.loads(text)["runs"][0]["results"]
    yield "findings", len(results)
    for level in _LEVELS:
        yield level, sum(_SARIF_LEVELS[one["level"]] == level for one in results)
    yield "accepted", sum("suppressions" in one for one in results)


def _numbers_of_markdown(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the heading of a job summary."""
    yield from _numbers_of_levels(text.partition("\n")[0])


def _numbers_of_levels(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of findings by level in a text such as `2 errors, 1 info`."""
    for level in _LEVELS:
        number = re.search(rf"(\d+) {level}", text)
        yield level, int(number[1]) if number else 0


def _numbers_of_junit(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of pytest's own JUnit report."""
    cases = ET.fromstring(text)[0].findall("testcase")
    yield "failed tests", sum(case.find("failure") is not None or case.find("error") is not None for case in cases)


def _numbers_of_output(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of standard output, which may be the JSON report."""
    if text.startswith("{"):
        yield from _numbers_of_json(text)
    else:
        yield from _numbers_of_text(text)


def _numbers_of_text(text: str) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the verdict and of pytest's last line, and the number of blocks with errors."""
    checked = _CHECKED.search(text)
    if checked is not None:
        # The text of `check` has no verdict, and its rows "not checked" are about parts of exchanges.
        yield from _numbers_of_levels(checked["levels"])
        yield "errors that fail, as causes", _error_blocks(text)
        return
    verdict = _verdict(text)
    if verdict is None:
        return
    yield "status", verdict["status"]
    if verdict["status"] == "not checked":
        # It has the reason only.
        return
    yield from _numbers_of_sentence(verdict["sentence"])
    if _FAILING.search(verdict["sentence"]):
        yield "errors that fail, as causes", _error_blocks(text)
    last_line = text.splitlines()[-1]
    numbers = re.findall(r"(\d+) (?:failed|errors?)\b", last_line)
    # pytest counts a test twice that fails and then has an error.
    if len(numbers) == 1:
        yield "failed tests", int(numbers[0])


def _verdict(text: str) -> re.Match[str] | None:
    """Return the row of the verdict; further rows "not checked" are about parts of the run."""
    rows = list(_VERDICT.finditer(text))
    decided = [row for row in rows if row["status"] != "not checked"]
    return next(reversed(decided or rows), None)


def _error_blocks(text: str) -> int:
    """Return the number of blocks with an error that is not accepted."""
    return sum("\n  accepted " not in block for block in _ERROR_BLOCK.findall(text))
