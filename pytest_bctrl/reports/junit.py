"""Writes findings as JUnit XML: a test case each, that fails where the finding fails the run."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bctrl.escaping import escape_xml
from pytest_bctrl.findings.finding import LEVELS, Finding, at_or_above
from pytest_bctrl.reports.wording import RunReport, Title, accepted, one_line, spot, told, verdict_of, where

_PROPERTIES = 50
"""Findings of one test case that are written as properties; `bctrl.findings` has the number of all."""


def findings_junit(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> str:
    """Return the findings as JUnit XML.

    Beside them, one skipped test case for everything that was not checked, one in error for every test of a run
    that failed with nothing found, and, where there is none of all these, one that passes.
    """
    failing = {id(finding) for finding in at_or_above(findings, title.fail_on)}
    name = _attribute(f"pytest-bctrl {one_line(title.name)}")
    cases = [_case(finding, id(finding) in failing) for finding in findings]
    reasons = list(map(one_line, title.not_checked))
    bad = [test for test in run.tests if test.outcome in ("failed", "error")] if run and not failing else []
    broken = [
        _unfinished(name, one_line(test.id), "error", "error", one_line(test.reason) or "it failed") for test in bad
    ]
    verdict = verdict_of(findings, title, run)
    if verdict.status == "not checked" and not reasons:
        reasons = [one_line(verdict.sentence)]
    skipped = [_unfinished(name, reason, "skipped", "not checked", reason) for reason in reasons]
    if not cases and not skipped and not broken:
        cases = [f'<testcase classname={name} name="nothing found"/>']
    numbers = f'tests="{len(cases) + len(skipped) + len(broken)}" failures="{len(failing)}" errors="{len(broken)}"'
    times = "" if run is None else f" time={_attribute(f'{run.seconds:.3f}')} timestamp={_attribute(run.started[:19])}"
    rows = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<testsuites>",
        f'<testsuite name={name} {numbers} skipped="{len(skipped)}"{times}>',
        *cases,
        *broken,
        *skipped,
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(rows) + "\n"


def junit_properties(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return the properties of a test case of `--junitxml`, each finding's numbered from 1, the worst first."""
    ranked = sorted(findings, key=lambda finding: LEVELS.index(finding.level))
    properties = [("bctrl.findings", str(len(ranked)))] if ranked else []
    for number, finding in enumerate(ranked[:_PROPERTIES], 1):
        values = {
            "rule": finding.rule,
            "level": finding.level,
            "location": where(finding),
            "message": one_line(finding.message),
            "count": str(finding.count),
            **({} if finding.total is None else {"total": str(finding.total)}),
        }
        properties += [(f"bctrl.finding.{number}.{name}", value) for name, value in values.items()]
    return properties


def _case(finding: Finding, fails: bool) -> str:
    prints = f" [{finding.fingerprint}]" if finding.fingerprint else ""
    name = _attribute(f"{where(finding)}: {finding.rule}{prints}")
    document, line, _ = spot(finding, "base")
    place = f" file={_attribute(one_line(document))} line={_attribute(str(line))}" if document and line else ""
    why = one_line(finding.extra.get("why", ""))
    detail = "\n".join((escape_xml(told(finding)), escape_xml(why)))
    rows = [f"<testcase classname={_attribute(one_line(finding.operation) or 'document')} name={name}{place}>"]
    if fails:
        message = _attribute(one_line(finding.message))
        rows.append(f"<failure type={_attribute(finding.rule)} message={message}>{detail}</failure>")
    else:
        suppressed = f"\n{escape_xml(accepted(finding))}" if accepted(finding) else ""
        rows.append(f"<system-out>{finding.level}: {detail}{suppressed}</system-out>")
    return "\n".join([*rows, "</testcase>"])


def _attribute(text: str) -> str:
    return f'"{escape_xml(text)}"'


def _unfinished(classname: str, name: str, tag: str, why: str, reason: str) -> str:
    """A test case that was skipped, or is in error."""
    outcome = f'<{tag} type="{why}" message={_attribute(reason)}/>'
    return f"<testcase classname={classname} name={_attribute(name)}>{outcome}</testcase>"
