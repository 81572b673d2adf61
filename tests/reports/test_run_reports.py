"""Every format of a run's report is what it says it is, also where every text is hostile."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from pytest_bctrl.reports import html
from pytest_bctrl.reports.findings_json import findings_json, findings_schema
from pytest_bctrl.reports.github import LIMIT, SHOWN, append_summary, findings_markdown, shown_commands
from pytest_bctrl.reports.junit import findings_junit, junit_properties
from pytest_bctrl.reports.sarif import findings_sarif
from tests.reports.examples import Example, attributed, drift, failed, hostile, many, passed, unchecked

SARIF_SCHEMA = json.loads((Path(__file__).parent.parent / "drift" / "data" / "sarif-2.1.0.json").read_text("utf-8"))
EXAMPLES = [failed, passed, unchecked, drift, attributed, hostile]


@pytest.mark.parametrize("example", EXAMPLES)
class TestEveryFormat:
    def test_json_conforms_to_its_published_schema(self, example: Callable[[], Example]) -> None:
        report_example = example()
        report = json.loads(findings_json(report_example.findings, report_example.title, report_example.run))
        jsonschema.validate(report, findings_schema(), jsonschema.Draft202012Validator)
        assert len(report_example.findings) == len(report["findings"])

    def test_sarif_conforms_to_the_official_schema(self, example: Callable[[], Example]) -> None:
        report_example = example()
        log = json.loads(findings_sarif(report_example.findings, report_example.title, report_example.run))
        jsonschema.validate(log, SARIF_SCHEMA, jsonschema.Draft4Validator)
        assert len(report_example.findings) == len(log["runs"][0]["results"])

    def test_junit_counts_its_cases(self, example: Callable[[], Example]) -> None:
        report_example = example()
        suite = ET.fromstring(findings_junit(report_example.findings, report_example.title, report_example.run))[0]
        counted = {name: len(suite.findall(f"testcase/{name}")) for name in ("failure", "error", "skipped")}
        assert [len(suite), counted["failure"], counted["error"], counted["skipped"]] == [
            int(str(suite.get(name))) for name in ("tests", "failures", "errors", "skipped")
        ]

    def test_markdown_has_a_row_per_finding(self, example: Callable[[], Example]) -> None:
        report_example = example()
        text = findings_markdown(report_example.findings, report_example.title, report_example.run)
        rows = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith("| what")]
        assert len(report_example.findings) == len(rows)

    def test_html_allows_only_its_own_script(self, example: Callable[[], Example]) -> None:
        """The policy has the digest of the second script, and the first is JSON."""
        report_example = example()
        page = html.findings_html(report_example.findings, report_example.title, report_example.run)
        scripts = re.findall(r"<script(?:>| [^>]*>)(.*?)</script>", page, re.DOTALL)
        assert 2 == len(scripts)
        json.loads(scripts[0])
        digest = base64.b64encode(hashlib.sha256(scripts[1].encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in page
        assert "{{" not in page.replace("<!--{{data}}", "").replace("--{{data}}", "")


def test_a_passing_run_is_summarised_in_one_line() -> None:
    report = passed()
    text = findings_markdown(report.findings, report.title, report.run)
    assert re.search(r"\*\*Passed\.\*\* No findings; 3 of 3 tests passed; \d+% of the contract", text)


def test_the_page_contains_all_its_scripts_and_styles() -> None:
    """The text of each file in the folder of the page."""
    folder = Path(html.__file__).with_name("page")
    page = html.findings_html((), passed().title)
    assets = {path for path in folder.iterdir() if path.suffix in (".js", ".css")}
    assert [] == [path.name for path in assets if path.read_text("utf-8") not in page]


class TestJobSummary:
    def test_job_summary_is_shortened_to_the_limit_of_github(self, tmp_path: Path) -> None:
        report = many(10_000)
        path = tmp_path / "summary.md"

        append_summary(path, report.findings, report.title, report.run)

        text = path.read_text("utf-8")
        rows = [row for row in text.splitlines() if row.startswith("| the")]
        assert LIMIT * 0.95 < path.stat().st_size <= LIMIT
        assert f"{10_000 - len(rows)} of 10000 findings are not shown" in text
        assert text.rstrip().endswith("### Not checked\n\n- POST /v1/spaces/\\{id\\}/runtimes: it needs a method or "
                                      "parameters that the suite does not send")  # fmt: skip

    def test_job_summary_counts_existing_content(self, tmp_path: Path) -> None:
        """Text already in the file counts for the limit."""
        report = many(10_000)
        path = tmp_path / "summary.md"
        path.write_bytes(b"x" * (LIMIT - 100_000))

        append_summary(path, report.findings, report.title, report.run)

        assert LIMIT - 5_000 < path.stat().st_size <= LIMIT

    def test_job_summary_is_complete_within_the_limit(self, tmp_path: Path) -> None:
        report = failed()
        append_summary(tmp_path / "summary.md", report.findings, report.title, report.run)
        assert findings_markdown(report.findings, report.title, report.run) == (tmp_path / "summary.md").read_text(
            "utf-8"
        )


class TestAnnotations:
    def test_annotations_are_limited_to_those_that_github_shows(self) -> None:
        """Of 100 findings, as many per level as GitHub shows; a last line counts the others."""
        report = many(100)
        commands = shown_commands(report.findings, report.title._replace(not_checked=()))
        assert 3 * SHOWN + 1 == len(commands)
        assert commands[-1].startswith("70 more findings")

    def test_annotations_contain_no_injected_command(self) -> None:
        report = hostile()
        lines = "\n".join(shown_commands(report.findings, report.title)).splitlines()
        assert len(report.findings) + 1 == len(lines)
        assert all(re.fullmatch(r"::(error|warning) title=[^:,]*::.*", line) for line in lines)


def test_junit_properties_are_limited_and_have_the_total() -> None:
    """Of 1,000 findings, fewer than 500 properties are written."""
    properties = dict(junit_properties(many(1_000).findings))
    assert "1000" == properties["bctrl.findings"]
    assert "error" == properties["bctrl.finding.1.level"]
    assert len(properties) < 500


def test_the_page_contains_the_same_exchange_once() -> None:
    """Although 1,000 findings share it."""
    report: Any = many(1_000)
    page = html.findings_html(report.findings, report.title, report.run)
    assert 1 == page.count('"size":')


def test_every_format_marks_accepted_findings() -> None:
    """In annotations they are notices, and in SARIF they are suppressed."""
    report = attributed()
    writers = [findings_json, findings_sarif, findings_junit, findings_markdown, html.findings_html]
    texts = [str(write(report.findings, report.title, report.run)) for write in writers]
    commands = shown_commands(report.findings, report.title)
    assert [True] * 6 == ["the consumer is fixed next week" in text for text in [*texts, "\n".join(commands)]]
    assert ["::error", "::notice"] == [line.partition(" ")[0] for line in commands]
    results = json.loads(texts[1])["runs"][0]["results"]
    assert [False, True] == ["suppressions" in result for result in results]
