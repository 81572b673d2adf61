"""The least change of a schema that admits what was seen at its place, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pytest_bctrl.finding import Finding
from pytest_bctrl.observed.facts import Facts, Observation, Place
from pytest_bctrl.observed.infer import inferred
from pytest_bctrl.observed.location import parted, shown
from pytest_bctrl.observed.spot import kind_of

SchemaData: TypeAlias = dict[str, Any]


class UnsayableError(Exception):
    """What was seen cannot be told by a change of this schema; the text says why."""


def admitted(schema: Mapping[str, Any], finding: Finding, observation: Observation) -> SchemaData:
    """Return `schema`, the one that a difference points to, changed so that it admits what the difference shows.

    Raises `UnsayableError` where no change says just that.
    """
    return _EDITS[finding.extra["kind"]](dict(schema), finding, observation)


def _name(finding: Finding) -> str:
    _, last = parted(finding.location)
    if last is None or last.kind != "member":
        raise UnsayableError("it is about no property")
    return last.text


def _property(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    name = _name(finding)
    if name.endswith(" characters)"):
        raise UnsayableError("the property's name is too long to be kept")
    return {**schema, "properties": {**schema.get("properties", {}), name: finding.extra["schema"]}}


def _value(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    facts = facts_at(observation, finding)
    if facts.others:
        raise UnsayableError("there are more values than were told apart: it is no enumeration any more")
    return _listing(schema, [json.loads(text) for text, count in sorted(facts.values.items()) if count])


def _listing(schema: SchemaData, values: list[Any]) -> SchemaData:
    listed = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    known = {json.dumps(value) for value in listed}
    more = [value for value in values if json.dumps(value) not in known]
    if not listed or not more:
        raise UnsayableError("the values are listed in several places")
    made = {key: value for key, value in schema.items() if key != "const"}
    return {**made, "enum": [*listed, *more]}


def _branch(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    return _alternative(schema, {"type": "object", **finding.extra["schema"]})


def _alternative(schema: SchemaData, branch: SchemaData) -> SchemaData:
    word = "oneOf" if "oneOf" in schema else "anyOf"
    return {**schema, word: [*schema[word], branch]}


def _type(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    name = str(finding.observed)
    part = _part(name, finding, observation)
    said = schema.get("type")
    types = [said] if isinstance(said, str) else list(said or ())
    if types and name not in types:
        # A type alone would admit any object and any list; these are described as they were seen.
        return {"anyOf": [schema, part]} if name in ("object", "array") else {**schema, "type": [*types, name]}
    if name not in ("object", "array") and ("enum" in schema or "const" in schema):
        texts = sorted(text for text, count in facts_at(observation, finding).values.items() if count)
        values = [value for value in map(json.loads, texts) if kind_of(value) == name]
        return _listing(schema, [None] if name == "null" else values)
    if "oneOf" in schema or "anyOf" in schema:
        return _alternative(schema, part)
    return {"anyOf": [schema, part]}


def _none_of_them(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    """What was seen beside all alternatives, not as one more of them: a value of two would be of none."""
    if finding.extra["schema"].keys() == {"type"}:
        raise UnsayableError("nothing that is documented was ever there by which it could be described")
    return {"anyOf": [schema, finding.extra["schema"]]}


def _part(name: str, finding: Finding, observation: Observation) -> SchemaData:
    """What was seen of one type at the place of a difference."""
    words = {"object": ("properties", "required"), "array": ("items",), "string": ("format",)}.get(name, ())
    for place in places_at(observation, finding):
        seen = inferred(observation, place)
        return {"type": name, **{word: seen[word] for word in words if word in seen}}
    return {"type": name}


def _format(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    return {key: value for key, value in schema.items() if key != "format"}


def _missing(schema: SchemaData, finding: Finding, observation: Observation) -> SchemaData:
    name = _name(finding)
    if name in schema.get("required", ()):
        return {**schema, "required": [one for one in schema["required"] if one != name]}
    if "oneOf" not in schema and "anyOf" not in schema:
        raise UnsayableError("what requires the property stands elsewhere")
    # The property tells the branches apart, and an object without it is of none: it is one more.
    parent = _parent(finding)
    seen = inferred(observation, parent) if parent in observation.places else {}
    known: SchemaData = {word: seen[word] for word in ("properties", "required") if word in seen}
    known.get("properties", {}).pop(name, None)
    return _alternative(schema, {"type": "object", **known, "not": {"required": [name]}})


def _parent(finding: Finding) -> Place:
    location, _ = parted(finding.location)
    return Place(finding.operation, finding.extra["status"], location)


_EDITS: Mapping[str, Callable[[SchemaData, Finding, Observation], SchemaData]] = {
    "undocumented-property": _property,
    "unlisted-value": _value,
    "new-branch": _branch,
    "alternatives": _none_of_them,
    "type": _type,
    "null": _type,
    "format": _format,
    "missing": _missing,
}


def places_at(observation: Observation, finding: Finding) -> list[Place]:
    """The places that a finding's location stands for: one for each branch that was told."""
    wanted = (finding.operation, finding.extra["status"])
    return [place for place in observation.places if place[:2] == wanted and shown(place.location) == finding.location]


def facts_at(observation: Observation, finding: Finding) -> Facts:
    """All facts of a finding's place, whatever the branch."""
    facts = Facts()
    for place in places_at(observation, finding):
        facts.add(observation.places[place])
    return facts
