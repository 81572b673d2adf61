"""Counts the cost of validation in advance: how often schemas apply to a value and to the values inside it.

References multiply schemas: forty schemas that each apply the next one twice apply the last one 2^40 times. A
recursive schema is counted once, because the engine remembers its results; `growth` is the factor that this hides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_bctrl.contract.budget import STEPS
from pytest_bctrl.contract.keywords import IN_PLACE, subschemas
from pytest_bctrl.contract.references import KeywordObject, keyword_objects
from pytest_bctrl.contract.schema_document import resolve_pointer
from pytest_bctrl.errors import DocumentError

_DEEPEST = 100
_MEAN = 20
"""Maximum number of schemas per value, averaged over a document; it limits the time that counting takes."""
_MEAN_VISITS = 100
"""Number of schemas that may apply to each inner value in any case, so that a long list is affordable."""
_ALL = None
"""The step to all children of a value."""


class Cost:
    """The number of times that the schemas of one document apply.

    `schemas` are the `keyword_objects` of the document, if the caller has them. Raises `DocumentError` if a schema
    applies itself to the same value, which would never end.
    """

    def __init__(self, document: Mapping[str, Any], name: str, schemas: Sequence[KeywordObject] = ()) -> None:
        self._document = document
        self._name = name
        self._schemas: dict[int, Mapping[str, Any]] = {}
        self._inside: dict[int, Counter[int]] = {}
        self._below: dict[int, dict[str | None, Counter[int]]] = {}
        schemas = schemas or list(keyword_objects(document))
        self._pointers = {id(schema.value): schema.pointer for schema in schemas}
        self._remaining = _MEAN * (STEPS + len(self._pointers))
        self._dynamic: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for schema in schemas:
            self._dynamic[str(schema.value.get("$dynamicAnchor"))].append(schema.value)
        pending: list[Any] = [schema.value for schema in schemas]
        while pending:
            value = pending.pop()
            if id(value) not in self._below and isinstance(value, Mapping):
                self._count_applications(value, (), "")
                self._below[id(value)] = self._counts_by_step(id(value), pending)

    def require_bounded(self) -> None:
        """Raise `DocumentError`, naming a schema, if over `STEPS` schemas and names apply along a path into a value."""
        costs = {key: 1 + _required_count(schema) for key, schema in self._schemas.items()}
        inside = {
            key: sum(count * costs[inner] for inner, count in counts.items()) for key, counts in self._inside.items()
        }
        for key, count in self._with_deepest(inside).items():
            if count > STEPS:
                raise self._cost_error(key)

    def _cost_error(self, key: int) -> DocumentError:
        """Return the error for the schema with a key, which costs too much."""
        return DocumentError(
            f"more than {STEPS:,} schemas and names apply to one value, which takes too long to validate",
            where=f"{self._name}: #{self._pointers.get(key, '')}",
            hint="apply each schema once: do not repeat what allOf, anyOf and oneOf refer to",
        )

    @cached_property
    def growth(self) -> int:
        """The largest number of times that a recursive schema applies itself one level deeper; at least 1."""
        return max(self._with_deepest(dict.fromkeys(self._below, 0)).values(), default=1) or 1

    def is_affordable(self, schema: Mapping[str, Any], value: Any, visits: int) -> bool:
        """Return whether the schemas that apply within a value stay few: `visits`, and `_MEAN_VISITS` per inner value.

        The schema must be one of the document.
        """
        pending: list[tuple[Any, Counter[int]]] = [(value, Counter({id(schema): 1}))]
        while pending:
            inner_value, schemas = pending.pop()
            visits += _MEAN_VISITS - sum(count * self._inside[key].total() for key, count in schemas.items())
            if visits < 0:
                return False
            for step, child in _children(inner_value):
                counts = self._counts_at(step, schemas)
                if counts:
                    pending.append((child, counts))
        return True

    def _counts_at(self, step: str, schemas: Mapping[int, int]) -> Counter[int]:
        """Return how often each schema applies to the child at a step, if `schemas` apply to the value."""
        counts: Counter[int] = Counter()
        for key, count in schemas.items():
            for at in (_ALL, step):
                for below, number in self._below[key].get(at, {}).items():
                    if below in self._below:
                        counts[below] += count * number
        return counts

    def _with_deepest(self, costs: Mapping[int, int]) -> dict[int, int]:
        """Return per schema its cost plus that of the costliest path below it; a step back to a schema counts 1."""
        totals: dict[int, int] = {}
        for key in self._order:
            step_costs = {
                step: sum(count * totals.get(below, 1) for below, count in counts.items() if below in costs)
                for step, counts in self._below[key].items()
            }
            totals[key] = costs[key] + step_costs.pop(_ALL, 0) + max(step_costs.values(), default=0)
        return totals

    @cached_property
    def _order(self) -> list[int]:
        """The schemas, each after the schemas one step below it, except those that lead back to it."""
        is_done: dict[int, bool] = {}
        order: list[int] = []
        pending = list(self._below)
        while pending:
            key = pending[-1]
            if key in is_done:
                pending.pop()
                if not is_done[key]:
                    is_done[key] = True
                    order.append(key)
            else:
                is_done[key] = False
                for counts in self._below[key].values():
                    pending += [below for below in counts if below in self._below and below not in is_done]
        return order

    def _count_applications(
        self, schema: Mapping[str, Any], ancestors: tuple[int, ...], reference: str
    ) -> Counter[int]:
        """Return how often each schema, by identity, applies to a value along with this one, which is included.

        Raises `DocumentError` for a circle, and for too many references or schemas.
        """
        key = id(schema)
        if key in ancestors:
            raise DocumentError(
                "the reference leads back to itself", where=f"{self._name}: {reference}", hint="break the circle"
            )
        if len(ancestors) > _DEEPEST:
            raise DocumentError(
                f"more than {_DEEPEST} references in a row", where=f"{self._name}: {reference}", hint="give fewer"
            )
        if key not in self._inside:
            self._schemas[key] = schema
            counts = Counter({key: 1})
            for part, last_reference in self._applied_schemas(schema, reference):
                if isinstance(part, Mapping):
                    # Not `+=`, which reads all counts again.
                    counts.update(self._count_applications(part, (*ancestors, key), last_reference))
            self._inside[key] = counts
            self._remaining -= len(counts)
            if counts.total() > STEPS or self._remaining < 0:
                raise self._cost_error(key)
        return self._inside[key]

    def _applied_schemas(self, schema: Mapping[str, Any], reference: str) -> Iterator[tuple[Any, str]]:
        """Yield the schemas that a schema applies to the same value, with the last reference that leads to each."""
        if isinstance(schema.get("$ref"), str):
            yield resolve_pointer(self._document, schema["$ref"], self._name), schema["$ref"]
        if isinstance(schema.get("$dynamicRef"), str):
            name = schema["$dynamicRef"].rpartition("#")[2]
            yield from ((target, schema["$dynamicRef"]) for target in self._dynamic[name])
        yield from ((part, reference) for _, _, part in subschemas(schema, IN_PLACE))

    def _counts_by_step(self, key: int, pending: list[Any]) -> dict[str | None, Counter[int]]:
        """Return how often each schema applies to the child at a step, and to `_ALL`; adds them to `pending`."""
        by_step: dict[str | None, Counter[int]] = defaultdict(Counter)
        for inner, count in self._inside[key].items():
            schema = self._schemas[inner]
            for step, child in _child_schemas(schema):
                by_step[step][id(child)] += count
                pending.append(child)
        return by_step


def _required_count(schema: Mapping[str, Any]) -> int:
    """Return how many names a schema requires; 0 for a parameter, whose `required` is a boolean."""
    names = schema.get("required")
    return len(names) if isinstance(names, list) else 0


_INTO = (
    *("properties", "patternProperties", "items", "additionalProperties", "contains", "prefixItems"),
    *("unevaluatedItems", "unevaluatedProperties"),
)


def _child_schemas(schema: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
    """Yield the subschemas of direct children, each with the step to the child, or `_ALL`."""
    for keyword, key, inner in subschemas(schema, _INTO):
        if keyword in ("properties", "prefixItems"):
            yield str(key), inner
        else:
            yield _ALL, inner


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the children of a value, each with the step to it."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield str(index), item
