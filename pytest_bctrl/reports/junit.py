"""Writes findings as JUnit XML: a test case each, that fails where the finding fails the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bctrl.finding import at_or_above
from pytest_bctrl.reports.wording import one_line, spot, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.finding import Finding
    from pytest_bctrl.reports.title import Title


def findings_junit(findings: Sequence[Finding], title: Title) -> str:
    """Return the findings as JUnit XML; one passing test case where there are none."""
    from xml.sax.saxutils import escape, quoteattr

    failing = {id(finding) for finding in at_or_above(findings, title.fail_on)}
    rows = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>"]
    name = quoteattr(f"pytest-bctrl {one_line(title.name)}")
    rows.append(
        f'<testsuite name={name} tests="{max(len(findings), 1)}" failures="{len(failing)}" errors="0" skipped="0">'
    )
    if not findings:
        rows.append(f'<testcase classname={name} name="nothing found"/>')
    for finding in findings:
        case = quoteattr(f"{where(finding)}: {finding.rule} [{finding.fingerprint}]")
        document, line, _ = spot(finding, "base")
        place = f" file={quoteattr(one_line(document))} line={quoteattr(str(line))}" if document and line else ""
        detail = escape("\n".join((one_line(finding.message), one_line(finding.extra.get("why", "")))))
        rows.append(f"<testcase classname={quoteattr(one_line(finding.operation) or 'document')} name={case}{place}>")
        if id(finding) in failing:
            message = quoteattr(one_line(finding.message))
            rows.append(f"<failure type={quoteattr(finding.rule)} message={message}>{detail}</failure>")
        else:
            rows.append(f"<system-out>{escape(finding.level)}: {detail}</system-out>")
        rows.append("</testcase>")
    rows += ["</testsuite>", "</testsuites>"]
    return "\n".join(rows) + "\n"
