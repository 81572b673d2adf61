"""Counts over all branches of a location, and functions that merge findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import split_location, without_tags
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import BY_VALUE, value_text
from pytest_bctrl.observed.facts import Observation, ObservedLocation


class Totals:
    """The number of values and objects at each location of an observation, over all branches.

    `tagged` counts, by location, the values whose branch is known, and which are counted again under its tag.
    """

    def __init__(self, observation: Observation) -> None:
        self.seen: Counter[ObservedLocation] = Counter()
        self.objects: Counter[ObservedLocation] = Counter()
        self.tagged: Counter[ObservedLocation] = Counter()
        for place, facts in observation.places.items():
            parent, last = split_location(place.location)
            if last is not None and last.kind == "tag":
                self.tagged[place._replace(location=parent)] += facts.seen
            else:
                plain = place._replace(location=without_tags(place.location))
                self.seen[plain] += facts.seen
                self.objects[plain] += facts.types["object"]

    def candidates(self, place: ObservedLocation) -> int:
        """Return how many values could be at a location: list items, or the objects that could have the property."""
        location = without_tags(place.location)
        parent, last = split_location(location)
        if last is not None and last.kind == "member":
            return self.objects[place._replace(location=parent)]
        return self.seen[place._replace(location=location)]


def status_differences(contract: Contract, observation: Observation) -> Iterator[Finding]:
    """Yield a finding for every status that was observed and is not documented."""
    for (label, code), count in observation.statuses.items():
        operation = next((operation for operation in contract.operations if operation.label == label), None)
        if operation is None or operation.response_for(int(code)) is not None:
            continue
        pointer = f"{operation.pointer}/responses"
        total = sum(number for (name, _), number in observation.statuses.items() if name == label)
        yield Finding(
            "status_code_conformance",
            "error",
            "status",
            "the status is not documented",
            expected=sorted(operation.responses),
            observed=int(code),
            count=count,
            total=total,
            operation=label,
            extra={"kind": "status", "status": code, "pointer": pointer},
        )


def merge_branches(findings: Iterable[Finding]) -> list[Finding]:
    """Merge the findings of several branches about the same difference; counts are added, totals are kept."""
    by_key: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        value = ""
        if finding.extra["kind"] in BY_VALUE:
            # Each undocumented value is a separate finding, because accepting one does not accept the next.
            value = value_text(finding.observed)
        details = (finding.extra["status"], finding.extra["kind"], value)
        key = (finding.operation, finding.rule, finding.location, finding.message, *details)
        if key in by_key:
            finding = replace(by_key[key], count=by_key[key].count + finding.count)
        by_key[key] = finding
    return list(by_key.values())


APART = 10
"""Maximum number of undocumented values listed individually per location."""

FURTHER = "further-values"
"""The kind of the finding that represents all further values."""

FURTHER_MESSAGE = f"further values are not documented either; more than {APART} are not listed"


def with_limited_values(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with at most `APART` values per location; the rest is merged into one finding, counts added.

    The finding for the rest has the position of the first value that it represents.
    """
    result: dict[tuple[Any, ...], Finding] = {}
    listed_values: dict[tuple[Any, ...], set[str]] = {}
    for number, finding in enumerate(findings):
        kind = finding.extra.get("kind")
        place = (finding.operation, finding.rule, finding.level, finding.extra.get("status"), finding.location)
        value = value_text(finding.observed)
        listed = listed_values.setdefault((*place, kind), set())
        is_listed = kind != FURTHER
        if kind in BY_VALUE:
            is_listed = value in listed or len(listed) < APART
        if is_listed:
            listed.add(value)
            result[("", number)] = finding
            continue
        further = finding if kind == FURTHER else _further_value_finding(finding)
        if place in result:
            further = _added_further_values(result[place], further, is_another=kind != FURTHER)
        result[place] = further
    return list(result.values())


def _further_value_finding(finding: Finding) -> Finding:
    """Return the finding for a value beyond the limit, which stands for further values."""
    extra = {name: value for name, value in finding.extra.items() if name not in ("kind", "schema")}
    further = replace(finding, message=FURTHER_MESSAGE, fingerprint="", extra={**extra, "kind": FURTHER})
    return numbered(further, 1)


def _added_further_values(earlier: Finding, later: Finding, *, is_another: bool) -> Finding:
    """Return the sum of two findings for further values; `is_another` if the later one is for a single new value."""
    count = earlier.count + later.count
    total = max(earlier.total or 0, later.total or 0, count)
    folded = replace(earlier, count=count, total=total)
    if is_another and not earlier.extra["distinct"].startswith(_AT_LEAST):
        return numbered(folded, _distinct_count(earlier) + 1)
    return at_least(folded, later)


def numbered(finding: Finding, number: int, prefix: str = "") -> Finding:
    """Return a finding for `number` further distinct values; `prefix` precedes the number, such as `at least `."""
    unit = "value" if number == 1 and not prefix else "values"
    extra = {**finding.extra, "distinct": f"{prefix}{number}"}
    return replace(finding, observed=f"{prefix}{number} further {unit}", extra=extra)


def at_least(earlier: Finding, later: Finding) -> Finding:
    """Return the earlier finding for at least as many further values as the larger of the two: they may overlap."""
    return numbered(earlier, max(_distinct_count(earlier), _distinct_count(later)), _AT_LEAST)


_AT_LEAST = "at least "


def _distinct_count(finding: Finding) -> int:
    """Return the number of further values that a finding stands for, which may be a minimum."""
    return int(str(finding.extra["distinct"]).removeprefix(_AT_LEAST))
