"""Shows a change: a value that one document allows and the other forbids, validated against both before it is shown.

Of what is received the new document allows it and the old one does not; of what is sent, the other way round. Where
the engine proves that there is none, that is what is shown.
"""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.drift.engine_schemas import engine_document
from pytest_bctrl.drift.node import BESIDE, is_null
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.text import LONGEST, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema_rs import Registry, Validator

    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.pair import Trail

_TRIES = 400
_FAILURES = (DocumentError, LookupError, ValueError, RecursionError)
"""What says that a value cannot be made, or that the engine cannot read a schema."""
_DEEPEST = 12
_MANY = 50
_NUMBERS = {"minimum": 0, "maximum": 0, "exclusiveMinimum": 1, "exclusiveMaximum": -1}


class Shown(NamedTuple):
    """What is known of a change: a `counterexample`, `proof`, or only the `rule`.

    A counterexample has a `value`, the pointer `at` which it is what it must not be, and what it is a value `of`: a
    way into the body or parameter, empty for the whole.
    """

    by: str
    value: Any = None
    at: str = ""
    of: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """As JSON data."""
        return self._asdict() if self.by == "counterexample" else {"by": self.by}


class Examples:
    """Makes counterexamples for the changes of two documents, as long as there is time."""

    def __init__(self, old: Normalizer, new: Normalizer, seconds: float) -> None:
        self._sides = _Side(old, "urn:old"), _Side(new, "urn:new")
        self._end = time.monotonic() + seconds

    def show(self, trail: Trail, values: tuple[Any, Any], name: str, *, is_request: bool, is_error: bool) -> Shown:
        """Show a change at the end of a trail of pairs: `values` are what it says of both sides, of a property `name`.

        A proof is of the schemas at the end of the trail, whatever holds them.
        """
        from jsonschema_rs import ReferencingError

        if time.monotonic() > self._end:
            return Shown("rule")
        allows, forbids = (0, 1) if is_request else (1, 0)
        with suppress(*_FAILURES, ReferencingError):
            return self._shown(_pairs(trail), values, name, allows, forbids, is_error)
        return Shown("rule")

    def _shown(
        self, pairs: list[Step], values: tuple[Any, Any], name: str, allows: int, forbids: int, is_error: bool
    ) -> Shown:
        # A whole one if it can be made, else one of a part that no alternative takes the place of.
        for start, (nodes, step) in enumerate(pairs if is_error else ()):
            if not start or step.startswith((".", "[")):
                with suppress(*_FAILURES):
                    keeps = [self._sides[side].validator(nodes[side]) for side in (allows, forbids)]
                    tried = _wrapped(pairs[start:], allows, values[allows], name, self._sides[allows].maker)
                    for value, at in islice(tried, _TRIES):
                        if _is_valid(keeps[0], value) and not _is_valid(keeps[1], value):
                            return Shown("counterexample", value, at, "".join(step for _, step in pairs[: start + 1]))
        last = pairs[-1][0]
        return Shown("proof" if self._is_proven(last[allows], last[forbids], allows) else "rule")

    def _is_proven(self, narrow: Node, wide: Node, allows: int) -> bool:
        """Whether all that one schema allows is allowed by the other, formats included."""
        from jsonschema_rs import canonical

        one, other = self._sides[allows].canonical(narrow), self._sides[1 - allows].canonical(wide)
        return one is not None and other is not None and other.covers(one) == canonical.Containment.YES


def _is_valid(validator: Validator | None, value: Any) -> bool:
    return validator is None or validator.is_valid(value)


Step = tuple[tuple["Node", "Node"], str]


def _pairs(trail: Trail) -> list[Step]:
    """The pairs from the first to the last, each with the step that leads to it."""
    found: list[Step] = []
    rest: Trail | None = trail
    while rest is not None:
        rest, nodes, step = rest
        found.insert(0, (nodes, step))
    return found


def _wrapped(pairs: list[Step], side: int, given: Any, name: str, maker: Maker) -> Iterator[tuple[Any, str]]:
    """Whole values, the smallest first, that hold each value that the last pair may be there; and where it is."""
    leaf, other = pairs[-1][0][side], pairs[-1][0][1 - side]
    least = next((value for value in maker.values(leaf) if isinstance(value, dict)), {})
    odd = [_odd(node, Maker(node.normal), least) for node in (*other.alternatives, *leaf.alternatives)]
    first = [] if given is None else [given]
    for value in chain(first, maker.with_property(leaf, name), beyond(other.constraints), maker.values(leaf), *odd):
        at = ""
        for (nodes, _), (_, step) in zip(pairs[-2::-1], pairs[:0:-1], strict=True):
            value, token = maker.holding(nodes[side], step, value)
            at = f"{token}{at}"
        yield value, at


