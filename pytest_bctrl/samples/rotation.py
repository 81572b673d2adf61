"""Which alternative a sample takes at each place, and what stands where the contract leaves everything open."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from pytest_bctrl.samples import text


class Rotation:
    """Deals the alternatives of every place of a schema like cards: none comes twice before all came once.

    That is what makes samples cover the contract by construction: after as many visits of a place as it has
    alternatives, each was taken. The same seed deals the same way. With `optional`, every optional property is there,
    or none is.
    """

    def __init__(self, seed: int = 0, *, optional: bool | None = None) -> None:
        self._seed = seed
        self._optional = optional
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
        return self.deal(f"{place}?", 2) == 0 if self._optional is None else self._optional

    def random(self, place: str) -> Random:
        """Return the source of randomness that belongs to `place` alone."""
        source = self._sources.get(place)
        if source is None:
            source = self._sources[place] = Random(f"{self._seed}:{place}")  # noqa: S311
        return source

    def pending(self) -> bool:
        """Return whether a place that was visited has an alternative not yet taken."""
        return any(self._pending.values())

    def length(self, place: str, least: int, most: int) -> int:
        """Return how many items a list at `place` has, or how many names a free-form object has at most."""
        return max(least, min(most, 1 + self.deal(f"{place}#", 3, counts=False)))

    def string(self, schema: Mapping[str, Any], place: str, number: int) -> str:
        """Return a string that `schema` allows; `number` makes it distinct."""
        return text.string(schema, place, self.random(place), number)

    def number(self, schema: Mapping[str, Any], kind: str, place: str) -> int | float:
        """Return a number that `schema` allows."""
        return text.number(schema, kind, place, self.random(place))

    def anything(self, place: str) -> Any:
        """Return a value for a place of which the contract says nothing."""
        return _FREE[self.deal(place, len(_FREE), counts=False)]


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
