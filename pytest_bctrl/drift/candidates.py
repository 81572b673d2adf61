"""Generates values that one schema probably allows and another one forbids; the engine decides whether they do."""

from __future__ import annotations

from contextlib import suppress
from functools import cache, cached_property
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_bctrl.contract.cost import Cost
from pytest_bctrl.contract.document import escape_token, value_at
from pytest_bctrl.contract.schema_document import SchemaDocument
from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.containment import FAILURES, Question
from pytest_bctrl.drift.engine_schemas import engine_schema
from pytest_bctrl.drift.node import BESIDE, Node, Schema
from pytest_bctrl.drift.patterns import NO_TEXT, contains, limits_of_text
from pytest_bctrl.drift.texts import ONE_LINE
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import LONGEST, RoundRobin, text_matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from jsonschema_rs import Registry, Validator

    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.pair import Step

_MANY = 50
_DRAWS = 12
_FEW_VALUES = 8
_DIFFERENCE_STEPS = 1_000
"""Maximum number of steps of a value that is built for a difference."""


def candidates_of(
    question: Question, step: Step, allowing_index: int, sides: tuple[Side, Side], spend: Callable[[int], object]
) -> Iterator[Any]:
    """Yield possible counterexamples: first a value built for the difference of both schemas, then likely values.

    `spend` is called with the steps that the value of the difference took.
    """
    yield from _values_of_difference(question, spend)
    with suppress(*FAILURES):
        yield from leaf_candidates(step, allowing_index, None, "", sides)


def _values_of_difference(question: Question, spend: Callable[[int], object]) -> list[Any]:
    """Return a list of one value for the difference of both schemas; an empty list if none can be built."""
    with suppress(*FAILURES):
        schema = question.difference()
        document = SchemaDocument("urn:difference", schema)
        # If no value is found without optional members, none will be with them.
        builder = Builder(document, RoundRobin(optional=False), {}, steps=_DIFFERENCE_STEPS)
        try:
            return [builder.value(schema, "")]
        finally:
            spend(builder.used_steps + builder.used_combinations)
    return []


def candidates(
    pairs: list[Step], allowing_index: int, value: Any, name: str, sides: tuple[Side, Side]
) -> Iterator[tuple[Any, str]]:
    """Yield values of the first schema that hold a candidate for the last, each with the pointer to the candidate."""
    side, above = sides[allowing_index], list(zip(pairs[-2::-1], pairs[:0:-1], strict=True))
    for candidate in leaf_candidates(pairs[-1], allowing_index, value, name, sides):
        for is_full in (False, True)[: len(above) + 1]:
            outer, at = candidate, ""
            for (nodes, _), (_, step) in above:
                if not isinstance(outer, _HELD.get(step.partition(" ")[0], object)):
                    break
                outer, token = side.holding(nodes[allowing_index], step, outer, is_full=is_full)
                at = f"{token}{at}"
            else:
                yield outer, at


def leaf_candidates(pair: Step, allowing_index: int, value: Any, name: str, sides: tuple[Side, Side]) -> Iterator[Any]:
    """Return values that a pair might allow on one side only: `value`, objects with `name`, then generated values."""
    allowing, forbidding = pair[0][allowing_index], pair[0][1 - allowing_index]
    side = sides[allowing_index]
    smallest = next((candidate for candidate in side.values(allowing) if isinstance(candidate, dict)), {})
    edge_cases = [_edge_case_values(node, sides[1 - allowing_index], smallest) for node in forbidding.alternatives]
    edge_cases += [_edge_case_values(node, side, smallest) for node in allowing.alternatives]
    constraints = forbidding.constraints
    bounds = [constraints[word] + step for word, step in (("maxItems", 1), ("minItems", -1)) if word in constraints]
    counts = [count for count in bounds if count <= LONGEST]
    values = chain.from_iterable(side.values(node, counts) for node in allowing.alternatives)
    changed = [] if value is None else [value]
    return chain(
        changed,
        *((node.enum or {}).values() for node in forbidding.alternatives[1:]),
        side.with_property(allowing, name),
        beyond(constraints),
        values,
        *(_texts_beyond(node.constraints, forbidding.constraints) for node in allowing.alternatives),
        *(_texts_beyond(node.constraints, {}) for node in forbidding.alternatives),
        beyond(allowing.constraints),
        # A value of one of several alternatives that overlap may meet fewer of them now.
        *(islice(sides[1 - allowing_index].values(node), _FEW_VALUES) for node in forbidding.alternatives[1:]),
        _EDGE_CASES,
        *edge_cases,
        ({**smallest, "x" * 300: value} for value in _FEW),
        _longer_texts(chain.from_iterable(side.values(node) for node in allowing.alternatives)),
    )


