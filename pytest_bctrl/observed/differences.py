"""What was seen and the contract does not say: each difference once a place, with true counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Literal

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.locations import display_location, member_location, split_location, tag_value
from pytest_bctrl.contract.schema.node import Node, body_node, node_at, with_open_branches
from pytest_bctrl.contract.schema.ref import TYPES, SchemaRef, keywords_of, kind_of, named_types
from pytest_bctrl.contract.short_values import shorten
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.facts import MANY, Facts, Observation, Place, inferred
from pytest_bctrl.observed.overlay_alone import lower_observed
from pytest_bctrl.observed.totals import Totals, capped, merged, status_differences

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
    values of one place the first few are told apart, and one finding stands for the rest. What breaks nothing that is
    published is a warning, as it is where one response is checked.
    """
    found = capped(every_difference(contract, observation, media_type))
    return [lower_observed(contract, finding) for finding in found]


def every_difference(contract: Contract, observation: Observation, media_type: str = "") -> list[Finding]:
    """Return the `differences` with every undocumented value as a finding of its own, however many there are."""
    totals = Totals(observation)
    found = list(status_differences(contract, observation))
    for place in observation.places:
        root = body_node(contract, place.operation, place.status, media_type)
        if root is not None:
            found += _Held(root, observation, totals, place).differences()
    found += untold_members(contract, observation, media_type)
    return merged(found)


def untold_members(contract: Contract, observation: Observation, media_type: str) -> Iterator[Finding]:
    """Yield a finding for every object of which more undocumented properties were seen than are told apart."""
    for place, count in observation.untold.items():
        node = node_at(body_node(contract, place.operation, place.status, media_type), place.location)
        if node is not None and not with_open_branches(node, "object").is_open:
            words = f"the contract does not document these properties either; more than {MANY} are not listed"
            given, extra = (words, None, "further properties", count), {"kind": "untold", "status": place.status}
            yield Finding(
                UNDOCUMENTED,
                "warning",
                display_location(place.location),
                *given,
                operation=place.operation,
                extra=extra,
            )


