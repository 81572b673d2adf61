"""The differences between observed responses and a contract: one finding per location and kind, with exact counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Literal

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.locations import display_location, member_location, split_location, tag_value
from pytest_bctrl.contract.schema.node import Node, body_node, node_at, with_open_branches
from pytest_bctrl.contract.schema.ref import TYPES, SchemaRef, json_type_of, keywords_of, named_types
from pytest_bctrl.contract.short_values import shorten
from pytest_bctrl.findings.finding import LEVELS, Finding
from pytest_bctrl.observed.facts import MANY, Facts, Observation, ObservedLocation, inferred_schema
from pytest_bctrl.observed.overlay_alone import lower_observed
from pytest_bctrl.observed.totals import Totals, merge_branches, status_differences, with_limited_values

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
    """Return the differences between an observation and a contract, a limited number of values per location.

    `extra` has the `kind` of each difference, the `status` of the responses, the `pointer` of the schema that it
    breaks in the contract's document, and the `schema` that would document an undocumented value. Values that the
    contract leaves free-form are not examined, and operations that it does not have are skipped. The first undocumented
    values per location are listed individually, and one finding represents the rest. A difference that breaks only
    what the overlay adds is a warning, as in the checks of a single response.
    """
    findings = with_limited_values(every_difference(contract, observation, media_type))
    return [lower_observed(contract, finding) for finding in findings]


def every_difference(contract: Contract, observation: Observation, media_type: str = "") -> list[Finding]:
    """Return all differences between an observation and a contract, one finding for every undocumented value."""
    findings = list(status_differences(contract, observation))
    for comparison in _location_comparisons(contract, observation, media_type):
        findings += comparison.differences()
    findings += uncounted_members(contract, observation, media_type)
    return merge_branches(findings)


def undocumented_properties(contract: Contract, observation: Observation, media_type: str = "") -> list[Finding]:
    """Return the differences that are undocumented properties, which validation does not report."""
    findings: list[Finding] = []
    for comparison in _location_comparisons(contract, observation, media_type):
        findings += comparison.undocumented()
    findings += uncounted_members(contract, observation, media_type)
    return [lower_observed(contract, finding) for finding in merge_branches(findings)]


def _location_comparisons(
    contract: Contract, observation: Observation, media_type: str
) -> Iterator[_LocationComparison]:
    """Yield the comparison of each location that was observed in a documented body."""
    totals = Totals(observation)
    for location in observation.places:
        root = body_node(contract, location.operation, location.status, media_type)
        if root is not None:
            yield _LocationComparison(root, observation, totals, location)


def uncounted_members(contract: Contract, observation: Observation, media_type: str) -> Iterator[Finding]:
    """Yield a finding per location whose objects had more undocumented properties than are tracked individually."""
    for place, count in observation.uncounted_members.items():
        node = node_at(body_node(contract, place.operation, place.status, media_type), place.location)
        if node is not None and not with_open_branches(node, "object").is_open:
            yield Finding(
                UNDOCUMENTED,
                "warning",
                display_location(place.location),
                f"the contract does not document these properties either; more than {MANY} are not listed",
                observed="further properties",
                count=count,
                operation=place.operation,
                extra={"kind": "untold", "status": place.status},
            )


class _LocationComparison:
    """Compares the values observed at one location with the documented body."""

    def __init__(self, root: Node, observation: Observation, totals: Totals, place: ObservedLocation) -> None:
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
        reference: SchemaRef | None,
        schema: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Finding:
        """Return a finding at the location, or at the property `name` of the objects there.

        `reference` is the schema that it breaks.
        """
        location, rule, level = self._place.location, SCHEMA, LEVELS[0]
        if name is not None:
            location = member_location(location, name)
        if kind == "undocumented-property":
            rule, level = UNDOCUMENTED, LEVELS[1]
        extra: dict[str, Any] = {"kind": kind, "status": self._place.status}
        if reference is not None:
            extra["pointer"] = reference.pointer
        if schema is not None:
            extra["schema"] = schema
        return Finding(
            rule,
            level,
            display_location(location),
            message,
            expected=shorten(expected),
            observed=shorten(observed),
            count=count,
            total=max(count, self._totals.candidates(self._place._replace(location=location))),
            sample=sample,
            operation=self._place.operation,
            extra=extra,
        )

    def _facts_at(self, location: str) -> Facts:
        """Return the facts at another location of the same operation and status; empty ones if it was not observed."""
        return self._observation.places.get(self._place._replace(location=location), Facts())

    def differences(self) -> Iterator[Finding]:
        """Yield a finding for each difference at the location."""
        above, last = split_location(self._place.location)
        parent, node = node_at(self._root, above), node_at(self._root, self._place.location)
        is_tag = last is not None and last.kind == "tag"
        if last is not None and is_tag and parent is not None and self._facts.seen:
            yield from self._branch_differences(parent, last.text)
        yield from self.undocumented()
        if node is not None:
            if not is_tag:
                yield from self._type_differences(node)
                yield from self._value_differences(node)
                yield from self._format_differences(node)
            yield from self._missing_differences(node)

    def undocumented(self) -> Iterator[Finding]:
        """Yield a finding if the location is a property that the contract does not document."""
        above, last = split_location(self._place.location)
        if last is None or last.kind != "member" or not self._facts.seen:
            return
        parent = node_at(self._root, above)
        if parent is not None and node_at(self._root, self._place.location) is None:
            yield from self._undocumented_finding(with_open_branches(parent, "object"), last.text)

    def _branch_differences(self, node: Node, tag: str) -> Iterator[Finding]:
        """Yield a finding if the tag is of no documented branch."""
        count, samples = self._facts.seen, self._facts.samples
        for split in (*node.applicators("object"), *node.applicators("array")):
            if isinstance(split, Choice) and tag == split.no_branch_tag:
                schema = self._schema_of_unmatched(node.narrowed_to_tag(split, tag), split.kind)
                sample = samples.get(split.kind)
                yield self._finding(
                    NO_ALTERNATIVE, "alternatives", count, None, split.kind, sample, split.schema_ref, schema
                )
            elif isinstance(split, Choice) and split.name is not None and split.owns_tag(tag):
                if split.is_undocumented(tag):
                    yield self._new_branch_finding(split, split.name, tag)
                return

    def _new_branch_finding(self, split: Choice, name: str, tag: str) -> Finding:
        """Return the finding for a tag that the contract does not document, with a schema inferred from its objects."""
        typed_value, schema, sample = tag_value(tag), inferred_schema(self._observation, self._place), None
        observed = tag.partition(":")[2]
        if typed_value is not None:
            observed = typed_value[1]
            schema["properties"] = {**schema.get("properties", {}), name: {"enum": [observed]}}
        object_sample = self._facts.samples.get("object")
        if object_sample is not None:
            sample = {
                "location": member_location(str(object_sample["location"]), name),
                "value": object_sample["value"].get(name),
            }
        documented_values = [value for branch in split.branch_features for value in branch.values_of(name)]
        count = self._facts.seen
        return self._finding(
            UNLISTED, "new-branch", count, documented_values, observed, sample, split.schema_ref, schema, name
        )

    def _schema_of_unmatched(self, node: Node, kind: str) -> dict[str, Any]:
        """Return a schema of the values that match no branch; it rejects documented properties that none has."""
        schema = inferred_schema(self._observation, self._place, kind)
        lacking = [{"required": [name]} for name, member in node.documented if not self._facts_at(member.location).seen]
        if lacking and kind == "object":
            schema["not"] = {"anyOf": lacking}
        return schema

    def _undocumented_finding(self, parent: Node, name: str) -> Iterator[Finding]:
        """Yield a finding for an undocumented property, unless its object is open, requires it, or documents none."""
        schemas = parent.schemas_for("object")
        if not parent.certain and not parent.is_unclear:
            # Only siblings of the alternative that accepts the object document it.
            schemas = parent.possible_parts
        documenting = [schema for schema in schemas if "properties" in keywords_of(schema)]
        requiring = (keywords_of(schema).get("required", ()) for schema in (*schemas, *parent.possible_parts))
        if parent.is_open or not documenting or name in chain.from_iterable(requiring):
            # The properties of an undocumented branch are unknown, and the branch is reported already. A required
            # property counts as documented, even if the contract says nothing else about it.
            return
        message = "the contract does not document this property"
        sample, schema = self._facts.sample, inferred_schema(self._observation, self._place)
        observed = None
        if sample:
            observed = sample["value"]
        members, count = sorted(parent.members), self._facts.seen
        yield self._finding(message, "undocumented-property", count, members, observed, sample, documenting[0], schema)

    def _type_differences(self, node: Node) -> Iterator[Finding]:
        """Yield a finding for each observed type that is not documented."""
        expected = [name for name in TYPES if name in node.types and not (name == "integer" and "number" in node.types)]
        for name in TYPES:
            count = self._facts.types[name]
            if count and name not in node.types:
                message, example = f"the value has the wrong type, {name}", self._facts.samples.get(name)
                kind: Kind = "null" if name == "null" else "type"
                yield self._finding(message, kind, count, expected, name, example, _excluding_schema(node, name))

    def _value_differences(self, node: Node) -> Iterator[Finding]:
        """Yield a finding for each observed value that is not listed, and one for those not counted separately."""
        if node.values is None:
            return
        facts, mistyped = self._facts, sum(self._facts.types[name] for name in TYPES[:5] if name not in node.types)
        documented = [json.loads(text) for text in node.values]
        reference = next(iter(node.values.values()), None)
        for text, count in facts.values.items():
            value = json.loads(text)
            if json_type_of(value) not in node.types:
                mistyped -= count
            elif count and text not in node.values:
                sample = facts.samples.get(text, facts.sample)
                yield self._finding(UNLISTED, "unlisted-value", count, documented, value, sample, reference)
        # Values of a wrong type are reported already; they are part of the values that are only counted.
        if facts.others > mistyped:
            count = facts.others - mistyped
            yield self._finding(UNLISTED, "unlisted-value", count, documented, "…", facts.sample, reference)

    def _format_differences(self, node: Node) -> Iterator[Finding]:
        """Yield a finding for each documented format to which not all strings conform."""
        facts = self._facts
        for name, reference in node.formats.items():
            if name not in facts.formats:
                # The strings were not checked for this format, so the count of 0 means nothing.
                continue
            nonconforming = facts.types["string"] - facts.formats[name]
            if nonconforming:
                sample = facts.samples.get(f"not {name}", facts.samples["string"])
                message = f"the text is not in the format {name}"
                yield self._finding(message, "format", nonconforming, name, sample["value"], sample, reference)

    def _missing_differences(self, node: Node) -> Iterator[Finding]:
        """Yield a finding for each missing required property; objects of a known branch are checked at its tag."""
        objects = self._facts.types["object"] - self._totals.tagged[self._place]
        required = dict(with_open_branches(node, "object").required)
        for split in node.applicators("object"):
            if isinstance(split, Choice) and split.required_tag_property is not None:
                required.setdefault(split.required_tag_property, split.schema_ref)
        for name, reference in required.items():
            member_facts = self._facts_at(member_location(self._place.location, name))
            lacking, sample = objects - member_facts.seen, member_facts.samples.get("absent")
            if lacking > 0:
                message, absent = "the required property is missing", "no such property"
                yield self._finding(message, "missing", lacking, "a value", absent, sample, reference, name=name)


def _excluding_schema(node: Node, type_name: str) -> SchemaRef | None:
    """Return the schema whose `type` excludes a type, else the first with any keyword, such as branches; or None."""
    excluding = (
        reference
        for reference in node.schemas_for(type_name)
        if "type" in keywords_of(reference) and type_name not in named_types(keywords_of(reference))
    )
    constraining = (
        reference
        for reference in node.schemas_for(type_name)
        if keywords_of(reference) and "$ref" not in keywords_of(reference)
    )
    return next(chain(excluding, constraining), None)
