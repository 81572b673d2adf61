"""Each of the first few undocumented values is a finding of its own; checks and observation agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pytest_bctrl.checks.run import check_response
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.totals import APART, FURTHER_MESSAGE
from pytest_bctrl.reports.terminal import describe

from .responses import CONTRACT, response, sample

RULE = "response_schema_conformance"


def body(name: str, *values: Any) -> dict[str, Any]:
    """Return a listing with one runtime per value."""
    return {"runtimes": [{**sample()["runtimes"][0], name: value} for value in values]}


def checked(data: Any) -> list[Finding]:
    """Return the findings of the schema check in the body of a response."""
    return [finding for finding in check_response(response(data)) if finding.rule == RULE]


def observed(data: Any) -> list[Finding]:
    """Return the findings of the same rule that an observation of the body yields."""
    return [
        with_fingerprint(finding) for finding in differences(CONTRACT, response(data).observed) if finding.rule == RULE
    ]


BOTH = pytest.mark.parametrize("find", [checked, observed])


def values_and_counts(findings: list[Finding]) -> list[tuple[Any, int, int | None]]:
    """Return value, count and total of each finding."""
    return [(finding.observed, finding.count, finding.total) for finding in findings]


@BOTH
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (body("status", "archived", "paused", "archived", "active", "deleted"), "archived 2 paused 1 deleted 1 of 5"),
        (body("backing", {"kind": "cloud"}, {"kind": "edge"}, {"kind": "cloud"}), "cloud 2 edge 1 of 3"),
        (body("status", None), "null 1 of 1"),
    ],
)
def test_each_undocumented_value_is_a_finding_with_its_own_count(find: Any, data: Any, expected: str) -> None:
    """By checking and by observing; each has another fingerprint."""
    findings = find(data)
    assert expected == " ".join(
        [*(f"{finding.observed or 'null'} {finding.count}" for finding in findings), f"of {findings[0].total}"]
    )
    assert len(findings) == len({finding.fingerprint for finding in findings})


@BOTH
@pytest.mark.parametrize("further", [1, 15])
def test_further_undocumented_values_are_counted_in_one_finding(find: Any, further: int) -> None:
    names = [f"new-{number}" for number in range(APART + further)]
    findings = find(body("status", *names, names[-1]))
    words = "1 further value" if further == 1 else f"{further} further values"
    assert [(name, 1, APART + further + 1) for name in names[:APART]] == values_and_counts(findings[:APART])
    assert [(words, further + 1, APART + further + 1)] == values_and_counts(findings[APART:])
    assert (FURTHER_MESSAGE, APART + 1) == (findings[-1].message, len({finding.fingerprint for finding in findings}))


def test_the_limit_on_distinct_values_applies_to_each_location() -> None:
    changes = [{"status": f"new-{number}", "type": f"other-{number}"} for number in range(APART)]
    items = [{**sample()["runtimes"][0], **change} for change in changes]
    locations = [finding.location for finding in checked({"runtimes": items})]
    assert {"runtimes[*].status": APART, "runtimes[*].type": APART} == Counter(locations)


def test_the_limit_on_distinct_values_applies_to_all_responses_together() -> None:
    """`merge` of two responses with twelve values each: those over the limit are one finding."""
    bodies = [body("status", *(f"new-{number}" for number in range(start, start + 12))) for start in (0, 12)]
    merged = merge(finding for data in bodies for finding in checked(data))
    assert APART + 1 == len(merged) == len({finding.fingerprint for finding in merged})
    assert 24 == sum(finding.count for finding in merged)
    assert merged[-1].observed == "at least 2 further values"


def test_a_value_that_matches_no_alternative_is_one_finding() -> None:
    """Two of them are one finding with a count of two."""
    assert [2] == [finding.count for finding in checked(body("backing", "a", "b"))]


def test_the_report_lists_each_undocumented_value_and_the_documented_ones_once() -> None:
    lines = list(describe(checked(body("status", "archived", "paused"))))
    words = [line.split()[0] for line in lines if line.startswith("  ")]
    assert (1, 1, 1) == (words.count("expected"), words.count("observed"), words.count("where"))
    assert ["  also      observed paused"] == [line for line in lines if "also" in line]
