"""Which branch of a `oneOf` or `anyOf` a value means to be, told by a property such as `kind`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.contract.show import type_name


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative: the values that its properties are fixed to, their types, and its own types."""

    fixed: Mapping[str, tuple[Any, ...]]
    typed: Mapping[str, frozenset[str]]
    types: frozenset[str]

    @classmethod
    def of(cls, contract: Contract, schema: Schema) -> Branch:
        """Read a branch from its schema, references followed."""
        fixed: dict[str, tuple[Any, ...]] = {}
        typed: dict[str, frozenset[str]] = {}
        types: set[str] = set()
        for part in parts_of(contract, schema):
            types |= _types(part)
            for name, raw in part.get("properties", {}).items():
                for inner in parts_of(contract, raw):
                    typed[name] = _types(inner)
                    if "const" in inner:
                        fixed[name] = (inner["const"],)
                    elif "enum" in inner:
                        fixed[name] = tuple(inner["enum"])
        return cls(fixed, typed, frozenset(types))

    def values_of(self, name: str) -> tuple[Any, ...]:
        """The values that a property may have in this branch."""
        return self.fixed.get(name, ())

    def likeness(self, value: Mapping[str, Any]) -> int:
        """How many of this branch's properties the value has, with the right type."""
        return sum(1 for name, types in self.typed.items() if name in value and is_one_of(types, value[name]))


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    types = schema.get("type", ())
    return frozenset([types] if isinstance(types, str) else types)


def parts_of(contract: Contract, schema: Schema) -> Iterator[Mapping[str, Any]]:
    """The schema and all that `allOf` adds to it; what allows nothing as the negation of everything."""
    resolved = contract.resolve(schema)
    if resolved is False:
        yield {"not": {}}
    elif isinstance(resolved, Mapping):
        yield resolved
        for part in resolved.get("allOf", ()):
            yield from parts_of(contract, part)


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


def branch_meant(branches: Sequence[Branch], value: Any) -> int | None:
    """Return the index of the one branch that `value` means to be, or None where it cannot be told.

    Told by the discriminating property where there is one, else by the only branch of the value's type, else
    by the one branch that the value is most like.
    """
    if isinstance(value, Mapping):
        name = discriminator(branches)
        if name is not None:
            matching = [i for i, branch in enumerate(branches) if value.get(name) in branch.values_of(name)]
            return matching[0] if len(matching) == 1 else None
    typed = [i for i, branch in enumerate(branches) if is_one_of(branch.types, value)]
    if len(typed) == 1 or not isinstance(value, Mapping):
        return typed[0] if len(typed) == 1 else None
    likest = sorted(((branches[i].likeness(value), i) for i in typed), reverse=True)
    return likest[0][1] if len(likest) > 1 and likest[0][0] > likest[1][0] else None


def is_one_of(types: frozenset[str], value: Any) -> bool:
    """Whether a value is of one of the types; of any, where none is named."""
    kind = type_name(value)
    return not types or kind in types or (kind == "integer" and "number" in types)
