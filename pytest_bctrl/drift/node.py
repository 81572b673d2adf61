"""One schema in its one form, as `normalize` makes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pytest_bctrl.contract.outline import Part, value_key

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_bctrl.contract.outline import Spec

Schema = tuple[Part, ...]
"""A schema as it is met: the parts that must all hold. Usually one; none where anything is taken."""

Kind = Literal["oneOf", "anyOf"]

BESIDE = "\0"
"""Stands in the pointer of what a schema gets from beside it, before what that is."""
_VALUES = ("default", "x-sunset", "x-stability-level")
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})


class Choice(NamedTuple):
    """Alternatives without the one for null. `types` or `values` where each of them only names such."""

    kind: Kind
    branches: list[Schema]
    pointer: str
    with_null: bool
    types: frozenset[str] = frozenset()
    values: dict[Any, Any] | None = None

    @property
    def is_named(self) -> bool:
        """Whether the alternatives are only types or only values."""
        return bool(self.types) or self.values is not None


class NodeReader(Protocol):
    """Reads the schemas of one document into nodes; `Normalizer` is the one."""

    spec: Spec

    def node(self, schema: Schema) -> Node:
        """Return the schema's one form."""
        ...


class Node:
    """A schema in its one form. `types` is None where any type may be; null is never among them."""

    __slots__ = (
        "all_of", "alternatives_at", "children", "choices", "constraints", "enum", "flags", "is_read", "key",
        "lists_types", "maps", "never", "normal", "nullable", "only_choice", "parts", "prefix", "required",
        "spells_const", "types",
    )  # fmt: skip

    def __init__(self, key: tuple[str, ...], normal: NodeReader) -> None:
        self.key = key
        self.normal = normal
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
        self.is_read = False

    def child(self, keyword: str) -> Schema:
        """The schema under a keyword; one that takes anything where it is absent."""
        return self.children.get(keyword, ())

    @property
    def alternatives(self) -> list[Node]:
        """The schema itself and each of its alternatives."""
        return [self, *(self.normal.node(branch) for choice in self.choices for branch in choice.branches)]

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
                return f"{part.pointer.partition(BESIDE)[0]}/{keyword}"
        return self.alternatives_at.get(keyword) or (self.key[0] if self.key else "")

    @property
    def single(self) -> list[Schema]:
        """The schemas inside, in one order, but for alternatives."""
        found = [self.children[keyword] for keyword in sorted(self.children)] + self.prefix
        for keyword in sorted(self.maps):
            members = self.maps[keyword]
            found += [members[name] for name in sorted(members)]
        return found

    @property
    def held(self) -> Held:
        """What is inside, in one order, and what of it has none: alternatives."""
        node = self.normal.node
        return list(map(node, self.single)), [list(map(node, choice.branches)) for choice in self.choices]

    @property
    def own(self) -> Hashable:
        """What it says itself, and what it holds schemas under, but not which."""
        given = self.flags.get("discriminator")
        discriminator = given if isinstance(given, dict) else {}
        return (
            self.types, self.nullable, self.never, None if self.enum is None else frozenset(self.enum),
            *(bool(self.flags.get(key)) for key in ("deprecated", "readOnly", "writeOnly")),
            *((key, value_key(self.flags[key])) for key in _VALUES if key in self.flags),
            frozenset((key, _hashable(value)) for key, value in self.constraints.items()),
            frozenset(self.required), len(self.prefix), tuple(sorted(self.children)),
            tuple((key, tuple(sorted(self.maps[key]))) for key in sorted(self.maps)),
            tuple((choice.kind, len(choice.branches)) for choice in self.choices),
            repr((discriminator.get("propertyName"), sorted(discriminator.get("mapping") or ()))),
        )  # fmt: skip

    def takes(self, kind: str) -> bool:
        """Tell whether a value of this type may be."""
        return self.types is None or kind in self.types


Held = tuple[list[Node], list[list[Node]]]
"""What a schema holds: in an order, and in sets."""


class Flat(NamedTuple):
    """A schema without `$ref`: its keywords, where it stands, and whether an alternative beside it lets null in."""

    schema: dict[str, Any] | bool
    pointer: str
    grants_null: bool


def reachable(roots: Iterable[Node]) -> dict[Node, Held]:
    """Return all that schemas hold, themselves included, each with what it holds.

    Raises `DocumentError` where a part of it cannot be read.
    """
    found: dict[Node, Held] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        single, several = found[node] = node.held
        waiting += [child for children in (single, *several) for child in children if child not in found]
    return found


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset((key, inner if isinstance(inner, frozenset) else None) for key, inner in value.items())
    return value  # type: ignore[no-any-return]


def is_null(node: Node) -> bool:
    """Tell a schema that takes null alone."""
    return node.nullable and not node.types and node.types is not None


def takes_nothing(node: Node) -> bool:
    """Tell a schema that no value meets."""
    return not node.nullable and (node.types == frozenset() or node.enum == {})


def takes_all_of_its_types(node: Node) -> bool:
    """Tell a schema that says nothing but types."""
    return node.types is not None and node.enum is None and not says_more(node)


def is_within(narrow: Node, wide: Node) -> bool:
    """Tell, where it is plain, that whatever one schema takes, null aside, another one takes."""
    if not takes_all_of_its_types(wide):
        return takes_anything(wide)
    return narrow.types is not None and wide.types is not None and covers(wide.types, narrow.types)


def takes_anything(node: Node) -> bool:
    """Tell a schema that rules nothing out."""
    return not (node.never or node.types is not None or node.enum is not None or says_more(node)) and node.nullable


def says_more(node: Node, but_choices: bool = False) -> bool:
    """Tell a schema that says more than types and values; `but_choices`: more than its alternatives, too."""
    holds = node.constraints or node.children or node.maps or node.prefix or node.required
    return bool(holds or (node.choices and not but_choices))


def type_of(value: Any) -> frozenset[str]:
    """The JSON Schema types that a value other than null has: 1 and 1.0 are integers and numbers."""
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, (int, float)):
        return frozenset({"integer", "number"}) if value == int(value) else frozenset({"number"})
    return frozenset({"string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"})


def covers(types: frozenset[str], others: frozenset[str]) -> bool:
    """Tell whether the first types allow all that the others do; an integer is a number."""
    return all(kind in types or (kind == "integer" and "number" in types) for kind in others)


def intersection(one: frozenset[str] | None, other: frozenset[str]) -> frozenset[str]:
    """The types that both allow; an integer is a number."""
    if one is None:
        return frozenset(other - {"integer"}) if "number" in other else other
    both = one & other
    if ("integer" in one and "number" in other) or ("integer" in other and "number" in one):
        both |= {"integer"}
    return both - {"integer"} if "number" in both else both
