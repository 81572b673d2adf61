"""One schema in its one form, as `normalize` makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.drift.spec import Part

if TYPE_CHECKING:
    from pytest_bctrl.drift.alternatives import Choice, Kind

Schema = tuple[Part, ...]
"""A schema as it is met: the parts that must all hold. Usually one; none where anything is taken."""

TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})


class Node:
    """A schema in its one form. `types` is None where any type may be; null is never among them."""

    __slots__ = (
        "all_of", "alternatives_at", "children", "choices", "constraints", "enum", "flags", "key", "lists_types",
        "maps", "never", "nullable", "only_choice", "parts", "prefix", "required", "spells_const", "types",
    )  # fmt: skip

    def __init__(self, key: tuple[str, ...]) -> None:
        self.key = key
        self.types: frozenset[str] | None = None
        self.nullable = True
        self.never = False
        self.enum: dict[Any, Any] | None = None
        self.spells_const = False
        self.lists_types = False
        self.constraints: dict[str, Any] = {}
        self.flags: dict[str, Any] = {}
        self.children: dict[str, Schema] = {}
        self.maps: dict[str, dict[str, Schema]] = {}
        self.prefix: list[Schema] = []
        self.required: set[str] = set()
        self.choices: list[Choice] = []
        self.all_of: list[Schema] = []
        self.alternatives_at: dict[str, str] = {}
        self.parts: tuple[Flat, ...] = ()
        self.only_choice: Kind | None = None

    def child(self, keyword: str) -> Schema:
        """The schema under a keyword; one that takes anything where it is absent."""
        return self.children.get(keyword, ())

    @property
    def undeclared(self) -> Schema:
        """What a property may hold that is not declared; anything where nothing is said of such."""
        return self.child("additionalProperties") or self.child("unevaluatedProperties")

    @property
    def schema(self) -> Schema:
        """The parts again, as something to normalise or compare."""
        return tuple(Part(part.schema, part.pointer) for part in self.parts)

    def at(self, keyword: str) -> str:
        """The pointer of a keyword, or of the alternatives that stand for it, or of the schema where it is absent."""
        for part in self.parts:
            if isinstance(part.schema, dict) and keyword in part.schema:
                return f"{part.pointer}/{keyword}"
        return self.alternatives_at.get(keyword) or (self.key[0] if self.key else "")

    def takes(self, kind: str) -> bool:
        """Tell whether a value of this type may be."""
        return self.types is None or kind in self.types


class Flat(NamedTuple):
    """A schema without `$ref`: its keywords, where it stands, and whether an alternative beside it lets null in."""

    schema: dict[str, Any] | bool
    pointer: str
    grants_null: bool


def type_of(value: Any) -> frozenset[str]:
    """The JSON Schema types that a value other than null has: 1 and 1.0 are integers and numbers."""
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, (int, float)):
        return frozenset({"integer", "number"}) if value == int(value) else frozenset({"number"})
    return frozenset({"string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"})


def intersection(one: frozenset[str] | None, other: frozenset[str]) -> frozenset[str]:
    """The types that both allow; an integer is a number."""
    if one is None:
        return frozenset(other - {"integer"}) if "number" in other else other
    both = one & other
    if ("integer" in one and "number" in other) or ("integer" in other and "number" in one):
        both |= {"integer"}
    return both - {"integer"} if "number" in both else both
