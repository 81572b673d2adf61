"""Compares each pair of schemas once for all operations that use it, and locates the changes from each use."""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.binary import are_same_binary
from pytest_bctrl.drift.compare_alternatives import compare_all_of, compare_alternatives
from pytest_bctrl.drift.compare_discriminators import compare_discriminators
from pytest_bctrl.drift.compare_keywords import (
    compare_constraints,
    compare_defaults,
    compare_extensible,
    compare_formats,
    compare_types,
    compare_values,
)
from pytest_bctrl.drift.compare_subschemas import compare_properties, compare_subschemas, compare_with_engine
from pytest_bctrl.drift.pair import RANK, Change, Located, SchemaComparison, Sides, Trail, View, described_change, rank
from pytest_bctrl.drift.rules import KEYWORD_CHANGED, is_reported, is_tolerated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.verification import Verdict, Verification
    from pytest_bctrl.drift.verify import Verifier
    from pytest_bctrl.errors import DocumentError
    from pytest_bctrl.findings.finding import Level

MAX_DEPTH = 100
"""Maximum depth of a change below the location where a schema is used."""


_Ranked = tuple[Change, int, "Verification | None"]
"""A change, its severity, and the verification that decides it, if there is one."""


class _Pair:
    """The changes between two schemas, and the pairs inside them. `differs`: something changed, in it or below."""

    __slots__ = ("all_inside", "changes", "differs", "inside", "new", "noted", "old", "view", "within")

    def __init__(self, old: Node, new: Node, view: View) -> None:
        self.old, self.new, self.view = old, new, view
        self.changes: list[Change] = []
        self.inside: list[tuple[str, _Pair]] = []
        self.all_inside: list[tuple[str, _Pair]] = []
        self.within: list[_Pair] = []
        self.differs = False
        self.noted: list[_Ranked] | None = None


