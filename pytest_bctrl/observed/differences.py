"""What was seen and the contract does not say: each difference once a place, with true counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.locations import member, parted, shown, tag_value
from pytest_bctrl.contract.schema.node import Node, body_node, node_at, untold, words
from pytest_bctrl.contract.schema.ref import TYPES, SchemaRef
from pytest_bctrl.contract.show import kind_of, shortened
from pytest_bctrl.finding import Finding, Level
from pytest_bctrl.observed.facts import MANY, Facts, Observation, Place
from pytest_bctrl.observed.totals import Totals, capped, merged, status_differences
from pytest_bctrl.observed.unknown import inferred

UNDOCUMENTED = "undocumented_property"
SCHEMA = "response_schema_conformance"

Kind = Literal[
    "undocumented-property",
    "unlisted-value",
    "new-branch",
    "alternatives",
    "type",
    "null",
    "format",
    "missing",
    "untold",
]

UNLISTED = "the value is not one of the documented values"
NO_ALTERNATIVE = "the value is none of the documented alternatives"


def differences(contract: Contract, observation: Observation, media_type: str = "") -> list[Finding]:
    """Hold what was seen to a contract, not only to the one that it was observed with.

    `extra` has the `kind` of each difference, the `status` of the answers, the `pointer` of the schema that it breaks
    in the contract's document, and the `schema` that what is undocumented would need. What a contract leaves free-form
    is never looked into. Places of an operation that the contract does not have are passed over. Of the undocumented
    values of one place the first few are told apart, and one finding stands for the rest.
    """
    return capped(every_difference(contract, observation, media_type))


def every_difference(contract: Contract, observation: Observation, media_type: str = "") -> list[Finding]:
    """Return the `differences` with every undocumented value as a finding of its own, however many there are."""
    totals = Totals.of(observation)
    found = list(status_differences(contract, observation))
    for place, facts in observation.places.items():
        root = body_node(contract, place.operation, place.status, media_type)
        if root is not None:
            found += (
                _finding(place, totals, difference) for difference in _at(root, observation, totals, place, facts)
            )
    found += untold_members(contract, observation, media_type)
    return merged(found)


def untold_members(contract: Contract, observation: Observation, media_type: str) -> Iterator[Finding]:
    """Yield a finding for every object of which more undocumented properties were seen than are told apart."""
    for place, count in observation.untold.items():
        root = body_node(contract, place.operation, place.status, media_type)
        node = None if root is None else node_at(root, place.location)
        if node is not None and not untold(node, "object").is_open:
            yield Finding(
                UNDOCUMENTED,
                "warning",
                shown(place.location),
                f"the contract does not document these properties either; more than {MANY} are not told apart",
                observed="further properties",
                count=count,
                operation=place.operation,
                extra={"kind": "untold", "status": place.status},
            )


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference at a place; `member` is the property of the object there that it is about, if it is about one."""

    message: str
    kind: Kind
    count: int
    expected: Any
    observed: Any
    sample: Mapping[str, Any] | None = None
    spot: SchemaRef | None = None
    schema: Mapping[str, Any] | None = None
    member: str | None = None
    rule: str = SCHEMA
    level: Level = "error"


def _finding(place: Place, totals: Totals, difference: Difference) -> Finding:
    at = place.location if difference.member is None else member(place.location, difference.member)
    extra: dict[str, Any] = {"kind": difference.kind, "status": place.status}
    if difference.spot is not None:
        extra["pointer"] = difference.spot.pointer
    if difference.schema is not None:
        extra["schema"] = difference.schema
    return Finding(
        difference.rule,
        difference.level,
        shown(at),
        difference.message,
        expected=shortened(difference.expected),
        observed=shortened(difference.observed),
        count=difference.count,
        total=max(difference.count, totals.looked_at(place._replace(location=at))),
        sample=difference.sample,
        operation=place.operation,
        extra=extra,
    )


def _at(root: Node, observation: Observation, totals: Totals, place: Place, facts: Facts) -> Iterator[Difference]:
    parent, last = parted(place.location)
    if last is not None and last.kind == "tag":
        yield from _branch(node_at(root, parent), observation, place, facts, last.text)
    node = node_at(root, place.location)
    if node is None:
        if last is not None and last.kind == "member" and facts.seen:
            yield from _undocumented(node_at(root, parent), last.text, observation, place, facts)
        return
    if last is None or last.kind != "tag":
        yield from _types(node, facts)
        yield from _values(node, facts)
        yield from _formats(node, facts)
    yield from _missing(node, observation, totals, place, facts)


def _branch(node: Node | None, observation: Observation, place: Place, facts: Facts, tag: str) -> Iterator[Difference]:
    if node is None:
        return
    for split in (*node.splits("object"), *node.splits("array")):
        if isinstance(split, Choice) and tag == split.none and facts.seen:
            yield Difference(
                NO_ALTERNATIVE,
                "alternatives",
                facts.seen,
                None,
                split.kind,
                facts.samples.get(split.kind),
                split.spot,
                _described(node.told(split, tag), split.kind, observation, place),
            )
        elif isinstance(split, Choice) and split.name is not None and split.knows(tag):
            if tag not in split.by_tag and facts.seen:
                read = tag_value(tag)
                schema = inferred(observation, place)
                if read is not None:
                    schema["properties"] = {**schema.get("properties", {}), split.name: {"enum": [read[1]]}}
                yield Difference(
                    UNLISTED,
                    "new-branch",
                    facts.seen,
                    [value for branch in split.read for value in branch.values_of(split.name)],
                    tag.partition(":")[2] if read is None else read[1],
                    _sample_of_member(facts, split.name),
                    split.spot,
                    schema,
                    split.name,
                )
            return


