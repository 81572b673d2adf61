"""In how many ways alternatives combine where a schema is brought to a form without `allOf`, `if` and `not`.

That form is an alternative of each combination, so ten choices of two make 1,024. It is counted before the engine is
asked for it: the engine would take time and memory in proportion.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pytest_bctrl.contract.budget import EXPANDED
from pytest_bctrl.contract.keywords import APPLICATORS, subschemas
from pytest_bctrl.contract.model import Schema, resolve_pointer
from pytest_bctrl.contract.schema.ref import ANNOTATIONS

_CHOICES = ("anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "required")
"""The keywords that are not met where one of the names that they list is not as they say."""
_COUNTED_ELSEWHERE = ANNOTATIONS | {"$ref", "then", "else", "$defs"}
"""The keywords that are no choice of their own."""
_TOO_MANY = 1_000_000
"""What every larger count is, and that of a schema that leads back to itself in place."""


class Combinations:
    """The combinations of the schemas of one document, each counted once."""

    def __init__(self, document: Mapping[str, Any], name: str, own: Container[int] | None = None) -> None:
        """Count in a document; of its `own` schemas, by their identities, the counts are kept (None: of all)."""
        self._document = document
        self._name = name
        self._bounded: _Kept[bool] = _Kept(own)
        self._counted: _Kept[int] = _Kept(own)
        self._negated: _Kept[int] = _Kept(own)

    def are_bounded(self, schema: Schema) -> bool:
        """Return whether neither a schema nor any that it leads to has more combinations than `EXPANDED`.

        A schema may have twice as many as it lists alternatives: they are not multiplied.
        """
        waiting = [schema]
        try:
            while waiting:
                inner = waiting.pop()
                if not isinstance(inner, Mapping) or self._bounded.get(inner):
                    continue
                listed = sum(1 for _ in subschemas(inner, _CHOICES))
                if self._count(inner, is_negated=False) > max(EXPANDED, 2 * listed):
                    return False
                self._bounded.set(inner, True)
                waiting += (part for _, _, part in subschemas(inner, APPLICATORS))
                waiting += self._referred(inner)
        finally:
            for kept in (self._bounded, self._counted, self._negated):
                kept.forget()
        return True

    def _referred(self, schema: Mapping[str, Any]) -> Iterator[Schema]:
        if isinstance(schema.get("$ref"), str):
            yield resolve_pointer(self._document, schema["$ref"], self._name)

    def _count(self, schema: Schema, *, is_negated: bool) -> int:
        if not isinstance(schema, Mapping):
            return 1
        kept = self._negated if is_negated else self._counted
        count = kept.get(schema)
        if count is None:
            kept.set(schema, _TOO_MANY)
            counts = self._parts(schema, is_negated=is_negated)
            count = _sum(counts) if is_negated else _product(counts)
            kept.set(schema, count)
        return count

    def _parts(self, schema: Mapping[str, Any], *, is_negated: bool) -> Iterator[int]:
        """Yield the counts of what a schema says: all of it holds, or, where it is negated, one of it does not."""

        def count(inner: Schema, *, turned: bool = False) -> int:
            return self._count(inner, is_negated=is_negated is not turned)

        yield from map(count, self._referred(schema))
        for word, value in schema.items():
            parts = [inner for _, _, inner in subschemas(schema, (word,))]
            if word == "allOf":
                yield from map(count, parts)
            elif word in _CHOICES:
                yield (_product if is_negated else _sum)(map(count, parts))
            elif word == "not":
                yield count(value, turned=True)
            elif word == "if":
                met = self._count(value, is_negated=False), count(schema.get("then", True))
                unmet = self._count(value, is_negated=True), count(schema.get("else", True))
                yield _sum([_product(met), _product(unmet)])
            elif word == "dependentSchemas":
                yield from ((count(inner) if is_negated else 1 + count(inner)) for inner in parts)
            elif word not in _COUNTED_ELSEWHERE:
                yield _of_names(word, value, is_negated=is_negated)


def _of_names(word: str, value: Any, *, is_negated: bool) -> int:
    """Return the count of a keyword that applies no alternatives."""
    names = len(value) if isinstance(value, dict | list) else 1
    if word == "dependentRequired":
        return names if is_negated else min(_TOO_MANY, 2 ** min(names, 20))
    if is_negated and word in _NAMED:
        # Of two or more required names, any may be there beside one that is not.
        return names + (word == "required" and names > 1)
    return 1


_T = TypeVar("_T")


class _Kept(Generic[_T]):
    """What is known of schemas, by their identity; each is kept beside it, so that no other has that meanwhile."""

    def __init__(self, own: Container[int] | None) -> None:
        self._own = own
        self._lasting: dict[int, tuple[Schema, _T]] = {}
        self._passing: dict[int, tuple[Schema, _T]] = {}

    def get(self, schema: Schema) -> _T | None:
        key = id(schema)
        found = self._lasting.get(key) or self._passing.get(key)
        return None if found is None else found[1]

    def set(self, schema: Schema, value: _T) -> None:
        is_own = self._own is None or id(schema) in self._own
        (self._lasting if is_own else self._passing)[id(schema)] = schema, value

    def forget(self) -> None:
        """Let go of schemas that are put together of the document's own."""
        self._passing.clear()


def _sum(counts: Iterable[int]) -> int:
    return min(_TOO_MANY, sum(counts))


def _product(counts: Iterable[int]) -> int:
    product = 1
    for count in counts:
        product = min(_TOO_MANY, product * count)
    return product
