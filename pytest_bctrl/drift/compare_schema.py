"""Compares schemas: each pair that is met once, whichever operations use it, and then looks up what a use leads to."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from pytest_bctrl.drift.compare_alternatives import compare_all_of, compare_alternatives
from pytest_bctrl.drift.compare_keywords import (
    compare_constraints,
    compare_defaults,
    compare_extensible,
    compare_formats,
    compare_types,
    compare_values,
)
from pytest_bctrl.drift.compare_subschemas import compare_discriminators, compare_properties, compare_subschemas
from pytest_bctrl.drift.pair import Change, Draft, Located, Sides, Trail, View, rank

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_bctrl.drift.node import Node, Schema

MAX_DEPTH = 100
"""How deep a change may lie below where a schema is used."""


class _Pair:
    """What changed between two schemas, and the pairs they hold. `differs`: something changed, in it or below."""

    __slots__ = ("changes", "differs", "inside", "new", "noted", "old", "view", "within")

    def __init__(self, old: Node, new: Node, view: View) -> None:
        self.old, self.new, self.view = old, new, view
        self.changes: list[Change] = []
        self.inside: list[tuple[str, _Pair]] = []
        self.within: list[_Pair] = []
        self.differs = False
        self.noted: list[tuple[Change, int]] | None = None


class SchemaComparison:
    """Compares pairs of schemas. A pair's changes depend on the two schemas and on nothing that was compared before."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self._pairs: dict[tuple[Node, Node, View], _Pair] = {}
        self._changes: dict[_Pair, list[Located]] = {}

    def changes(self, old: Schema, new: Schema, view: View) -> list[Located]:
        """Return what changed between two schemas, each change with its shortest ways from there: `.name`, `[*].id`."""
        pair = self._compared(old, new, view)
        if pair is None or not pair.differs:
            return []
        if pair not in self._changes:
            found = list(self._located(pair))
            nearest: dict[str, Located] = {}
            for one in found:
                nearest[one.change.key] = min(nearest.get(one.change.key, one), one, key=itemgetter(1, 2))
            self._changes[pair] = [one for one in found if one[1:3] == nearest[one.change.key][1:3]]
        return self._changes[pair]

    def worst(self, old: Schema, new: Schema, view: View) -> Located | None:
        """The worst of what changed between two schemas; None where nothing did."""
        return min(self.changes(old, new, view), key=itemgetter(1, 2), default=None)

    def _compared(self, old: Schema, new: Schema, view: View) -> _Pair | None:
        if self.sides.equality.written_alike(old, new):
            return None
        known = len(self._pairs)
        pair = self._pair(old, new, view)
        if len(self._pairs) > known:
            self._compare_from(pair)
        return pair

    def _pair(self, old: Schema, new: Schema, view: View) -> _Pair:
        key = (self.sides.old.node(old), self.sides.new.node(new), view)
        return self._pairs.get(key) or self._pairs.setdefault(key, _Pair(*key))

    def _compare_from(self, root: _Pair) -> None:
        """Compare a pair and all that it holds, then mark each that leads to a change: none may miss a way up."""
        found = [root]
        for pair in found:
            draft = Draft(self.sides, pair.old, pair.new, pair.view)
            _compare(draft)
            pair.changes = draft.changes
            for step, old, new, view in draft.edges:
                if self.sides.equality.written_alike(old, new):
                    continue
                known = len(self._pairs)
                inner = self._pair(old, new, view)
                pair.inside.append((step, inner))
                inner.within.append(pair)
                if len(self._pairs) > known:
                    found.append(inner)
        self._mark(found)

    def _mark(self, found: list[_Pair]) -> None:
        waiting = []
        for pair in found:
            pair.differs = bool(pair.changes) or any(inner.differs for _, inner in pair.inside)
            waiting += [pair] if pair.differs else []
        while waiting:
            for outer in waiting.pop().within:
                if not outer.differs:
                    outer.differs = True
                    waiting.append(outer)

    def _located(self, root: _Pair) -> Iterable[Located]:
        seen: set[_Pair] = set()
        level: dict[_Pair, tuple[list[str], Trail]] = {root: ([""], (None, (root.old, root.new), ""))}
        for depth in range(MAX_DEPTH):
            seen.update(level)
            deeper: dict[_Pair, tuple[list[str], Trail]] = {}
            for pair, (ways, trail) in level.items():
                for change, level_of in self._noted(pair):
                    yield from (Located(change, level_of, depth, f"{way}{change.step}", (trail,)) for way in ways)
                for step, inner in pair.inside:
                    if inner in seen:
                        continue
                    # From each pair on but one way leads, whatever the order: there would be too many.
                    way = f"{ways[0]}{step}"
                    if inner not in deeper:
                        deeper[inner] = [way], (trail, (inner.old, inner.new), step)
                    elif way < deeper[inner][0][0]:
                        deeper[inner] = [way, *deeper[inner][0]], (trail, (inner.old, inner.new), step)
                    elif self._noted(inner):
                        deeper[inner][0].append(way)
            level = deeper
        if level:
            pair = next(iter(level))
            side = pair.old if pair.old.key else pair.new
            part = side.schema[0]
            raise side.normal.spec.refuse(part, f"schemas nest deeper than {MAX_DEPTH} levels", "flatten them")

    def _noted(self, pair: _Pair) -> list[tuple[Change, int]]:
        """What changed between the two themselves, where `allOf` is cut otherwise that too, and how bad each is."""
        if pair.noted is None:
            draft = Draft(self.sides, pair.old, pair.new, pair.view)
            compare_all_of(draft, changed=True)
            levels = self.sides.options.levels
            pair.noted = [(change, rank(change.rule, levels)) for change in (*pair.changes, *draft.changes)]
            pair.inside = [(step, inner) for step, inner in pair.inside if inner.differs]
        return pair.noted


def _compare(draft: Draft) -> None:
    compare_all_of(draft, changed=False)
    old, new, view = draft.old, draft.new, draft.view
    if compare_alternatives(draft):
        return
    if old.choices and new.choices:
        # Each alternative has its types.
        compare_formats(draft)
        comparable = True
    else:
        comparable = compare_types(draft)
    # A schema that takes any type takes null, and the type's own finding says so.
    is_worth_a_word = (old.types is None) == (new.types is None) or old.choices or new.choices
    if not view.is_branch and old.nullable != new.nullable and is_worth_a_word:
        suffix = "became-nullable" if new.nullable else "became-not-nullable"
        draft.emit(suffix, old.nullable, new.nullable, "type", "null" if new.nullable else "not null")
    if draft.sides.options.descriptions:
        _compare_words(draft)
    if not comparable:
        return
    compare_values(draft)
    compare_constraints(draft)
    compare_defaults(draft)
    if view.scope == "request-parameter":
        compare_extensible(draft)
    compare_discriminators(draft)
    compare_properties(draft)
    compare_subschemas(draft)


def _compare_words(draft: Draft) -> None:
    rule = "description-changed"
    for keyword in ("title", "description"):
        values = draft.old.flags.get(keyword), draft.new.flags.get(keyword)
        if values[0] != values[1]:
            draft.add(rule, rule, "", values, (draft.old.at(keyword), draft.new.at(keyword)))
