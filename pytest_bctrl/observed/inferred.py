"""The schema that is inferred of what was seen, with names, types and formats, and without a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_bctrl.contract.schema.locations import ITEMS, parted
from pytest_bctrl.contract.schema.ref import TYPES
from pytest_bctrl.observed.facts import Facts, Observation, Place

FORMATS = ("uuid", "date-time")
"""What strings that no contract names may turn out to be."""


def inferred(observation: Observation, place: Place, kind: str | None = None) -> dict[str, Any]:
    """Return a JSON Schema (2020-12) that takes every value that was seen at a place, of one type or of any.

    Types, formats where every string was in one, properties with those that were always there as required, and items.
    """
    facts = observation.places.get(place, Facts())
    types = [name for name in TYPES if facts.types[name]] if kind is None else [kind]
    if "number" in types and "integer" in types:
        types.remove("integer")
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types} if types else {}
    strings = facts.types["string"]
    named = next((name for name in FORMATS if strings and facts.formats[name] == strings), None)
    if named is not None and "string" in types:
        schema["format"] = named
    if "object" in types:
        schema.update(_object(observation, place, facts))
    items = Place(place.operation, place.status, place.location + ITEMS)
    if "array" in types and items in observation.places:
        schema["items"] = inferred(observation, items)
    return schema


def _object(observation: Observation, place: Place, facts: Facts) -> dict[str, Any]:
    members = dict(sorted(_members(observation, place)))
    if not members:
        return {}
    required = [name for name, at in members.items() if observation.places[at].seen == facts.types["object"]]
    properties = {name: inferred(observation, at) for name, at in members.items()}
    return {"properties": properties, **({"required": required} if required else {})}


def _members(observation: Observation, place: Place) -> Iterator[tuple[str, Place]]:
    for member in observation.places:
        if member[:2] == place[:2] and member.location.startswith(place.location) and observation.places[member].seen:
            parent, last = parted(member.location)
            if parent == place.location and last is not None and last.kind == "member":
                yield last.text, member
