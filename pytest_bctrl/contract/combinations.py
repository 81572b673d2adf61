"""Counts the combinations of alternatives in the form of a schema without `allOf`, `if` and `not`.

That form lists every combination, so ten choices of two alternatives make 1,024. The count is made before the engine
computes the form, because the engine takes time and memory in proportion.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pytest_bctrl.contract.budget import EXPANDED
from pytest_bctrl.contract.keywords import APPLICATORS, subschemas
from pytest_bctrl.contract.schema.ref import ANNOTATIONS
from pytest_bctrl.contract.schema_document import resolve_pointer

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Schema

_CHOICES = ("anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "required")
"""Keywords that list names, any of which can violate them."""
_COUNTED_ELSEWHERE = ANNOTATIONS | {"$ref", "then", "else", "$defs"}
"""Keywords that add no choice themselves."""
_TOO_MANY = 1_000_000
"""The maximum count, also used for a schema that applies itself to the same value."""


class Combinations:
    """The combinations of the schemas of one document, each counted once."""

    def __init__(self, document: Mapping[str, Any], name: str, permanent: Container[int] | None = None) -> None:
        """Count in a document; `permanent` are the identities of the schemas whose counts are cached (None: all)."""
        self._document = document
        self._name = name
        self._bounded: _SchemaCache[bool] = _SchemaCache(permanent)
        self._counts: _SchemaCache[int] = _SchemaCache(permanent)
        self._negated_counts: _SchemaCache[int] = _SchemaCache(permanent)

    def are_bounded(self, schema: Schema) -> bool:
        """Return whether a schema and those below it each have at most `EXPANDED` combinations, or two per alternative.

        A schema may have twice as many combinations as alternatives, because alternatives alone are not multiplied.
        """
        pending = [schema]
        try:
            while pending:
                inner = pending.pop()
                if not isinstance(inner, Mapping) or self._bounded.get(inner):
                    continue
                alternatives = sum(1 for _ in subschemas(inner, _CHOICES))
                if self._count(inner, is_negated=False) > max(EXPANDED, 2 * alternatives):
                    return False
                self._bounded.set(inner, True)
                pending += (part for _, _, part in subschemas(inner, APPLICATORS))
                pending += self._referenced_schemas(inner)
        finally:
            self._forget_temporary()
        return True

    def count(self, schema: Schema) -> int:
        """Return the number of combinations of a schema without those of members and items, at most `_TOO_MANY`."""
        try:
            return self._count(schema, is_negated=False)
        finally:
            self._forget_temporary()

    def _forget_temporary(self) -> None:
        """Remove the cached counts of schemas that are not part of the document."""
        for cache in (self._bounded, self._counts, self._negated_counts):
            cache.forget_temporary()

    def _referenced_schemas(self, schema: Mapping[str, Any]) -> Iterator[Schema]:
        """Yield the schema that `$ref` names, if there is one."""
        if isinstance(schema.get("$ref"), str):
            yield resolve_pointer(self._document, schema["$ref"], self._name)

    def _count(self, schema: Schema, *, is_negated: bool) -> int:
        """Return the number of combinations of a schema, or of its negation, at most `_TOO_MANY`."""
        if not isinstance(schema, Mapping):
            return 1
        cache = self._negated_counts if is_negated else self._counts
        count = cache.get(schema)
        if count is None:
            # The count that a reference back to the schema has.
            cache.set(schema, _TOO_MANY)
            combine = _bounded_sum if is_negated else _bounded_product
            count = combine(self._keyword_counts(schema, is_negated=is_negated))
            cache.set(schema, count)
        return count

    def _keyword_counts(self, schema: Mapping[str, Any], *, is_negated: bool) -> Iterator[int]:
        """Yield the number of combinations of each keyword, to be multiplied, or added up if the schema is negated."""
        count = partial(self._count, is_negated=is_negated)
        combine_choices = _bounded_product if is_negated else _bounded_sum
        yield from map(count, self._referenced_schemas(schema))
        for keyword, value in schema.items():
            parts = [inner for _, _, inner in subschemas(schema, (keyword,))]
            if keyword == "allOf":
                yield from map(count, parts)
            elif keyword in _CHOICES:
                yield combine_choices(map(count, parts))
            elif keyword == "not":
                yield self._count(value, is_negated=not is_negated)
            elif keyword == "if":
                met = self._count(value, is_negated=False), count(schema.get("then", True))
                unmet = self._count(value, is_negated=True), count(schema.get("else", True))
                yield _bounded_sum([_bounded_product(met), _bounded_product(unmet)])
            elif keyword == "dependentSchemas":
                # The property may also be missing, unless the schema is negated.
                yield from (count(inner) + (not is_negated) for inner in parts)
            elif keyword not in _COUNTED_ELSEWHERE:
                yield _names_count(keyword, value, is_negated=is_negated)


def _names_count(keyword: str, value: Any, *, is_negated: bool) -> int:
    """Return in how many ways a keyword that lists names is met, or violated if negated; 1 for any other keyword."""
    names = len(value) if isinstance(value, dict | list) else 1
    if keyword == "dependentRequired":
        return names if is_negated else min(_TOO_MANY, 2 ** min(names, 20))
    if is_negated and keyword in _NAMED:
        # If one of several required names is missing, the others may be present.
        return names + (keyword == "required" and names > 1)
    return 1


_T = TypeVar("_T")


class _SchemaCache(Generic[_T]):
    """Values by the identity of a schema. Each entry holds its schema, so that no other object gets its identity."""

    def __init__(self, permanent: Container[int] | None) -> None:
        self._permanent_ids = permanent
        self._permanent: dict[int, tuple[Schema, _T]] = {}
        self._temporary: dict[int, tuple[Schema, _T]] = {}

    def get(self, schema: Schema) -> _T | None:
        """Return the value stored for a schema; None if there is none."""
        key = id(schema)
        entry = self._permanent.get(key) or self._temporary.get(key)
        if entry is None:
            return None
        return entry[1]

    def set(self, schema: Schema, value: _T) -> None:
        """Store a value for a schema, temporarily if the schema is not part of the document."""
        entries = self._temporary
        if self._permanent_ids is None or id(schema) in self._permanent_ids:
            entries = self._permanent
        entries[id(schema)] = schema, value

    def forget_temporary(self) -> None:
        """Remove the entries of schemas that are not part of the document."""
        self._temporary.clear()


def _bounded_sum(counts: Iterable[int]) -> int:
    """Return the sum of counts, at most `_TOO_MANY`."""
    return min(_TOO_MANY, sum(counts))


def _bounded_product(counts: Iterable[int]) -> int:
    """Return the product of counts, at most `_TOO_MANY`."""
    product = 1
    for count in counts:
        product = min(_TOO_MANY, product * count)
    return product