def _odd(node: Node, maker: Maker, least: dict[str, Any]) -> Iterator[Any]:
    """What a schema speaks of and might forbid: what it names, what it rules out, what its conditions are about."""
    for word in ("not", "if", "contains"):
        for value in islice(maker.values(maker.read(node, word)), 8) if word in node.children else ():
            yield {**least, **value} if isinstance(value, dict) else value
            yield from ([value] * count for count in range(node.constraints.get("maxContains", 0) % _MANY + 3))
    names = [*node.maps.get("properties", ()), *node.maps.get("dependentSchemas", ())]
    names += [*node.constraints.get("dependentRequired", ()), "another", "x" * 300]
    names += [next(_strings({"pattern": {pattern}})) for pattern in node.maps.get("patternProperties", ())]
    yield from ({**least, name: odd} for name in names if name not in least for odd in _ODD)
    for name, demanded in node.constraints.get("dependentRequired", {}).items():
        yield {**dict.fromkeys((name, *demanded)), **least}
    for branch in node.alternatives[1:]:
        others = [name for name in _names(node) if name not in branch.maps.get("properties", ())]
        values = [value for value in islice(maker.values(branch), 2) if isinstance(value, dict)]
        yield from ({**dict.fromkeys(others, odd), **value} for value in values for odd in _ODD)
    most = node.constraints.get("maxProperties", 0)
    yield {**least, **{f"more{index}": None for index in range(min(most, _MANY) + 1)}}


def _names(node: Node) -> list[str]:
    return [name for one in node.alternatives for name in one.maps.get("properties", ())]


class _Side:
    """One document as the engine reads it."""

    def __init__(self, normal: Normalizer, base: str) -> None:
        self.maker = Maker(normal)
        self._normal = normal
        self._base = base
        self._registry: Registry | None = None
        self._validators: dict[Any, Validator | None] = {}
        self._canonical: dict[Any, Any] = {}

    def _references(self, node: Node) -> dict[str, Any] | None:
        from jsonschema_rs import Draft202012, Registry

        if self._registry is None:
            resource = engine_document(self._normal.spec.document.data, is_30=self._normal.spec.is_30)
            self._registry = Registry([(self._base, resource)], draft=Draft202012)
        if any(BESIDE in pointer for pointer in node.key):
            return None
        # What stands inside another one is said by that.
        whole = [at for at in node.key if not any(at.startswith(f"{other}/") for other in node.key)]
        return {"allOf": [{"$ref": f"{self._base}#{_quoted(at)}"} for at in whole]}

    def validator(self, node: Node) -> Validator | None:
        """The engine's validator of a schema, None for one that takes anything."""
        from jsonschema_rs import Draft202012Validator

        if node not in self._validators:
            self._validators[node] = None
            if node.key:
                schema = self._references(node) or {}
                self._validators[node] = Draft202012Validator(
                    schema, registry=self._registry, validate_formats=True, ignore_unknown_formats=True, offline=True
                )
        return self._validators[node]

    def canonical(self, node: Node) -> Any:
        """The schema as the engine's algebra reads it; None where it cannot."""
        from jsonschema_rs import canonicalize

        if node not in self._canonical:
            self._canonical[node] = None
            schema = self._references(node)
            if schema is not None:
                self._canonical[node] = canonicalize(
                    schema, registry=self._registry, draft=20, validate_formats=True, offline=True
                )
        return self._canonical[node]


def _quoted(pointer: str) -> str:
    from urllib.parse import quote

    return quote(pointer, safe="/~")


