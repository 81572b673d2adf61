"""Counts that go over all branches of a place, and what makes one finding of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pytest_bctrl.contract.document import escape_token
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.locations import split_location, without_tags
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import BY_VALUE, value_text
from pytest_bctrl.observed.facts import Observation, Place


class Totals:
    """How much of an observation was looked at, whatever branch it was of.

    `told` counts, by place, the values of which a branch was told, and which are counted again under its tag.
    """

    def __init__(self, observation: Observation) -> None:
        self.seen: Counter[Place] = Counter()
        self.objects: Counter[Place] = Counter()
        self.told: Counter[Place] = Counter()
        for place, facts in observation.places.items():
            parent, last = split_location(place.location)
            if last is not None and last.kind == "tag":
                self.told[place._replace(location=parent)] += facts.seen
            else:
                plain = place._replace(location=without_tags(place.location))
                self.seen[plain] += facts.seen
                self.objects[plain] += facts.types["object"]

    def looked_at(self, place: Place) -> int:
        """How many places are like this one: list items, or the objects that could hold the property."""
        location = without_tags(place.location)
        parent, last = split_location(location)
        if last is not None and last.kind == "member":
            return self.objects[place._replace(location=parent)]
        return self.seen[place._replace(location=location)]


def status_differences(contract: Contract, observation: Observation) -> Iterator[Finding]:
    """Yield a finding for every status that was answered and is not documented."""
    for (label, code), count in observation.statuses.items():
        operation = next((one for one in contract.operations if one.label == label), None)
        if operation is None or operation.response_for(int(code)) is not None:
            continue
        pointer = f"/paths/{escape_token(operation.path)}/{operation.method.lower()}/responses"
        total = sum(number for (other, _), number in observation.statuses.items() if other == label)
        extra, words = {"kind": "status", "status": code, "pointer": pointer}, "the status is not documented"
        given = (words, sorted(operation.responses), int(code), count, total)
        yield Finding("status_code_conformance", "error", "status", *given, operation=label, extra=extra)


def merged(found: Iterable[Finding]) -> list[Finding]:
    """Make one of what several branches show of the same: counts are added, and what was looked at is the same."""
    known: dict[tuple[object, ...], Finding] = {}
    for finding in found:
        # Values that nobody documented are each a finding of its own: who knows one does not know the next.
        which = value_text(finding.observed) if finding.extra["kind"] in BY_VALUE else ""
        about = (finding.extra["status"], finding.extra["kind"], which)
        key = (finding.operation, finding.rule, finding.location, finding.message, *about)
        other = known.get(key)
        known[key] = finding if other is None else replace(other, count=other.count + finding.count)
    return list(known.values())


APART = 10
"""Undocumented values that are told apart at one place."""

FURTHER = "further-values"
"""The kind of the finding that stands for all others."""

FURTHER_MESSAGE = f"further values are not documented either; more than {APART} are not listed"


def capped(found: Iterable[Finding]) -> list[Finding]:
    """Keep the first `APART` values of each place, and fold the rest into one finding; counts stay true."""
    kept: dict[tuple[Any, ...], Finding] = {}
    apart: dict[tuple[Any, ...], set[str]] = {}
    for number, finding in enumerate(found):
        kind = finding.extra.get("kind")
        place = (finding.operation, finding.rule, finding.level, finding.extra.get("status"), finding.location)
        value = value_text(finding.observed)
        told = apart.setdefault((*place, kind), set())
        is_alone = (value in told or len(told) < APART) if kind in BY_VALUE else kind != FURTHER
        if is_alone:
            told.add(value)
            kept[("", number)] = finding
        else:
            other = kept.get(place)
            folded = finding if kind == FURTHER else _further(finding)
            kept[place] = folded if other is None else _folded(other, folded, is_another=kind != FURTHER)
    return list(kept.values())


def _further(finding: Finding) -> Finding:
    extra = {name: value for name, value in finding.extra.items() if name not in ("kind", "schema")}
    made = replace(finding, message=FURTHER_MESSAGE, fingerprint="", extra={**extra, "kind": FURTHER})
    return numbered(made, 1)


def _folded(one: Finding, other: Finding, *, is_another: bool) -> Finding:
    count = one.count + other.count
    total = None if one.total is None or other.total is None else max(one.total, other.total, count)
    made = replace(one, count=count, total=total)
    is_exact = is_another and not one.extra["distinct"].startswith(_AT_LEAST)
    return numbered(made, _number(one) + 1) if is_exact else at_least(made, other)


def numbered(finding: Finding, number: int, least: str = "") -> Finding:
    """The finding that stands for so many further values, each counted once."""
    words = f"{least}{number} further {'value' if number == 1 and not least else 'values'}"
    return replace(finding, observed=words, extra={**finding.extra, "distinct": f"{least}{number}"})


def at_least(one: Finding, other: Finding) -> Finding:
    """The first of two findings for further values; which values both have is not kept, so the larger number holds."""
    return numbered(one, max(_number(one), _number(other)), _AT_LEAST)


_AT_LEAST = "at least "


def _number(finding: Finding) -> int:
    return int(str(finding.extra["distinct"]).removeprefix(_AT_LEAST))
