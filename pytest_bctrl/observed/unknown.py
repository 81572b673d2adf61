"""Takes down members that no contract names: their shape, so that a schema can be inferred, and no value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pytest_bctrl.observed import location as places
from pytest_bctrl.observed.column import Column
from pytest_bctrl.observed.facts import MANY, Facts
from pytest_bctrl.observed.tally import Tally

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
        _column(tally, at, column.member(name, count == len(column.values)), 0, level)
    if known:
        into.settle(parent)


def _column(tally: Tally, location: str, column: Column, of: int, level: int) -> None:
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
        facts.empty += sum(1 for value in column.values if not value)
        items = column.items()
        if level < LEVELS and items.values:
            _column(tally, location + places.ITEMS, items, len(items.values), level + 1)
    elif kind == "object":
        facts.empty += sum(1 for value in column.values if not value)
        names = Counter(name for value in column.values for name in value)
        if level < LEVELS:
            observe_unknown(tally, location, column, names, level + 1)