class Maker:
    """Makes small values that schemas of one document allow, or nearly so: the engine has the last word."""

    def __init__(self, normal: Normalizer) -> None:
        self._normal = normal

    def read(self, node: Node, word: str) -> Node:
        """The schema under a keyword."""
        return self._normal.node(node.child(word))

    def smallest(self, schema: Schema, depth: int = 0) -> Any:
        """A small value of a schema. Raises one of `_FAILURES` where there is none that is easily made."""
        node = self._normal.node(schema)
        for value in self.values(node, depth):
            return value
        raise LookupError(node.at(""))

    def values(self, node: Node, depth: int = 0) -> Iterator[Any]:
        """Values of a schema, the plainest first, that are unlike each other; at least one."""
        if depth > _DEEPEST or (node.never and not node.nullable):
            raise LookupError(node.at(""))
        if node.enum is not None:
            yield from node.enum.values()
        elif node.choices:
            for branch in node.choices[0].branches:
                with suppress(*_FAILURES):
                    for value in self.values(self._normal.node(branch), depth):
                        yield self._merged(node, value, depth)
        elif not is_null(node):
            for kind in sorted(node.types or ("object", "string", "number", "boolean", "array"), key=_ORDER.index):
                yield from self._of_type(node, kind, depth)
        if node.nullable:
            yield None

    def _merged(self, node: Node, value: Any, depth: int) -> Any:
        """A value of an alternative, with what stands beside the alternatives."""
        return {**self._object(node, depth), **value} if isinstance(value, dict) else value

    def _of_type(self, node: Node, kind: str, depth: int) -> Iterator[Any]:
        said = node.constraints
        if kind == "object":
            yield from self._objects(node, depth)
        elif kind == "array":
            yield from self._lists(node, depth)
        elif kind == "string":
            yield from _strings(said)
        elif kind == "boolean":
            yield from (True, False)
        else:
            yield from _numbers(said, kind)

    def _object(self, node: Node, depth: int, but: str = "") -> dict[str, Any]:
        declared = node.maps.get("properties", {})
        made = {
            name: self.smallest(declared.get(name) or node.undeclared, depth + 1)
            for name in sorted(node.required)
            if name != but
        }
        while len(made) < node.constraints.get("minProperties", 0):
            rest = [name for name in declared if name not in made]
            name = rest[0] if rest else f"more{len(made)}"
            made[name] = self.smallest(declared.get(name) or node.undeclared, depth + 1)
        return made

    def _objects(self, node: Node, depth: int) -> Iterator[Any]:
        least = self._object(node, depth)
        yield least
        for name, schema in node.maps.get("properties", {}).items():
            with suppress(*_FAILURES):
                yield {**least, name: self.smallest(schema, depth + 1)}
        if not self._normal.node(node.undeclared).never:
            yield {**least, "another": self.smallest(node.undeclared, depth + 1)}

    def with_property(self, node: Node, name: str) -> Iterator[Any]:
        """Objects that have a property, if one is asked for."""
        schema = node.maps.get("properties", {}).get(name) or node.undeclared
        with suppress(*_FAILURES):
            for value in self.values(self._normal.node(schema)) if name else ():
                yield {**self._object(node, 1, name), name: value}

    def _lists(self, node: Node, depth: int) -> Iterator[Any]:
        least = min(node.constraints.get("minItems", 0), _MANY)
        yield self._list(node, least, depth)
        for count in (least + 1, 2, min(node.constraints.get("maxItems", 0), _MANY)):
            with suppress(*_FAILURES):
                yield self._list(node, count, depth)
        with suppress(*_FAILURES):
            yield list(islice(self.values(self._normal.node(node.child("items")), depth + 1), 8))

    def _list(self, node: Node, count: int, depth: int) -> list[Any]:
        schemas = [*node.prefix[:count], *[node.child("items")] * (count - len(node.prefix))]
        return [self.smallest(schema, depth + 1) for schema in schemas]

    def holding(self, node: Node, step: str, value: Any) -> tuple[Any, str]:
        """A small value of a schema that holds another one a step further in, and the JSON pointer of that.

        Raises one of `_FAILURES` where none is easily made.
        """
        if step in ("[*]", "<contains>", "<unevaluatedItems>") or (step.startswith("[") and step[1:-1].isdecimal()):
            index = int(step[1:-1]) if step[1:-1].isdecimal() else len(node.prefix)
            before = [self.smallest(schema, 1) for schema in node.prefix[:index]]
            more = max(0, node.constraints.get("minItems", 0) - index - 1)
            return [*before, value, *[value] * min(more, _MANY)], f"/{index}"
        if step in (".*", "<unevaluatedProperties>"):
            return {**self._object(node, 1), "another": value}, "/another"
        if not step.startswith("."):
            return self._merged(node, value, 1), ""
        if step.startswith(".<patternProperties "):
            key = next(_strings({"pattern": {step[20:-1]}}))
        else:
            key = step.removeprefix(".")
        return {**self._object(node, 1, key), key: value}, f"/{key.replace('~', '~0').replace('/', '~1')}"


def beyond(said: dict[str, Any]) -> Iterator[Any]:
    """Values just beyond the bounds of a schema."""
    for keyword, bound in said.items():
        more = 1 if keyword.startswith("max") else -1
        if keyword in ("maxLength", "minLength") and bound + more <= LONGEST:
            yield "x" * (bound + more)
        elif keyword in ("maxItems", "minItems") and bound + more <= _MANY:
            yield [None] * (bound + more)
        elif keyword in ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"):
            yield from (bound + more, bound)


_ODD: tuple[Any, ...] = (0, "x", {}, None)
_ORDER = ("object", "string", "integer", "number", "boolean", "array")


def _strings(said: dict[str, Any]) -> Iterator[str]:
    schema = {key: value for key, value in said.items() if key in ("minLength", "maxLength")}
    for keyword in ("pattern", "format"):
        for one in sorted(said.get(keyword, ())):
            schema[keyword] = one
    with suppress(*_FAILURES):
        yield string(schema, "text", Random(0), 1)  # noqa: S311 - a sample, the same each time
    least, most = min(said.get("minLength", 0), LONGEST), said.get("maxLength")
    yield from ("x" * least, "x" * (least + 1))
    if most is not None and most <= LONGEST:
        yield "x" * most
    yield from ("", "5", " ", "é", "x" * 300)


def _numbers(said: dict[str, Any], kind: str) -> Iterator[float]:
    steps = said.get("multipleOf", {1})
    step = max(steps)
    for keyword, beyond in _NUMBERS.items():
        if keyword in said:
            bound = said[keyword] + beyond * step
            yield from (bound, -(-bound // step) * step, bound // step * step)
    yield from (0, step, -step, 1, -1, 10**6, -(10**6), 2**40, 2**70, -(2**70))
    if kind == "number":
        yield from (0.5, -0.5, step / 2)
