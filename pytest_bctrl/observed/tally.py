"""Counts columns into the facts of one answer's places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_bctrl.contract.formats import conforms
from pytest_bctrl.contract.show import location as exact
from pytest_bctrl.observed.column import Column
from pytest_bctrl.observed.facts import MANY, Facts, Observation, Place
from pytest_bctrl.observed.location import tagged
from pytest_bctrl.observed.redact import redacted
from pytest_bctrl.observed.spot import json_text

_NAMES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}

LENGTH = 120
"""Characters of a value's JSON text; a longer one is counted and not kept."""


class Tally:
    """What one pass writes into an observation."""

    def __init__(self, into: Observation, operation: str, status: str) -> None:
        self.into = into
        self._operation = operation
        self._status = status

    def place(self, location: str) -> Place:
        """The place of a location in this answer."""
        return Place(self._operation, self._status, location)

    def facts(self, location: str) -> Facts:
        """The facts of a location in this answer."""
        return self.into.places.setdefault(self.place(location), Facts())

    def count(self, location: str, column: Column, of: int) -> Facts:
        """Count values at a place, of so many that could have been there."""
        facts = self.facts(location)
        facts.seen += len(column.values)
        facts.of += of
        return facts

    def by_type(self, facts: Facts, column: Column) -> dict[str, Column]:
        """Count the values' types, and part the column by them."""
        types = list(map(type, column.values))
        if len(set(types)) == 1 and types[0] is not float:
            parts = {_NAMES[types[0]]: column}
        else:
            parts = column.grouped([_name(value) for value in column.values])
        for kind, part in parts.items():
            facts.types[kind] += len(part.values)
            self.sample(facts, kind, part, 0)
        return parts

    def sample(self, facts: Facts, of: str, column: Column, index: int) -> None:
        """Keep a value as the sample of something, if it is the first."""
        if of not in facts.samples and column.values:
            facts.samples[of] = {"location": exact(column.where(index)), "value": redacted(column.values[index])}

    def absent(self, location: str, column: Column, name: str) -> None:
        """Keep the place of the first object that lacks a member, if it is the first."""
        facts = self.facts(location)
        if "absent" not in facts.samples:
            index = next(at for at, value in enumerate(column.values) if name not in value)
            facts.samples["absent"] = {"location": exact((*column.where(index), name)), "value": "no such property"}

    def values(self, facts: Facts, column: Column, documented: Mapping[str, Any]) -> None:
        """Count scalars of one type by their JSON text; documented ones are always told apart."""
        for text in documented:
            facts.values.setdefault(text, 0)
        for value, count in Counter(column.values).items():
            text = json_text(value)
            if len(text) > LENGTH and text not in facts.values:
                facts.others += count
                continue
            facts.count_value(text, count)
            if text not in documented and text in facts.values:
                self.sample(facts, text, column, list(column.values).index(value))

    def format(self, facts: Facts, column: Column, name: str) -> None:
        """Count the strings that are in a format."""
        held = [conforms(value, name) for value in column.values]
        facts.formats[name] += sum(held)
        if not all(held):
            self.sample(facts, f"not {name}", column, held.index(False))

    def tag(self, location: str, name: str, tag: str) -> str:
        """A tag that no contract has, as it is told apart: past `MANY` of them, all others are one."""
        parent, place = self.place(location), self.place(tagged(location, tag))
        known = self.into.unknown.setdefault(parent, set())
        if place not in known and len(known) >= MANY:
            return f"{name}:other"
        known.add(place)
        self.facts(place.location)
        return tag


def _name(value: Any) -> str:
    if type(value) is float:
        return "integer" if value.is_integer() else "number"
    return _NAMES[type(value)]