class _Held:
    """What was seen at one place, held to the body that the contract documents."""

    def __init__(self, root: Node, observation: Observation, totals: Totals, place: Place) -> None:
        self._root = root
        self._observation = observation
        self._totals = totals
        self._place = place
        self._facts = observation.places[place]

    def _finding(
        self,
        message: str,
        kind: Kind,
        count: int,
        expected: Any,
        observed: Any,
        sample: Mapping[str, Any] | None,
        spot: SchemaRef | None,
        schema: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Finding:
        """A finding at the place, or at the property `name` of the objects there; `spot` is the schema it breaks."""
        at = self._place.location if name is None else member_location(self._place.location, name)
        is_undocumented = kind == "undocumented-property"
        return Finding(
            UNDOCUMENTED if is_undocumented else SCHEMA,
            "warning" if is_undocumented else "error",
            display_location(at),
            message,
            expected=shorten(expected),
            observed=shorten(observed),
            count=count,
            total=max(count, self._totals.looked_at(self._place._replace(location=at))),
            sample=sample,
            operation=self._place.operation,
            extra={
                "kind": kind,
                "status": self._place.status,
                **({} if spot is None else {"pointer": spot.pointer}),
                **({} if schema is None else {"schema": schema}),
            },
        )

    def _at(self, location: str) -> Facts:
        return self._observation.places.get(self._place._replace(location=location), Facts())

    def differences(self) -> Iterator[Finding]:
        """Yield all of them."""
        above, last = split_location(self._place.location)
        kind = "" if last is None else last.kind
        parent, node = node_at(self._root, above), node_at(self._root, self._place.location)
        if last is not None and parent is not None and self._facts.seen:
            if kind == "tag":
                yield from self._branch(parent, last.text)
            elif kind == "member" and node is None:
                yield from self._undocumented(with_open_branches(parent, "object"), last.text)
        if node is not None:
            if kind != "tag":
                yield from self._types(node)
                yield from self._values(node)
                yield from self._formats(node)
            yield from self._missing(node)

    def _branch(self, node: Node, tag: str) -> Iterator[Finding]:
        count, samples = self._facts.seen, self._facts.samples
        for split in (*node.applicators("object"), *node.applicators("array")):
            if isinstance(split, Choice) and tag == split.none:
                schema = self._described(node.narrow(split, tag), split.kind)
                sample = samples.get(split.kind)
                yield self._finding(
                    NO_ALTERNATIVE, "alternatives", count, None, split.kind, sample, split.schema_ref, schema
                )
            elif isinstance(split, Choice) and split.name is not None and split.has_tag(tag):
                if tag not in split.by_tag:
                    yield self._new_branch(split, split.name, tag)
                return

    def _new_branch(self, split: Choice, name: str, tag: str) -> Finding:
        read, schema, sample = tag_value(tag), inferred(self._observation, self._place), None
        if read is not None:
            schema["properties"] = {**schema.get("properties", {}), name: {"enum": [read[1]]}}
        observed = tag.partition(":")[2] if read is None else read[1]
        whole = self._facts.samples.get("object")
        if whole is not None:
            sample = {"location": member_location(str(whole["location"]), name), "value": whole["value"].get(name)}
        known = [value for branch in split.read for value in branch.values_of(name)]
        count = self._facts.seen
        return self._finding(UNLISTED, "new-branch", count, known, observed, sample, split.schema_ref, schema, name)

    def _described(self, node: Node, kind: str) -> dict[str, Any]:
        """What was of no branch: as it was seen, and with nothing of what is documented and was never in it."""
        lacking = [{"required": [name]} for name, one in node.documented if not self._at(one.location).seen]
        none = {"not": {"anyOf": lacking}} if lacking and kind == "object" else {}
        return {**inferred(self._observation, self._place, kind), **none}

    def _undocumented(self, parent: Node, name: str) -> Iterator[Finding]:
        known = [spot for spot in parent.schemas_for("object") if "properties" in keywords_of(spot)]
        if parent.is_open or not known or name in parent.required:
            # Nothing is known of a branch that nobody documented: that it is new has been said. What is required is
            # documented, though the contract says nothing else of it.
            return
        message = "the contract does not document this property"
        sample, schema = self._facts.sample, inferred(self._observation, self._place)
        observed = sample["value"] if sample else None
        members, count = sorted(parent.members), self._facts.seen
        yield self._finding(message, "undocumented-property", count, members, observed, sample, known[0], schema)

    def _types(self, node: Node) -> Iterator[Finding]:
        expected = [name for name in TYPES if name in node.types and not (name == "integer" and "number" in node.types)]
        for name in TYPES:
            count = self._facts.types[name]
            if count and name not in node.types:
                message, sample = f"the value has the wrong type, {name}", self._facts.samples.get(name)
                kind: Kind = "null" if name == "null" else "type"
                yield self._finding(message, kind, count, expected, name, sample, _narrowing(node, name))

    def _values(self, node: Node) -> Iterator[Finding]:
        if node.values is None:
            return
        facts, wrong = self._facts, sum(self._facts.types[name] for name in TYPES[:5] if name not in node.types)
        listed, spot = [json.loads(text) for text in node.values], next(iter(node.values.values()), None)
        for text, count in facts.values.items():
            value = json.loads(text)
            if kind_of(value) not in node.types:
                wrong -= count
            elif count and text not in node.values:
                sample = facts.samples.get(text, facts.sample)
                yield self._finding(UNLISTED, "unlisted-value", count, listed, value, sample, spot)
        # Of the values that are no longer told apart, those of a wrong type have been said.
        if facts.others > wrong:
            count = facts.others - wrong
            yield self._finding(UNLISTED, "unlisted-value", count, listed, "…", facts.sample, spot)

    def _formats(self, node: Node) -> Iterator[Finding]:
        facts = self._facts
        for name, spot in node.formats.items():
            # A format that nobody looked for is not counted, which is not the same as none.
            wrong = facts.types["string"] - facts.formats[name] if name in facts.formats else 0
            if wrong:
                sample = facts.samples.get(f"not {name}", facts.sample)
                observed = sample["value"] if sample else None
                message = f"the text is not in the format {name}"
                yield self._finding(message, "format", wrong, name, observed, sample, spot)

    def _missing(self, node: Node) -> Iterator[Finding]:
        """Required properties that objects lack; those that a branch was told of are looked at under its tag."""
        objects = self._facts.types["object"] - self._totals.told[self._place]
        required = dict(with_open_branches(node, "object").required)
        for split in node.applicators("object"):
            if isinstance(split, Choice) and split.name is not None and split.requires_tag_property:
                required.setdefault(split.name, split.schema_ref)
        for name, spot in required.items():
            held = self._at(member_location(self._place.location, name))
            lacking, sample = objects - held.seen, held.samples.get("absent")
            if lacking > 0:
                message, absent = "the required property is missing", "no such property"
                yield self._finding(message, "missing", lacking, "a value", absent, sample, spot, name=name)


def _narrowing(node: Node, name: str) -> SchemaRef | None:
    """The schema at a place whose `type` leaves a type out; where only branches do, the one that holds them."""
    leaving = (
        one
        for one in node.schemas_for(name)
        if "type" in keywords_of(one) and name not in named_types(keywords_of(one))
    )
    holding = (one for one in node.schemas_for(name) if keywords_of(one) and "$ref" not in keywords_of(one))
    return next(chain(leaving, holding), None)