def _texts_beyond(allowing: dict[str, Any], forbidding: dict[str, Any]) -> Iterator[str]:
    """Yield texts within the patterns and lengths of one schema, each beyond one of another schema."""
    narrow = limits_of_text(allowing)
    for pattern in (*limits_of_text(forbidding), NO_TEXT):
        for result in (contains(pattern, *narrow, ONE_LINE), contains(pattern, *narrow)):
            if result.is_contained is False:
                yield result.text


def _longer_texts(values: Iterable[Any]) -> Iterator[str]:
    """Yield the texts among some values with a character before or after: a pattern may allow them, but not an enum."""
    for value in values:
        if isinstance(value, str) and len(value) < LONGEST:
            yield from (f"{value}a", f"{value}0", f"a{value}", f"0{value}")


def _edge_case_values(node: Node, side: Side, smallest: dict[str, Any]) -> Iterator[Any]:
    """Yield values that a schema mentions and might forbid: its names, excluded values, values of its conditions."""
    for word in ("not", "if", "contains"):
        if word not in node.children:
            continue
        for value in islice(side.values(side.read(node, word)), 8):
            if isinstance(value, dict):
                yield {**smallest, **value}
            else:
                yield value
            yield from ([value] * count for count in range(node.constraints.get("maxContains", 0) % _MANY + 3))
    yield from _edge_case_objects(node, side, smallest)