def _described(node: Node, kind: str, observation: Observation, place: Place) -> dict[str, Any]:
    """What was of no branch: as it was seen, and with nothing of what is documented and was never in it."""
    members = {name: observation.places.get(place._replace(location=at.location)) for name, at in node.documented}
    lacking = [{"required": [name]} for name, facts in members.items() if facts is None or not facts.seen]
    none = {"not": {"anyOf": lacking}} if lacking and kind == "object" else {}
    return {**inferred(observation, place, kind), **none}


def _sample_of_member(facts: Facts, name: str) -> Mapping[str, Any] | None:
    sample = facts.samples.get("object")
    if sample is None:
        return None
    return {"location": member(str(sample["location"]), name), "value": sample["value"].get(name)}


def _undocumented(
    parent: Node | None, name: str, observation: Observation, place: Place, facts: Facts
) -> Iterator[Difference]:
    if parent is None:
        return
    parent = untold(parent, "object")
    known = [spot for spot in parent.parts("object") if "properties" in words(spot)]
    if parent.is_open or not known or name in parent.required:
        # Nothing is known of a branch that nobody documented: that it is new has been said. What is required is
        # documented, though the contract says nothing else of it.
        return
    yield Difference(
        "the contract does not document this property",
        "undocumented-property",
        facts.seen,
        sorted(parent.members),
        facts.sample["value"] if facts.sample else None,
        facts.sample,
        known[0],
        inferred(observation, place),
        rule=UNDOCUMENTED,
        level="warning",
    )


def _types(node: Node, facts: Facts) -> Iterator[Difference]:
    expected = [name for name in TYPES if name in node.types and not (name == "integer" and "number" in node.types)]
    for name in TYPES:
        if facts.types[name] and name not in node.types:
            yield Difference(
                f"the value has the wrong type, {name}",
                "null" if name == "null" else "type",
                facts.types[name],
                expected,
                name,
                facts.samples.get(name),
                _narrowing(node, name),
            )


def _narrowing(node: Node, name: str) -> SchemaRef | None:
    """The schema at a place whose `type` leaves a type out; where only branches do, the one that holds them."""
    spots = [spot for spot in node.parts(name) if "type" in words(spot)]
    for spot in spots:
        said = words(spot)["type"]
        if name not in ([said] if isinstance(said, str) else said):
            return spot
    return next((spot for spot in node.parts(name) if words(spot) and "$ref" not in words(spot)), None)


def _values(node: Node, facts: Facts) -> Iterator[Difference]:
    documented = node.values
    if documented is None:
        return
    unlisted = {
        text: count
        for text, count in facts.values.items()
        if count and text not in documented and kind_of(json.loads(text)) in node.types
    }
    listed = [json.loads(text) for text in documented]
    counts: list[tuple[Any, str, int]] = [(json.loads(text), text, count) for text, count in unlisted.items()]
    others = facts.others - _mistyped_others(node, facts)
    counts += [("…", "", others)] if others > 0 else []
    for value, text, count in counts:
        yield Difference(
            UNLISTED,
            "unlisted-value",
            count,
            listed,
            value,
            facts.samples.get(text, facts.sample),
            next(iter(documented.values()), None),
        )


def _mistyped_others(node: Node, facts: Facts) -> int:
    """How many of the values that are no longer told apart are of a wrong type, which has been said."""
    wrong = sum(facts.types[name] for name in TYPES[:5] if name not in node.types)
    return wrong - sum(count for text, count in facts.values.items() if kind_of(json.loads(text)) not in node.types)


def _formats(node: Node, facts: Facts) -> Iterator[Difference]:
    for name, spot in node.formats.items():
        # A format that nobody looked for is not counted, which is not the same as none.
        wrong = facts.types["string"] - facts.formats[name] if name in facts.formats else 0
        if wrong:
            sample = facts.samples.get(f"not {name}", facts.sample)
            observed = sample["value"] if sample else None
            message = f"the text is not in the format {name}"
            yield Difference(message, "format", wrong, name, observed, sample, spot)


def _missing(node: Node, observation: Observation, totals: Totals, place: Place, facts: Facts) -> Iterator[Difference]:
    """Required properties that objects lack; those that a branch was told of are looked at under its tag."""
    objects = facts.types["object"] - totals.told[place]
    if objects <= 0:
        return
    pending = node.splits("object")
    required = dict(untold(node, "object").required)
    for split in pending:
        if isinstance(split, Choice) and split.name is not None and split.is_always_told:
            required.setdefault(split.name, split.spot)
    for name, spot in required.items():
        held = observation.places.get(place._replace(location=member(place.location, name)), Facts())
        if held.seen < objects:
            lacking, sample = objects - held.seen, held.samples.get("absent")
            message = "the required property is missing"
            yield Difference(message, "missing", lacking, "a value", "no such property", sample, spot, None, name)
