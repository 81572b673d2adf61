"""The facts that were seen, counted by place: any contract can be held to them, and a schema be inferred of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from pytest_bctrl.contract.schema.locations import ITEMS, parse_steps, split_location
from pytest_bctrl.contract.schema.ref import TYPES
from pytest_bctrl.errors import DocumentError

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
    nothing in them. `samples` are single values, each with its exact place, redacted: their shape and never their
    text. They are kept by what they are a sample of: a type's name, the JSON text of a value, `absent`, or
    `not uuid` for a string that is not in that format.
    """

    seen: int = 0
    of: int = 0
    types: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    others: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    samples: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def sample(self) -> Mapping[str, Any] | None:
        """The first sample there is."""
        return next(iter(self.samples.values()), None)

    def add(self, other: Facts) -> None:
        """Add what was seen elsewhere at the same place; of samples of the same, the first stays."""
        self.seen += other.seen
        self.of += other.of
        self.types.update(other.types)
        self.formats.update(other.formats)
        self.empty += other.empty
        self.others += other.others
        for value, count in other.values.items():
            self.count_value(value, count)
        self.samples = {**other.samples, **self.samples}

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
    gave, by operation label and `place:name`. `unknown` are the members that the observing contract does not name,
    by the place of their object: `MANY` at most are told apart, and `untold` counts how often others were seen.
    `unread` counts the answers with a body that taught nothing, by operation label, code and media type.
    """

    places: dict[Place, Facts] = field(default_factory=dict)
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    parameters: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: dict[Place, set[Place]] = field(default_factory=dict)
    untold: Counter[Place] = field(default_factory=Counter)
    unread: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, other: Observation) -> None:
        """Add what was seen elsewhere, in another worker for example."""
        for name in _KEYS:
            getattr(self, name).update(getattr(other, name))
        for place, facts in other.places.items():
            self.places.setdefault(place, Facts()).add(facts)
        for parent, members in other.unknown.items():
            self.unknown.setdefault(parent, set()).update(members)
        for parent in self.unknown:
            self.settle(parent)

    def settle(self, parent: Place) -> None:
        """Let unknown members know of every object that could have held one, also of those before they were known."""
        objects = self.places[parent].types["object"]
        for member in self.unknown.get(parent, ()):
            self.places[member].of = objects


VERSION = 1


def as_data(observation: Observation) -> dict[str, Any]:
    """Return what `from_data` reads: lists, dicts, texts and numbers alone."""
    return {
        "version": VERSION,
        **{name: [[*key, count] for key, count in getattr(observation, name).items()] for name in _KEYS},
        "places": [[*place, _facts(facts)] for place, facts in observation.places.items()],
        "unknown": [
            [*parent, sorted(member.location for member in members)] for parent, members in observation.unknown.items()
        ],
    }


def _facts(facts: Facts) -> dict[str, Any]:
    kept = {one.name: getattr(facts, one.name) for one in fields(facts)}
    return {name: dict(value) if isinstance(value, dict) else value for name, value in kept.items()}


def from_data(data: Mapping[str, Any]) -> Observation:
    """Return the observation that `as_data` wrote; raises `DocumentError` for anything else."""
    try:
        if data["version"] != VERSION:
            raise ValueError
        given = {"unread": [], **data}
        counts = {
            name: Counter({key(*parts): int(count) for *parts, count in given[name]}) for name, key in _KEYS.items()
        }
        unknown = {
            _place(label, code, at): {_place(label, code, member) for member in members}
            for label, code, at, members in data["unknown"]
        }
        places = {_place(*place): _read(facts) for *place, facts in data["places"]}
        return Observation(places=places, unknown=unknown, **counts)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DocumentError(
            "it is not an observation of this version", where="observation", hint="observe the traffic again"
        ) from None


def _place(label: str, code: str, location: str) -> Place:
    """A place whose location can be read; raises `ValueError` for any other."""
    list(parse_steps(location))
    return Place(str(label), _code(code), location)


def _code(code: str) -> str:
    if not code.isdecimal():
        raise ValueError(code)
    return code


_KEYS: Mapping[str, Callable[..., Any]] = {
    "statuses": lambda label, code: (str(label), _code(code)),
    "parameters": lambda label, name: (str(label), str(name)),
    "untold": _place,
    "unread": lambda label, code, media: (str(label), _code(code), str(media)),
}
"""What an observation counts, and what makes a key of its parts."""


def _read(data: Mapping[str, Any]) -> Facts:
    for text in data["values"]:
        json.loads(text)
    made: dict[str, Any] = {name: int(data[name]) for name in ("seen", "of", "others", "empty")}
    for name in ("types", "values", "formats"):
        made[name] = Counter({key: int(count) for key, count in data[name].items()})
    return Facts(**made, samples={of: _sample(of, sample) for of, sample in data["samples"].items()})


def _sample(of: str, sample: Mapping[str, Any]) -> dict[str, Any]:
    if of == "object" and not isinstance(sample["value"], dict):
        raise ValueError(of)
    return {"location": str(sample["location"]), "value": sample["value"]}


def relabelled(observation: Observation, names: Mapping[str, str]) -> Observation:
    """Return the observation with each operation's label replaced by what `names` has for it."""
    if all(old == new for old, new in names.items()):
        return observation
    data = as_data(observation)
    parts = {name: rows for name, rows in data.items() if name != "version"}
    named = {name: [[names.get(label, label), *rest] for label, *rest in rows] for name, rows in parts.items()}
    return from_data({**data, **named})


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
    if "object" in types and (members := dict(sorted(_members(observation, place)))):
        schema["properties"] = {name: inferred(observation, at) for name, at in members.items()}
        required = [name for name, at in members.items() if observation.places[at].seen == facts.types["object"]]
        schema |= {"required": required} if required else {}
    items = Place(place.operation, place.status, place.location + ITEMS)
    if "array" in types and items in observation.places:
        schema["items"] = inferred(observation, items)
    return schema


def _members(observation: Observation, place: Place) -> Iterator[tuple[str, Place]]:
    for member in observation.places:
        if member[:2] == place[:2] and member.location.startswith(place.location) and observation.places[member].seen:
            parent, last = split_location(member.location)
            if parent == place.location and last is not None and last.kind == "member":
                yield last.text, member
