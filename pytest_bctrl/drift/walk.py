"""Compares schemas in pairs, recursive ones included."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from pytest_bctrl.drift.node import Node, Schema, reachable

Pair = tuple[Node, Node]


class Walk:
    """Compares schemas in pairs.

    `says` returns what a schema says without the schemas inside it; `skips` returns whether two are equal at a glance.
    """

    def __init__(self, says: Callable[[Node], Hashable], skips: Callable[[Schema, Schema], bool]) -> None:
        self._says = says
        self._skips = skips
        self._same: set[Pair] = set()
        self._is_sure = True

    def equal(self, old: Node, new: Node) -> bool:
        """Return whether two schemas mean the same, with their alternatives in any order."""
        waiting, assumed, self._is_sure = [(old, new)], set[Pair](), True
        while waiting:
            pair = waiting.pop()
            if pair[0] is pair[1] or pair in self._same or pair in assumed:
                continue
            if not (pair[0].is_read and pair[1].is_read) or self._says(pair[0]) != self._says(pair[1]):
                return not self._is_sure and self._in_any_order(old, new)
            assumed.add(pair)
            waiting += self._inside(*pair)
        self._same |= assumed
        return True

    def _in_any_order(self, old: Node, new: Node) -> bool:
        """Return whether two schemas mean the same, by refining classes of equal nodes until they no longer change.

        All schemas that they lead to are put in classes, and the classes split by those of the schemas inside, until
        there is nothing to split.
        """
        contents = reachable((old, new))
        numbers: dict[Any, int] = {}
        classes = {node: numbers.setdefault(self._says(node), len(numbers)) for node in contents}
        count = 0
        while count != len(numbers) and classes[old] == classes[new]:
            count, numbers, before = len(numbers), {}, classes
            classes = {}
            for node, (single, several) in contents.items():
                sets = [tuple(sorted(before[child] for child in children)) for children in several]
                key = (before[node], *[before[child] for child in single], *sets)
                classes[node] = numbers.setdefault(key, len(numbers))
        return classes[old] == classes[new]

    def _inside(self, old: Node, new: Node) -> Iterator[Pair]:
        """Yield the pairs of schemas inside two schemas: subschemas, and matched alternatives."""
        pairs = list(zip(old.inner_schemas, new.inner_schemas, strict=True))
        for old_choice, new_choice in zip(old.choices, new.choices, strict=True):
            pairs += self._matched(old, old_choice.branches, new, new_choice.branches)
        read_old, read_new = old.normal.node, new.normal.node
        yield from ((read_old(before), read_new(after)) for before, after in pairs if not self._skips(before, after))

    def _matched(
        self, old: Node, old_branches: list[Schema], new: Node, new_branches: list[Schema]
    ) -> Iterator[tuple[Schema, Schema]]:
        """Yield pairs of alternatives that are not equal at a glance: with equal own keywords, or else in order."""
        unmatched, candidates = [], list(new_branches)
        for branch in old_branches:
            match = next((candidate for candidate in candidates if self._skips(branch, candidate)), None)
            if match is None:
                unmatched.append(branch)
            candidates = [candidate for candidate in candidates if candidate is not match]
        by_words: dict[Hashable, list[Schema]] = {}
        for candidate in candidates:
            by_words.setdefault(self._says(new.normal.node(candidate)), []).append(candidate)
        for branch in unmatched:
            alike = by_words.get(self._says(old.normal.node(branch))) or candidates
            self._is_sure = self._is_sure and len(alike) == 1
            yield branch, alike.pop(0)
