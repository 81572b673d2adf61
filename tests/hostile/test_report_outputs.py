"""No report contains a command, markup or link from a text of a server or document."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from hypothesis import example, given, settings

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.reports import FORMATS, writer
from pytest_bctrl.reports.github import shown_commands
from pytest_bctrl.reports.verdict import RanTest, RunReport, Title
from tests.hostile.ci_parsers import azure_commands, github_commands
from tests.hostile.inputs import INTENDED
from tests.hostile.outputs import EVERYTHING, TEXTS, Page, faults, hidden, markdown_faults, markdown_text
from tests.reports.examples import failed


def report_contents(text: str) -> tuple[list[Finding], Title, RunReport]:
    """Return findings, title and run of a report, with the text in every field of external origin."""
    plain = failed()
    assert plain.run is not None
    response = {"status": 500, "headers": [["Server", text], [text, text]], "size": 1, "body": {text: text}}
    accepted = {"expires": "2027-01-31", "reason": text, "where": text}
    source = {"document": text, "line": 3, "pointer": f"/{text}"}
    extra = {"why": text, "meaning": text, text: text, "request": {"method": text, "path": text}, "response": response}
    finding = Finding(
        "a_rule", "error", text, text, [text], {text: text}, 1, 3, {"location": text, "value": text}, text,
        fingerprint="0123456789ab", reproduce=f"curl {text}", extra={**extra, "item": {"location": text, "name": text}},
    )  # fmt: skip
    places = [{"rule": "a", "operation": text, "location": text, "status": 200}] * 2
    pointer = "/" + text.replace("~", "~0").replace("/", "~1")
    shown = {"by": "counterexample", "allowed": "now", "value": {text: text}, "at": pointer, "of": text}
    change = replace(
        finding,
        level="warning",
        extra={"base": source, "revision": source, "places": places, "changed": text, "shown": shown, "why": text},
    )
    witnesses = dict.fromkeys(("vendored", "upstream", "observed"), text)
    moved = replace(change, level="info", extra={**change.extra, "moved": text, "next": text, "witnesses": witnesses})
    findings = [finding, replace(finding, extra={**extra, "accepted": accepted}), change, replace(change, message="")]
    run = plain.run._replace(
        tests=(RanTest(text, "failed", 0.1, text), RanTest(text, "skipped", 0.1, text)), base_url=text, upstream=text
    )
    return [*findings, moved], Title(text, text, text, "error", (text,), (f"{text}.",)), run


def reports_with(text: str) -> dict[str, str]:
    """Return the report with the text in every field, by format."""
    findings, title, run = report_contents(text)
    takes_run = {"json", "markdown", "junit", "sarif", "html"}
    return {
        name: writer(name)(findings, title, run) if name in takes_run else writer(name)(findings, title)
        for name in FORMATS
    }


@given(TEXTS)
@example(EVERYTHING)
@settings(max_examples=8)
def test_every_report_contains_the_text_but_no_injected_command(text: str) -> None:
    """JSON and SARIF have it unchanged, JUnit and Markdown escaped on one line."""
    reports = reports_with(text)
    line = " ".join(text.split())
    annotations = reports.pop("github")
    commands = github_commands(annotations)
    assert (len(commands), [], []) == (len(annotations.splitlines()), azure_commands(annotations), hidden(annotations))
    assert {*INTENDED} == {command.name for command in commands}
    assert {} == {name: faults(report) for name, report in reports.items() if faults(report)}

    data = json.loads(reports["json"])
    assert [text] * 4 == [data["report"], data["base"], *data["notes"], data["findings"][0]["message"]]
    assert {text: text} == data["findings"][0]["observed"]
    assert "0123456789ab" == data["findings"][0]["fingerprint"]

    result = json.loads(reports["sarif"])["runs"][0]["results"][0]
    assert {text: text} == result["properties"]["observed"]
    assert not re.search(r"(?<!\\)\](?=\()", result["message"]["text"])

    suite = ET.fromstring(reports["junit"])
    messages = [str(element.get("message")) for element in suite.iter("failure")]
    assert escape_line(line) == messages[0]
    assert [] == markdown_faults(reports["markdown"])
    assert escape_line(line) in " ".join(markdown_text(reports["markdown"]).split()) or "  " in line


@given(TEXTS)
@example(EVERYTHING)
@settings(max_examples=8)
def test_no_text_adds_elements_or_links_to_the_page(text: str) -> None:
    """The HTML report has the same elements and links as with plain text."""
    page, plain = Page(reports_with(text)["html"]), Page(reports_with("plain")["html"])
    (data,) = (json.loads(script) for script in page.scripts if script.startswith("{"))
    assert (plain.elements, plain.links) == (page.elements, page.links)
    assert [] == hidden(json.dumps(data, ensure_ascii=False).replace("\\t", ""))


def test_each_finding_is_exactly_one_annotation() -> None:
    """Workflow commands in the texts of a finding add none; each line is one annotation with the finding's level."""
    findings, title, _ = report_contents(EVERYTHING)
    lines = shown_commands(findings, title)
    commands = [github_commands(line) for line in lines]
    assert [["error"], ["notice"], ["warning"], ["warning"], ["notice"], ["warning"]] == [
        [command.name for command in parsed] for parsed in commands
    ]
    assert [] == azure_commands("\n".join(lines))
