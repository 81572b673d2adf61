"""Mutants: bodies that each break the contract in one way, derived from the contract.

The mock serves them as faults, impact runs as changes, and tests check that each of them is detected.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from pytest_bctrl.contract.engine import accepts, conforms_to_format, matches
from pytest_bctrl.contract.schema.invariant import Invariant
from pytest_bctrl.contract.schema.locations import member_location
from pytest_bctrl.contract.schema.ref import is_of_type, listed_values
from pytest_bctrl.contract.schema.shapes import (
    LocatedValue,
    allowed_types,
    located_values,
    member_schema,
    with_changed_value,
    with_value,
)
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Level
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import LONGEST

Broken: TypeAlias = tuple[str, Any]
"""The description of a change, and the changed value."""

_LETTERS = "aA0-. \n"
_OF_TYPE: Mapping[str, Any] = {
    "null": None,
    "string": "a string where none belongs",
    "integer": 7,
    "number": 7.5,
    "boolean": True,
    "object": {"unexpected": "object"},
    "array": ["unexpected", "array"],
}
_NO_FORMAT = ("no such value", "(")
"""Strings of which every validated format rejects at least one."""


def broken_type(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """Yield a value of each JSON type that the schema does not allow, with a description."""
    allowed = allowed_types(schema)
    for name, wrong in _OF_TYPE.items():
        if not any(is_of_type(wrong, type_name) for type_name in allowed):
            yield f"{name} instead of {' or '.join(allowed)}", copy.copy(wrong)


def broken_enum(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """Yield an unlisted value, and a listed one in another case, each with a description."""
    listed = listed_values(schema) or []
    strings = [value for value in listed if isinstance(value, str)]
    wrong = ["unheard-of"]
    if strings:
        wrong = [f"{strings[0]}-unheard-of", strings[0].swapcase()]
    for value in wrong:
        if value not in listed:
            yield f"{value!r} is not listed", value


def broken_required(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """Yield the object without each of its required properties in turn, with a description."""
    for name in schema["required"]:
        if isinstance(value, dict) and name in value:
            yield f"without {name}", {key: inner for key, inner in value.items() if key != name}


def broken_format(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """Yield a string that does not conform to the format, with a description; none for an unknown format."""
    wrong = [text for text in _NO_FORMAT if not conforms_to_format(text, schema["format"])]
    yield from ((f"no {schema['format']}", text) for text in wrong[:1])


def broken_closed(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """Yield an object with a property more, with a description, if the schema is closed."""
    if isinstance(value, dict) and member_schema(schema, MORE) is False:
        yield "a name more", {**value, MORE: True}


def broken_branches(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """Yield a number and, if each branch requires properties or is a reference, an empty object, with descriptions."""
    branches = schema.get("oneOf") or schema["anyOf"]
    if all(isinstance(branch, Mapping) and (branch.keys() & {"$ref", "required"}) for branch in branches):
        yield "an empty object", {}
    yield "a number", 7.5


def broken_pattern(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """Yield a string that the pattern does not match, with a description; none if it matches all candidates."""
    letters = value if isinstance(value, str) else ""
    for wrong in ("\u0000 \u2603", "", *letters, *_LETTERS):
        if not matches(schema["pattern"], wrong):
            yield f"not {schema['pattern']}", wrong
            return


def broken_limits(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """Yield numbers beyond the limits and between two multiples, with a description."""
    if not is_of_type(value, "number"):
        return
    step = schema.get("multipleOf", 1)
    # An integer may exceed the range of a double.
    with suppress(OverflowError):
        for keyword, past in (("minimum", -step), ("exclusiveMinimum", 0), ("maximum", step), ("exclusiveMaximum", 0)):
            if keyword in schema:
                yield f"breaks {keyword}", schema[keyword] + past
        if "multipleOf" in schema and "integer" not in allowed_types(schema):
            yield "breaks multipleOf", value + step / 2


def broken_size(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """Yield strings, lists or objects of a wrong size, and lists with a repeated item, with a description."""
    for kind, word, unit in ((str, "Length", "characters"), (list, "Items", "items"), (dict, "Properties", "names")):
        if isinstance(value, kind):
            if schema.get(f"min{word}", 0) > 0:
                yield f"too few {unit}", _resized(value, int(schema[f"min{word}"]) - 1)
            if schema.get(f"max{word}", LONGEST) < LONGEST:
                yield f"too many {unit}", _resized(value, int(schema[f"max{word}"]) + 1)
    if isinstance(value, list) and schema.get("uniqueItems") and value:
        yield "an item twice", [value[0], *value]


def _resized(value: Any, size: int) -> Any:
    """Return a text, list or object with exactly `size` characters, items or properties."""
    if isinstance(value, str):
        return value[:size].ljust(size, "x")
    if isinstance(value, list):
        return [*value[:size], *(value[-1:] or [None]) * (size - len(value))]
    return {**dict(list(value.items())[:size]), **{f"more{n}": n for n in range(size - len(value))}}


Breaker: TypeAlias = Callable[[Mapping[str, Any], Any], Iterator[Broken]]

_BROKEN_BY: tuple[tuple[Breaker, str], ...] = (
    (broken_enum, "enum const"),
    (broken_format, "format"),
    (broken_pattern, "pattern"),
    (broken_limits, "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
    (broken_size, "minLength maxLength minItems maxItems uniqueItems minProperties maxProperties"),
    (broken_branches, "oneOf anyOf"),
    (broken_closed, "additionalProperties unevaluatedProperties"),
    (broken_required, "required"),
    (broken_type, "type"),
)
BREAKERS: Mapping[str, Breaker] = {word: breaker for breaker, words in _BROKEN_BY for word in words.split()}
"""Functions by keyword, the most specific first: a rule that is given by its location alone breaks the first."""

SCHEMA_CHECK = "response_schema_conformance"
_BRANCHES = frozenset({"oneOf", "anyOf"})

UNDOCUMENTED = "undocumented_property"
MORE = "undocumentedByMutant"
_CLOSING = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties"})
"""Keywords that determine which additional properties an object may have."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One body that breaks one rule.

    `location` is generalised, `keyword` is the schema's keyword or the name of an invariant, `how` describes the
    change. `check` is the rule that must detect it: the schema check, or the invariant's rule; `level` is its level;
    `missing` is the required property that it omits. `make` creates the body, because all bodies together would take
    too much memory.
    """

    location: str
    keyword: str
    how: str
    make: Callable[[], Any] = field(repr=False)
    check: str = SCHEMA_CHECK
    level: Level = "error"
    missing: str = ""

    @property
    def body(self) -> Any:
        """A new copy of the body."""
        return self.make()

    @property
    def name(self) -> str:
        """The name in reports: `runtimes[*].status: enum ('x' is not listed)`."""
        return f"{self.location or '(body)'}: {self.keyword} ({self.how})"

    @property
    def rule(self) -> str:
        """The name of the rule, or its location and keyword: `runtimes[*].status: enum`."""
        if self.check != SCHEMA_CHECK:
            return self.check
        return f"{self.location}: {self.keyword}".removeprefix(": ")

    def breaks(self, rule: str) -> bool:
        """Return whether the mutant breaks the rule of this name, or a keyword at this location."""
        is_location = self.check == SCHEMA_CHECK and rule == (self.location or self.keyword)
        return is_location or rule == self.rule


def mutants(samples: Samples) -> list[Mutant]:
    """Return every mutant of the sample: a body for each way to break one rule.

    They break each invariant (and are valid against the schema), add a property to each object with documented
    properties, and break every keyword at every location, one at a time.
    """
    return list(_derived_mutants(samples, samples.bodies()))


def _derived_mutants(samples: Samples, bodies: Sequence[Any], target: str | None = None) -> Iterator[Mutant]:
    """Yield the mutants of bodies; with `target`, only some, among them all of that location or rule."""
    for rule in samples.invariants:
        if target in (None, rule.name):
            yield from _mutants_of_invariant(rule, bodies[0])
    located = _last_values_by_location(samples, bodies)
    if target in (None, UNDOCUMENTED):
        yield from _undocumented_mutants(located)
    for value, body in located:
        if target in (None, value.location) or not value.location:
            yield from _mutants_of_schema(samples, value, body)


def _mutants_of_invariant(rule: Invariant, body: Any) -> Iterator[Mutant]:
    """Yield a mutant for each way to break an invariant."""
    for how, wrong in rule.broken_copies(body):
        make = partial(copy.deepcopy, wrong)
        yield Mutant(rule.location, rule.name, how, make, rule.name, rule.entry.get("level", "error"))


def _undocumented_mutants(located: Sequence[tuple[LocatedValue, Any]]) -> Iterator[Mutant]:
    """Yield a mutant with an undocumented property for each object with documented ones that is not closed."""
    # A closing keyword beside the branches applies to them too.
    closed = {value.location for value, _ in located if not _CLOSING.isdisjoint(value.schema)}
    for value, body in reversed(located):
        if value.location not in closed and isinstance(value.value, dict) and value.schema.get("properties"):
            make = partial(with_changed_value, body, value.path, _with_undocumented)
            where, how = member_location(value.location, MORE), value.branch or "a property more"
            yield Mutant(where, UNDOCUMENTED, how, make, UNDOCUMENTED, "warning")


def _with_undocumented(members: dict[str, Any]) -> dict[str, Any]:
    """Return an object with a property that the contract does not document."""
    return {**members, MORE: "nobody documented this"}


def broken(samples: Samples, body: Any, rule: str) -> Mutant:
    """Return a mutant of `body`, else of the sample, that breaks a rule; raises `SettingError` for an unknown rule.

    `rule` is a location (`runtimes[*].status`), a location and a keyword (`runtimes[*].status: type`), the name of an
    invariant (`unique_ids`) or `undocumented_property`. If `body` lacks the location, the sample is broken instead.
    Raises `SettingError` for a rule that the contract does not have, listing those it has.
    """
    # A property name may contain a colon; a keyword does not.
    target, _, keyword = (part.strip() for part in rule.rpartition(":"))
    name = f"{target}: {keyword}"
    if not target or keyword not in BREAKERS:
        target = name = rule
    for bodies in ([body], ()):
        for mutant in _derived_mutants(samples, bodies or samples.bodies(), target):
            if mutant.breaks(name):
                return mutant
    names = "; ".join(rules(samples))
    raise SettingError("unknown rule", where=f"break_rule({json.dumps(rule)})", hint=f"choose one of: {names}")


def rules(samples: Samples) -> list[str]:
    """Return the name of every rule that can be broken: invariants, `undocumented_property`, keywords by location."""
    return list(dict.fromkeys(mutant.rule for mutant in mutants(samples)))


def _last_values_by_location(samples: Samples, bodies: Sequence[Any]) -> list[tuple[LocatedValue, Any]]:
    """Return the last value, rather not empty, per location and branch in the first body with any, with the body."""
    by_location: dict[tuple[str, str], tuple[LocatedValue, Any]] = {}
    for body in bodies:
        last: dict[tuple[str, str], tuple[LocatedValue, Any]] = {}
        for value in located_values(samples.contract, samples.schema, body):
            # A value with content can be broken in more ways than null or an empty container.
            if (value.location, value.branch) not in last or value.value not in (None, [], {}):
                last[value.location, value.branch] = value, body
        for key, located in last.items():
            by_location.setdefault(key, located)
    return list(by_location.values())


def _mutants_of_schema(samples: Samples, located: LocatedValue, body: Any) -> Iterator[Mutant]:
    """Yield a mutant for each way to break a keyword of the schema at one location."""
    descriptions: set[str] = set()
    for keyword in BREAKERS:
        for how, value in broken_at(located, keyword):
            if how in descriptions:
                continue
            descriptions.add(how)
            make = partial(with_value, body, located.path, value)
            may_conform = located.branch or keyword in _BRANCHES or keyword == "unevaluatedProperties"
            if may_conform and accepts(samples.contract, samples.schema, make()):
                # The value breaks its branch, but conforms to another one.
                continue
            missing = ""
            if keyword == "required":
                missing = min(located.value.keys() - value.keys())
            yield Mutant(located.location, keyword, how, make, missing=missing)


def broken_at(located: LocatedValue, keyword: str) -> Iterator[Broken]:
    """Yield values that break a keyword at one location; the description names the branch, if any."""
    if keyword not in located.schema:
        return
    for how, value in BREAKERS[keyword](located.schema, located.value):
        if located.branch:
            yield f"{how}, {located.branch}", value
        else:
            yield how, value
