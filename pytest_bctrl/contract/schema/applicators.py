"""Where the schemas that apply to a value depend on the value: `oneOf`, `anyOf`, `if` and `dependentSchemas`.

Each tells by a tag which of its schemas apply. A branch that a property's value tells apart is named by that value,
whatever it is, so that a kind nobody documented has a name too; any other by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, repeat
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.schema.locations import WITH, value_tag
from pytest_bctrl.contract.schema.ref import (
    SchemaRef,
    applied_keywords,
    is_of_type,
    keywords_of,
    listed_values,
    named_types,
    type_name,
    types_of,
)

NOTHING = frozenset({"nothing"})
"""The types of an alternative that allows no value at all."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative: the values that its properties are fixed to, their types, and its own types or `NOTHING`."""

    fixed: Mapping[str, tuple[Any, ...]]
    typed: Mapping[str, frozenset[str]]
    types: frozenset[str]

    @classmethod
    def of(cls, contract: Contract, schema: Schema) -> Branch:
        """Read a branch from its schema, references followed."""
        fixed: dict[str, tuple[Any, ...]] = {}
        typed: dict[str, frozenset[str]] = {}
        types: set[str] = set()
        for part in applied_keywords(contract, schema):
            types.update(named_types(part) or map(type_name, listed_values(part) or ()))
            for name, raw in part.get("properties", {}).items():
                for inner in applied_keywords(contract, raw):
                    typed[name] = frozenset(named_types(inner))
                    if (values := listed_values(inner)) is not None:
                        fixed[name] = tuple(values)
            if part.get("not") in ({}, True):
                return cls({}, {}, NOTHING)
        return cls(fixed, typed, frozenset(types))

    def values_of(self, name: str) -> tuple[Any, ...]:
        """The values that a property may have in this branch."""
        return self.fixed.get(name, ())

    def likeness(self, value: Mapping[str, Any]) -> int:
        """How many of this branch's properties the value has, with the right type."""
        return sum(1 for name, types in self.typed.items() if name in value and matches_types(types, value[name]))


def discriminator(branches: Sequence[Branch]) -> str | None:
    """Return the property whose fixed values tell the object branches apart, or None."""
    objects = [branch for branch in branches if branch.fixed]
    if not objects:
        return None
    for name in objects[0].fixed:
        values = [value for branch in objects for value in map(repr, branch.values_of(name))]
        if all(branch.values_of(name) for branch in objects) and len(values) == len(set(values)):
            return name
    return None


def intended_branch(branches: Sequence[Branch], value: Any) -> int | None:
    """Return the index of the one branch that `value` means to be, or None where it cannot be told.

    Told by the discriminating property where there is one, else by the only branch of the value's type, else
    by the one branch that the value is most like.
    """
    if isinstance(value, Mapping):
        name = discriminator(branches)
        if name is not None:
            matching = [i for i, branch in enumerate(branches) if value.get(name) in branch.values_of(name)]
            return matching[0] if len(matching) == 1 else None
    typed = [i for i, branch in enumerate(branches) if matches_types(branch.types, value)]
    if len(typed) == 1 or not isinstance(value, Mapping):
        return typed[0] if len(typed) == 1 else None
    likest = sorted(((branches[i].likeness(value), i) for i in typed), reverse=True)
    return likest[0][1] if len(likest) > 1 and likest[0][0] > likest[1][0] else None


def branch_name(contract: Contract, schema: Schema) -> str:
    """What an alternative is called: its title, or the name of its component; empty where it has neither."""
    schemas = [schema, contract.resolve(schema)] if isinstance(schema, Mapping) else []
    titles = [str(one["title"]) for one in schemas if isinstance(one, Mapping) and "title" in one]
    return titles[0] if titles else str(schema.get("$ref", "")).rpartition("/")[2] if schemas else ""  # type: ignore[union-attr]


def branch_summary(contract: Contract, schema: Schema) -> str:
    """An alternative by its name, or its types, and what it requires: `FlatError {error, code}`."""
    required = ", ".join(str(name) for part in applied_keywords(contract, schema) for name in part.get("required", ()))
    called = branch_name(contract, schema) or " or ".join(sorted(Branch.of(contract, schema).types)) or "a value"
    return f"{called} {{{required}}}" if required else called


def matches_types(types: frozenset[str], value: Any) -> bool:
    """Whether a value is of one of the types; of any, where none is named."""
    return not types or any(is_of_type(value, name) for name in types)


