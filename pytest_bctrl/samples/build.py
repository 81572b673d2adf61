"""Builds values that a schema of the contract allows, taking every alternative in turn."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from pytest_bctrl.contract.budget import STEPS
from pytest_bctrl.contract.engine import accepts, schema_pointer
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.locations import member_location
from pytest_bctrl.contract.schema.ref import applied_keywords, flatten
from pytest_bctrl.contract.schema.shapes import (
    Shape,
    alternatives,
    canonical_schemas,
    contains_schemas,
    member_schema,
    shapes,
)
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.text import LONGEST, RoundRobin, UnsampledError, matching

_DEEPEST = 8
_ENDLESS = 60
"""Levels after which what has not ended never will."""
_MANY = 500
"""Values of a sample after which no more is made than has to be."""
_TRIES = 20
_FEW = 5
"""Further draws of a name that may be like one before."""


class _Member(NamedTuple):
    """A member of the object at one place: its schema, its own place, and whether it is only written."""

    schema: Schema
    place: str
    is_written: bool


@dataclass
class _Place:
    """What is known of one place: its schema, and the alternatives that it leaves."""

    contract: Contract
    schema: Schema
    members: dict[str, _Member] = field(default_factory=dict)

    @cached_property
    def flat(self) -> Mapping[str, Any]:
        return flatten(self.contract, self.schema)

    @cached_property
    def options(self) -> tuple[Shape, ...]:
        return tuple(shape for shape in alternatives(self.flat) if shape.kind != "fixed" or self.accepts(shape.value))

    @cached_property
    def is_plain(self) -> bool:
        """Whether whatever is built here is right by construction."""
        is_listed = all(shape.kind == "fixed" for shape in self.options)
        return is_listed or all(self.flat[word] in ({}, True) for word in _INTRICATE & self.flat.keys())

    @cached_property
    def canonical(self) -> list[Schema]:
        return [made for made in canonical_schemas(self.contract, self.schema) if made != self.schema]

    def accepts(self, value: Any) -> bool:
        return accepts(self.contract, self.schema, value)

    @property
    def examples(self) -> Iterator[Any]:
        """The values that the document itself gives, where they are right."""
        alone = (self.flat[word] for word in ("example", "default") if word in self.flat)
        given = (*self.flat.get("examples", ()), *alone)
        return (copy.deepcopy(value) for value in given if self.accepts(value))


_INTRICATE = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "$dynamicRef", "dependentRequired", "dependentSchemas", "contains"}
    | {"maxItems", "patternProperties", "propertyNames", "minProperties", "maxProperties", "uniqueItems"}
    | {"prefixItems", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"}
)
"""Keywords of which a value that is built word by word may break one."""


class Builder:
    """Builds one value after another, taking the alternatives of every place in turn.

    Every value conforms: what the engine refuses is built again, from another alternative, with less or more of what
    is optional, and at last from the schema's canonical form. `places` keeps what is known of each place, for further
    builders of the same schema. A schema that refers to itself ends after eight levels, and a value of more than 500
    parts grows no more: what is optional is left out there, and the shortest alternative is taken.
    """

    def __init__(self, contract: Contract, choice: RoundRobin, places: dict[str, _Place] | None = None) -> None:
        self._contract = contract
        self._choice = choice
        self._lengths: dict[str, int] = {}
        self._places = {} if places is None else places
        self._failed: dict[str, UnsampledError] = {}
        self._too_few: dict[tuple[str, int], list[str]] = {}
        self._ends: dict[tuple[Any, int], bool] = {}
        # By identity, with the schema beside it, so that no other one has that meanwhile.
        self._written: dict[int, tuple[Schema, bool]] = {}
        self._optional: bool | None = None
        self._made = self._left = self._enough = 0
        self._whole: Schema = True

    def set_lengths(self, lengths: Mapping[str, int]) -> None:
        """Fix the lengths of lists for the values that follow, by their locations (`{"runtimes": 3}`)."""
        self._lengths = dict(lengths)

    def value(self, schema: Schema, place: str = "", depth: int = 0) -> Any:
        """Return a value that `schema` allows; `place` is its generalised location.

        Raises `DocumentError` where none is found, or where it would hold more than `STEPS` values for each item
        that was asked for.
        """
        if depth == 0:
            items = 1 + sum(self._lengths.values())
            self._left, self._enough = items * STEPS, items * (STEPS - _MANY)
            self._whole = schema
        self._left -= 1
        if self._left < 0 or depth > _ENDLESS:
            raise DocumentError(
                f"a sample would hold more than {STEPS:,} values",
                where=self._where(schema, place),
                hint="lower the least number of items or names, or require less of what leads back to itself",
            )
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = _Place(self._contract, schema)
        options = known.options
        for shape in options if place in self._lengths else ():
            if shape.kind == "array":
                # A length that is asked for is no choice: dealing here would take a card from the place.
                return self._array(shape, place, depth)
        if self._is_tight(depth):
            # Of those that end in the fewest levels.
            levels = range(_ENDLESS - min(depth, _ENDLESS))
            ending = (i for most in levels for i, shape in enumerate(options) if self._ends_in(shape, most))
            first = next(ending, 0)
        else:
            first = self._choice.deal(place, len(options), counts=_CANONICAL not in place) if len(options) > 1 else 0
        if known.is_plain and options:
            # Not `suppress`, which takes longer than most values.
            try:
                return self._shaped(options[first], place, first, depth)
            except UnsampledError:
                pass
        indexes = range(len(options))
        return self._searched(known, [*indexes[first:], *indexes[:first]], place, depth)

    def _where(self, schema: Schema, place: str) -> str:
        """What an error calls a schema: by where it stands, else by the place that it is of."""
        # What is put together of several schemas stands nowhere itself.
        pointer = schema_pointer(self._contract, schema)
        if not pointer and _CANONICAL not in place:
            pointer = schema_pointer(self._contract, self._whole)
        return f"{self._contract.name}: #{pointer}" if pointer else place or "(body)"

    def _is_tight(self, depth: int) -> bool:
        return depth > _DEEPEST or self._left < self._enough

    def _searched(self, known: _Place, indexes: list[int], place: str, depth: int) -> Any:
        """The first value that the engine takes: as dealt, then by plainer and other ways."""
        if place in self._failed:
            raise self._failed[place]
        cause: UnsampledError | None = None
        refused: list[Any] = []
        for way in self._ways(known, indexes, place, depth, refused):
            kept = self._optional
            try:
                value = way()
                if known.accepts(value):
                    return value
                refused.append(value)
            except UnsampledError as error:
                cause = cause or (None if _CANONICAL in error.where else error)
            finally:
                self._optional = kept
        self._failed[place] = cause or UnsampledError(
            "no value was found that the schema allows",
            where=self._where(known.schema, place),
            hint="make its keywords agree, or add 'examples' to the schema",
        )
        raise self._failed[place]

    def _ways(
        self, known: _Place, indexes: list[int], place: str, depth: int, refused: list[Any]
    ) -> Iterator[Callable[[], Any]]:
        def shaped(index: int, optional: bool | None = None) -> Callable[[], Any]:
            def way() -> Any:
                self._optional = self._optional if optional is None else optional
                return self._shaped(known.options[index], place, index, depth)

            return way

        yield from map(shaped, indexes[:1] * 2)
        yield from (lambda value=value: value for value in known.examples)
        yield from (shaped(index, optional) for optional in (False, True) for index in indexes)
        for number, schema in enumerate(known.canonical if not place.endswith(_CANONICAL) else ()):
            at = f"{place}<{number}{_CANONICAL}"
            yield from [lambda at=at, schema=schema: self.value(schema, at, depth + 1)] * 2
        for optional in (None, True) if refused else ():
            yield from (shaped(index, optional) for index in indexes * _TRIES)

    def _shaped(self, shape: Shape, place: str, index: int, depth: int) -> Any:
        match shape.kind:
            case "fixed":
                # A copy keeps what a caller changes out of the contract.
                return copy.deepcopy(shape.value) if isinstance(shape.value, dict | list) else shape.value
            case "branch":
                return self.value(shape.schema or {}, f"{place}<{index}>", depth + 1)
            case "object":
                return {} if shape.empty else self._object(shape.schema or {}, place, depth)
            case "array":
                return [] if shape.empty else self._array(shape, place, depth)
            case "string":
                self._made += 1
                return self._choice.string(shape.schema or {}, place, self._made)
            case "integer" | "number":
                return self._choice.number(shape.schema or {}, shape.kind, place)
            case _:
                return self._choice.anything(place)

    def _ends_in(self, shape: Shape, levels: int) -> bool:
        schema = shape.schema or {}
        if shape.empty or shape.kind not in ("branch", "object", "array"):
            return True
        if shape.kind == "branch":
            needed: list[Schema] = [schema]
        elif shape.kind == "object":
            documented = schema.get("properties", {})
            needed = [documented[name] for name in schema.get("required", ()) if name in documented]
        else:
            needed = [schema.get("items", True)] if schema.get("minItems", 0) else []
        return all(self._schema_ends_in(inner, levels - 1) for inner in needed)

    def _schema_ends_in(self, schema: Schema, levels: int) -> bool:
        key = (schema["$ref"] if isinstance(schema, Mapping) and schema.keys() == {"$ref"} else id(schema), levels)
        if key not in self._ends:
            self._ends[key] = levels >= 0 and any(
                self._ends_in(shape, levels) for shape in shapes(self._contract, schema)
            )
        return self._ends[key]

    def _object(self, schema: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        required = dict.fromkeys(schema.get("required", ()))
        documented = schema.get("properties", {})
        room = int(schema.get("maxProperties", LONGEST)) - len(required)
        made: dict[str, Any] = {}
        for name in {**{name: None for name in required if name not in documented}, **documented}:
            if name in required:
                made[name] = self._member(schema, name, place, depth)
            elif room > 0 and self._takes(self._said(schema, name, place), depth):
                room -= self._try_member(made, schema, name, place, depth)
        self._complete(made, schema, place, depth)
        return made

    def _complete(self, made: dict[str, Any], schema: Mapping[str, Any], place: str, depth: int) -> None:
        """Add what an object has to have beside what was chosen: so many names, and those that others require.

        An object that documents none has two names of our own choice, where it may.
        """
        wanted = int(schema.get("minProperties", 0))
        if not schema.get("properties") and not schema.get("patternProperties") and self._optional is not False:
            wanted = max(wanted, min(int(schema.get("maxProperties", 2)), 2))
        for name in chain(schema.get("properties", {}), self._more_names(schema, place, depth, wanted)):
            if len(made) >= wanted:
                break
            if name not in made:
                self._try_member(made, schema, name, place, depth)
        dependent = schema.get("dependentRequired", {})
        waiting = list(made) if dependent else []
        for name in waiting:
            for other in dependent.get(name, ()):
                if other not in made:
                    made[other] = self._member(schema, other, place, depth)
                    waiting.append(other)

    def _takes(self, found: _Member, depth: int) -> bool:
        """Whether a property that may be left out is there; an answer has none that is only written."""
        if self._is_tight(depth) or found.is_written:
            return False
        return self._choice.takes_optional(found.place) if self._optional is None else self._optional

    def _member(self, schema: Mapping[str, Any], name: str, place: str, depth: int) -> Any:
        found = self._said(schema, name, place)
        return self.value(found.schema, found.place, depth + 1)

    def _said(self, schema: Mapping[str, Any], name: str, place: str) -> _Member:
        members = self._places[place].members
        found = members.get(name)
        if found is None:
            said = schema.get("properties", {}).get(name, True)
            if id(said) not in self._written:
                self._written[id(said)] = (
                    said,
                    any(part.get("writeOnly") for part in applied_keywords(self._contract, said)),
                )
            found = members[name] = _Member(
                member_schema(schema, name), member_location(place, name), self._written[id(said)][1]
            )
        return found

    def _try_member(self, made: dict[str, Any], schema: Mapping[str, Any], name: str, place: str, depth: int) -> bool:
        """Add a member that may be there, where it can be had; tell whether it could."""
        try:
            made[name] = self._member(schema, name, place, depth)
        except UnsampledError:
            return False
        return True

    def _more_names(self, schema: Mapping[str, Any], place: str, depth: int, wanted: int) -> Iterator[str]:
        """Names beside the documented ones, for an object that is to have more."""
        source = self._choice.random(place)
        for pattern in schema.get("patternProperties", {}):
            yield from filter(None, (matching(pattern, source) for _ in range(_TRIES)))
        if False in (schema.get("additionalProperties"), schema.get("unevaluatedProperties")):
            return
        if "propertyNames" not in schema:
            yield from _NAMES[:wanted] if wanted <= len(_NAMES) else (f"name{number}" for number in range(wanted))
            return
        names = self._too_few.get((place, wanted))
        if names is None:
            with suppress(UnsampledError):
                names = self._drawn_names(schema["propertyNames"], place, depth, wanted)
            if len(names or ()) < wanted:
                self._too_few[place, wanted] = names or []
        yield from names or ()

    def _drawn_names(self, said: Schema, place: str, depth: int, wanted: int) -> list[str]:
        """As many names as are wanted, or as can be had, each unlike the others."""
        named: Schema = {"allOf": [{"type": "string"}, said]}
        made: dict[str, None] = {}
        for number in range(wanted + _FEW):
            name = str(self.value(named, f"{place}#names", depth + 1))
            if len(made) < wanted and (name not in made or accepts(self._contract, named, name := f"{name}{number}")):
                made[name] = None
        return [*made]

    def _array(self, shape: Shape, place: str, depth: int) -> list[Any]:
        schema = shape.schema or {}
        first = schema.get("prefixItems", ())
        inner = schema.get("items", schema.get("unevaluatedItems", True))
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", max(3, len(first))))
        wanted = self._lengths.get(place)
        if wanted is None:
            wanted = least if self._is_tight(depth) else self._choice.length(place, least, most)
        made = [self.value(one, f"{place}[{index}]", depth + 1) for index, one in enumerate(first[:most])]
        try:
            for _ in range(wanted - len(made) if inner is not False else 0):
                made += self._item(inner, made if schema.get("uniqueItems") else [], place, depth)
        except UnsampledError:
            if len(made) < least:
                raise
        for number, part in enumerate(contains_schemas(schema)):
            # From the end on, in the place of others.
            again = {"allOf": [part["contains"], inner]}
            asked = [
                self.value(again, f"{place}[*]<contains{number or ''}>", depth + 1)
                for _ in range(int(part.get("minContains", 1)))
            ]
            made = [*made[: max(0, min(len(made), most) - len(asked))], *asked]
        return made

    def _item(self, schema: Schema, others: list[Any], place: str, depth: int) -> list[Any]:
        """One more item, unlike the others; none where that cannot be had."""
        for _ in range(_TRIES):
            value = self.value(schema, f"{place}[*]", depth + 1)
            if value not in others:
                return [value]
        return []


_CANONICAL = "~>"
"""The end of a place whose schema is in its canonical form."""

_NAMES = ("first", "second")
