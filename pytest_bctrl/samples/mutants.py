"""Bodies that each break the contract in one way, derived from the contract and never written by hand.

They show how strong a check is (every one must be caught), and the mock serves them as faults.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from pytest_bctrl.contract.engine import accepts, conforms_to_format, matches
from pytest_bctrl.contract.schema.locations import member_location
from pytest_bctrl.contract.schema.ref import is_of_type, listed_values
from pytest_bctrl.contract.schema.shapes import (
    LocatedValue,
    allowed_types,
    located_values,
    member_schema,
    with_change,
    with_value,
)
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import Level
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import LONGEST

Broken: TypeAlias = tuple[str, Any]
"""What was done, in words, and the value after it."""

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
"""Texts of which every format that is asserted refuses one."""


def broken_type(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """Each JSON type that the schema does not name."""
    allowed = allowed_types(schema)
    for name, wrong in _OF_TYPE.items():
        if not any(is_of_type(wrong, one) for one in allowed):
            yield f"{name} instead of {' or '.join(allowed)}", copy.copy(wrong)


def broken_enum(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """A value that is not listed, and a listed one in another case."""
    listed = listed_values(schema) or []
    strings = [value for value in listed if isinstance(value, str)]
    wrong = [f"{strings[0]}-unheard-of", strings[0].swapcase()] if strings else ["unheard-of"]
    for value in wrong:
        if value not in listed:
            yield f"{value!r} is not listed", value


def broken_required(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """The object without each of its required names."""
    for name in schema["required"]:
        if isinstance(value, dict) and name in value:
            yield f"without {name}", {key: inner for key, inner in value.items() if key != name}


def broken_format(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """A string that is not of the format."""
    wrong = [text for text in _NO_FORMAT if not conforms_to_format(text, schema["format"])]
    yield from ((f"no {schema['format']}", text) for text in wrong[:1])


def broken_closed(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """An object that is closed, with a name more."""
    if isinstance(value, dict) and member_schema(schema, MORE) is False:
        yield "a name more", {**value, MORE: True}


def broken_branches(schema: Mapping[str, Any], _value: Any) -> Iterator[Broken]:
    """A value that hardly any branch has room for: an empty object, and a number."""
    branches = schema.get("oneOf") or schema["anyOf"]
    if all(isinstance(branch, Mapping) and (branch.keys() & {"$ref", "required"}) for branch in branches):
        yield "an empty object", {}
    yield "a number", 7.5


def broken_pattern(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A string that the pattern does not take: one that hardly any does, none at all, or a single letter."""
    for wrong in ("\u0000 \u2603", "", *(value if isinstance(value, str) else ()), *_LETTERS):
        if not matches(schema["pattern"], wrong):
            yield f"not {schema['pattern']}", wrong
            return


