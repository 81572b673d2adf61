"""Writes findings as JUnit XML: one test case per finding, which fails if the finding fails the run."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bctrl.escaping import escape_xml
from pytest_bctrl.findings.engines import tests_of
from pytest_bctrl.findings.finding import LEVELS, Finding, at_or_above
from pytest_bctrl.reports.verdict import RunReport, Title, verdict_of
from pytest_bctrl.reports.wording import accepted, document_position, message_with_values, one_line, where

_PROPERTIES = 50
"""Maximum number of findings of one test case that are written as properties; `bctrl.findings` has their number."""


def findings_junit(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> str:
    """Return the findings as JUnit XML.

    There is also a skipped test case for everything that was not checked, and one in error for every test of a run
    that failed without a finding at the failing level. If there is no other test case, there is one that passes.
    """
    failing = at_or_above(findings, title.fail_on)
    ids = {id(finding) for finding in failing}
    name = _quoted_attribute(f"pytest-bctrl {one_line(title.name)}")
    cases = [_test_case(finding, id(finding) in ids) for finding in findings]
    reasons = list(map(one_line, title.not_checked))
    explained = {test for finding in failing for test in tests_of(finding)}
    errors = [
        _unfinished_case(name, one_line(test.id), "error", "error", one_line(test.reason) or "it failed")
        for test in (run.tests if run is not None else ())
        if test.outcome in ("failed", "error") and test.id not in explained
    ]
    verdict = verdict_of(findings, title, run)
    if verdict.status == "not checked" and not reasons:
        reasons = [one_line(verdict.sentence)]
    skipped = [_unfinished_case(name, reason, "skipped", "not checked", reason) for reason in reasons]
    if not cases and not skipped and not errors:
        cases = [f'<testcase classname={name} name="no findings"/>']
    count = len(cases) + len(skipped) + len(errors)
    numbers = f'tests="{count}" failures="{len(failing)}" errors="{len(errors)}" skipped="{len(skipped)}"'
    if run is not None:
        numbers += f" time={_quoted_attribute(f'{run.seconds:.3f}')} timestamp={_quoted_attribute(run.started[:19])}"
    rows = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<testsuites>",
        f"<testsuite name={name} {numbers}>",
        *cases,
        *errors,
        *skipped,
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(rows) + "\n"


def junit_properties(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return the properties of a test case of `--junitxml`, numbered from 1 for each finding, the worst first."""
    ranked = sorted(findings, key=lambda finding: LEVELS.index(finding.level))
    properties = [("bctrl.findings", str(len(ranked)))]
    for number, finding in enumerate(ranked[:_PROPERTIES], 1):
        values = {
            "rule": finding.rule,
            "level": finding.level,
            "location": where(finding),
            "message": one_line(finding.message),
            "count": str(finding.count),
        }
        if finding.total is not None:
            values["total"] = str(finding.total)
        properties += [(f"bctrl.finding.{number}.{name}", value) for name, value in values.items()]
    return properties


def _test_case(finding: Finding, fails: bool) -> str:
    """Return the test case of a finding, as XML."""
    name = f"{where(finding)}: {finding.rule} [{finding.fingerprint}]"
    attributes = (
        f"classname={_quoted_attribute(one_line(finding.operation) or 'document')} name={_quoted_attribute(name)}"
    )
    document, line, _ = document_position(finding, "base")
    if document and line:
        attributes += f" file={_quoted_attribute(one_line(document))} line={_quoted_attribute(str(line))}"
    why = one_line(finding.extra.get("why", ""))
    detail = "\n".join((escape_xml(message_with_values(finding)), escape_xml(why)))
    rows = [f"<testcase {attributes}>"]
    if fails:
        message = _quoted_attribute(one_line(finding.message))
        rows.append(f"<failure type={_quoted_attribute(finding.rule)} message={message}>{detail}</failure>")
    else:
        if accepted(finding):
            detail += f"\n{escape_xml(accepted(finding))}"
        rows.append(f"<system-out>{finding.level}: {detail}</system-out>")
    return "\n".join([*rows, "</testcase>"])


def _quoted_attribute(text: str) -> str:
    """Return a text as the value of an XML attribute, in quotes."""
    return f'"{escape_xml(text)}"'


def _unfinished_case(classname: str, name: str, tag: str, why: str, reason: str) -> str:
    """Return the XML of a test case that was skipped or is in error: `tag` is `skipped` or `error`."""
    outcome = f'<{tag} type="{why}" message={_quoted_attribute(reason)}/>'
    return f"<testcase classname={classname} name={_quoted_attribute(name)}>{outcome}</testcase>"
