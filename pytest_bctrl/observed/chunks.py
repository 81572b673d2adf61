"""A long list in a body, accepted a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_bctrl.observed.column import Column
from pytest_bctrl.observed.node import Node, words

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
