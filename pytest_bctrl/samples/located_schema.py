"""The schema at one location of a body, with its alternatives and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.engine import acceptor, combination_count
from pytest_bctrl.contract.keywords import UNLISTED_NULL
from pytest_bctrl.contract.schema.ref import flatten
from pytest_bctrl.contract.schema.shapes import Shape, canonical_schemas, shapes_of_flat
from pytest_bctrl.contract.schema_document import SchemaDocument

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Schema


class MemberSchema(NamedTuple):
    """The schema and the location of a member of an object, and whether the member is write-only."""

    schema: Schema
    location: str
    is_write_only: bool


@dataclass
class LocatedSchema:
    """The schema at one location of a body, with its alternatives; cached, because a location is built many times."""

    contract: SchemaDocument
    schema: Schema
    members: dict[str, MemberSchema] = field(default_factory=dict)

    def at_another_location(self) -> LocatedSchema:
        """Return a copy for another location: it has what was derived, except the members, whose locations differ."""
        copied = copy(self)
        copied.members = {}
        return copied

    @cached_property
    def flat(self) -> Mapping[str, Any]:
        """The keywords that apply to the value."""
        return flatten(self.contract, self.schema)

    @cached_property
    def options(self) -> tuple[Shape, ...]:
        """The alternatives from which a value is built."""
        shapes = [shape for shape in shapes_of_flat(self.flat) if shape.kind != "fixed" or self.accepts(shape.value)]
        if UNLISTED_NULL in self.flat:
            shapes = [shape for shape in shapes if not _is_null(shape)]
        return tuple(shapes)

    @cached_property
    def is_plain(self) -> bool:
        """Whether a value built keyword by keyword always conforms, so that it need not be validated."""
        is_listed = all(shape.kind == "fixed" for shape in self.options)
        return is_listed or all(self.flat[word] in ({}, True) for word in _INTRICATE & self.flat.keys())

    @cached_property
    def canonical(self) -> list[Schema]:
        """The canonical forms of the schema, without the schema itself."""
        return [schema for schema in canonical_schemas(self.contract, self.schema) if schema != self.schema]

    @cached_property
    def combinations(self) -> int:
        """The number of combinations that the canonical forms list, which the time for computing them depends on."""
        return combination_count(self.contract, self.schema)

    @cached_property
    def accepts(self) -> Callable[[Any], bool]:
        """The function that returns whether a value conforms to the schema."""
        return acceptor(self.contract, self.schema)

    @cached_property
    def documented(self) -> list[Any]:
        """The examples in the document that conform to the schema and may be served."""
        values = [self.flat["example"]] if "example" in self.flat else []
        return [value for value in (*values, *self._listed_examples) if self._is_served(value)]

    @property
    def _listed_examples(self) -> Sequence[Any]:
        """The values of the keyword `examples`."""
        listed = self.flat.get("examples", ())
        return listed if isinstance(listed, list) else ()

    def _is_served(self, value: Any) -> bool:
        """Return whether an example conforms and is not a null that was added by the upgrade from OpenAPI 3.0."""
        return self.accepts(value) and not (value is None and UNLISTED_NULL in self.flat)

    @property
    def examples(self) -> Iterator[Any]:
        """The examples and the default in the document that conform to the schema."""
        single = (self.flat[word] for word in ("example", "default") if word in self.flat)
        values = (*self._listed_examples, *single)
        return (value for value in values if self._is_served(value))


def _is_null(shape: Shape) -> bool:
    """Return whether a shape allows nothing but null."""
    if shape.kind == "fixed":
        return shape.value is None
    return shape.kind == "branch" and shape.schema == {"type": "null"}


_INTRICATE = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "$dynamicRef", "dependentRequired", "dependentSchemas", "contains"}
    | {"maxItems", "patternProperties", "propertyNames", "minProperties", "maxProperties", "uniqueItems"}
    | {"prefixItems", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"}
)
"""Keywords that a value may break although it is built keyword by keyword."""