class SchemaComparer:
    """Compares pairs of schemas. A pair's changes depend on the two schemas and on nothing that was compared before."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self._pairs: dict[tuple[Node, Node, View], _Pair] = {}
        self._changes: dict[_Pair, list[Located]] = {}
        self._found: dict[_Pair, list[Located]] = {}

    @cached_property
    def verifier(self) -> Verifier:
        """Verifies with the engine what no rule reports."""
        from pytest_bctrl.drift.verify import Verifier

        return Verifier(self.sides)

    def changes(self, old: Schema, new: Schema, view: View) -> list[Located]:
        """Return the changes between two schemas with paths (`.name`); of equal ones, the worst and nearest."""
        pair = self._compared_pair(old, new, view)
        if pair is None or not pair.differs:
            return []
        if pair not in self._changes:
            located_changes = list(self._located_changes(pair))
            nearest: dict[str, Located] = {}
            for located in located_changes:
                key = located.change.key
                nearest[key] = min(nearest.get(key, located), located, key=itemgetter(1, 2))
            self._changes[pair] = [
                located for located in located_changes if located[1:3] == nearest[located.change.key][1:3]
            ]
        return self._changes[pair]

    def verified(self, old: Schema, new: Schema, view: View) -> list[Located]:
        """Return the changes between two schemas and, if the options allow steps, those that only the engine finds."""
        changes = self.changes(old, new, view)
        if not self.sides.options.steps:
            return changes
        pair = self._compared_pair(old, new, view)
        if pair is None:
            return changes
        if pair not in self._found:
            self._found[pair] = list(self._unproven(pair))
        return [*changes, *self._found[pair]]

    def _unproven(self, root: _Pair) -> Iterable[Located]:
        """Yield a change for each outermost pair of which the engine does not prove that consumers are safe.

        A subtype contains the changes of the schema that it extends, so it is verified only if that is proven.
        """
        is_broken = _leading_to_errors(root, self.verifier)
        seen: set[_Pair] = set()
        unproven: set[_Pair] = set()
        for pair, base, path, depth in _root_and_subtypes(root):
            is_alike = pair not in is_broken and self.verifier.are_written_alike(pair.old, pair.new)
            if base not in unproven and not is_alike:
                for located, refuted_pair in self._unproven_from(pair, path, depth, is_broken, seen):
                    unproven.add(refuted_pair)
                    yield located

    def _unproven_from(
        self, start: _Pair, start_path: str, start_depth: int, is_broken: set[_Pair], seen: set[_Pair]
    ) -> Iterable[tuple[Located, _Pair]]:
        """Yield the changes of the outermost unproven pairs at or below a pair, without subtypes and `seen` pairs."""
        seen.add(start)
        trail: Trail = (None, (start.old, start.new), start_path)
        waiting: list[tuple[_Pair, str, int, Trail]] = [(start, start_path, start_depth, trail)]
        for pair, path, depth, trail in waiting:
            # The list grows while it is read.
            if are_same_binary(pair.old, pair.new, pair.view.binary):
                continue
            if pair in is_broken or self._can_divide(pair):
                for step, inner in pair.all_inside:
                    if inner in seen or inner.view.is_subtype or depth >= MAX_DEPTH:
                        continue
                    if inner in is_broken or not self.verifier.are_written_alike(inner.old, inner.new):
                        seen.add(inner)
                        inner_trail: Trail = (trail, (inner.old, inner.new), step)
                        waiting.append((inner, f"{path}{step}", depth + 1, inner_trail))
                continue
            verification = self.verifier.verification(pair.old, pair.new, pair.view)
            if verification.verdict != "proven":
                change = _unnamed_change(self.sides, pair, verification)
                level = rank(change.rule, self.sides.options.levels)
                yield Located(change, level, depth, path, (trail,), verification, pair.view), pair

    def _can_divide(self, pair: _Pair) -> bool:
        """Return whether verifying the pairs inside a pair replaces verifying the pair itself."""
        if any(is_tolerated(change.rule) for change in pair.changes):
            return False
        inside = [inner for _, inner in pair.all_inside if inner.view.is_branch]
        # Whether null is valid is a property of all alternatives together.
        return all(inner.old.nullable == inner.new.nullable for inner in inside) and self.verifier.can_divide(
            pair.old, pair.new, pair.view
        )

    def worst(self, old: Schema, new: Schema, view: View) -> Located | None:
        """Return the worst change between two schemas, or None if there is none."""
        return min(self.changes(old, new, view), key=itemgetter(1, 2), default=None)

    def _compared_pair(self, old: Schema, new: Schema, view: View) -> _Pair | None:
        """Return the compared pair of two schemas, or None if they are written alike."""
        if self.sides.equality.written_alike(old, new):
            return None
        count = len(self._pairs)
        pair = self._pair(old, new, view)
        if len(self._pairs) > count:
            self._compare_from(pair)
        return pair

    def _pair(self, old: Schema, new: Schema, view: View) -> _Pair:
        """Return the only pair of two schemas in a view; a missing one is created, not compared."""
        key = (self.sides.old.node(old), self.sides.new.node(new), view)
        return self._pairs.get(key) or self._pairs.setdefault(key, _Pair(*key))

    def _compare_from(self, root: _Pair) -> None:
        """Compare a new pair and all new pairs inside it, then mark each pair that leads to a change."""
        pairs = [root]
        # The list grows while it is read.
        for pair in pairs:
            comparison = SchemaComparison(self.sides, pair.old, pair.new, pair.view)
            _compare(comparison)
            pair.changes = comparison.changes
            for step, old, new, view in comparison.edges:
                if self.sides.equality.written_alike(old, new):
                    continue
                count = len(self._pairs)
                inner = self._pair(old, new, view)
                pair.inside.append((step, inner))
                pair.all_inside.append((step, inner))
                inner.within.append(pair)
                if len(self._pairs) > count:
                    pairs.append(inner)
        self._mark_differing(pairs)

    def _mark_differing(self, pairs: list[_Pair]) -> None:
        """Mark the pairs that differ, and all pairs that contain one."""
        waiting = []
        for pair in pairs:
            pair.differs = bool(pair.changes) or any(inner.differs for _, inner in pair.inside)
            if pair.differs:
                waiting.append(pair)
        while waiting:
            for outer in waiting.pop().within:
                if not outer.differs:
                    outer.differs = True
                    waiting.append(outer)

    def _located_changes(self, root: _Pair) -> Iterable[Located]:
        """Yield the changes of a pair and of all pairs inside it, with paths; raises `DocumentError` at `MAX_DEPTH`."""
        seen: set[_Pair] = set()
        inherited: dict[_Pair, set[str]] = {root: set()}
        level: dict[_Pair, tuple[list[str], Trail]] = {root: ([""], (None, (root.old, root.new), ""))}
        for depth in range(MAX_DEPTH):
            seen.update(level)
            deeper: dict[_Pair, tuple[list[str], Trail]] = {}
            for pair, (paths, trail) in level.items():
                for change, level_of, verification in self._changes_but(pair, inherited[pair]):
                    located = Located(change, level_of, depth, "", (trail,), verification, pair.view)
                    yield from (located._replace(path=f"{path}{change.step}") for path in paths)
                for step, inner in pair.inside:
                    if inner in seen:
                        continue
                    _inherit(inherited, pair, inner)
                    # Only one path leads on from each pair, the same in any order: all of them would be too many.
                    path = f"{paths[0]}{step}"
                    if inner not in deeper:
                        deeper[inner] = [path], _inner_trail(trail, path, step, inner)
                    elif path < deeper[inner][0][0]:
                        deeper[inner] = [path, *deeper[inner][0]], _inner_trail(trail, path, step, inner)
                    elif self._ranked_changes(inner):
                        deeper[inner][0].append(path)
            level = deeper
        if level:
            raise _nesting_error(next(iter(level)))

    def _changes_but(self, pair: _Pair, inherited: set[str]) -> list[_Ranked]:
        """Return a pair's own changes with ranks, without the `inherited` ones: those of a schema that it extends."""
        changes = self._ranked_changes(pair)
        if not inherited:
            return changes
        return [ranked for ranked in changes if ranked[0].what not in inherited]

    def _ranked_changes(self, pair: _Pair) -> list[_Ranked]:
        """Return a pair's own changes with ranks, a divided `allOf` included; drops inner pairs that do not differ."""
        if pair.noted is None:
            comparison = SchemaComparison(self.sides, pair.old, pair.new, pair.view)
            compare_all_of(comparison, on_both_sides=True)
            pair.noted = [self._ranked(pair, change) for change in (*pair.changes, *comparison.changes)]
            pair.inside = [(step, inner) for step, inner in pair.inside if inner.differs]
        return pair.noted

    def _ranked(self, pair: _Pair, change: Change) -> _Ranked:
        """Return a change with its severity: that of its rule, or of what the engine says about the pair."""
        level = rank(change.rule, self.sides.options.levels)
        if change.kind != KEYWORD_CHANGED:
            return change, level, None
        verification = self.verifier.verification(pair.old, pair.new, pair.view)
        if change.rule not in self.sides.options.levels:
            level = RANK[_LEVELS[verification.verdict]]
        return change, level, verification


