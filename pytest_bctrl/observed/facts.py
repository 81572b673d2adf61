"""The facts that were seen: counted by place, and of no contract's opinion: any contract can be held to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MANY = 64
"""Distinct values kept at one place; where there are more, they are counted and no longer told apart."""


class Place(NamedTuple):
    """A generalised place of one documented response.

    `operation` is a label (`GET /v1/spaces/{id}/runtimes`), `status` the code that was answered (`200`), `location`
    the place in its body: `runtimes[*].status`; `` for the body itself. Behind a `oneOf` or `anyOf` whose branches a
    property tells apart, the location carries that property's value: `runtimes[*].backing<kind=browser>.profile`.
    """

    operation: str
    status: str
    location: str


@dataclass(slots=True)
class Facts:
    """What stood at one place.

    `seen` values, of `of` objects that could have held one (for list items: `of` is `seen`). `types` counts JSON
    type names, `values` scalars by their JSON text (documented enumerations and discriminators only, `MANY` at
    most, the rest under `others`), `formats` how many of the strings are in a format, `empty` lists and objects with
    nothing in them. `sample` is one value with its exact place, redacted: its shape and never its text.
    """

    seen: int = 0
    of: int = 0
    types: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    others: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    sample: Mapping[str, Any] | None = None

    def add(self, other: Facts) -> None:
        """Add what was seen elsewhere at the same place; the first sample stays."""
        self.seen += other.seen
        self.of += other.of
        self.types.update(other.types)
        self.formats.update(other.formats)
        self.empty += other.empty
        self.others += other.others
        for value, count in other.values.items():
            self.count_value(value, count)
        self.sample = self.sample if self.sample is not None else other.sample

    def count_value(self, text: str, count: int) -> None:
        """Count a scalar, by its JSON text, unless too many were told apart before it."""
        if text in self.values or len(self.values) < MANY:
            self.values[text] += count
        else:
            self.others += count


@dataclass(slots=True)
class Observation:
    """Everything that was seen in a run; two of them can be added, and one survives as plain JSON data.

    `statuses` counts answers by operation label and code, `parameters` the documented parameters that requests
    gave, by operation label and `place:name`.
    """

    places: dict[Place, Facts] = field(default_factory=dict)
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    parameters: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Observation) -> None:
        """Add what was seen elsewhere, in another worker for example."""
        self.statuses.update(other.statuses)
        self.parameters.update(other.parameters)
        for place, facts in other.places.items():
            self.places.setdefault(place, Facts()).add(facts)