@dataclass(frozen=True)
class Choice:
    """A `oneOf` or `anyOf` of which several branches admit a type; `spot` is the schema that holds the word."""

    contract: Contract
    schema_ref: SchemaRef
    word: str
    kind: str

    @cached_property
    def branches(self) -> tuple[SchemaRef, ...]:
        """All branches."""
        return tuple(self.schema_ref.each(self.word))

    @property
    def ways(self) -> int:
        """How many tags there are."""
        return len(self.by_tag)

    @cached_property
    def read(self) -> tuple[Branch, ...]:
        """What tells the branches apart."""
        return tuple(Branch.of(self.contract, branch.schema) for branch in self.branches)

    @cached_property
    def name(self) -> str | None:
        """The property whose value tells the object branches apart, or None."""
        return discriminator(self.read) if self.kind == "object" else None

    @cached_property
    def admitting(self) -> tuple[int, ...]:
        """The branches that admit the type."""
        return tuple(
            index for index, branch in enumerate(self.branches) if self.kind in types_of(self.contract, [branch])
        )

    def name_of(self, tag: str) -> str:
        """What a branch is called: by the value that tells it, by its name, or by its place and what it is."""
        if self.name is not None:
            return tag
        schema = self.by_tag[tag].schema
        number = int(tag.partition(":")[2]) + 1
        return branch_name(self.contract, schema) or f"alternative {number}: {branch_summary(self.contract, schema)}"

    @property
    def requires_tag_property(self) -> bool:
        """Whether no branch takes an object without the property that tells them apart."""
        return self.name is not None and all(self.read[index].values_of(self.name) for index in self.admitting)

    @cached_property
    def by_tag(self) -> Mapping[str, SchemaRef]:
        """Every documented tag, with its branch."""
        if self.name is not None:
            return {tag: self.branches[index] for index in self.admitting for tag in self._tags_of(index, self.name)}
        return {f"{self.word}:{index}": self.branches[index] for index in self.admitting}

    def _tags_of(self, index: int, name: str) -> Iterator[str]:
        """The tags that are of one branch: the values that it lists, and containers where it lists none."""
        branch = self.read[index]
        if branch.values_of(name):
            yield from (value_tag(name, value) for value in branch.values_of(name))
        else:
            kinds = branch.typed.get(name, frozenset())
            yield from (value_tag(name, made()) for made in (dict, list) if type_name(made()) in kinds)

    def tag(self, value: Any) -> str:
        """The tag of a value; empty where the property that would tell the branch is not there."""
        if self.name is not None and isinstance(value, Mapping):
            return value_tag(self.name, value[self.name]) if self.name in value else ""
        meant = intended_branch(self.read, value)
        if meant is not None:
            return f"{self.word}:{meant}"
        valid = [i for i in self.admitting if accepts(self.contract, self.branches[i].schema, value)]
        return f"{self.word}:{'+'.join(map(str, valid))}" if valid else self.none

    @property
    def none(self) -> str:
        """The tag of a value that is of no branch, where no property tells which it means to be."""
        return f"{self.word}:none"

    def tags(self, values: Sequence[Any]) -> list[str]:
        """The tag of each value."""
        if self.name is None:
            return [self.tag(value) for value in values]
        told = list(map(dict.get, values, repeat(self.name))) if set(map(type, values)) == {dict} else [None]
        if set(map(type, told)) != {str}:
            return [self.tag(value) for value in values]
        tags = {value: value_tag(self.name, value) for value in set(told)}
        return list(map(tags.__getitem__, told))

    def has_tag(self, tag: str) -> bool:
        """Whether a tag is one of this choice's, documented or not."""
        return tag.startswith((f"{self.name}=", f"{self.name}:") if self.name is not None else f"{self.word}:")

    def schemas_for_tag(self, tag: str) -> tuple[tuple[SchemaRef, ...], tuple[SchemaRef, ...]]:
        """The schemas that surely apply under a tag, and, where none is told, all that may."""
        if tag in self.by_tag:
            return (self.by_tag[tag],), ()
        if self.name is None and tag.startswith(f"{self.word}:"):
            numbers = [int(text) for text in tag.partition(":")[2].split("+") if text.isdigit()]
            if numbers and max(numbers) < len(self.branches):
                return tuple(self.branches[number] for number in numbers), ()
        return (), self.branches


@dataclass(frozen=True, eq=False)
class Condition:
    """What applies where a value meets a condition: `then` and `else`, or what `dependentSchemas` has for a property.

    `word` is `if`, or the property. `name` is the property too, whose absence has no tag; None for an `if`.
    """

    schema_ref: SchemaRef
    word: str
    by_tag: Mapping[str, tuple[SchemaRef, ...]]
    is_met: Callable[[Any], bool]
    name: str | None = None

    @property
    def branches(self) -> tuple[SchemaRef, ...]:
        """All schemas that may apply."""
        return tuple(chain.from_iterable(self.by_tag.values()))

    @property
    def ways(self) -> int:
        """How many tags there are, and no tag."""
        return len(self.by_tag) + (self.name is not None)

    def tags(self, values: Sequence[Any]) -> list[str]:
        """The tag of each value; empty where the property is not there."""
        met, unmet = (*self.by_tag, "")[:2]
        return [met if self.is_met(value) else unmet for value in values]

    def name_of(self, tag: str) -> str:
        """What people call a tag: itself."""
        return tag

    def has_tag(self, tag: str) -> bool:
        """Whether a tag is one of this condition's."""
        return tag in self.by_tag

    def schemas_for_tag(self, tag: str) -> tuple[tuple[SchemaRef, ...], tuple[SchemaRef, ...]]:
        """The schemas that surely apply under a tag; without one, those that may."""
        if tag in self.by_tag:
            return self.by_tag[tag], ()
        return (), () if self.name else self.branches


Applicator = Choice | Condition


def applicators_of(contract: Contract, spot: SchemaRef, kind: str) -> Iterator[Applicator]:
    """Yield what of one schema depends on the value, for values of a type."""
    schema = keywords_of(spot)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            yield Choice(contract, spot, word, kind)
    if "if" in schema:
        parts = {"then": ("if", "then"), "else": ("else",)}
        by_tag = {tag: tuple(spot.below(word) for word in parts[tag] if word in schema) for tag in parts}
        yield Condition(spot, "if", by_tag, partial(accepts, contract, schema["if"]))
    for name in schema.get("dependentSchemas", {}) if kind == "object" else ():
        by_tag = {value_tag(WITH, name): (spot.below("dependentSchemas", name),)}
        yield Condition(spot, name, by_tag, partial(_has, name), name)


def _has(name: str, value: Any) -> bool:
    return name in value
