"""Every format holds every finding, and is what it says it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from pytest_bctrl.contract.document import load_document
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports.drift_text import drift_text
from pytest_bctrl.reports.findings_json import findings_json, findings_schema
from pytest_bctrl.reports.github import findings_github, findings_markdown
from pytest_bctrl.reports.junit import findings_junit
from pytest_bctrl.reports.sarif import findings_sarif
from pytest_bctrl.reports.verdict import Title

from .expected import findings_of_example
from .published import TEXT, page, written

_CHANGED = (
    TEXT.replace("- failed", "- failed\n        - paused")
    .replace("        region:\n          type: string", "        region:\n          type: integer")
    .replace("        summary:\n          $ref", "        overview:\n          $ref")
)
_BASE = load_document(TEXT, "contracts/spec.yaml")
FINDINGS = compare(_BASE, load_document(page(_CHANGED), "https://example.invalid/list.md"))
TITLE = Title("drift", "contracts/spec.yaml", "https://example.invalid/list.md", "error", ("one note",))
NASTY = Finding(
    "a-rule", "error", "a|b`c\x1b[2J", "</td>]]> \x00 | `x` <b>\n::error::%0A @all \ud800", expected={"a": [1]},
    observed="\x07",
    operation="GET /a,b:c", fingerprint="f" * 16,
)  # fmt: skip
SARIF_SCHEMA = json.loads(Path(__file__).with_name("data").joinpath("sarif-2.1.0.json").read_text("utf-8"))


def test_the_example_findings_cover_every_level() -> None:
    assert {finding.level for finding in FINDINGS} == {"error", "warning", "info"}


@pytest.mark.parametrize("findings", [FINDINGS, [], [NASTY]], ids=["some", "none", "nasty"])
class TestEveryFormat:
    def test_text_lists_every_fingerprint(self, findings: list[Finding]) -> None:
        """It contains no control characters."""
        text = drift_text(findings, TITLE)
        shown = [line.split()[-1] for line in text.splitlines() if re.match(" +id ", line)]
        assert sorted(shown) == sorted(finding.fingerprint for finding in findings)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", text)

    def test_json_conforms_to_its_published_schema(self, findings: list[Finding]) -> None:
        report = json.loads(findings_json(findings, TITLE))
        jsonschema.Draft202012Validator.check_schema(findings_schema())
        jsonschema.validate(report, findings_schema(), cls=jsonschema.Draft202012Validator)
        assert [finding["fingerprint"] for finding in report["findings"]] == [
            finding.fingerprint for finding in findings
        ]

    def test_sarif_conforms_to_the_official_schema(self, findings: list[Finding]) -> None:
        log = json.loads(findings_sarif(findings, TITLE))
        jsonschema.validate(log, SARIF_SCHEMA, cls=jsonschema.Draft4Validator)
        results = log["runs"][0]["results"]
        assert [result["partialFingerprints"]["bctrl/v1"] for result in results] == [
            finding.fingerprint for finding in findings
        ]

    def test_sarif_results_refer_to_their_rules(self, findings: list[Finding]) -> None:
        run = json.loads(findings_sarif(findings, TITLE))["runs"][0]
        for result in run["results"]:
            assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]

    def test_junit_failures_are_the_findings_of_level_error(self, findings: list[Finding]) -> None:
        suite = ET.fromstring(findings_junit(findings, TITLE)).find("testsuite")
        assert suite is not None
        assert len(suite.findall("testcase")) == int(suite.attrib["tests"]) == max(len(findings), 1)
        failed = sum(finding.level == "error" for finding in findings)
        assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"]) == failed

    def test_markdown_has_a_row_per_finding(self, findings: list[Finding]) -> None:
        rows = [line for line in findings_markdown(findings, TITLE).splitlines() if line.startswith("| ")]
        assert sum(not row.startswith("| what") for row in rows) == len(findings)
        for table in findings_markdown(findings, TITLE).split("\n\n"):
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines() if row.startswith("|")}
            assert cells in (set(), {4}, {5})

    def test_github_has_an_annotation_per_finding(self, findings: list[Finding]) -> None:
        """And one for the note of the report."""
        lines = findings_github(findings, TITLE).splitlines()
        assert len(lines) == len(findings) + 1
        assert all(re.fullmatch(r"::(error|warning|notice) [^:]*::.*", line) for line in lines)


def test_github_annotates_the_line_of_the_vendored_file() -> None:
    """The annotation of a changed enum has the file and line of the old document."""
    finding = next(finding for finding in FINDINGS if finding.rule == "response-property-enum-value-added")
    line = findings_github([finding], TITLE).splitlines()[0]
    assert f"file=contracts/spec.yaml,line={finding.extra['base']['line']}," in line


def test_text_is_sorted_by_level_and_shows_both_locations() -> None:
    text = drift_text(FINDINGS, TITLE)
    levels = re.findall(r"^\n(?:#.*\n\n  )?(ERROR|WARNING|INFO) ", text, re.MULTILINE)
    assert levels == sorted(levels, key=["ERROR", "WARNING", "INFO"].index)
    assert re.search(r"^ +old  contracts/spec.yaml:\d+ #/components/", text, re.MULTILINE)
    assert re.search(r"^ +new  https://example.invalid/list.md:\d+ #/components/", text, re.MULTILINE)


def test_a_fingerprint_does_not_depend_on_lines_or_spelling() -> None:
    """Comments and renamed components in the old document keep all fingerprints."""
    moved = load_document("# moved\n\n" + TEXT.replace("V1SpacesId", "Other"), "other.yaml")
    again = compare(moved, load_document(_CHANGED, "x.yaml"))
    assert [finding.fingerprint for finding in again] == [finding.fingerprint for finding in FINDINGS]


def test_no_two_rules_share_a_fingerprint() -> None:
    prints = [findings_of_example(rule)[0].fingerprint for rule in rules()]
    assert len(set(prints)) == len(rules())


def test_reports_are_deterministic(tmp_path: Path) -> None:
    """Processes with different hash seeds write the same JSON: the order is that of the documents."""
    words = [f"v{number}" for number in range(12)]
    text = TEXT.replace("- failed", "\n        - ".join(["- failed", *words])).replace(
        "- subpackage_spaces", "\n        - ".join(["- a", *words])
    )
    arguments = ["drift", written(tmp_path, text, "new.yaml"), "--base", written(tmp_path, TEXT, "base.yaml")]
    reports = {
        subprocess.run(
            [sys.executable, "-m", "pytest_bctrl", *arguments, "--format", "json"],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=False,
        ).stdout
        for seed in range(3)
    }
    assert len(reports) == 1
