"""The facts observed in responses, counted by location; for comparison with a contract, and for inferring a schema."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from pytest_bctrl.contract.schema.locations import ITEMS, parse_steps, split_location
from pytest_bctrl.contract.schema.ref import TYPES
from pytest_bctrl.errors import DocumentError

MANY = 64
"""Maximum number of distinct values tracked per location; further ones are only counted."""


class ObservedLocation(NamedTuple):
    """A generalised location in the bodies of one operation and status.

    `operation` is a label (`GET /v1/spaces/{id}/runtimes`), `status` the code of the response (`200`), `location` the
    location in its body: `runtimes[*].status`; `` for the body itself. Inside a `oneOf` or `anyOf` whose branches are
    distinguished by a property, it contains that property's value: `runtimes[*].backing<kind=browser>.profile`.
    """

    operation: str
    status: str
    location: str


@dataclass(slots=True)
class Facts:
    """The values observed at one location.

    `seen` counts the values, `of` the objects that could have had one (for list items, `of` equals `seen`). `types`
    counts JSON type names, `values` scalars by their JSON text (only documented enumerations and discriminators, at
    most `MANY`, the rest under `others`), `formats` the strings that conform to a format, `empty` the empty lists and
    objects. `samples` are single values with their exact location, redacted to their shape. Their keys are what they
    are a sample of: the name of a type, the JSON text of a value, `absent`, or `not uuid` for a string that does not
    conform to that format.
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
        """The first sample, if any."""
        return next(iter(self.samples.values()), None)

    def add(self, other: Facts) -> None:
        """Add the facts of the same location in another observation; own samples take precedence."""
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
        """Count a scalar by its JSON text, or under `others` if too many values are tracked already."""
        if text in self.values or len(self.values) < MANY:
            self.values[text] += count
        else:
            self.others += count


@dataclass(slots=True)
class Observation:
    """Everything observed in a run; observations can be added, and serialised as plain JSON data.

    `statuses` counts responses by operation label and code, `parameters` the documented parameters that requests
    had, by operation label and `in:name`. `unknown` are the members that the contract does not document, by the
    location of their object: at most `MANY` are tracked, and `uncounted_members` counts the occurrences of others.
    `unread` counts the responses whose body could not be examined, by operation label, code and media type.
    """

    places: dict[ObservedLocation, Facts] = field(default_factory=dict)
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    parameters: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: dict[ObservedLocation, set[ObservedLocation]] = field(default_factory=dict)
    uncounted_members: Counter[ObservedLocation] = field(default_factory=Counter)
    unread: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, other: Observation) -> None:
        """Add another observation to this one, such as that of another worker."""
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for place, facts in other.places.items():
            self.places.setdefault(place, Facts()).add(facts)
        for parent, members in other.unknown.items():
            self.unknown.setdefault(parent, set()).update(members)
        for parent in self.unknown:
            self.count_objects_of_unknown(parent)

    def count_objects_of_unknown(self, parent: ObservedLocation) -> None:
        """Set for each undocumented member of a location how many objects were seen there altogether."""
        objects = self.places[parent].types["object"]
        for member in self.unknown.get(parent, ()):
            self.places[member].of = objects


VERSION = 1


def as_data(observation: Observation) -> dict[str, Any]:
    """Return an observation as plain JSON data, for `from_data`."""
    return {
        "version": VERSION,
        **{key: _rows(getattr(observation, name)) for name, key in _COUNTERS.items()},
        "places": [[*place, _facts_as_data(facts)] for place, facts in observation.places.items()],
        "unknown": [
            [*parent, sorted(member.location for member in members)] for parent, members in observation.unknown.items()
        ],
    }


def _rows(counter: Counter[tuple[str, ...]]) -> list[list[Any]]:
    """Return each key of a counter with its count at the end."""
    return [[*key, count] for key, count in counter.items()]


def _facts_as_data(facts: Facts) -> dict[str, Any]:
    """Return the facts about a location as plain JSON data."""
    values = {entry.name: getattr(facts, entry.name) for entry in fields(facts)}
    return {name: dict(value) if isinstance(value, dict) else value for name, value in values.items()}


def from_data(data: Mapping[str, Any]) -> Observation:
    """Return an observation from the data that `as_data` returns; raises `DocumentError` for any other data."""
    try:
        if data["version"] != VERSION:
            raise ValueError
        complete = {"unread": [], **data}
        counters = {name: _counter(complete[key], _KEYS[key]) for name, key in _COUNTERS.items()}
        unknown = {
            _observed_location(label, code, location): {_observed_location(label, code, member) for member in members}
            for label, code, location, members in data["unknown"]
        }
        places = {_observed_location(*place): _facts_from_data(facts) for *place, facts in data["places"]}
        return Observation(places=places, unknown=unknown, **counters)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DocumentError(
            "it is not an observation of this version", where="observation", hint="observe the traffic again"
        ) from None


