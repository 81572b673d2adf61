"""The keywords whose schemas apply depending on the value: `oneOf`, `anyOf`, `if` and `dependentSchemas`.

A tag identifies the schemas that apply to a value. The tag of a branch with a discriminating property is the value of
that property, so that an undocumented value has a tag too; that of any other branch is its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    json_text,
    keywords_of,
    listed_values,
    named_types,
    type_name,
    types_of,
)
from pytest_bctrl.contract.schema_document import SchemaDocument

NOTHING = frozenset({"nothing"})
"""The types of a branch that allows no value."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch: fixed values and types of its properties, the types that it allows (or `NOTHING`), required names."""

    fixed: Mapping[str, tuple[Any, ...]]
    typed: Mapping[str, frozenset[str]]
    types: frozenset[str]
    required: frozenset[str] = frozenset()

    @classmethod
    def of(cls, contract: SchemaDocument, schema: Schema) -> Branch:
        """Return the features of a schema as a branch, references followed."""
        fixed: dict[str, tuple[Any, ...]] = {}
        typed: dict[str, frozenset[str]] = {}
        types: set[str] = set()
        required: set[str] = set()
        for part in applied_keywords(contract, schema):
            required.update(part.get("required", ()))
            types.update(named_types(part) or map(type_name, listed_values(part) or ()))
            for name, raw in part.get("properties", {}).items():
                for inner in applied_keywords(contract, raw):
                    typed[name] = frozenset(named_types(inner))
                    values = listed_values(inner)
                    if values is not None:
                        fixed[name] = tuple(values)
            if part.get("not") in ({}, True):
                return cls({}, {}, NOTHING)
        return cls(fixed, typed, frozenset(types), frozenset(required))

    def values_of(self, name: str) -> tuple[Any, ...]:
        """Return the fixed values of a property in this branch; empty if it has none."""
        return self.fixed.get(name, ())

    def tags_of(self, name: str) -> tuple[str, ...]:
        """Return the tags of the values that a property may have: the fixed ones, or containers; empty for others."""
        values: Iterable[Any] = self.values_of(name)
        types = self.typed.get(name, frozenset())
        if not values and types <= {"object", "array"}:
            containers: tuple[Any, ...] = ({}, [])
            values = (container for container in containers if type_name(container) in types)
        return tuple(value_tag(name, value) for value in values)

    def excludes(self, other: Branch) -> bool:
        """Return whether this branch requires a property for which the other one lists different values."""
        return any(
            set(map(json_text, self.fixed[name])).isdisjoint(map(json_text, other.fixed[name]))
            for name in self.required & self.fixed.keys() & other.fixed.keys()
        )

    def likeness(self, value: Mapping[str, Any]) -> int:
        """Return how many properties of an object have a type that this branch gives them."""
        return sum(1 for name, types in self.typed.items() if name in value and matches_types(types, value[name]))


def distinguishing_property(branches: Sequence[Branch]) -> str | None:
    """Return the property whose value determines which of the branches may accept an object, or None.

    Every branch that allows objects gives it other fixed values, or only objects or lists.
    """
    objects = [branch for branch in branches if not branch.types or "object" in branch.types]
    names = dict.fromkeys(chain.from_iterable(branch.fixed for branch in objects))
    for name in names:
        tags = [branch.tags_of(name) for branch in objects]
        if all(tags) and len(set(chain.from_iterable(tags))) == sum(map(len, tags)):
            return name
    return None


def intended_branch(branches: Sequence[Branch], value: Any) -> int | None:
    """Return the index of the branch that a value is intended for, by property or by likeness; None if it is unclear.

    It is determined by the discriminating property if there is one, else by the only branch of the value's type, else
    by the branch to which the value is most similar.
    """
    if isinstance(value, Mapping):
        name = distinguishing_property(branches)
        if name is not None:
            return _only_index(i for i, branch in enumerate(branches) if value.get(name) in branch.values_of(name))
    return most_similar_branch(branches, value)


def most_similar_branch(branches: Sequence[Branch], value: Any) -> int | None:
    """Return the index of the only branch of the value's type, else of the most similar one; None if it is unclear."""
    typed = [i for i, branch in enumerate(branches) if matches_types(branch.types, value)]
    if len(typed) <= 1 or not isinstance(value, Mapping):
        return _only_index(typed)
    best, second = sorted(((branches[i].likeness(value), i) for i in typed), reverse=True)[:2]
    return best[1] if best[0] > second[0] else None


def _only_index(indexes: Iterable[int]) -> int | None:
    """Return the index if there is exactly one, else None."""
    listed = list(indexes)
    return listed[0] if len(listed) == 1 else None


def branch_name(contract: SchemaDocument, schema: Schema) -> str:
    """Return the title of a branch, or the name of its component; empty if it has neither."""
    if not isinstance(schema, Mapping):
        return ""
    for titled in (schema, contract.resolve(schema)):
        if isinstance(titled, Mapping) and "title" in titled:
            return str(titled["title"])
    return str(schema.get("$ref", "")).rpartition("/")[2]


