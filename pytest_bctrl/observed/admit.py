"""The least change of a schema that admits what was seen at its place, and the way through a document to that place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import unquote

from pytest_bctrl.contract.model import Contract, at
from pytest_bctrl.contract.overlay import fresh
from pytest_bctrl.contract.references import keyworded, rewritten
from pytest_bctrl.contract.schema.locations import parted, shown, steps
from pytest_bctrl.contract.schema.node import Node, body_node, node_at
from pytest_bctrl.contract.schema.ref import SchemaRef, listed_values, named_types, reachable
from pytest_bctrl.finding import Finding
from pytest_bctrl.observed.facts import Facts, Observation, Place, inferred

SchemaData: TypeAlias = dict[str, Any]


class UnsayableError(Exception):
    """What was seen cannot be told by a change of this schema; the text says why."""


@dataclass(frozen=True)
class Seen:
    """A difference of a contract, and what was seen that shows it."""

    contract: Contract
    finding: Finding
    observation: Observation

    @property
    def name(self) -> str:
        """The property that the difference is about."""
        *_, last = steps(self.finding.location)
        return last.text

    def places(self) -> Iterator[Place]:
        """The places that the difference's location stands for, one for each branch that was told.

        Not those of branches to which the schema that it points to does not apply: what was seen there is not its own.
        """
        for place, node in self._at(self.finding.location):
            if self._schema(node.certain):
                yield place

    @property
    def ref_chain(self) -> tuple[str, ...]:
        """The references that lead to the schema that the difference points to, which may be that of the object."""
        above = parted(self.finding.location)[0] or "$"
        nodes = (node for location in (self.finding.location, above) for _, node in self._at(location))
        return next(found for node in nodes if (found := self._schema((*node.certain, *node.possible)))).ref_chain

    def _at(self, location: str) -> Iterator[tuple[Place, Node]]:
        wanted = (self.finding.operation, self.finding.extra["status"])
        root = body_node(self.contract, *wanted)
        for place in self.observation.places:
            if root is not None and place[:2] == wanted and shown(place.location) == location:
                node = node_at(root, place.location)
                if node is not None:
                    yield place, node

    def _schema(self, spots: Iterable[SchemaRef]) -> SchemaRef | None:
        pointer = self.finding.extra["pointer"]
        return next((one for one in reachable(self.contract, spots) if one.pointer == pointer), None)


def admitted(schema: Mapping[str, Any], seen: Seen) -> SchemaData:
    """Return `schema`, the one that a difference points to, changed so that it admits what the difference shows.

    Raises `UnsayableError` where no change says just that.
    """
    return _EDITS[seen.finding.extra["kind"]](dict(schema), seen)


def _property(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name.endswith(" characters)"):
        raise UnsayableError("the property's name is too long to be kept")
    return {**schema, "properties": {**schema.get("properties", {}), seen.name: seen.finding.extra["schema"]}}


def _value(schema: SchemaData, seen: Seen) -> SchemaData:
    facts = Facts()
    for place in seen.places():
        facts.add(seen.observation.places[place])
    if facts.others:
        raise UnsayableError("there are more values than were told apart: it is no enumeration any more")
    listed = listed_values(schema) or []
    known = {json.dumps(value) for value in listed}
    values = [json.loads(text) for text, count in sorted(facts.values.items()) if count]
    more = [value for value in values if json.dumps(value) not in known]
    if not listed or not more:
        raise UnsayableError("the values are listed in several places")
    made = {key: value for key, value in schema.items() if key != "const"}
    return {**made, "enum": [*listed, *more]}


def _alternative(schema: SchemaData, branch: SchemaData) -> SchemaData:
    word = "oneOf" if "oneOf" in schema else "anyOf"
    if word == "oneOf" and branch == {"type": "number"}:
        # An integer is a number too, and of two alternatives it would be of none.
        branch = {**branch, "not": {"type": "integer"}}
    return {**schema, word: [*schema[word], branch]}


def _type(schema: SchemaData, seen: Seen) -> SchemaData:
    name = str(seen.finding.observed)
    types = named_types(schema)
    if types and name not in types and name not in ("object", "array"):
        return {**schema, "type": [*types, name]}
    # A type alone would admit any object and any list; these are described as they were seen.
    place = next(place for place in seen.places() if seen.observation.places[place].types[name])
    part = inferred(seen.observation, place, name)
    if not types and ("oneOf" in schema or "anyOf" in schema):
        return _alternative(schema, part)
    return {"anyOf": [schema, part]}


def _none_of_them(schema: SchemaData, seen: Seen) -> SchemaData:
    """What was seen beside all alternatives, not as one more of them: a value of two would be of none."""
    if seen.finding.extra["schema"].keys() == {"type"}:
        raise UnsayableError("nothing that is documented was ever there by which it could be described")
    return {"anyOf": [schema, seen.finding.extra["schema"]]}


def _missing(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name in schema.get("required", ()):
        return {**schema, "required": [one for one in schema["required"] if one != seen.name]}
    # The property tells the branches apart, and an object without it is of none: it is one more.
    location, _ = parted(seen.finding.location)
    parent = Place(seen.finding.operation, seen.finding.extra["status"], location)
    known = inferred(seen.observation, parent, "object")
    known.get("properties", {}).pop(seen.name, None)
    return _alternative(schema, {**known, "not": {"required": [seen.name]}})


_EDITS: Mapping[str, Callable[[SchemaData, Seen], SchemaData]] = {
    "undocumented-property": _property,
    "unlisted-value": _value,
    "new-branch": lambda schema, seen: _alternative(schema, {"type": "object", **seen.finding.extra["schema"]}),
    "alternatives": _none_of_them,
    "type": _type,
    "null": _type,
    "format": lambda schema, seen: {key: value for key, value in schema.items() if key != "format"},
    "missing": _missing,
}


_ANNOTATIONS = frozenset({"title", "description", "summary", "deprecated", "examples", "example", "$comment"})


def with_value(document: Mapping[str, Any], pointer: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a document with another object at a pointer."""
    made: dict[str, Any] = rewritten(document, {pointer: lambda _: fresh(value)})
    return made


def first_shared(document: Mapping[str, Any], ref_chain: Sequence[str], goal: str) -> str | None:
    """Return the first reference on the way to a schema whose target others lead to as well; None where none is."""
    references = {one.pointer: str(one.value["$ref"])[1:] for one in keyworded(document) if "$ref" in one.value}
    targets = {site: f"{unquote(target)}/" for site, target in references.items()}
    for site, inside in pairwise((*ref_chain, goal)):
        if [one for one, target in targets.items() if f"{inside}/".startswith(target)] != [site]:
            return site
    return None


def inlined(document: Mapping[str, Any], site: str) -> dict[str, Any]:
    """Return the document with a copy of what a reference names in its place.

    To change a component that is used at several places would accept at one what was seen at another.
    """
    reference = at(document, site)
    target = at(document, unquote(reference["$ref"][1:]))
    beside = {key: value for key, value in reference.items() if key != "$ref"}
    if isinstance(target, Mapping) and beside.keys() <= _ANNOTATIONS:
        return with_value(document, site, {**target, **beside})
    return with_value(document, site, {"allOf": [target], **beside})
