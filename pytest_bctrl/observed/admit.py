"""The least change of a schema that admits what was seen at its place, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.finding import Finding
from pytest_bctrl.observed.facts import Facts, Observation, Place
from pytest_bctrl.observed.infer import inferred
from pytest_bctrl.observed.location import parted, shown, steps
from pytest_bctrl.observed.node import body_node, node_at, reachable

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
        wanted = (self.finding.operation, self.finding.extra["status"])
        root = body_node(self.contract, *wanted)
        for place in self.observation.places:
            if root is not None and place[:2] == wanted and shown(place.location) == self.finding.location:
                node = node_at(root, place.location)
                if node is not None and self.finding.extra["pointer"] in {
                    spot.pointer for spot in reachable(self.contract, node.firm)
                }:
                    yield place

    def facts(self) -> Facts:
        """All facts of these places."""
        facts = Facts()
        for place in self.places():
            facts.add(self.observation.places[place])
        return facts


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
    facts = seen.facts()
    if facts.others:
        raise UnsayableError("there are more values than were told apart: it is no enumeration any more")
    listed = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    known = {json.dumps(value) for value in listed}
    values = [json.loads(text) for text, count in sorted(facts.values.items()) if count]
    more = [value for value in values if json.dumps(value) not in known]
    if not listed or not more:
        raise UnsayableError("the values are listed in several places")
    made = {key: value for key, value in schema.items() if key != "const"}
    return {**made, "enum": [*listed, *more]}


def _branch(schema: SchemaData, seen: Seen) -> SchemaData:
    return _alternative(schema, {"type": "object", **seen.finding.extra["schema"]})


def _alternative(schema: SchemaData, branch: SchemaData) -> SchemaData:
    word = "oneOf" if "oneOf" in schema else "anyOf"
    if word == "oneOf" and branch == {"type": "number"}:
        # An integer is a number too, and of two alternatives it would be of none.
        branch = {**branch, "not": {"type": "integer"}}
    return {**schema, word: [*schema[word], branch]}


def _type(schema: SchemaData, seen: Seen) -> SchemaData:
    name = str(seen.finding.observed)
    said = schema.get("type")
    types = [said] if isinstance(said, str) else list(said or ())
    if types and name not in types and name not in ("object", "array"):
        return {**schema, "type": [*types, name]}
    # A type alone would admit any object and any list; these are described as they were seen.
    part = _part(name, seen)
    if not types and ("oneOf" in schema or "anyOf" in schema):
        return _alternative(schema, part)
    return {"anyOf": [schema, part]}


def _none_of_them(schema: SchemaData, seen: Seen) -> SchemaData:
    """What was seen beside all alternatives, not as one more of them: a value of two would be of none."""
    if seen.finding.extra["schema"].keys() == {"type"}:
        raise UnsayableError("nothing that is documented was ever there by which it could be described")
    return {"anyOf": [schema, seen.finding.extra["schema"]]}


def _part(name: str, seen: Seen) -> SchemaData:
    """What was seen of one type at the place of a difference."""
    words = {"object": ("properties", "required"), "array": ("items",), "string": ("format",)}.get(name, ())
    place = next(place for place in seen.places() if seen.observation.places[place].types[name])
    known = inferred(seen.observation, place)
    return {"type": name, **{word: known[word] for word in words if word in known}}


def _format(schema: SchemaData, seen: Seen) -> SchemaData:
    return {key: value for key, value in schema.items() if key != "format"}


def _missing(schema: SchemaData, seen: Seen) -> SchemaData:
    if seen.name in schema.get("required", ()):
        return {**schema, "required": [one for one in schema["required"] if one != seen.name]}
    # The property tells the branches apart, and an object without it is of none: it is one more.
    location, _ = parted(seen.finding.location)
    parent = Place(seen.finding.operation, seen.finding.extra["status"], location)
    known = inferred(seen.observation, parent) if parent in seen.observation.places else {}
    told: SchemaData = {word: known[word] for word in ("properties", "required") if word in known}
    told.get("properties", {}).pop(seen.name, None)
    return _alternative(schema, {"type": "object", **told, "not": {"required": [seen.name]}})


_EDITS: Mapping[str, Callable[[SchemaData, Seen], SchemaData]] = {
    "undocumented-property": _property,
    "unlisted-value": _value,
    "new-branch": _branch,
    "alternatives": _none_of_them,
    "type": _type,
    "null": _type,
    "format": _format,
    "missing": _missing,
}
