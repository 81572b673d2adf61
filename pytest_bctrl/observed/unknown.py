"""What no contract names: taken down by its shape, without a value, and the schema that is inferred of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bctrl.contract.schema import locations as places
from pytest_bctrl.contract.schema.locations import ITEMS, parted
from pytest_bctrl.contract.schema.ref import TYPES
from pytest_bctrl.observed.facts import MANY, Facts, Observation, Place
from pytest_bctrl.observed.tally import Column, Tally

LEVELS = 4
"""Levels below an unknown member that are looked into."""

PLACES = 2_000
"""Unknown places that one observation tells apart in all."""

FORMATS = ("uuid", "date-time")
"""What unknown strings may turn out to be."""


def observe_unknown(tally: Tally, location: str, column: Column, names: Mapping[str, int], level: int = 0) -> None:
    """Take down the unknown members of the objects at a place, by name and how many have it."""
    into, parent = tally.into, tally.place(location)
    known = into.unknown.get(parent, set())
    room = PLACES - sum(map(len, into.unknown.values())) if names else 0
    for name, count in names.items():
        at = places.unknown_member(location, name)
        place = tally.place(at)
        if place not in known:
            if len(known) >= MANY or room <= 0:
                into.untold[parent] += count
                continue
            room -= 1
            known.add(place)
            into.unknown[parent] = known
        observe_unknown_column(tally, at, column.member(name, count == len(column.values)), 0, level)
    if known:
        into.settle(parent)


def observe_unknown_column(tally: Tally, location: str, column: Column, of: int, level: int = 0) -> None:
    """Take down values of any type at a place of which no contract says anything."""
    facts = tally.count(location, column, of)
    for kind, part in tally.by_type(facts, column).items():
        observe_unknown_values(tally, location, facts, kind, part, level)


def observe_unknown_values(
    tally: Tally, location: str, facts: Facts, kind: str, column: Column, level: int = 0
) -> None:
    """Take down values of a type that no contract has at their place, and what lies in them."""
    if kind == "string":
        for name in FORMATS:
            tally.format(facts, column, name)
    elif kind == "array":
        facts.empty += column.empty()
        items = column.items()
        if level < LEVELS and items.values:
            observe_unknown_column(tally, location + places.ITEMS, items, len(items.values), level + 1)
    elif kind == "object":
        facts.empty += column.empty()
        if level < LEVELS:
            observe_unknown(tally, location, column, column.names(), level + 1)


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