def broken_limits(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A number below the least, above the most, or between two steps."""
    if not is_of_type(value, "number"):
        return
    step = schema.get("multipleOf", 1)
    # An integer may be beyond what a double holds.
    with suppress(OverflowError):
        for keyword, past in (("minimum", -step), ("exclusiveMinimum", 0), ("maximum", step), ("exclusiveMaximum", 0)):
            if keyword in schema:
                yield f"breaks {keyword}", schema[keyword] + past
        if "multipleOf" in schema and "integer" not in allowed_types(schema):
            yield "breaks multipleOf", value + step / 2


def broken_size(schema: Mapping[str, Any], value: Any) -> Iterator[Broken]:
    """A text, a list or an object with one too few or too many in it; a list with an item twice."""
    for kind, word, unit in ((str, "Length", "characters"), (list, "Items", "items"), (dict, "Properties", "names")):
        if isinstance(value, kind):
            if schema.get(f"min{word}", 0) > 0:
                yield f"too few {unit}", _resized(value, int(schema[f"min{word}"]) - 1)
            if schema.get(f"max{word}", LONGEST) < LONGEST:
                yield f"too many {unit}", _resized(value, int(schema[f"max{word}"]) + 1)
    if isinstance(value, list) and schema.get("uniqueItems") and value:
        yield "an item twice", [value[0], *value]


def _resized(value: Any, size: int) -> Any:
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
"""From the most telling to the bluntest: where one rule is asked for by its place alone, the first is broken."""

UNBREAKABLE = frozenset(
    {"if", "then", "else", "not", "dependentRequired", "dependentSchemas"}
    | {"unevaluatedItems", "contains", "propertyNames", "patternProperties"}
)
"""Keywords for which no mutant is derived; where a contract has them, that is said."""


SCHEMA_CHECK = "response_schema_conformance"
_BRANCHES = frozenset({"oneOf", "anyOf"})
_FAINT = _BRANCHES | {"pattern", "format"}
"""Keywords that may rule out nothing that can be derived: a pattern that takes everything, a format nobody knows."""

UNDOCUMENTED = "undocumented_property"
MORE = "undocumentedByMutant"
_CLOSING = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties"})
"""Keywords that say by themselves what an object may hold beside its own."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One body that breaks one rule.

    `location` is generalised, `keyword` the schema's keyword or the name of an invariant, `how` says in words what
    was done. `check` is what has to catch it: the schema check, or the invariant's own rule; `level` how bad it is;
    `missing` the required name that it leaves out. `make` makes the body, as most of them together would take more
    memory than one needs.
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
        """The body, made again each time."""
        return self.make()

    @property
    def name(self) -> str:
        """What a report calls it: `runtimes[*].status: enum ('x' is not listed)`."""
        return f"{self.location or '(body)'}: {self.keyword} ({self.how})"

    @property
    def rule(self) -> str:
        """The rule by its name, or by its place and keyword: `runtimes[*].status: enum`."""
        return self.check if self.check != SCHEMA_CHECK else f"{self.location}: {self.keyword}".removeprefix(": ")

    def breaks(self, rule: str) -> bool:
        """Whether it breaks the rule of this name, or a keyword at this place."""
        is_place = self.check == SCHEMA_CHECK and rule == (self.location or self.keyword)
        return is_place or rule == self.rule


def mutants(samples: Samples) -> list[Mutant]:
    """Return every mutant of the sample: of each invariant, valid against the schema and yet wrong; of each object that
    documents its properties, with one more; and of every keyword at every place, one at a time.
    """
    return list(_derived(samples, samples.bodies()))


def _derived(samples: Samples, bodies: Sequence[Any], place: str | None = None) -> Iterator[Mutant]:
    """Every mutant, or at least those of one place or rule."""
    for rule in samples.invariants:
        for how, wrong in rule.broken_copies(bodies[0]) if place in (None, rule.name) else ():
            made = partial(copy.deepcopy, wrong)
            yield Mutant(rule.location, rule.name, how, made, rule.name, rule.entry.get("level", "error"))
    spots = _each_spot(samples, bodies)
    # What is said beside a branch holds in it.
    said = {spot.location for spot, _ in spots if not _CLOSING.isdisjoint(spot.schema)}
    for spot, body in reversed(spots) if place in (None, UNDOCUMENTED) else ():
        if spot.location not in said and isinstance(spot.value, dict) and spot.schema.get("properties"):
            wrong = partial(with_change, body, spot.path, lambda old: {**old, MORE: "nobody documented this"})
            where, told = member_location(spot.location, MORE), spot.branch or "a property more"
            yield Mutant(where, UNDOCUMENTED, told, wrong, UNDOCUMENTED, "warning")
    for spot, body in spots:
        if place in (None, spot.location) or not spot.location:
            yield from _of_schema(samples, spot, body)


def underived(samples: Samples) -> list[str]:
    """Return the rules of the contract for which no mutant is derived, as `location: keyword`."""
    derived = {(mutant.location, mutant.keyword) for mutant in mutants(samples)}
    return sorted(
        {
            f"{spot.location or '(body)'}: {keyword}"
            for spot, _ in _each_spot(samples, samples.bodies())
            for keyword in spot.schema.keys() & (UNBREAKABLE | _FAINT)
            if (spot.location, keyword) not in derived
        }
    )


def broken(samples: Samples, body: Any, rule: str) -> Mutant:
    """Return `body` with one rule broken, in the last place that has it.

    `rule` is a place (`runtimes[*].status`), a place and a keyword (`runtimes[*].status: type`), the name of an
    invariant (`unique_ids`) or `undocumented_property`. Where `body` has no such place, the sample is broken.
    Raises `SettingError` for a rule that the contract does not have, listing those it has.
    """
    # A name may have a colon in it, a keyword has none.
    place, _, keyword = (part.strip() for part in rule.rpartition(":"))
    place, wanted = (place, f"{place}: {keyword}") if place and keyword in BREAKERS else (rule, rule)
    for bodies in ([body], ()):
        for mutant in _derived(samples, bodies or samples.bodies(), place):
            if mutant.breaks(wanted):
                return mutant
    known = "; ".join(rules(samples))
    raise SettingError("the contract has no such rule to break", where=f"break_rule({rule!r})", hint=f"it has: {known}")


def rules(samples: Samples) -> list[str]:
    """Return the name of every rule that can be broken: invariants, `undocumented_property`, places with keyword."""
    return list(dict.fromkeys(mutant.rule for mutant in mutants(samples)))


def _each_spot(samples: Samples, bodies: Sequence[Any]) -> list[tuple[LocatedValue, Any]]:
    """Every place of the contract once, with the first body that shows it: the last there that holds something."""
    found: dict[tuple[str, str], tuple[LocatedValue, Any]] = {}
    for body in bodies:
        last: dict[tuple[str, str], tuple[LocatedValue, Any]] = {}
        for spot in located_values(samples.contract, samples.schema, body):
            # Null says least about a place: a value with content can be broken in more ways.
            if (spot.location, spot.branch) not in last or spot.value not in (None, [], {}):
                last[spot.location, spot.branch] = spot, body
        for key, one in last.items():
            found.setdefault(key, one)
    return list(found.values())


def _of_schema(samples: Samples, spot: LocatedValue, body: Any) -> Iterator[Mutant]:
    done: set[str] = set()
    for keyword in BREAKERS:
        for how, value in broken_at(spot, keyword):
            if how not in done:
                done.add(how)
                wrong = partial(with_value, body, spot.path, value)
                is_unsure = spot.branch or keyword in _BRANCHES or keyword == "unevaluatedProperties"
                if is_unsure and accepts(samples.contract, samples.schema, wrong()):
                    # Wrong in its own branch, and right in another.
                    continue
                missing = min(spot.value.keys() - value.keys()) if keyword == "required" else ""
                yield Mutant(spot.location, keyword, how, wrong, missing=missing)


def broken_at(spot: LocatedValue, keyword: str) -> Iterator[Broken]:
    """What breaks a keyword of one place, told with the branch that it is in; nothing where the place has it not."""
    for how, value in BREAKERS[keyword](spot.schema, spot.value) if keyword in spot.schema else ():
        yield f"{how}, {spot.branch}" if spot.branch else how, value
