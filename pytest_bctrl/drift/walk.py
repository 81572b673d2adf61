"""Compares schemas in pairs, however they hold each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from pytest_bctrl.drift.node import Node, Schema, reachable

Pair = tuple[Node, Node]


class Walk:
    """Compares schemas in pairs. `says` is what one says itself; `skips` tells of two that need not be looked into."""

    def __init__(self, says: Callable[[Node], Hashable], skips: Callable[[Schema, Schema], bool]) -> None:
        self._says = says
        self._skips = skips
        self._same: set[Pair] = set()
        self._is_sure = True

    def equal(self, one: Node, other: Node) -> bool:
        """Tell whether two schemas mean the same."""
        waiting, assumed, self._is_sure = [(one, other)], set[Pair](), True
        while waiting:
            pair = waiting.pop()
            if pair[0] is pair[1] or pair in self._same or pair in assumed:
                continue
            if not (pair[0].is_read and pair[1].is_read) or self._says(pair[0]) != self._says(pair[1]):
                return not self._is_sure and self._in_any_order(one, other)
            assumed.add(pair)
            waiting += self._inside(*pair)
        self._same |= assumed
        return True

    def _in_any_order(self, one: Node, other: Node) -> bool:
        """Put all that the two lead to in classes, which are split by the classes of what they hold, to the end."""
        held = reachable((one, other))
        numbers: dict[Any, int] = {}
        classes = {node: numbers.setdefault(self._says(node), len(numbers)) for node in held}
        count = 0
        while count != len(numbers) and classes[one] == classes[other]:
            count, numbers, before = len(numbers), {}, classes
            classes = {}
            for node, (single, several) in held.items():
                sets = [tuple(sorted(before[child] for child in children)) for children in several]
                key = (before[node], *[before[child] for child in single], *sets)
                classes[node] = numbers.setdefault(key, len(numbers))
        return classes[one] == classes[other]

    def _inside(self, one: Node, other: Node) -> Iterator[Pair]:
        pairs = list(zip(one.single, other.single, strict=True))
        for choice, another in zip(one.choices, other.choices, strict=True):
            pairs += self._matched(one, choice.branches, other, another.branches)
        read, read_other = one.normal.node, other.normal.node
        yield from ((read(first), read_other(second)) for first, second in pairs if not self._skips(first, second))

    def _matched(
        self, one: Node, branches: list[Schema], other: Node, others: list[Schema]
    ) -> Iterator[tuple[Schema, Schema]]:
        """Match alternatives: those that need no look, then by what they say themselves, then by their order."""
        rest, left = [], list(others)
        for branch in branches:
            match = next((another for another in left if self._skips(branch, another)), None)
            rest += [branch] if match is None else []
            left = [another for another in left if another is not match]
        by_words: dict[Hashable, list[Schema]] = {}
        for another in left:
            by_words.setdefault(self._says(other.normal.node(another)), []).append(another)
        for branch in rest:
            alike = by_words.get(self._says(one.normal.node(branch))) or left
            self._is_sure = self._is_sure and len(alike) == 1
            yield branch, alike.pop(0)