_LEVELS: dict[Verdict, Level] = {"proven": "info", "refuted": "error", "undecided": "warning"}
"""The level of a change whose level the engine decides, by the verdict."""


def _inherit(inherited: dict[_Pair, set[str]], pair: _Pair, inner: _Pair) -> None:
    """Add to the changes that an inner pair inherits those of the outer one, if the inner one is a subtype of it."""
    changes = inherited.setdefault(inner, set())
    if inner.view.is_subtype:
        changes.update(inherited[pair], (change.what for change in pair.changes))


def _inner_trail(trail: Trail, path: str, step: str, inner: _Pair) -> Trail:
    """Return the trail to a pair inside another; that to a subtype begins there, because proofs must not leave it."""
    nodes = inner.old, inner.new
    if inner.view.is_subtype:
        return None, nodes, path
    return trail, nodes, step


def _root_and_subtypes(root: _Pair) -> Iterable[tuple[_Pair, _Pair | None, str, int]]:
    """Yield a pair and the pairs of subtypes inside it: each with what it extends, its path and its number of steps."""
    yield root, None, "", 0
    reached = {root}
    waiting = [(root, "", 0)]
    for pair, path, depth in waiting:
        # The list grows while it is read.
        for step, inner in pair.all_inside:
            if inner not in reached and depth < MAX_DEPTH:
                reached.add(inner)
                waiting.append((inner, f"{path}{step}", depth + 1))
                if inner.view.is_subtype:
                    yield inner, pair, f"{path}{step}", depth + 1


