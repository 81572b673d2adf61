"""A schema in its normal form, as `normalize` builds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pytest_bctrl.contract.spec import Part, value_key

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_bctrl.contract.spec import Spec

Schema = tuple[Part, ...]
"""A schema as written: the parts that a value must all satisfy. Usually one; none if any value is valid."""

Kind = Literal["oneOf", "anyOf"]

BESIDE = "\0"
"""Separates, in the pointer of a part that was added to an alternative, the pointer of its origin from its content."""
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})


class Alternatives(NamedTuple):
    """Alternatives without the one for null. `types` or `values` is set if they only list types, or values."""

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
    """Reads the schemas of one document into nodes, as `Normalizer` does."""

    spec: Spec
    listed: dict[Node, dict[str, frozenset[Any]]]

    def node(self, schema: Schema) -> Node:
        """Return the normal form of a schema."""
        ...


class Node:
    """A schema in its normal form. `types` is None if every type is allowed; null is never among them."""

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
        self.choices: list[Alternatives] = []
        self.all_of: list[Schema] = []
        self.alternatives_at: dict[str, str] = {}
        self.parts: tuple[Flat, ...] = ()
        self.only_choice: Kind | None = None
        self.is_read = False

    def child(self, keyword: str) -> Schema:
        """Return the schema under a keyword; one that accepts every value if the keyword is absent."""
        return self.children.get(keyword, ())

    def schemas_under(self, keyword: str) -> dict[str, Schema]:
        """Return the schemas under a keyword by name; a keyword that contains one schema has it under an empty name."""
        if keyword in self.children:
            return {"": self.children[keyword]}
        return self.maps.get(keyword, {})

    @property
    def alternatives(self) -> list[Node]:
        """The schema itself and each of its alternatives."""
        return [self, *(self.normal.node(branch) for choice in self.choices for branch in choice.branches)]

    @property
    def undeclared(self) -> Schema:
        """The schema of properties that are not declared; one that accepts every value if there is none."""
        return self.child("additionalProperties") or self.child("unevaluatedProperties")

    @property
    def schema(self) -> Schema:
        """The parts as a schema that can be normalised or compared."""
        return tuple(Part(part.schema, part.pointer) for part in self.parts)

    def at(self, keyword: str, value: Any = None) -> str:
        """Return the pointer of a keyword, of the alternatives that replace it, or of the schema if it is absent.

        Of several parts with the keyword, it is the first one whose keyword has or lists the value, else the first one.
        """
        parts = self.parts_with(keyword)
        if keyword == "enum" and not parts and self.has_keyword("const"):
            return self.at("const", value)
        if len(parts) > 1:
            parts = (*(part for part in parts if self._has_value(part / keyword, value)), *parts)
        if parts:
            return f"{parts[0].pointer.partition(BESIDE)[0]}/{keyword}"
        return self.alternatives_at.get(keyword) or next(iter(self.key), "").partition(BESIDE)[0]

    def _has_value(self, written: Part, value: Any) -> bool:
        """Return whether the value of a keyword is a value, or a list that contains it."""
        if isinstance(written.value, list) and self.normal.spec.item_index(written, value) is not None:
            return True
        return bool(value_key(written.value) == value_key(value))

    @property
    def null_at(self) -> str:
        """The pointer of what allows null, `nullable` or `type`; of the schema if it has neither."""
        for part in self.parts_with("nullable"):
            if part.value["nullable"] is True:
                return f"{part.pointer.partition(BESIDE)[0]}/nullable"
        return self.at("type", "null")

    def parts_with(self, keyword: str) -> Schema:
        """Return the parts that have a keyword, whether or not it has an effect."""
        return tuple(part for part in self.schema if isinstance(part.value, dict) and keyword in part.value)

    def has_keyword(self, keyword: str) -> bool:
        """Return whether a part has a keyword, whether or not it has an effect."""
        return bool(self.parts_with(keyword))

    def has_keyword_or_alternatives(self, keyword: str) -> bool:
        """Return whether a part has a keyword, or alternatives or `const` replace it."""
        is_const = keyword == "enum" and self.has_keyword("const")
        return is_const or self.has_keyword(keyword) or keyword in self.alternatives_at

    def nearest(self, pointer: str) -> str:
        """Return the longest start of a pointer of the other document that is a part or its keyword; empty without one.

        So a change of a schema that others extend has the same pointers in all of them.
        """
        schemas = {part.pointer: part.schema for part in self.parts}
        holder, _, keyword = pointer.rpartition("/")
        while holder and holder not in schemas:
            holder, _, keyword = holder.rpartition("/")
        schema = schemas.get(holder)
        if isinstance(schema, dict) and keyword in schema:
            return f"{holder}/{keyword}"
        return holder

    @property
    def inner_schemas(self) -> list[Schema]:
        """The schemas inside in a fixed order, without alternatives."""
        schemas = [self.children[keyword] for keyword in sorted(self.children)] + self.prefix
        for keyword in sorted(self.maps):
            members = self.maps[keyword]
            schemas += [members[name] for name in sorted(members)]
        return schemas

    @property
    def contents(self) -> Contents:
        """The nodes inside in a fixed order, and the alternatives, whose order does not matter."""
        node = self.normal.node
        return list(map(node, self.inner_schemas)), [list(map(node, choice.branches)) for choice in self.choices]

    @property
    def shallow_key(self) -> Hashable:
        """A key that is equal for schemas whose own keywords, except titles and descriptions, are equal."""
        discriminator = self.flags.get("discriminator")
        if not isinstance(discriminator, dict):
            discriminator = {}
        values = None
        if self.enum is not None:
            values = frozenset(self.enum)
        return (
            self.types, self.nullable, self.never, values,
            *(bool(self.flags.get(key)) for key in ("deprecated", "readOnly", "writeOnly")),
            "default" in self.flags, value_key(self.flags.get("default")),
            frozenset((key, _hashable(value)) for key, value in self.constraints.items()),
            frozenset(self.required), len(self.prefix), tuple(sorted(self.children)),
            tuple((key, tuple(sorted(self.maps[key]))) for key in sorted(self.maps)),
            tuple((choice.kind, len(choice.branches)) for choice in self.choices),
            repr((discriminator.get("propertyName"), sorted(discriminator.get("mapping") or ()))),
        )  # fmt: skip

    def takes(self, kind: str) -> bool:
        """Return whether a schema can allow values of this type."""
        return self.types is None or kind in self.types


Contents = tuple[list[Node], list[list[Node]]]
"""The nodes inside a schema: those with an order, and the sets of alternatives."""


class Flat(NamedTuple):
    """A schema without `$ref`: its keywords, its pointer, and whether an alternative beside it accepts null."""

    schema: dict[str, Any] | bool
    pointer: str
    grants_null: bool


def reachable(roots: Iterable[Node]) -> dict[Node, Contents]:
    """Return every node that the roots lead to, the roots included, each with the nodes inside it.

    Raises `DocumentError` if a part of them cannot be read.
    """
    nodes: dict[Node, Contents] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        single, several = nodes[node] = node.contents
        waiting += [child for children in (single, *several) for child in children if child not in nodes]
    return nodes


def _hashable(value: Any) -> Hashable:
    """Return the value of a constraint in a hashable form: of a mapping, its keys and their sets of names."""
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    names = dict.fromkeys(value)
    names |= {key: inner for key, inner in value.items() if isinstance(inner, frozenset)}
    return frozenset(names.items())


def is_null(node: Node) -> bool:
    """Return whether null is the only valid value."""
    return node.nullable and not node.types and node.types is not None


def accepts_nothing(node: Node) -> bool:
    """Return whether no value is valid, not even null."""
    return not node.nullable and (node.types == frozenset() or node.enum == {})


def is_list_of_types(node: Node) -> bool:
    """Return whether a schema restricts values only by listing types."""
    return node.types is not None and node.enum is None and not says_more(node)


def is_within(narrow: Node, wide: Node) -> bool:
    """Return whether every value of `narrow` except null is obviously valid against `wide`."""
    if not is_list_of_types(wide):
        return accepts_anything(wide)
    return narrow.types is not None and wide.types is not None and covers(wide.types, narrow.types)


def accepts_anything(node: Node) -> bool:
    """Return whether every value is valid, null included."""
    return not (node.never or node.types is not None or node.enum is not None or says_more(node)) and node.nullable


def says_more(node: Node, but_choices: bool = False) -> bool:
    """Return whether a schema has keywords besides types and values; with `but_choices`, alternatives do not count."""
    holds = node.constraints or node.children or node.maps or node.prefix or node.required
    return bool(holds or (node.choices and not but_choices))


def type_of(value: Any) -> frozenset[str]:
    """Return the JSON Schema types of a value other than null: 1 and 1.0 are integers and numbers."""
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, str):
        return frozenset({"string"})
    if isinstance(value, list):
        return frozenset({"array"})
    if not isinstance(value, (int, float)):
        return frozenset({"object"})
    if value == int(value):
        return frozenset({"integer", "number"})
    return frozenset({"number"})


def covers(types: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether a set of types includes another one; an integer is a number."""
    return all(kind in types or (kind == "integer" and "number" in types) for kind in others)


def intersection(types: frozenset[str] | None, others: frozenset[str]) -> frozenset[str]:
    """Return the types that both allow, where None allows any type and an integer is a number."""
    if types is None:
        both = others
    else:
        both = types & others
        if ("integer" in types and "number" in others) or ("integer" in others and "number" in types):
            both |= {"integer"}
    if "number" in both:
        both -= {"integer"}
    return both
