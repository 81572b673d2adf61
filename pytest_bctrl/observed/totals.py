"""Counts that go over all branches of a place, and what makes one finding of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import BY_VALUE, value_text
from pytest_bctrl.observed.facts import Observation, Place
from pytest_bctrl.observed.location import parted, untagged


@dataclass(slots=True)
class Totals:
    """How much was looked at, whatever branch it was of.

    `told` counts, by place, the values of which a branch was told, and which are counted again under its tag.
    """

    seen: Counter[Place] = field(default_factory=Counter)
    objects: Counter[Place] = field(default_factory=Counter)
    told: Counter[Place] = field(default_factory=Counter)

    @classmethod
    def of(cls, observation: Observation) -> Totals:
        """Add up an observation."""
        made = cls()
        for place, facts in observation.places.items():
            parent, last = parted(place.location)
            if last is not None and last.kind == "tag":
                made.told[place._replace(location=parent)] += facts.seen
            else:
                plain = place._replace(location=untagged(place.location))
                made.seen[plain] += facts.seen
                made.objects[plain] += facts.types["object"]
        return made

    def looked_at(self, place: Place) -> int:
        """How many places are like this one: list items, or the objects that could hold the property."""
        location = untagged(place.location)
        parent, last = parted(location)
        if last is not None and last.kind == "member":
            return self.objects[place._replace(location=parent)]
        return self.seen[place._replace(location=location)]


def status_differences(contract: Contract, observation: Observation) -> Iterator[Finding]:
    """Yield a finding for every status that was answered and is not documented."""
    for (label, code), count in observation.statuses.items():
        operation = next((one for one in contract.operations if one.label == label), None)
        if operation is None or operation.response_for(int(code)) is not None:
            continue
        path = operation.path.replace("~", "~0").replace("/", "~1")
        yield Finding(
            "status_code_conformance",
            "error",
            "status",
            "the status is not documented",
            expected=sorted(operation.responses),
            observed=int(code),
            count=count,
            total=sum(number for (other, _), number in observation.statuses.items() if other == label),
            operation=label,
            extra={"kind": "status", "status": code, "pointer": f"/paths/{path}/{operation.method.lower()}/responses"},
        )


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