def _leading_to_errors(root: _Pair, verifier: Verifier) -> set[_Pair]:
    """Return the pairs inside a pair whose rules report a value that breaks a consumer, and those that lead to one."""
    pairs = [root]
    reached = {root}
    for pair in pairs:
        # The list grows while it is read.
        inner_pairs = [inner for _, inner in pair.all_inside if inner not in reached]
        reached.update(inner_pairs)
        pairs += dict.fromkeys(inner_pairs)
    waiting = [pair for pair in pairs if any(_is_reported(change, pair, verifier) for change in pair.changes)]
    broken = set(waiting)
    while waiting:
        for outer in waiting.pop().within:
            if outer in reached and outer not in broken:
                broken.add(outer)
                waiting.append(outer)
    return broken


def _is_reported(change: Change, pair: _Pair, verifier: Verifier) -> bool:
    """Return whether a change of a pair reports values that break a consumer, so that nothing is left to verify."""
    if change.kind == KEYWORD_CHANGED:
        return verifier.verification(pair.old, pair.new, pair.view).verdict != "proven"
    return is_reported(change.rule)


def _unnamed_change(sides: Sides, pair: _Pair, verification: Verification) -> Change:
    """Return the change of a pair that no rule names."""
    suffix = "may-be-"
    if verification.verdict == "refuted":
        suffix = ""
    word = "widened"
    if pair.view.is_request:
        word = "narrowed"
    rule = f"{pair.view.scope}-{suffix}{word}"
    before, after = _changed_part(pair)
    at = next((part.pointer for part in before), ""), next((part.pointer for part in after), "")
    content = sides.content(before, after)
    return described_change(f"{suffix}{word}", rule, "", (None, None), at, content=content)


def _changed_part(pair: _Pair) -> tuple[Schema, Schema]:
    """Return the only part of two schemas that changed, such as the target of a `$ref` in `allOf`; else all of them."""
    old, new = pair.old, pair.new
    if len(old.parts) == len(new.parts) > 1:
        changed_parts = [
            (before, after) for before, after in zip(old.parts, new.parts, strict=True) if before.schema != after.schema
        ]
        if len(changed_parts) == 1:
            before, after = changed_parts[0]
            return (Part(before.schema, before.pointer),), (Part(after.schema, after.pointer),)
    return old.schema, new.schema


def _nesting_error(pair: _Pair) -> DocumentError:
    """Return the error for schemas that nest too deeply."""
    side = pair.new
    if pair.old.key:
        side = pair.old
    return side.normal.spec.error_at(side.schema[0], f"schemas nest deeper than {MAX_DEPTH} levels", "flatten them")


def _compare(comparison: SchemaComparison) -> None:
    """Note the changes between two schemas themselves, and add the pairs of schemas inside them."""
    old, new, view = comparison.old, comparison.new, comparison.view
    if are_same_binary(old, new, view.binary):
        return
    compare_all_of(comparison, on_both_sides=False)
    if compare_alternatives(comparison):
        return
    if old.choices and new.choices:
        # Types belong to the alternatives.
        compare_formats(comparison)
        comparable = True
    else:
        comparable = compare_types(comparison)
    # A schema that takes any type takes null, so the finding about the type includes null.
    is_about_null = (old.types is None) == (new.types is None) or old.choices or new.choices
    if not view.is_branch and is_about_null:
        comparison.compare_nullable()
    if comparison.sides.options.descriptions:
        _compare_descriptions(comparison)
    if not comparable:
        return
    compare_values(comparison)
    compare_constraints(comparison)
    if not view.is_required:
        compare_defaults(comparison)
    if view.scope in ("request-parameter", "request-body", "request-property"):
        compare_extensible(comparison)
    compare_discriminators(comparison)
    compare_properties(comparison)
    compare_subschemas(comparison)
    compare_with_engine(comparison)


def _compare_descriptions(comparison: SchemaComparison) -> None:
    """Note a changed title or description."""
    rule = "description-changed"
    for keyword in ("title", "description"):
        values = comparison.old.flags.get(keyword), comparison.new.flags.get(keyword)
        if values[0] != values[1]:
            comparison.add(rule, rule, "", values, (comparison.old.at(keyword), comparison.new.at(keyword)))