def _counter(rows: Iterable[Sequence[Any]], key: Callable[..., Any]) -> Counter[Any]:
    """Return a counter from rows, each of which ends with its count."""
    return Counter({key(*parts): int(count) for *parts, count in rows})


def _observed_location(label: str, code: str, location: str) -> ObservedLocation:
    """Return the location with its operation and status; raises `ValueError` for an invalid location or status."""
    list(parse_steps(location))
    return ObservedLocation(str(label), _valid_code(code), location)


def _valid_code(code: str) -> str:
    """Return a status code, as text; raises `ValueError` if it is not a number."""
    if not code.isdecimal():
        raise ValueError(code)
    return code


def _status_key(label: str, code: str) -> tuple[str, str]:
    """Return the key under which an observation counts responses: operation and status."""
    return str(label), _valid_code(code)


def _parameter_key(label: str, name: str) -> tuple[str, str]:
    """Return the key under which an observation counts a request parameter: operation and name."""
    return str(label), str(name)


def _media_type_key(label: str, code: str, media_type: str) -> tuple[str, str, str]:
    """Return the key under which an observation counts unread bodies: operation, status and media type."""
    return str(label), _valid_code(code), str(media_type)


_KEYS: Mapping[str, Callable[..., Any]] = {
    "statuses": _status_key,
    "parameters": _parameter_key,
    "untold": _observed_location,
    "unread": _media_type_key,
}
"""The functions that build a counter's key from its parts, by the counter's key in the JSON data."""

_COUNTERS = {"statuses": "statuses", "parameters": "parameters", "uncounted_members": "untold", "unread": "unread"}
"""The counters of an observation, and their keys in the JSON data."""


def _facts_from_data(data: Mapping[str, Any]) -> Facts:
    """Return facts from plain data; raises `ValueError`, `KeyError` or `TypeError` if the data is invalid."""
    for text in data["values"]:
        json.loads(text)
    counts: dict[str, Any] = {name: int(data[name]) for name in ("seen", "of", "others", "empty")}
    for name in ("types", "values", "formats"):
        counts[name] = Counter({key: int(count) for key, count in data[name].items()})
    return Facts(**counts, samples={of: _sample_from_data(of, sample) for of, sample in data["samples"].items()})


def _sample_from_data(sample_of: str, sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample from plain data. Raises `ValueError` if the sample of an object is not one."""
    if sample_of == "object" and not isinstance(sample["value"], dict):
        raise ValueError(sample_of)
    return {"location": str(sample["location"]), "value": sample["value"]}


def with_labels_replaced(observation: Observation, names: Mapping[str, str]) -> Observation:
    """Return the observation with the labels of operations replaced according to `names`."""
    if all(old == new for old, new in names.items()):
        return observation
    data = as_data(observation)
    parts = {name: rows for name, rows in data.items() if name != "version"}
    renamed = {name: [[names.get(label, label), *values] for label, *values in rows] for name, rows in parts.items()}
    return from_data({**data, **renamed})


FORMATS = ("uuid", "date-time")
"""Formats that undocumented strings are checked for."""


def inferred_schema(observation: Observation, place: ObservedLocation, kind: str | None = None) -> dict[str, Any]:
    """Return a JSON Schema (2020-12) that accepts every value observed at a location, of one type or of any.

    It has types, a format if every string conforms to it, properties (those that were always present are required),
    and items.
    """
    facts = observation.places.get(place, Facts())
    types = [kind] if kind is not None else [name for name in TYPES if facts.types[name]]
    if "number" in types and "integer" in types:
        types.remove("integer")
    schema: dict[str, Any] = {"type": types}
    if len(types) == 1:
        schema["type"] = types[0]
    strings = facts.types["string"]
    string_format = next((name for name in FORMATS if strings and facts.formats[name] == strings), None)
    if string_format is not None and "string" in types:
        schema["format"] = string_format
    if "object" in types and (members := dict(sorted(_observed_members(observation, place)))):
        schema["properties"] = {name: inferred_schema(observation, member) for name, member in members.items()}
        objects = facts.types["object"]
        required = [name for name, member in members.items() if observation.places[member].seen == objects]
        if required:
            schema["required"] = required
    items = ObservedLocation(place.operation, place.status, place.location + ITEMS)
    if "array" in types and items in observation.places:
        schema["items"] = inferred_schema(observation, items)
    return schema


def _observed_members(observation: Observation, place: ObservedLocation) -> Iterator[tuple[str, ObservedLocation]]:
    """Yield the name and the location of each observed property of the objects at a location."""
    for member in observation.places:
        if member[:2] == place[:2] and member.location.startswith(place.location) and observation.places[member].seen:
            parent, last = split_location(member.location)
            if parent == place.location and last is not None and last.kind == "member":
                yield last.text, member
