"""The number of levels that a value of a schema needs, by which a schema that refers to itself comes to an end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.schema.shapes import Shape, shapes
from pytest_bctrl.contract.schema_document import SchemaDocument

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Schema


class SchemaDepths:
    """Finds the alternatives of a contract's schemas that need the fewest levels; what was computed is remembered."""

    def __init__(self, contract: SchemaDocument) -> None:
        self._contract = contract
        self._ends: dict[tuple[Any, int], bool] = {}

    def shortest_option(self, options: tuple[Shape, ...], most_levels: int) -> int:
        """Return the index of the first alternative that needs the fewest levels; 0 if each needs too many."""
        for levels in range(most_levels):
            for index, shape in enumerate(options):
                if self._ends_within(shape, levels):
                    return index
        return 0

    def _ends_within(self, shape: Shape, levels: int) -> bool:
        """Return whether a value of a shape needs at most this many levels: objects, lists and branches inside it."""
        schema = shape.schema or {}
        if shape.empty or shape.kind not in ("branch", "object", "array"):
            return True
        needed: list[Schema] = []
        if shape.kind == "branch":
            needed = [schema]
        elif shape.kind == "object":
            documented = schema.get("properties", {})
            needed = [documented[name] for name in schema.get("required", ()) if name in documented]
        elif schema.get("minItems", 0):
            needed = [schema.get("items", True)]
        return all(self._schema_ends_within(inner, levels - 1) for inner in needed)

    def _schema_ends_within(self, schema: Schema, levels: int) -> bool:
        """Return whether a value of a schema needs at most this many levels: objects, lists and branches inside it."""
        key: tuple[Any, int] = (id(schema), levels)
        if isinstance(schema, Mapping) and schema.keys() == {"$ref"}:
            key = (schema["$ref"], levels)
        if key not in self._ends:
            self._ends[key] = levels >= 0 and any(
                self._ends_within(shape, levels) for shape in shapes(self._contract, schema)
            )
        return self._ends[key]
