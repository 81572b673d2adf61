"""Builds values that a schema of the contract allows, taking every alternative in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.samples import text
from pytest_bctrl.samples.shapes import Shape, flatten, shapes


class Rotation:
    """Deals the alternatives of every place of a schema like cards: none comes twice before all came once.

    That is what makes samples cover the contract by construction: after as many visits of a place as it has
    alternatives, each was taken. The same seed deals the same way.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._hands: dict[str, list[int]] = {}
        self._sources: dict[str, Random] = {}
        self._pending: dict[str, set[int]] = {}

    def deal(self, place: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the index of the alternative to take at this visit of `place`.

        `counts` is false where the alternatives are of our making and not the contract's.
        """
        if alternatives < 2:
            return 0
        hand = self._hands.get(place)
        if not hand:
            hand = list(range(alternatives))
            self.random(place).shuffle(hand)
            self._hands[place] = hand
        dealt = hand.pop()
        if counts:
            self._pending.setdefault(place, set(range(alternatives))).discard(dealt)
        return dealt

    def takes_optional(self, place: str) -> bool:
        """Return whether the optional property at `place` is there this time."""
        return self.deal(f"{place}?", 2) == 0

    def random(self, place: str) -> Random:
        """Return the source of randomness that belongs to `place` alone."""
        source = self._sources.get(place)
        if source is None:
            source = self._sources[place] = Random(f"{self._seed}:{place}")  # noqa: S311
        return source

    def pending(self) -> bool:
        """Return whether a place that was visited has an alternative not yet taken."""
        return any(self._pending.values())


class Outline(Rotation):
    """A rotation in which every optional property is there, or none is."""

    def __init__(self, seed: int, *, optional: bool) -> None:
        super().__init__(seed)
        self._optional = optional

    def takes_optional(self, place: str) -> bool:
        """Return the one decision there is."""
        return self._optional


_DEEPEST = 8
_ENDLESS = 60
"""Levels after which what has not ended never will."""
_TRIES = 20


class Builder:
    """Builds one value after another, taking the alternatives of every place in turn.

    `lengths` fixes the number of items of a list by its location (`{"runtimes": 3}`). A schema that refers to
    itself ends after eight levels: what is optional there is left out and what is a list stays empty.
    """

    def __init__(self, contract: Contract, choice: Rotation, lengths: Mapping[str, int] | None = None) -> None:
        self._contract = contract
        self._choice = choice
        self._lengths = dict(lengths or {})
        self._shapes: dict[str, tuple[Shape, ...]] = {}
        self._flat: dict[str, dict[str, Any]] = {}
        self._made = self._left = 0

    def set_lengths(self, lengths: Mapping[str, int]) -> None:
        """Fix the lengths of lists for the values that follow."""
        self._lengths = dict(lengths)

    def value(self, schema: Schema, place: str = "", depth: int = 0) -> Any:
        """Return a value that `schema` allows; `place` is its generalised location.

        Raises `DocumentError` where it would hold more than `LONGEST` values for each item that was asked for.
        """
        self._left = (1 + sum(self._lengths.values())) * text.LONGEST if depth == 0 else self._left - 1
        if self._left < 0 or depth > _ENDLESS:
            raise DocumentError(
                f"a sample would hold more than {text.LONGEST:,} values",
                where=place,
                mend="lower the least number of items or names, or require less of what leads back to itself",
            )
        options = self._shapes.get(place)
        if options is None:
            options = self._shapes[place] = shapes(self._contract, schema)
        if place in self._lengths:
            # A length that is asked for is no choice: dealing here would take a card from the place.
            return self._array(next(shape for shape in options if shape.kind == "array"), place, depth)
        if depth > _DEEPEST:
            options = tuple(s for s in options if s.empty or s.kind == "fixed") or options
        index = self._choice.deal(place, len(options))
        return self._shaped(options[index], f"{place}<{index}>" if options[index].kind == "branch" else place, depth)

    def _shaped(self, shape: Shape, place: str, depth: int) -> Any:
        match shape.kind:
            case "fixed":
                return shape.value
            case "branch":
                return self.value(shape.schema or {}, place, depth + 1)
            case "object":
                return {} if shape.empty else self._object(shape.schema or {}, place, depth)
            case "array":
                return [] if shape.empty else self._array(shape, place, depth)
            case "string":
                self._made += 1
                return text.string(shape.schema or {}, place, self._choice.random(place), self._made)
            case "integer" | "number":
                return text.number(shape.schema or {}, shape.kind, place, self._choice.random(place))
            case _:
                return _FREE[self._choice.deal(place, len(_FREE), counts=False)]

    def _object(self, schema: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        required = frozenset(schema.get("required", ()))
        made = {}
        documented = schema.get("properties", {})
        unnamed = {name: schema.get("additionalProperties", True) for name in schema.get("required", ())}
        for name, inner in {**unnamed, **documented}.items():
            at = f"{place}.{name}" if place else name
            if name in required or (depth <= _DEEPEST and self._choice.takes_optional(at)):
                made[name] = self.value(inner, at, depth + 1)
        if not schema.get("properties") and schema.get("additionalProperties") is not False:
            made |= self._free_form(schema, place, depth)
        for name, needed in schema.get("dependentRequired", {}).items():
            for other in needed if name in made else ():
                if other not in made:
                    made[other] = self.value(documented.get(other, True), f"{place}.{other}".lstrip("."), depth + 1)
        return made

    def _free_form(self, schema: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        inner = schema.get("additionalProperties", True)
        flat = self._flat.get(place)
        if flat is None:
            flat = self._flat[place] = flatten(self._contract, inner)
        is_free = shapes(self._contract, flat) == (Shape("any"),)
        return {
            name: self.value({}, f"{place}.{name}", depth + 1)
            if is_free
            else self.value(inner, f"{place}.*", depth + 1)
            for name in self._names(schema, place, depth)
        }

    def _names(self, schema: Mapping[str, Any], place: str, depth: int) -> Iterable[str]:
        least, most = int(schema.get("minProperties", 0)), int(schema.get("maxProperties", 2))
        wanted = max(least, min(most, 2))
        if "propertyNames" not in schema:
            return _NAMES[:wanted] if wanted <= len(_NAMES) else (f"name{number}" for number in range(wanted))
        named = {"type": "string", **flatten(self._contract, schema["propertyNames"])}
        made: dict[str, None] = {}
        for _ in range(wanted + _TRIES):
            if len(made) < wanted:
                made[str(self.value(named, f"{place}#names", depth + 1))] = None
        return made

    def _array(self, shape: Shape, place: str, depth: int) -> list[Any]:
        schema = shape.schema or {}
        start = [
            self.value(inner, f"{place}[{index}]", depth + 1)
            for index, inner in enumerate(schema.get("prefixItems", ()))
        ]
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", 3))
        wanted = self._lengths.get(place, max(least, min(most, 1 + self._choice.deal(f"{place}#", 3, counts=False))))
        inner = schema.get("items", schema.get("unevaluatedItems", True))
        if inner is False:
            return start
        made = list(start)
        for _ in range(wanted - len(start)):
            value = self.value(inner, f"{place}[*]", depth + 1)
            tries = 0
            while schema.get("uniqueItems") and value in made and tries < _TRIES:
                value = self.value(inner, f"{place}[*]", depth + 1)
                tries += 1
            if tries < _TRIES:
                made.append(value)
        return self._containing(schema, made, place, depth) if "contains" in schema else made

    def _containing(self, schema: Mapping[str, Any], made: list[Any], place: str, depth: int) -> list[Any]:
        """The list with as many items as it has to contain in the place of others, from its end on."""
        wanted = {"allOf": [schema["contains"], schema.get("items", True)]}
        least = int(schema.get("minContains", 1))
        asked = [self.value(wanted, f"{place}[*]<contains>", depth + 1) for _ in range(least)]
        return [*made[: max(0, len(made) - least)], *asked]


_NAMES = ("first", "second")
_FREE: tuple[Any, ...] = (
    "plain text",
    42,
    {"nested": {"list": [1, "two", None, {"three": 3.5}]}, "flag": True},
    None,
    ["a", "list", "of", "words"],
    False,
    {},
    "Grüße, 世界 🌍",
    -0.25,
    [],
)
