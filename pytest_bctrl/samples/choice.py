"""Which alternative of a schema a sample takes: every one of them in turn, in an order that a seed decides."""

from __future__ import annotations

from random import Random


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