def _edge_case_objects(node: Node, side: Side, smallest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield objects with the properties that a schema mentions, with undeclared properties, and with too many."""
    names = [*node.maps.get("properties", ()), *node.maps.get("dependentSchemas", ())]
    names += [*node.constraints.get("dependentRequired", ()), "another"]
    names += [_matching_name(pattern) for pattern in node.maps.get("patternProperties", ())]
    yield from ({**smallest, name: value} for name in names if name not in smallest for value in _FEW)
    declared = [name for branch in node.alternatives for name in branch.maps.get("properties", ())]
    for branch in node.alternatives[1:]:
        others = [name for name in declared if name not in branch.maps.get("properties", ())]
        values = [value for value in islice(side.values(branch), 2) if isinstance(value, dict)]
        yield from ({**dict.fromkeys(others, edge_case), **value} for value in values for edge_case in _FEW)
    maximum = node.constraints.get("maxProperties", 0)
    yield {**smallest, **{f"more{index}": 0 for index in range(min(maximum, _MANY) + 1)}}


def _matching_name(pattern: str) -> str:
    """Return a name that probably matches a pattern; the engine decides."""
    return text_matching(pattern, Random(0)) or "x"  # noqa: S311 - a sample, the same each time


def _definition_reference(pointer: str) -> str:
    """Return the reference to the definition of the schema at a pointer."""
    return f"#/$defs/{quote(escape_token(pointer), safe='~')}"


class Side:
    """A document as the engine reads it, and candidates for values of its schemas: the engine decides.

    Its methods raise one of `FAILURES` if no value can be generated or the engine cannot read a schema.
    """

    def __init__(self, normal: Normalizer, base: str) -> None:
        self._normal = normal
        self._base = base
        self._drawn: dict[Node, list[Any]] = {}
        self._locations: dict[Node, str] = {}
        self._schemas: dict[str, Any] = {}
        self.validator = cache(self._validator)
        """The engine's validator of a schema."""

    @cached_property
    def _document(self) -> dict[str, Any]:
        """The schemas that were read, as one JSON Schema document."""
        return {"$defs": self._schemas}

    @cached_property
    def _registry(self) -> Registry:
        """The engine's registry of the schemas that were read before."""
        from jsonschema_rs import Draft202012, Registry

        return Registry([(self._base, self._document)], draft=Draft202012)

    @cached_property
    def _builders(self) -> tuple[Builder, Builder]:
        """A builder of values without optional properties, and one with them."""
        document = SchemaDocument(self._base, self._document)
        return Builder(document, RoundRobin(optional=False)), Builder(document, RoundRobin())

    def _schema(self, node: Node, base: str = "") -> Any:
        """Return the schema of a node for the engine: its parts, or references to them if `base` is set.

        Raises `LookupError` for a part that the normal form added, which is not in the document.
        """
        if any(BESIDE in pointer for pointer in node.key):
            raise LookupError(node.key)
        # A schema inside another schema of the key is part of it.
        pointers = [at for at in node.key if not any(at.startswith(f"{outer}/") for outer in node.key)]
        self.read_all(pointers)
        if base:
            return {"allOf": [{"$ref": f"{base}{_definition_reference(pointer)}"} for pointer in pointers] or [True]}
        if len(pointers) == 1:
            return self._schemas[pointers[0]]
        return {"allOf": [self._schemas[pointer] for pointer in pointers] or [True]}

    def read_all(self, pointers: Iterable[str]) -> None:
        """Add schemas and all that they refer to; the registry contains only those added before it is created."""
        spec, waiting = self._normal.spec, list(pointers)

        def refer(schema: dict[str, Any]) -> str:
            """Return the reference to the target of a schema, which is read too."""
            waiting.append(spec.target(Part(schema, pointer)).pointer)
            return _definition_reference(waiting[-1])

        while waiting:
            pointer = waiting.pop()
            if pointer not in self._schemas:
                value = value_at(spec.document.data, pointer)
                self._schemas[pointer] = engine_schema(value, refer, is_30=spec.is_30)

    @cached_property
    def is_affordable(self) -> bool:
        """Whether the schemas that were read can validate values within the budget of a contract."""
        try:
            Cost(self._document, self._base).require_bounded()
        except DocumentError:
            return False
        return True

    def _validator(self, node: Node) -> Validator:
        """Return the engine's validator of a schema.

        The engine reads the schemas that were added before the first validator.
        """
        from jsonschema_rs import Draft202012Validator

        schema = self._schema(node, self._base)
        return Draft202012Validator(
            schema, registry=self._registry, validate_formats=True, ignore_unknown_formats=True, offline=True
        )

    def read(self, node: Node, word: str) -> Node:
        """Return the normal form of the schema under a keyword; of one that allows any value if it is absent."""
        return self._normal.node(node.child(word))

    def smallest(self, schema: Schema) -> Any:
        """Return a small value that a schema allows, null if it is the only one.

        Raises one of `FAILURES` if none is easily generated.
        """
        draws = self._draws(self._normal.node(schema))
        smallest = next(draws)
        if smallest is None:
            with suppress(*FAILURES):
                smallest = next((value for value in draws if value is not None), None)
        return smallest

    def values(self, node: Node, counts: Sequence[int] = ()) -> Iterator[Any]:
        """Yield values that a schema probably allows, the simplest first; also arrays with the lengths in `counts`."""
        draws = self._draws(node)
        with suppress(*FAILURES):
            yield next(draws)
        with suppress(*FAILURES):
            smallest = self._object(node)
            yield from (smallest, {**smallest, "another": self.smallest(node.undeclared)})
        if node.takes("array"):
            yield from self._lists(node, counts)
        with suppress(*FAILURES):
            yield from draws

    def _draws(self, node: Node) -> Iterator[Any]:
        """Yield generated values of a schema; the same values at each call."""
        values = self._drawn.setdefault(node, [])
        # The builders cache the schema of a location.
        location = self._locations.setdefault(node, f"<{len(self._locations)}>")
        schema = self._schema(node)
        for index in range(_DRAWS):
            if index == len(values):
                values.append(self._builders[index > 0].value(schema, location))
            yield values[index]

    def _object(self, node: Node, but: str = "", *, is_full: bool = False) -> dict[str, Any]:
        """Return an object with the required properties, and as many more as `minProperties` demands, except `but`.

        If `is_full`, return a generated object.
        """
        if is_full:
            return next((value for value in self._draws(node) if isinstance(value, dict)), {})
        declared = node.maps.get("properties", {})
        members = {name: self.smallest(declared.get(name) or node.undeclared) for name in sorted(node.required - {but})}
        while len(members) + bool(but) < node.constraints.get("minProperties", 0):
            name = next((name for name in declared if name not in members and name != but), f"more{len(members)}")
            members[name] = self.smallest(declared.get(name) or node.undeclared)
        return members

    def with_property(self, node: Node, name: str) -> Iterator[Any]:
        """Yield objects that have the property `name`; none if `name` is empty."""
        if not name:
            return
        schema = node.maps.get("properties", {}).get(name) or node.undeclared
        with suppress(*FAILURES):
            for value in self.values(self._normal.node(schema)):
                yield {**self._object(node, name), name: value}

    def _lists(self, node: Node, counts: Sequence[int]) -> Iterator[Any]:
        """Yield arrays of small items with the lengths in `counts`, the minimum, 2 and the maximum, up to a limit."""
        minimum = min(node.constraints.get("minItems", 0), _MANY)
        for count in (*counts, minimum, 2, min(node.constraints.get("maxItems", 0), _MANY)):
            with suppress(*FAILURES):
                items = [self.smallest(schema) for schema in node.prefix[:count]]
                if count > len(items):
                    items += self._repeated(node, self.smallest(node.child("items")), count - len(items))
                yield items

    def _repeated(self, node: Node, item: Any, count: int) -> list[Any]:
        """Return an item `count` times; if the items of a list must be unique, with different ones instead."""
        items = [item]
        if node.constraints.get("uniqueItems") and count > 1:
            items += [value for value in self.values(self._normal.node(node.child("items"))) if value != item]
            items = [value for index, value in enumerate(items) if value not in items[:index]]
        return [*items, *[item] * count][:count]

    def holding(self, node: Node, step: str, value: Any, *, is_full: bool) -> tuple[Any, str]:
        """Return a value of a schema that has `value` one step inside, and the JSON pointer to it.

        `is_full`: an object has the properties of a generated value, which meets an alternative, not only those that
        the schema itself requires.
        Raises one of `FAILURES` if none is easily generated.
        """
        if step in ("[*]", "<contains>", "<unevaluatedItems>") or (step.startswith("[") and step[1:-1].isdecimal()):
            index = len(node.prefix)
            if step[1:-1].isdecimal():
                index = int(step[1:-1])
            schemas = [*node.prefix, *[node.child("items")] * index]
            before = [self.smallest(schema) for schema in schemas[:index]]
            count = max(1, node.constraints.get("minItems", 0) - index)
            return [*before, *self._repeated(node, value, min(count, _MANY))], f"/{index}"
        if step in (".*", "<unevaluatedProperties>"):
            return {**self._object(node, is_full=is_full), "another": value}, "/another"
        if step == PROPERTY_NAMES:
            outer = self._object(node, is_full=is_full)
            return {**outer, value: self.smallest(node.undeclared)}, f"/{escape_token(value)}"
        if step.startswith(".<dependentSchemas "):
            name = step.removeprefix(".<dependentSchemas ").removesuffix(">")
            # The property replaces another one, because the number of properties may matter.
            others = list(value.items())[name not in value :]
            return {**self._object(node), name: 0, **dict(others)}, ""
        if not step.startswith("."):
            # An alternative, with the properties that are required beside it.
            if isinstance(value, dict):
                value = {**self._object(node), **value}
            return value, ""
        key = step.removeprefix(".")
        if step.startswith(".<patternProperties "):
            key = _matching_name(step[20:-1])
        return {**self._object(node, key, is_full=is_full), key: value}, f"/{escape_token(key)}"


def beyond(constraints: dict[str, Any]) -> Iterator[Any]:
    """Yield texts and numbers at the bounds of a schema and just beyond them."""
    for keyword, bound in constraints.items():
        step = 1 if keyword.startswith("max") else -1
        if keyword in ("maxLength", "minLength") and bound + step <= LONGEST:
            yield from ("x" * (bound + step), "x" * bound)
        elif keyword in ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"):
            yield from (bound + step, bound, bound - step)
        elif keyword == "multipleOf":
            yield from (max(bound), -max(bound), max(bound) / 2)


PROPERTY_NAMES = "<propertyNames>"
"""The step to the schema of the names of an object's members, which are texts."""
_HELD = {PROPERTY_NAMES: str, ".<dependentSchemas": dict}
"""The type of the values that a step can lead to, by its first word, if not all values can be there."""

_FEW: tuple[Any, ...] = (0, "x", {}, None)
_EDGE_CASES: tuple[Any, ...] = (
    *_FEW, 1, -1, 0.5, -0.5, 10**6, -(10**6), 2**40, 2**70, -(2**70),
    "", "5", " ", "é", "中", "x" * 300, True, False, [],
)  # fmt: skip
