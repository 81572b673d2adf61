"""Shows a change: a value that one document allows and the other forbids, validated against both before it is shown.

Of what is received the new document allows it and the old one does not; of what is sent, the other way round. Where
the engine proves that there is none, that is what is shown.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import cache, cached_property
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from pytest_bctrl.contract.combinations import Combinations
from pytest_bctrl.contract.cost import Cost
from pytest_bctrl.contract.document import escape_token, value_at
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.outline import Part
from pytest_bctrl.drift.engine_schemas import engine_schema
from pytest_bctrl.drift.node import BESIDE, Node, Schema
from pytest_bctrl.drift.pair import steps
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.text import LONGEST, RoundRobin, matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jsonschema_rs import Registry, Validator

    from pytest_bctrl.drift.normalize import Normalizer
    from pytest_bctrl.drift.pair import Step, Trail
    from pytest_bctrl.drift.place import Place

_TRIES = 400
_FAILURES = (DocumentError, LookupError, ValueError, RecursionError)
"""What says that a value cannot be made, or that the engine cannot read a schema."""
_MANY = 50
_DRAWS = 12


class Shown(NamedTuple):
    """What is known of a change: a `counterexample`, `proof`, or only the `rule`.

    A counterexample has a `value`, the pointer `at` which it is what it must not be, and what it is a value `of`: a
    way into the body or parameter, empty for the whole. It was `allowed` before, or is now.
    """

    by: str
    value: Any = None
    at: str = ""
    of: str = ""
    allowed: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """As JSON data."""
        return self._asdict() if self.by == "counterexample" else {"by": self.by}


def around(rule: str, place: Place, old: Any, new: Any) -> Shown | None:
    """Show a change of what stands around a body: an answer of a kind that is gone or new, or one without a part.

    Each rule says it all; None where it is about something else.
    """
    response = dict(place.context) if rule in _ANSWERS else {"request": place.operation}
    if rule in _WITHOUT:
        response["without"] = place.location
    elif rule == "response-media-type-removed":
        response["media_type"] = old
    elif rule == "response-media-type-name-generalized":
        response["media_type"] = new.replace("*/", "application/").replace("*", "x-another")
    allowed = {**_WITHOUT, **_ANSWERS}.get(rule)
    return Shown("counterexample", response, allowed=allowed) if allowed else None


_WITHOUT = {
    **dict.fromkeys(("request-body-added-required", "request-body-became-required"), "before"),
    **dict.fromkeys(("new-required-request-parameter", "request-parameter-became-required"), "before"),
    **dict.fromkeys(("required-response-header-removed", "response-header-became-optional"), "now"),
}
_ANSWERS = {
    **dict.fromkeys(("response-success-status-removed", "response-media-type-removed"), "before"),
    **dict.fromkeys(("required-response-header-removed", "response-header-became-optional"), "now"),
    "response-media-type-name-generalized": "now",
}


class Examples:
    """Makes counterexamples for the changes of two documents, as long as there is time."""

    def __init__(self, old: Normalizer, new: Normalizer, seconds: float) -> None:
        self._sides = _Side(old, "urn:old"), _Side(new, "urn:new")
        self._end = time.monotonic() + seconds
        # Several changes of one pair of schemas ask for the same proof.
        self._proven = cache(self._is_proven)

    def read(self, trails: Iterable[Trail]) -> None:
        """Read the schemas of all changes that will be asked for: all at once for the engine."""
        for trail in trails:
            for nodes, _ in steps(trail):
                for side, node in zip(self._sides, nodes, strict=True):
                    side.read_all(pointer for pointer in node.key if BESIDE not in pointer)

    def show(self, trail: Trail, values: tuple[Any, Any], name: str, *, is_request: bool, is_error: bool) -> Shown:
        """Show a change at the end of a trail of pairs: `values` are what it says of both sides, of a property `name`.

        A proof is of the schemas at the end of the trail, whatever holds them.
        """
        from jsonschema_rs import ReferencingError

        if time.monotonic() > self._end or not all(side.is_affordable for side in self._sides):
            return Shown("rule")
        allows, forbids = (0, 1) if is_request else (1, 0)
        with suppress(*_FAILURES, ReferencingError):
            return self._shown(steps(trail), values, name, allows, forbids, is_error)
        return Shown("rule")

    def _shown(
        self, pairs: list[Step], values: tuple[Any, Any], name: str, allows: int, forbids: int, is_error: bool
    ) -> Shown:
        # A whole one if it can be made, else one of a part that no alternative takes the place of.
        for start, (nodes, step) in enumerate(pairs if is_error else ()):
            if not start or step.startswith((".", "[")):
                with suppress(*_FAILURES):
                    keeps = [self._sides[side].validator(nodes[side]) for side in (allows, forbids)]
                    tried = _wrapped(pairs[start:], allows, values[allows], name, self._sides)
                    for value, at in islice(tried, _TRIES):
                        if keeps[0].is_valid(value) and not keeps[1].is_valid(value):
                            of = "".join(step for _, step in pairs[: start + 1])
                            return Shown("counterexample", value, at, of, ("before", "now")[allows])
        last = pairs[-1][0]
        return Shown("proof" if self._proven(last[allows], last[forbids], allows) else "rule")

    def _is_proven(self, narrow: Node, wide: Node, allows: int) -> bool:
        """Whether all that one schema allows is allowed by the other, formats included."""
        from jsonschema_rs import canonical

        one, other = self._sides[allows].canonical(narrow), self._sides[1 - allows].canonical(wide)
        return bool(other.covers(one) == canonical.Containment.YES)


def _wrapped(pairs: list[Step], side: int, given: Any, name: str, of: tuple[_Side, _Side]) -> Iterator[tuple[Any, str]]:
    """Whole values, the smallest first, that hold each value that the last pair may be there; and where it is."""
    leaf, other = pairs[-1][0][side], pairs[-1][0][1 - side]
    mine, theirs = of[side], of[1 - side]
    least = next((value for value in mine.values(leaf) if isinstance(value, dict)), {})
    odd = [_edge_case_values(node, theirs, least) for node in other.alternatives]
    odd += [_edge_case_values(node, mine, least) for node in leaf.alternatives]
    first = [] if given is None else [given]
    said = other.constraints
    bounds = [said[word] + more for word, more in (("maxItems", 1), ("minItems", -1)) if word in said]
    counts = [count for count in bounds if count <= LONGEST]
    values = chain.from_iterable(mine.values(node, counts) for node in leaf.alternatives)
    likely = mine.with_property(leaf, name), beyond(said), values, beyond(leaf.constraints), _EDGE_CASES
    for value in chain(first, *likely, *odd):
        at = ""
        for (nodes, _), (_, step) in zip(pairs[-2::-1], pairs[:0:-1], strict=True):
            value, token = mine.holding(nodes[side], step, value)
            at = f"{token}{at}"
        yield value, at


def _edge_case_values(node: Node, side: _Side, least: dict[str, Any]) -> Iterator[Any]:
    """What a schema speaks of and might forbid: what it names, what it rules out, what its conditions are about."""
    for word in ("not", "if", "contains"):
        for value in islice(side.values(side.read(node, word)), 8) if word in node.children else ():
            yield {**least, **value} if isinstance(value, dict) else value
            yield from ([value] * count for count in range(node.constraints.get("maxContains", 0) % _MANY + 3))
    names = [*node.maps.get("properties", ()), *node.maps.get("dependentSchemas", ())]
    names += [*node.constraints.get("dependentRequired", ()), "another", "x" * 300]
    names += [_named_by(pattern) for pattern in node.maps.get("patternProperties", ())]
    yield from ({**least, name: odd} for name in names if name not in least for odd in _FEW)
    for name, demanded in node.constraints.get("dependentRequired", {}).items():
        yield {**dict.fromkeys((name, *demanded)), **least}
    declared = [name for one in node.alternatives for name in one.maps.get("properties", ())]
    for branch in node.alternatives[1:]:
        others = [name for name in declared if name not in branch.maps.get("properties", ())]
        values = [value for value in islice(side.values(branch), 2) if isinstance(value, dict)]
        yield from ({**dict.fromkeys(others, odd), **value} for value in values for odd in _FEW)
    most = node.constraints.get("maxProperties", 0)
    yield {**least, **{f"more{index}": None for index in range(min(most, _MANY) + 1)}}


def _named_by(pattern: str) -> str:
    """A name that a pattern takes; the engine has the last word."""
    return matching(pattern, Random(0)) or "x"  # noqa: S311 - a sample, the same each time


def _reference(pointer: str) -> str:
    return f"#/$defs/{quote(escape_token(pointer), safe='~')}"


class _Side:
    """One document as the engine reads it, and values of its schemas, or nearly so: the engine has the last word.

    Its methods raise one of `_FAILURES` where there is no value, or the engine cannot read a schema.
    """

    def __init__(self, normal: Normalizer, base: str) -> None:
        self._normal = normal
        self._base = base
        self._drawn: dict[Node, list[Any]] = {}
        self._schemas: dict[str, Any] = {}
        self.validator = cache(self._validator)
        """The engine's validator of a schema."""
        self.canonical = cache(self._canonical)
        """The schema as the engine's algebra reads it."""

    @cached_property
    def _document(self) -> dict[str, Any]:
        return {"$defs": self._schemas}

    @cached_property
    def _registry(self) -> Registry:
        from jsonschema_rs import Draft202012, Registry

        return Registry([(self._base, self._document)], draft=Draft202012)

    @cached_property
    def _builders(self) -> tuple[Builder, Builder]:
        contract = Contract(self._base, "", "", "", (), (), self._document, self._document)
        return Builder(contract, RoundRobin(optional=False)), Builder(contract, RoundRobin())

    def _schema(self, node: Node, base: str = "") -> Any:
        """A schema as such, or what refers to it, below a base URI."""
        if any(BESIDE in pointer for pointer in node.key):
            raise LookupError(node.key)
        # What stands inside another one is said by that.
        places = [at for at in node.key if not any(at.startswith(f"{other}/") for other in node.key)]
        self.read_all(places)
        if len(places) == 1 and not base:
            return self._schemas[places[0]]
        return {"allOf": [{"$ref": f"{base}{_reference(place)}"} for place in places]} if places else {}

    def read_all(self, pointers: Iterable[str]) -> None:
        """Read schemas and all that they refer to. The registry has what is read before it is made."""
        spec, waiting = self._normal.spec, list(pointers)

        def refer(schema: dict[str, Any]) -> str:
            waiting.append(spec.target(Part(schema, pointer)).pointer)
            return _reference(waiting[-1])

        while waiting:
            pointer = waiting.pop()
            if pointer not in self._schemas:
                value = value_at(spec.document.data, pointer)
                self._schemas[pointer] = engine_schema(value, refer, is_30=spec.is_30)

    @cached_property
    def is_affordable(self) -> bool:
        """Whether values can be validated with what was read before, within the budget of a contract."""
        try:
            Cost(self._document, self._base).require_bounded()
        except DocumentError:
            return False
        return True

    @cached_property
    def _combinations(self) -> Combinations:
        return Combinations(self._document, self._base)

    def _validator(self, node: Node) -> Validator:
        from jsonschema_rs import Draft202012Validator

        schema = self._schema(node, self._base)
        return Draft202012Validator(
            schema, registry=self._registry, validate_formats=True, ignore_unknown_formats=True, offline=True
        )

    def _canonical(self, node: Node) -> Any:
        from jsonschema_rs import canonicalize

        if not self._combinations.are_bounded(self._schema(node)):
            raise LookupError(node.key)
        schema = self._schema(node, self._base)
        return canonicalize(schema, registry=self._registry, draft=20, validate_formats=True, offline=True)

    def read(self, node: Node, word: str) -> Node:
        """The schema under a keyword."""
        return self._normal.node(node.child(word))

    def smallest(self, schema: Schema) -> Any:
        """A small value of a schema. Raises one of `_FAILURES` where there is none that is easily made."""
        return next(self._draws(self._normal.node(schema)))

    def values(self, node: Node, counts: Sequence[int] = ()) -> Iterator[Any]:
        """Values of a schema, the plainest first; of lists, those of so many items too."""
        draws = self._draws(node)
        with suppress(*_FAILURES):
            yield next(draws)
        with suppress(*_FAILURES):
            least = self._object(node)
            yield from (least, {**least, "another": self.smallest(node.undeclared)})
        if node.takes("array"):
            yield from self._lists(node, counts)
        with suppress(*_FAILURES):
            yield from draws

    def _draws(self, node: Node) -> Iterator[Any]:
        known = self._drawn.setdefault(node, [])
        schema = self._schema(node)
        for index in range(_DRAWS):
            if index == len(known):
                known.append(self._builders[index > 0].value(schema, f"<{len(self._drawn)}>"))
            yield known[index]

    def _object(self, node: Node, but: str = "") -> dict[str, Any]:
        declared = node.maps.get("properties", {})
        made = {name: self.smallest(declared.get(name) or node.undeclared) for name in sorted(node.required - {but})}
        while len(made) < node.constraints.get("minProperties", 0):
            rest = [name for name in declared if name not in made]
            name = rest[0] if rest else f"more{len(made)}"
            made[name] = self.smallest(declared.get(name) or node.undeclared)
        return made

    def with_property(self, node: Node, name: str) -> Iterator[Any]:
        """Objects that have a property, if one is asked for."""
        schema = node.maps.get("properties", {}).get(name) or node.undeclared
        with suppress(*_FAILURES):
            for value in self.values(self._normal.node(schema)) if name else ():
                yield {**self._object(node, name), name: value}

    def _lists(self, node: Node, counts: Sequence[int]) -> Iterator[Any]:
        least = min(node.constraints.get("minItems", 0), _MANY)
        for count in (*counts, least, 2, min(node.constraints.get("maxItems", 0), _MANY)):
            with suppress(*_FAILURES):
                first = [self.smallest(schema) for schema in node.prefix[:count]]
                rest = count - len(first)
                yield [*first, *[self.smallest(node.child("items"))] * rest] if rest else first

    def holding(self, node: Node, step: str, value: Any) -> tuple[Any, str]:
        """A small value of a schema that holds another one a step further in, and the JSON pointer of that.

        Raises one of `_FAILURES` where none is easily made.
        """
        if step in ("[*]", "<contains>", "<unevaluatedItems>") or (step.startswith("[") and step[1:-1].isdecimal()):
            index = int(step[1:-1]) if step[1:-1].isdecimal() else len(node.prefix)
            before = [self.smallest(schema) for schema in node.prefix[:index]]
            more = max(0, node.constraints.get("minItems", 0) - index - 1)
            return [*before, value, *[value] * min(more, _MANY)], f"/{index}"
        if step in (".*", "<unevaluatedProperties>"):
            return {**self._object(node), "another": value}, "/another"
        if not step.startswith("."):
            # An alternative, with what stands beside it.
            return {**self._object(node), **value} if isinstance(value, dict) else value, ""
        is_pattern = step.startswith(".<patternProperties ")
        key = _named_by(step[20:-1]) if is_pattern else step.removeprefix(".")
        return {**self._object(node, key), key: value}, f"/{escape_token(key)}"


def beyond(said: dict[str, Any]) -> Iterator[Any]:
    """Values at the bounds of a schema, and just beyond."""
    for keyword, bound in said.items():
        more = 1 if keyword.startswith("max") else -1
        if keyword in ("maxLength", "minLength") and bound + more <= LONGEST:
            yield from ("x" * (bound + more), "x" * bound)
        elif keyword in ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"):
            yield from (bound + more, bound, bound - more)
        elif keyword == "multipleOf":
            yield from (max(bound), -max(bound), max(bound) / 2)


_FEW: tuple[Any, ...] = (0, "x", {}, None)
_EDGE_CASES: tuple[Any, ...] = (
    *_FEW, 1, -1, 0.5, -0.5, 10**6, -(10**6), 2**40, 2**70, -(2**70),
    "", "5", " ", "é", "中", "x" * 300, True, False, [],
)  # fmt: skip
