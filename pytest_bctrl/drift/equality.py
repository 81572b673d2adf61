"""Tells whether two schemas mean the same, however they hold each other.

Every schema that can be reached is put in a class by what it says itself, and classes are split by the classes of what
it holds, until none splits any more. So the answer rests on the documents alone, not on what was asked before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_bctrl.drift.node import reachable
from pytest_bctrl.drift.spec import Part, refers, value_key

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from pytest_bctrl.drift.node import Held, Node, Schema
    from pytest_bctrl.drift.normalize import Normalizer

_SHORT, _FEW = 6, 20
_REF = re.compile(r"""'\$(?:ref|dynamicRef)': (?:'([^']*)'|"([^"]*)"|.)""")


class Equality:
    """Tells equal schemas of two documents. `roots` gives all that either document is read from."""

    def __init__(self, old: Normalizer, new: Normalizer, roots: Callable[[], Iterable[Node]], words: bool) -> None:
        self.old = old
        self.new = new
        self._roots = roots
        self._words = ("title", "description") if words else ()
        self._read: set[str] = set()
        self._unchanged: set[str] | None = None
        self._own: dict[Node, Hashable] = {}
        self._classes: dict[Node, int] = {}
        self._numbers: dict[Hashable, int] = {}

    def written_alike(self, old: Schema, new: Schema) -> bool:
        """Tell two schemas that are written alike and lead to such alone, as most do, without reading them twice."""
        if len(old) != 1 or len(new) != 1:
            return False
        value, other = old[0].value, new[0].value
        if value is not other and value != other:
            return False
        written = repr(value)
        if written != repr(other):
            return False
        if _is_plain(value):
            if written not in self._read:
                # Once, so that what cannot be read is told of.
                self.old.node(old)
                self.new.node(new)
                self._read.add(written)
            return True
        return self._leads_alike(written)

    def unchanged(self, old: Any, new: Any) -> bool:
        """Tell two parts of any kind that are written alike, and lead to such alone."""
        written = repr(old)
        return written == repr(new) and self._leads_alike(written)

    def _leads_alike(self, written: str) -> bool:
        if self._unchanged is None:
            self._unchanged = self._find_unchanged()
        return self.old.spec.is_30 == self.new.spec.is_30 and _targets(written) <= self._unchanged

    def _find_unchanged(self) -> set[str]:
        """The components that are written alike on both sides, with all that they lead to."""
        sides = [
            {
                f"#{part.pointer}": repr(part.value)
                for section, _ in _parts(whole)
                for _, part in _parts(whole / section)
            }
            for spec in (self.old.spec, self.new.spec)
            for whole in [spec.root / "components"]
        ]
        alike = {name: _targets(text) for name, text in sides[0].items() if sides[1].get(name) == text}
        users: dict[str, list[str]] = {}
        for name, targets in alike.items():
            for target in targets:
                users.setdefault(target, []).append(name)
        changed = [target for target in users if target not in alike]
        while changed:
            changed += [user for user in users.get(changed.pop(), ()) if alike.pop(user, None) is not None]
        return set(alike)

    def equal(self, one: Node, other: Node) -> bool:
        """Tell whether a schema of the old document and one of the new one mean the same."""
        if self.says(one) != self.says(other):
            return False
        if one not in self._classes or other not in self._classes:
            self._classify([one, other])
        return self._classes[one] == self._classes[other]

    def _classify(self, nodes: list[Node]) -> None:
        """Put schemas into the classes there are, or, where they hold each other, into new ones with all others."""
        if not self._classes:
            self._split(list(self._roots()))
        waiting = {node: held for node, held in reachable(nodes, self._classes).items() if node not in self._classes}
        while waiting:
            ready = [node for node, held in waiting.items() if all(child in self._classes for child in _children(held))]
            if not ready:
                self._split([*self._classes, *waiting])
                return
            for node in ready:
                self._classes[node] = self._number(self._numbers, self.says(node), waiting.pop(node))

    def _split(self, roots: list[Node]) -> None:
        held = reachable(roots)
        numbers: dict[Any, int] = {}
        classes = {node: numbers.setdefault(self.says(node), len(numbers)) for node in held}
        count = 0
        while count != len(numbers):
            count, numbers, before = len(numbers), {}, classes
            self._classes = before
            classes = {node: self._number(numbers, before[node], inside) for node, inside in held.items()}
        self._classes, self._numbers = classes, {}
        for node, inside in held.items():
            self._numbers[self._key(self.says(node), inside)] = classes[node]

    def _number(self, numbers: dict[Any, int], own: Hashable, held: Held) -> int:
        return numbers.setdefault(self._key(own, held), len(numbers))

    def _key(self, own: Hashable, held: Held) -> Hashable:
        classes, (single, several) = self._classes, held
        sets = [tuple(sorted(classes[child] for child in children)) for children in several]
        return (own, *[classes[child] for child in single], *sets)

    def says(self, node: Node) -> Hashable:
        """What a schema says itself, and what it holds schemas under, but not which."""
        if node not in self._own:
            words = [(key, value_key(node.flags[key])) for key in self._words if key in node.flags]
            self._own[node] = (node.own, *words)
        return self._own[node]


def _children(held: Held) -> Iterator[Node]:
    yield from held[0]
    for children in held[1]:
        yield from children


def _targets(written: str) -> set[str]:
    """The components that references in a written value lead to, or into."""
    refs = (match[1] or match[2] or "" for match in _REF.finditer(written))
    return {"/".join(ref.split("/", 4)[:4]) for ref in refs}


def _parts(whole: Part) -> list[tuple[str, Part]]:
    """The members of what should be a mapping; it is read as one where it is used."""
    return [(name, whole / name) for name in whole.value] if isinstance(whole.value, dict) else []


def _is_plain(schema: Any) -> bool:
    """Tell a short schema of scalars and lists of such, but for a discriminator, which has to be a mapping."""
    return (
        isinstance(schema, dict)
        and len(schema) <= _SHORT
        and "discriminator" not in schema
        and not refers(schema)
        and all(map(_is_scalar_or_some, schema.values()))
    )


def _is_scalar_or_some(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _FEW and not any(isinstance(item, (dict, list)) for item in value)
    return not isinstance(value, dict)