def branch_summary(contract: SchemaDocument, schema: Schema) -> str:
    """Return the name or the types of a branch, and its required properties: `FlatError {error, code}`."""
    required = ", ".join(str(name) for part in applied_keywords(contract, schema) for name in part.get("required", ()))
    name = branch_name(contract, schema) or " or ".join(sorted(Branch.of(contract, schema).types)) or "a value"
    if not required:
        return name
    return f"{name} {{{required}}}"


def matches_types(types: frozenset[str], value: Any) -> bool:
    """Return whether a value is of one of the types; any value is if there are no types."""
    return not types or any(is_of_type(value, name) for name in types)


@dataclass(frozen=True)
class Choice:
    """A `oneOf` or `anyOf` with several branches that allow the type `kind`.

    `schema_ref` is the schema that has the keyword, and `word` the keyword.
    """

    contract: Contract
    schema_ref: SchemaRef
    word: str
    kind: str

    @cached_property
    def branches(self) -> tuple[SchemaRef, ...]:
        """The schemas of all branches."""
        return tuple(self.schema_ref.children(self.word))

    @property
    def tag_count(self) -> int:
        """The number of tags, which is the number of alternatives to decide between."""
        return len(self.by_tag)

    @cached_property
    def branch_features(self) -> tuple[Branch, ...]:
        """The distinguishing features of the branches."""
        return tuple(Branch.of(self.contract, branch.schema) for branch in self.branches)

    @cached_property
    def name(self) -> str | None:
        """The property whose value distinguishes the object branches, or None."""
        if self.kind != "object":
            return None
        return distinguishing_property(self.branch_features)

    @cached_property
    def branches_of_type(self) -> tuple[int, ...]:
        """The indexes of the branches that allow the type."""
        return tuple(
            index for index, branch in enumerate(self.branches) if self.kind in types_of(self.contract, [branch])
        )

    def name_of(self, tag: str) -> str:
        """Return the name of a tag: the value of the property, the branch's name, or its number and summary."""
        if self.name is not None:
            return tag
        schema = self.by_tag[tag].schema
        number = int(tag.partition(":")[2]) + 1
        return branch_name(self.contract, schema) or f"alternative {number}: {branch_summary(self.contract, schema)}"

    @property
    def required_tag_property(self) -> str | None:
        """The property that distinguishes the branches, if any object without it is invalid or has a tag; else None."""
        if self.name is None:
            return None
        branches = [self.branch_features[index] for index in self.branches_of_type]
        if not all(branch.values_of(self.name) for branch in branches):
            return None
        # In a `oneOf`, an object without the property that one branch accepts has the tag of that branch.
        if self.word == "oneOf" or all(self.name in branch.required for branch in branches):
            return self.name
        return None

    @cached_property
    def by_tag(self) -> Mapping[str, SchemaRef]:
        """The branches by their documented tags."""
        if self.name is not None:
            return {
                tag: self.branches[index]
                for index in self.branches_of_type
                for tag in self.branch_features[index].tags_of(self.name)
            }
        return {f"{self.word}:{index}": self.branches[index] for index in self.branches_of_type}

    def tag(self, value: Any) -> str:
        """Return the tag of a value: `kind=profile`, `oneOf:0+2` or `oneOf:none`; empty if its property is missing.

        If no property distinguishes the branches, those that accept the value precede the one to which it is most
        similar. An object without the property has the tag of the only branch of a `oneOf` that accepts it, if any.
        """
        if self.name is not None and isinstance(value, Mapping):
            if self.name not in value:
                return self._tag_without_property(self.name, value)
            return value_tag(self.name, value[self.name])
        index = most_similar_branch(self.branch_features, value)
        if index is not None and self._accepts(index, value):
            return f"{self.word}:{index}"
        valid = [i for i in self.branches_of_type if i != index and self._accepts(i, value)]
        if valid:
            return f"{self.word}:{'+'.join(map(str, valid))}"
        if index is not None:
            return f"{self.word}:{index}"
        return self.no_branch_tag

    def _accepts(self, index: int, value: Any) -> bool:
        """Return whether a branch accepts a value."""
        return accepts(self.contract, self.branches[index].schema, value)

    def _tag_without_property(self, name: str, value: Any) -> str:
        """Return a tag of the only branch of a `oneOf` that accepts an object without the property, else "".

        It is the number of the branch if another one documents properties of the object that this one does not.
        """
        if self.word != "oneOf":
            return ""
        optional = (index for index in self.branches_of_type if name not in self.branch_features[index].required)
        valid = [index for index in optional if self._accepts(index, value)]
        if len(valid) != 1:
            return ""
        undocumented = value.keys() - self.branch_features[valid[0]].typed.keys()
        if any(undocumented & self.branch_features[index].typed.keys() for index in self.branches_of_type):
            return f"{name}:{valid[0]}"
        return next(iter(self.branch_features[valid[0]].tags_of(name)), "")

    def is_undocumented(self, tag: str) -> bool:
        """Return whether a tag is a value of the distinguishing property that no branch documents."""
        return self.name is not None and tag != "" and tag not in self.by_tag and not self._indexes_of(tag)

    @property
    def no_branch_tag(self) -> str:
        """The tag of a value that no branch accepts and that is meant for none, if no property distinguishes them."""
        return f"{self.word}:none"

    def tags(self, values: Sequence[Any]) -> list[str]:
        """Return the tag of each value, as `tag` does; many objects at once take less time."""
        if self.name is None or set(map(type, values)) != {dict}:
            return [self.tag(value) for value in values]
        property_values = list(map(dict.get, values, repeat(self.name)))
        if set(map(type, property_values)) != {str}:
            return [self.tag(value) for value in values]
        # The fast path for many objects with few different strings.
        tags = {value: value_tag(self.name, value) for value in set(property_values)}
        return list(map(tags.__getitem__, property_values))

    def owns_tag(self, tag: str) -> bool:
        """Return whether a tag belongs to this choice, documented or not."""
        if self.name is None:
            return tag.startswith(f"{self.word}:")
        return tag.startswith((f"{self.name}=", f"{self.name}:"))

    def schemas_for_tag(self, tag: str) -> tuple[tuple[SchemaRef, ...], tuple[SchemaRef, ...]]:
        """Return the schemas that certainly apply to values with a tag, and those that may apply."""
        if tag in self.by_tag:
            return (self.by_tag[tag],), ()
        indexes = self._indexes_of(tag)
        if indexes:
            return tuple(self.branches[index] for index in indexes), ()
        return (), self.branches

    def siblings(self, tag: str) -> tuple[SchemaRef, ...]:
        """Return the branches that may describe a value beside those of its tag; none if a property decides the tag.

        A branch may describe a value that it rejects, for example because an unrelated property is null. It does not if
        a branch of the tag requires a property for which it lists other values.
        """
        chosen = self._indexes_of(tag)
        if not chosen:
            return ()
        excluding = [self.branch_features[index] for index in chosen]
        return tuple(
            self.branches[index]
            for index in self.branches_of_type
            if index not in chosen and not any(branch.excludes(self.branch_features[index]) for branch in excluding)
        )

    def _indexes_of(self, tag: str) -> list[int]:
        """Return the indexes of the branches in a tag such as `oneOf:0+2` or `kind:1`; none in other tags."""
        prefix, _, numbers_text = tag.partition(":")
        if prefix != (self.word if self.name is None else self.name):
            return []
        numbers = [int(text) for text in numbers_text.split("+") if text.isdigit()]
        return numbers if max(numbers, default=-1) < len(self.branches) else []


