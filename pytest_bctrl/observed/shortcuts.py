"""Shortcuts: objects of which a count says all, and long lists that are accepted a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from pytest_bctrl.contract.schema.node import Node, words
from pytest_bctrl.observed.tally import Column, Tally


def observe_flat(tally: Tally, node: Node, column: Column, names: Mapping[str, int]) -> bool:
    """Take down the members of conforming objects, where they are all objects alike small; return whether they were.

    Of a conforming object that has no more properties than are required of it everything is known, so that it is
    enough to count it. All members of all objects are looked at together.
    """
    size = node.flat_size
    if not size or any(name not in node.members for name in names):
        return False
    if sum(map(len, chain.from_iterable(map(dict.values, column.values)))) != size * sum(names.values()):
        return False
    total = len(column.values)
    for name, member in node.documented:
        count = names.get(name, 0)
        if count < total:
            tally.absent(member.location, column, name)
        facts = tally.facts(member.location)
        facts.seen += count
        facts.of += total
        if count:
            facts.types["object"] += count
            first = tally.needs(member) and column.member(name, count == total)
            if first:
                tally.sample(facts, "object", first, 0)
            for inner_name, inner in member.documented:
                tally.certain(inner, count, count, first or Column((), column.where), inner_name)
    return True


SIZE = 500
"""Items of a chunk: few enough to stay at hand, and enough that what a chunk costs does not count."""

_POINTWISE = frozenset(
    {"type", "properties", "required", "items", "$ref", "allOf", "title", "description", "example", "examples"}
)
"""Words that a list keeps where each of its chunks, in its place, keeps them: they look at one item at a time."""


class Chunks:
    """The list at a location of one body; what of it was accepted is known once `of` has been gone through."""

    def __init__(self, location: str, body: Any, name: str | None, accepts: Callable[[Any], bool]) -> None:
        self.location = location
        self.all_accepted = True
        self._body = body
        self._name = name
        self._accepts = accepts

    def of(self, column: Column) -> Iterator[tuple[Column, bool]]:
        """Yield the chunks of the one list in a column, and whether the body with each alone in it is accepted."""
        items = column.values[0]
        for start in range(0, len(items), SIZE):
            chunk = items[start : start + SIZE]
            body = chunk if self._name is None else {**self._body, self._name: chunk}
            accepted = self._accepts(body)
            self.all_accepted = self.all_accepted and accepted
            yield Column(chunk, lambda index, start=start: (*column.where(0), start + index)), accepted  # type: ignore[misc]


def chunks_of(root: Node, body: Any, accepts: Callable[[Any], bool]) -> Chunks | None:
    """Return the chunks of a body that is a long list, or an object with one; None where nothing is to be gained.

    The contract has to speak of the list in words alone that say the same of the whole as of its parts.
    """
    if isinstance(body, list):
        return Chunks(root.location, body, None, accepts) if _is_long(root, body) else None
    if not isinstance(body, Mapping) or not _is_pointwise(root, "object"):
        return None
    for name, member in root.documented:
        if _is_long(member, body.get(name)):
            return Chunks(member.location, body, name, accepts)
    return None


def _is_long(node: Node, value: Any) -> bool:
    return isinstance(value, list) and len(value) > SIZE and _is_pointwise(node, "array")


def _is_pointwise(node: Node, kind: str) -> bool:
    if node.loose or node.splits(kind):
        return False
    return all(word in _POINTWISE or word.startswith("x-") for spot in node.parts(kind) for word in words(spot))
