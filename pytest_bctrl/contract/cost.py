"""What it costs to validate a value, counted before any is: how often schemas apply to it, and on the way into it.

Schemas that refer to others multiply: forty that each apply the next one twice apply the last one 2^40 times. What
leads back to itself is counted once, as the engine remembers what it has looked at; `growth` says what that hides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pytest_bctrl.contract.budget import STEPS
from pytest_bctrl.contract.keywords import IN_PLACE, subschemas
from pytest_bctrl.contract.model import resolve_pointer
from pytest_bctrl.contract.references import keyword_objects
from pytest_bctrl.errors import DocumentError

_DEEPEST = 100
_MEAN = 20
"""Schemas that may apply to one value, in the mean over a document: it is what counting them costs."""


class Cost:
    """How often the schemas of one document apply.

    Raises `DocumentError` where schemas lead back to themselves without a step into the value: that never ends.
    """

    def __init__(self, document: Mapping[str, Any], name: str) -> None:
        self._document = document
        self._name = name
        self._schemas: dict[int, Mapping[str, Any]] = {}
        self._inside: dict[int, Counter[int]] = {}
        self._below: dict[int, list[Counter[int]]] = {}
        schemas = list(keyword_objects(document))
        self._pointers = {id(one.value): one.pointer for one in schemas}
        self._left = _MEAN * (STEPS + len(self._pointers))
        self._dynamic: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for one in schemas:
            self._dynamic[str(one.value.get("$dynamicAnchor"))].append(one.value)
        waiting: list[Any] = [one.value for one in schemas]
        while waiting:
            schema = waiting.pop()
            if id(schema) not in self._below and isinstance(schema, Mapping):
                self._apply(schema, (), "")
                self._below[id(schema)] = list(self._ways(id(schema), waiting))

    def require_bounded(self) -> None:
        """Raise `DocumentError`, naming the schema, where more of them apply to one value than `STEPS`."""
        # What a parameter requires is no list.
        names = {key: schema.get("required") for key, schema in self._schemas.items()}
        own = {key: 1 + (len(said) if isinstance(said, list) else 0) for key, said in names.items()}
        inside = {key: sum(n * own[one] for one, n in found.items()) for key, found in self._inside.items()}
        for key, count in self._summed(inside).items():
            if count > STEPS:
                raise self._costly(key)

    def _costly(self, key: int) -> DocumentError:
        return DocumentError(
            f"more than {STEPS:,} schemas and names apply to one value, which takes too long to validate",
            where=f"{self._name}: #{self._pointers.get(key, '')}",
            hint="apply each schema once: do not repeat what allOf, anyOf and oneOf refer to",
        )

    @cached_property
    def growth(self) -> int:
        """How often what leads back to itself applies again each time that it does; 1 where it does once."""
        return max(self._summed(dict.fromkeys(self._below, 0)).values(), default=1) or 1

    def _summed(self, own: Mapping[int, int]) -> dict[int, int]:
        """What each schema has of its own, and the most that is below it; 1 for what leads back to itself."""
        made: dict[int, int] = {}
        for key in self._order:
            ways = (
                sum(count * made.get(below, 1) for below, count in way.items() if below in own)
                for way in self._below[key]
            )
            made[key] = own[key] + max(ways)
        return made

    @cached_property
    def _order(self) -> list[int]:
        """The schemas, each after those below it, but for those that lead back to it."""
        done: dict[int, bool] = {}
        order: list[int] = []
        waiting = list(self._below)
        while waiting:
            key = waiting[-1]
            if key in done:
                waiting.pop()
                if not done[key]:
                    done[key] = True
                    order.append(key)
            else:
                done[key] = False
                waiting += [
                    below for way in self._below[key] for below in way if below in self._below and below not in done
                ]
        return order

    def _apply(self, schema: Mapping[str, Any], above: tuple[int, ...], reference: str) -> Counter[int]:
        """How often each schema applies to a value that this one applies to: itself once, and its parts."""
        key = id(schema)
        if key in above:
            raise DocumentError(
                "the reference leads back to itself", where=f"{self._name}: {reference}", hint="break the circle"
            )
        if len(above) > _DEEPEST:
            raise DocumentError(
                f"more than {_DEEPEST} references in a row", where=f"{self._name}: {reference}", hint="give fewer"
            )
        if key not in self._inside:
            self._schemas[key] = schema
            found = Counter({key: 1})
            for part, by in self._parts(schema, reference):
                if isinstance(part, Mapping):
                    found += self._apply(part, (*above, key), by)
            self._inside[key] = found
            self._left -= len(found)
            if found.total() > STEPS or self._left < 0:
                raise self._costly(key)
        return self._inside[key]

    def _parts(self, schema: Mapping[str, Any], reference: str) -> Iterator[tuple[Any, str]]:
        """What applies to a value beside a schema that does, with the last reference that leads to it."""
        if isinstance(schema.get("$ref"), str):
            yield resolve_pointer(self._document, schema["$ref"], self._name), schema["$ref"]
        if isinstance(schema.get("$dynamicRef"), str):
            name = schema["$dynamicRef"].rpartition("#")[2]
            yield from ((target, schema["$dynamicRef"]) for target in self._dynamic[name])
        yield from ((part, reference) for _, _, part in subschemas(schema, IN_PLACE))

    def _ways(self, key: int, waiting: list[Any]) -> Iterator[Counter[int]]:
        """How often each schema applies one step into a value, by the way that is taken."""
        named: dict[str, Counter[int]] = defaultdict(Counter)
        for inner, count in self._inside[key].items():
            schema = self._schemas[inner]
            for name, below in _below(schema):
                named[name][id(below)] += count
                waiting.append(below)
        everywhere = named.pop("", Counter())
        yield everywhere
        yield from (way + everywhere for way in named.values())


_INTO = (
    *("properties", "patternProperties", "items", "additionalProperties", "contains", "prefixItems"),
    *("unevaluatedItems", "unevaluatedProperties"),
)


def _below(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a schema says of what is one step into a value, by the step; an empty one stands for all."""
    for word, key, inner in subschemas(schema, _INTO):
        yield f".{key}" if word == "properties" else str(key) if word == "prefixItems" else "", inner