@dataclass(frozen=True, eq=False)
class Condition:
    """The schemas that apply if a value meets a condition: `then` and `else`, or a schema of `dependentSchemas`.

    `word` is `if` or the property. `name` is also the property, whose absence has no tag, or None for an `if`.
    """

    schema_ref: SchemaRef
    word: str
    by_tag: Mapping[str, tuple[SchemaRef, ...]]
    is_met: Callable[[Any], bool]
    name: str | None = None

    @property
    def branches(self) -> tuple[SchemaRef, ...]:
        """All schemas that may apply to some value."""
        return tuple(chain.from_iterable(self.by_tag.values()))

    @property
    def tag_count(self) -> int:
        """The number of tags, the empty tag included."""
        return len(self.by_tag) + (self.name is not None)

    def tags(self, values: Sequence[Any]) -> list[str]:
        """Return the tag of each value: `then` or `else`, or that of the property, empty for an object without it."""
        met, unmet = (*self.by_tag, "")[:2]
        return [met if self.is_met(value) else unmet for value in values]

    def name_of(self, tag: str) -> str:
        """Return the name of a tag, which is the tag itself."""
        return tag

    def owns_tag(self, tag: str) -> bool:
        """Return whether a tag belongs to this condition."""
        return tag in self.by_tag

    def schemas_for_tag(self, tag: str) -> tuple[tuple[SchemaRef, ...], tuple[SchemaRef, ...]]:
        """Return the schemas that certainly apply to values with a tag, and those that may apply."""
        if tag in self.by_tag:
            return self.by_tag[tag], ()
        if self.name:
            return (), ()
        return (), self.branches


Applicator = Choice | Condition


def applicators_of(contract: Contract, schema_ref: SchemaRef, kind: str) -> Iterator[Applicator]:
    """Yield the choices and conditions of a schema for values of a type."""
    schema = keywords_of(schema_ref)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            yield Choice(contract, schema_ref, word, kind)
    if "if" in schema:
        keywords = {"then": ("if", "then"), "else": ("else",)}
        by_tag = {
            tag: tuple(schema_ref.below(word) for word in words if word in schema) for tag, words in keywords.items()
        }
        yield Condition(schema_ref, "if", by_tag, partial(accepts, contract, schema["if"]))
    if kind != "object":
        return
    for name in schema.get("dependentSchemas", {}):
        by_tag = {value_tag(WITH, name): (schema_ref.below("dependentSchemas", name),)}
        yield Condition(schema_ref, name, by_tag, partial(_has_member, name), name)


def _has_member(name: str, value: Any) -> bool:
    """Return whether an object has a member."""
    return name in value
