"""Tells whether two schemas mean the same, however they hold each other.

They do where they say the same and what they hold means the same, which may be taken for granted of what is being
compared already. The answer rests on what can be reached from the two alone, not on what was asked before.
"""

from __future__ import annotations

import marshal
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_bctrl.contract.outline import value_key
from pytest_bctrl.drift.walk import Pair, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer

_REF = re.compile(rb"u(?:\x04\0\0\0\$ref|\x0b\0\0\0\$dynamicRef)(?:u(.{4}))?", re.DOTALL)
"""A reference as `_written` writes it: texts begin with their lengths."""


class Equality:
    """Tells equal schemas of two documents, or of one. `words`: titles and descriptions count."""

    def __init__(self, old: Normalizer, new: Normalizer, words: bool) -> None:
        self.old = old
        self.new = new
        self._words = ("title", "description") if words else ()
        self._own: dict[Node, Hashable] = {}
        self._walk = Walk(self.says, self.written_alike)
        self._known: dict[Pair, bool] = {}
        self._unchanged: dict[tuple[int, int], tuple[Any, Any, bool]] = {}

    def written_alike(self, old: Schema, new: Schema) -> bool:
        """Tell two schemas that are written alike and lead to such alone, as most do, without reading them."""
        return len(old) == len(new) and all(
            self.unchanged(one[0], other[0]) for one, other in zip(old, new, strict=True)
        )

    def unchanged(self, old: Any, new: Any) -> bool:
        """Tell two parts of any kind that are written alike, in any order, and lead to such alone."""
        key = id(old), id(new)
        if key not in self._unchanged:
            # Both are kept, so that neither id is given to anything else.
            found = self.references(old, new)
            self._unchanged[key] = old, new, found is not None and self.are_unchanged(found)
        return self._unchanged[key][2]

    def references(self, old: Any, new: Any) -> set[str] | None:
        """The references in two parts of any kind that are written alike, in any order; None where they are not."""
        # The longest look comes last.
        written = _written(old) if old == new else b""
        # What Python takes for equal need not be: to it, true is 1.
        is_same = written and (written == _written(new) or value_key(old) == value_key(new))
        return _references(written) if is_same else None

    def are_unchanged(self, references: set[str]) -> bool:
        """Tell references that lead to what is written alike on both sides."""
        return _targets(references) <= self.components

    @cached_property
    def components(self) -> set[str]:
        """References to the components that are written alike on both sides, with all that they lead to."""
        if self.old.spec.is_30 != self.new.spec.is_30:
            return set()
        old, new = self.old.spec.components, self.new.spec.components
        found = {f"#{pointer}": self.references(value, new.get(pointer)) for pointer, value in old.items()}
        alike = {name: _targets(references) for name, references in found.items() if references is not None}
        users: dict[str, list[str]] = {}
        for name, targets in alike.items():
            for target in targets:
                users.setdefault(target, []).append(name)
        changed = [target for target in users if target not in alike]
        while changed:
            changed += [user for user in users.get(changed.pop(), ()) if alike.pop(user, None) is not None]
        return set(alike)

    def equal(self, one: Node, other: Node) -> bool:
        """Tell whether two schemas mean the same."""
        if self.says(one) != self.says(other):
            return False
        pair = one, other
        if pair not in self._known:
            self._known[pair] = self._walk.equal(one, other)
        return self._known[pair]

    def says(self, node: Node) -> Hashable:
        """What a schema says itself, and what it holds schemas under, but not which."""
        if node not in self._own:
            words = [(key, value_key(node.flags[key])) for key in self._words if key in node.flags]
            self._own[node] = (node.own, *words)
        return self._own[node]


def _written(value: Any) -> bytes:
    """A value in full, in a third of the time that its `repr` takes; empty where it holds what is no JSON."""
    try:
        return marshal.dumps(value, 2)
    except ValueError:
        return b""


def _references(written: bytes) -> set[str]:
    found = {
        written[match.end() : match.end() + int.from_bytes(match[1], "little")] if match[1] else b""
        for match in _REF.finditer(written)
    }
    return {ref.decode("utf-8", "surrogatepass") for ref in found}


def _targets(references: set[str]) -> set[str]:
    """The components that references lead to, or into."""
    return {"/".join(ref.split("/", 4)[:4]) for ref in references}
