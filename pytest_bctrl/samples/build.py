"""Builds values that conform to a schema of the contract, using each alternative in turn."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.budget import STEPS, BudgetError
from pytest_bctrl.contract.engine import accepts, schema_pointer
from pytest_bctrl.contract.schema.locations import member_location
from pytest_bctrl.contract.schema.ref import applied_keywords
from pytest_bctrl.contract.schema.shapes import Shape, contains_schemas, member_schema
from pytest_bctrl.contract.schema_document import SchemaDocument
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.located_schema import LocatedSchema, MemberSchema
from pytest_bctrl.samples.schema_depths import SchemaDepths
from pytest_bctrl.samples.text import LONGEST, RoundRobin, UnsampledError, text_matching

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Schema

_TIGHT_DEPTH = 8
"""Depth below which optional members are omitted and the shortest alternative is used."""
_MAX_DEPTH = 60
"""Depth at which a value is taken for an endless one."""
_FREE_VALUES = 500
"""Number of values in a sample after which optional members are omitted."""
_COMBINATIONS_PER_STEP = 10
"""Number of combinations in canonical forms that a value may take, per step: the engine takes long to list them."""
_TRIES = 20
_USED_UP = object()
_IDENTITY = re.compile(r"(^|[^a-z])(id|uuid|guid|key|slug)$|(Id|ID|Uuid|UUID|Guid)$")
"""The end of a location whose values identify something."""
_EXTRA_NAMES = 5
"""Number of additional attempts to generate a name, because a generated name may repeat an earlier one."""


class Builder:
    """Builds values one after another, using the alternatives at each location in turn.

    Every value conforms. If the engine rejects a value, it is built again: from another alternative, with fewer or
    more optional members, and at last from the canonical form of the schema. `locations` caches the schema at each
    location for other builders of the same schema. Beyond a depth of eight levels, as in a schema that refers to
    itself, and beyond 500 values, optional members are omitted and the shortest alternative is used.
    """

    def __init__(
        self,
        contract: SchemaDocument,
        choice: RoundRobin,
        locations: dict[str, LocatedSchema] | None = None,
        *,
        prefers_examples: bool = False,
        steps: int = STEPS,
    ) -> None:
        self._contract = contract
        self._steps = steps
        self._choice = choice
        self._lengths: dict[str, int] = {}
        self._always_included: frozenset[str] = frozenset()
        self._prefers_examples = prefers_examples
        self._used_examples = Counter[str]()
        self._unique_items: list[str] = []
        self._locations = {} if locations is None else locations
        self._by_schema: dict[int, LocatedSchema] = {}
        self._failed: dict[str, UnsampledError] = {}
        self._too_few: dict[tuple[str, int], list[str]] = {}
        self._depths = SchemaDepths(contract)
        # By id; the entry keeps the schema alive, so that no other schema can have its id.
        self._write_only: dict[int, tuple[Schema, bool]] = {}
        self._optional: bool | None = None
        self._string_count = self._remaining = self._tight_below = self._attempt_count = 0
        self._combinations = self._most_combinations = 0
        self._root: Schema = True

    def has_used_example(self, location: str) -> bool:
        """Return whether a documented example was used at a location."""
        return self._used_examples[location] > 0

    @property
    def used_steps(self) -> int:
        """The number of steps that building the latest value took: values built, and attempts."""
        return self._steps - self._remaining + self._attempt_count

    @property
    def used_combinations(self) -> int:
        """The number of combinations in the canonical forms that building the latest value took."""
        return self._combinations

    def set_lengths(self, lengths: Mapping[str, int], *, includes_optional: bool = False) -> None:
        """Set the lengths of lists in the values that follow, by location (`{"runtimes": 3}`).

        With `includes_optional`, these lists are never absent.
        """
        self._lengths = dict(lengths)
        self._always_included = frozenset(lengths if includes_optional else ())

    def value(self, schema: Schema, location: str = "", depth: int = 0) -> Any:
        """Return a value that conforms to `schema`; `location` is its generalised location.

        Raises `DocumentError` if no such value is found, or if it would have more values per requested item than the
        builder has steps.
        """
        if depth == 0:
            self._begin(schema)
        self._remaining -= 1
        if self._remaining < 0 or depth > _MAX_DEPTH:
            raise self._too_many_values(schema, location)
        located = self._located_schema(schema, location)
        example = self._next_example(located, location) if self._prefers_examples else _USED_UP
        if example is not _USED_UP:
            return example
        options = located.options
        if location in self._lengths:
            for shape in options:
                if shape.kind == "array":
                    # A requested length is not a choice, so it must not use up an alternative of the location.
                    return self._array(shape, location, depth)
        first = self._option_index(options, location, depth)
        if located.is_plain and options:
            # Not `suppress`, which takes longer than most values.
            try:
                return self._value_of_shape(options[first], location, first, depth)
            except UnsampledError:
                pass
        indexes = range(len(options))
        return self._first_accepted(located, [*indexes[first:], *indexes[:first]], location, depth)

    def _located_schema(self, schema: Schema, location: str) -> LocatedSchema:
        """Return the cached schema at a location; it shares what was derived from the same schema elsewhere."""
        located = self._locations.get(location)
        if located is None:
            elsewhere = self._by_schema.get(id(schema))
            located = LocatedSchema(self._contract, schema) if elsewhere is None else elsewhere.at_another_location()
            self._locations[location] = located
            # It keeps the schema alive, so that no other schema can have its id.
            self._by_schema.setdefault(id(schema), located)
        return located

    def _too_many_values(self, schema: Schema, location: str) -> DocumentError:
        """Return the error for a sample that would have too many values."""
        return DocumentError(
            f"a sample would have more than {self._steps:,} values",
            where=self._schema_name(schema, location, names_root=True),
            hint="lower the least number of items or names, or require less of what leads back to itself",
        )

    def _begin(self, schema: Schema) -> None:
        """Reset the budget of steps for a new value of a schema."""
        items = 1 + sum(self._lengths.values())
        self._remaining, self._tight_below = items * self._steps, items * (self._steps - _FREE_VALUES)
        self._attempt_count = self._combinations = 0
        self._most_combinations = items * self._steps * _COMBINATIONS_PER_STEP
        self._root = schema

    def _next_example(self, located: LocatedSchema, location: str) -> Any:
        """Return the next documented example, `_USED_UP` if none is left; those of free text and numbers repeat.

        Examples of free text and numbers are used again and again, unless their values must differ, as those of ids.
        Other locations have values without an example too: enums, branches, objects, lists.
        """
        number = self._used_examples[location]
        if not located.documented:
            return _USED_UP
        if number >= len(located.documented):
            is_free = [shape.kind for shape in located.options] in (["string"], ["integer"], ["number"])
            is_unique = _IDENTITY.search(location) or any(location.startswith(place) for place in self._unique_items)
            if not is_free or is_unique:
                return _USED_UP
        self._used_examples[location] += 1
        return copy.deepcopy(located.documented[number % len(located.documented)])

    def _option_index(self, options: tuple[Shape, ...], location: str, depth: int) -> int:
        """Return the index of the next alternative in turn, or of the shallowest if depth or budget is scarce."""
        if self._is_tight(depth):
            return self._depths.shortest_option(options, _MAX_DEPTH - min(depth, _MAX_DEPTH))
        if len(options) > 1:
            return self._choice.choose(location, len(options), counts=_CANONICAL not in location)
        return 0

    def _schema_name(self, schema: Schema, location: str, *, names_root: bool = False) -> str:
        """Return the JSON pointer of a schema for an error, else of the root schema, else the location of the value.

        For a schema in a canonical form, the pointer of the root schema is returned only if `names_root`.
        """
        # A schema that is merged from several schemas has no JSON pointer.
        pointer = schema_pointer(self._contract, schema)
        if not pointer and (names_root or _CANONICAL not in location):
            pointer = schema_pointer(self._contract, self._root)
        if pointer:
            return f"{self._contract.name}: #{pointer}"
        return location or "(body)"

    def _is_tight(self, depth: int) -> bool:
        """Return whether depth or budget is so scarce that only the shortest values are built."""
        return depth > _TIGHT_DEPTH or self._remaining < self._tight_below

    def _first_accepted(self, located: LocatedSchema, indexes: list[int], location: str, depth: int) -> Any:
        """Return the first value of the attempts that the engine accepts; raises `UnsampledError` if there is none."""
        if location in self._failed:
            raise self._failed[location]
        cause: UnsampledError | None = None
        rejected: list[Any] = []
        for build in self._attempts(located, indexes, location, depth, rejected):
            optional = self._optional
            try:
                value = build()
                if located.accepts(value):
                    return value
                rejected.append(value)
            except UnsampledError as error:
                if cause is None and _CANONICAL not in error.where:
                    cause = error
            finally:
                self._optional = optional
        self._failed[location] = cause or UnsampledError(
            "found no value that the schema allows",
            where=self._schema_name(located.schema, location),
            hint="make its keywords agree, or add 'examples' to the schema",
        )
        raise self._failed[location]

    def _attempts(
        self, located: LocatedSchema, indexes: list[int], location: str, depth: int, rejected_so_far: list[Any]
    ) -> Iterator[Callable[[], Any]]:
        """Yield functions that build a value: of alternatives, examples, canonical forms; retries if any was rejected.

        The caller appends each value that the engine rejects to `rejected_so_far`. There are retries, with other random
        choices, unless it is still empty: then no attempt has built a value.
        """

        def attempt(index: int, optional: bool | None = None) -> Callable[[], Any]:
            """Return a function that builds a value of the alternative at an index."""
            return partial(self._attempt, located.options[index], location, index, depth, optional)

        yield from map(attempt, indexes[:1] * 2)
        for example in located.examples:
            yield partial(copy.deepcopy, example)
        for optional in (False, True):
            yield from (attempt(index, optional) for index in indexes)
        if not location.endswith(_CANONICAL):
            for number, schema in enumerate(self._canonical_forms(located, location)):
                yield from [partial(self.value, schema, f"{location}<{number}{_CANONICAL}", depth + 1)] * 2
        if rejected_so_far:
            for retried_optional in (None, True):
                yield from (attempt(index, retried_optional) for index in indexes * _TRIES)

    def _canonical_forms(self, located: LocatedSchema, location: str) -> list[Schema]:
        """Return the canonical forms of a schema; raises `DocumentError` if they exceed the budget of combinations."""
        self._combinations += located.combinations
        if self._combinations > self._most_combinations:
            raise BudgetError(self._most_combinations, self._schema_name(located.schema, location, names_root=True))
        return located.canonical

    def _attempt(self, shape: Shape, location: str, index: int, depth: int, optional: bool | None) -> Any:
        """Return a value of a shape; `optional` sets whether objects have optional members from now on, unless None."""
        self._attempt_count += 1
        if optional is not None:
            self._optional = optional
        return self._value_of_shape(shape, location, index, depth)

    def _value_of_shape(self, shape: Shape, location: str, index: int, depth: int) -> Any:
        """Return a value of a shape: fixed, of a branch, or of a type."""
        schema = shape.schema or {}
        match shape.kind:
            case "fixed":
                # A copy, so that a caller cannot change the contract.
                return copy.deepcopy(shape.value) if isinstance(shape.value, dict | list) else shape.value
            case "branch":
                return self.value(schema, f"{location}<{index}>", depth + 1)
            case "object":
                return {} if shape.empty else self._object(schema, location, depth)
            case "array":
                return [] if shape.empty else self._array(shape, location, depth)
            case "string":
                self._string_count += 1
                return self._choice.string(schema, location, self._string_count)
            case "integer" | "number":
                return self._choice.number(schema, shape.kind, location)
            case _:
                return self._choice.any_value(location)

    def _object(self, schema: Mapping[str, Any], location: str, depth: int) -> dict[str, Any]:
        """Return an object with its required members, some optional ones, and those that other keywords require."""
        # The drift gate reads a list with a null as if the null were not there.
        required = dict.fromkeys(name for name in schema.get("required", ()) if name is not None)
        documented = schema.get("properties", {})
        room = int(schema.get("maxProperties", LONGEST)) - len(required)
        members: dict[str, Any] = {}
        for name in dict.fromkeys([*(name for name in required if name not in documented), *documented]):
            if name in required:
                members[name] = self._member_value(schema, name, location, depth)
            elif room > 0 and not self._is_tight(depth) and self._is_included(schema, name, location):
                room -= self._try_member(members, schema, name, location, depth)
        self._add_members_up_to_minimum(members, schema, location, depth)
        self._add_dependent_members(members, schema, location, depth)
        return members

    def _add_members_up_to_minimum(
        self, members: dict[str, Any], schema: Mapping[str, Any], location: str, depth: int
    ) -> None:
        """Add members up to `minProperties`, or two if none are documented, as far as they can be built."""
        count = int(schema.get("minProperties", 0))
        if not schema.get("properties") and not schema.get("patternProperties") and self._optional is not False:
            count = max(count, min(int(schema.get("maxProperties", 2)), 2))
        for name in chain(schema.get("properties", {}), self._additional_names(schema, location, depth, count)):
            if len(members) >= count:
                break
            if name not in members:
                self._try_member(members, schema, name, location, depth)

    def _add_dependent_members(
        self, members: dict[str, Any], schema: Mapping[str, Any], location: str, depth: int
    ) -> None:
        """Add the members that `dependentRequired` requires because of other members."""
        dependent = schema.get("dependentRequired", {})
        if not dependent:
            return
        # The list grows in the loop: an added member may require further members.
        names = list(members)
        for name in names:
            for required in dependent.get(name, ()):
                if required not in members:
                    members[required] = self._member_value(schema, required, location, depth)
                    names.append(required)

    def _is_included(self, schema: Mapping[str, Any], name: str, location: str) -> bool:
        """Return whether an object gets an optional member; a response never has a write-only member."""
        member = self._member_schema(schema, name, location)
        if member.is_write_only:
            return False
        if member.location in self._always_included:
            return True
        is_first = self._prefers_examples and not self._used_examples[member.location]
        if is_first and self._located_schema(member.schema, member.location).documented:
            return True
        if self._optional is None:
            return self._choice.takes_optional(member.location)
        return self._optional

    def _member_value(self, schema: Mapping[str, Any], name: str, location: str, depth: int) -> Any:
        """Return a value for a member of an object."""
        member = self._member_schema(schema, name, location)
        return self.value(member.schema, member.location, depth + 1)

    def _member_schema(self, schema: Mapping[str, Any], name: str, location: str) -> MemberSchema:
        """Return the schema and location of a member, read once."""
        members = self._locations[location].members
        member = members.get(name)
        if member is None:
            is_write_only = self._is_write_only(schema.get("properties", {}).get(name, True))
            member = MemberSchema(member_schema(schema, name), member_location(location, name), is_write_only)
            members[name] = member
        return member

    def _is_write_only(self, schema: Schema) -> bool:
        """Return whether a schema, or one that it applies by reference, has `writeOnly`."""
        if id(schema) not in self._write_only:
            keywords = applied_keywords(self._contract, schema)
            self._write_only[id(schema)] = schema, any(part.get("writeOnly") for part in keywords)
        return self._write_only[id(schema)][1]

    def _try_member(
        self, members: dict[str, Any], schema: Mapping[str, Any], name: str, location: str, depth: int
    ) -> bool:
        """Add an optional member if a value can be built for it; returns whether it was added."""
        try:
            members[name] = self._member_value(schema, name, location, depth)
        except UnsampledError:
            return False
        return True

    def _additional_names(self, schema: Mapping[str, Any], location: str, depth: int, count: int) -> Iterator[str]:
        """Yield names for additional members that the schema allows, by patterns, `propertyNames` or freely."""
        source = self._choice.random(location)
        for pattern in schema.get("patternProperties", {}):
            yield from filter(None, (text_matching(pattern, source) for _ in range(_TRIES)))
        if False in (schema.get("additionalProperties"), schema.get("unevaluatedProperties")):
            return
        if "propertyNames" in schema:
            yield from self._allowed_names(schema["propertyNames"], location, depth, count)
        elif count <= len(_NAMES):
            yield from _NAMES[:count]
        else:
            documented = len(schema.get("properties", {})) + len(schema.get("required", ()))
            # Each further member takes a step, so that the budget need not be used up to know that it is too small.
            if count - documented - _TRIES * len(schema.get("patternProperties", {})) > self._remaining:
                raise self._too_many_values(schema, location)
            yield from (f"name{number}" for number in range(count))

    def _allowed_names(self, schema: Schema, location: str, depth: int, count: int) -> list[str]:
        """Return at most `count` names that `propertyNames` allows; fewer are cached, because it took many steps."""
        if (location, count) in self._too_few:
            return self._too_few[location, count]
        names: list[str] = []
        with suppress(UnsampledError):
            names = self._generated_names(schema, location, depth, count)
        if len(names) < count:
            self._too_few[location, count] = names
        return names

    def _generated_names(self, schema: Schema, location: str, depth: int, count: int) -> list[str]:
        """Return at most `count` different names that conform to the schema of `propertyNames`."""
        name_schema: Schema = {"allOf": [{"type": "string"}, schema]}
        names: dict[str, None] = {}
        for number in range(count + _EXTRA_NAMES):
            # Names are drawn after the last one that is needed, too, so that a seed always gives the same values.
            name = str(self.value(name_schema, f"{location}#names", depth + 1))
            if len(names) >= count:
                continue
            if name in names:
                name = f"{name}{number}"
                if not accepts(self._contract, name_schema, name):
                    continue
            names[name] = None
        return [*names]

    def _array(self, shape: Shape, location: str, depth: int) -> list[Any]:
        """Return an array with the prefix items, further items, and those that `contains` requires."""
        schema = shape.schema or {}
        if self._prefers_examples and schema.get("uniqueItems"):
            self._unique_items.append(f"{location}[*]")
        prefix = schema.get("prefixItems", ())
        item_schema = schema.get("items", schema.get("unevaluatedItems", True))
        shortest, longest = int(schema.get("minItems", 0)), int(schema.get("maxItems", max(3, len(prefix))))
        length = self._length(location, depth, shortest, longest)
        items = [
            self.value(prefix_schema, f"{location}[{index}]", depth + 1)
            for index, prefix_schema in enumerate(prefix[:longest])
        ]
        further = 0 if item_schema is False else length - len(items)
        try:
            for _ in range(further):
                items += self._another_item(item_schema, items if schema.get("uniqueItems") else [], location, depth)
        except UnsampledError:
            if len(items) < shortest:
                raise
        for number, part in enumerate(contains_schemas(schema)):
            # At the end of the list, where they replace other items if it is full.
            contained_schema = {"allOf": [part["contains"], item_schema]}
            contained = [
                self.value(contained_schema, f"{location}[*]<contains{number or ''}>", depth + 1)
                for _ in range(int(part.get("minContains", 1)))
            ]
            items = [*items[: max(0, min(len(items), longest) - len(contained))], *contained]
        return items

    def _length(self, location: str, depth: int, shortest: int, longest: int) -> int:
        """Return the length for a list: the requested one, the shortest if the budget is scarce, or a chosen one."""
        length = self._lengths.get(location)
        if length is not None:
            return length
        if self._is_tight(depth):
            return shortest
        return self._choice.length(location, shortest, longest)

    def _another_item(self, schema: Schema, excluded: list[Any], location: str, depth: int) -> list[Any]:
        """Return a list with a new item that is not among `excluded`; empty if all attempts give excluded ones."""
        for _ in range(_TRIES):
            value = self.value(schema, f"{location}[*]", depth + 1)
            if value not in excluded:
                return [value]
        return []


_CANONICAL = "~>"
"""The end of a location whose schema is a canonical form."""

_NAMES = ("first", "second")
