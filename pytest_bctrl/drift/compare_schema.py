"""Compares two schemas, whatever they are made of, and notes every change under the rule of its direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl.drift.compare_alternatives import compare_all_of, compare_alternatives
from pytest_bctrl.drift.compare_keywords import (
    compare_constraints,
    compare_defaults,
    compare_extensible,
    compare_types,
    compare_values,
)
from pytest_bctrl.drift.compare_properties import compare_properties
from pytest_bctrl.drift.compare_subschemas import compare_discriminators, compare_subschemas
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.rules import rules
from pytest_bctrl.drift.spec import refers

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_bctrl.drift.compare_keywords import Emit
    from pytest_bctrl.drift.node import Node, Schema
    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.report import Place, Report
    from pytest_bctrl.drift.spec import Part
    from pytest_bctrl.finding import Level

MAX_DEPTH = 100
"""How deep two schemas are followed into each other; a schema that holds itself ends by itself."""
_SAME_PAIR = 16
_SHORT, _FEW = 6, 20
_COUNTED = "description-changed"
"""What stands for any change while changes are only counted."""
_FREE = MAX_DEPTH + 1


class SchemaComparison:
    """Walks pairs of schemas. A pair that was found equal is never walked again, and one that differs only so often.

    So the time grows with the number of pairs, not with the number of ways to reach them. A pair that is met below
    itself is taken for equal there; what was found equal because of that is assumed, until the pair itself is settled.
    """

    def __init__(self, report: Report, options: Options) -> None:
        self.report = report
        self.options = options
        self.old = Normalizer(report.base)
        self.new = Normalizer(report.revision)
        self._equal: set[Any] = set()
        self._unequal: set[Any] = set()
        self._assumed: dict[Any, int] = {}
        self._written: set[str] = set()
        self._under_way: dict[Any, int] = {}
        self._visits: dict[Any, int] = {}
        self._lowest = _FREE
        self._dry = False

    def begin_operation(self) -> None:
        """Forget how often a pair was walked: every operation tells of its own changes."""
        self._visits.clear()

    def compare(self, old: Schema, new: Schema, place: Place, is_branch: bool = False) -> None:
        """Note every change between two schemas. `is_branch`: an alternative, of which null is not asked."""
        if self.same(old, new):
            return
        one, other = self.old.node(old), self.new.node(new)
        pair = (one.key, other.key, place.is_request, place.strongly_typed, is_branch)
        if pair in self._equal:
            return
        assumed_at = self._under_way.get(pair, self._assumed.get(pair))
        if assumed_at is not None:
            self._lowest = min(self._lowest, assumed_at)
            return
        if self._dry and pair in self._unequal:
            self.report.add(_COUNTED, place)
            return
        if not self._dry and self._visits.get(pair, 0) >= _SAME_PAIR:
            return
        depth = len(self._under_way)
        if depth >= MAX_DEPTH:
            spec, part = (self.report.base, old[0]) if old else (self.report.revision, new[0])
            raise spec.refuse(part, f"schemas nest deeper than {MAX_DEPTH} levels", "flatten them")
        self._walk(one, other, place, is_branch, pair, depth)

    def _walk(self, one: Node, other: Node, place: Place, is_branch: bool, pair: Any, depth: int) -> None:
        before, assumed, outer_lowest = len(self.report.found), len(self._assumed), self._lowest
        self._lowest = _FREE
        self._under_way[pair] = depth
        try:
            self._compare_nodes(one, other, place, is_branch)
        finally:
            del self._under_way[pair]
        lowest = self._lowest if self._lowest < depth else _FREE
        if len(self.report.found) > before:
            self._settle_assumed(assumed)
            if self._dry:
                self._unequal.add(pair)
            else:
                self._visits[pair] = self._visits.get(pair, 0) + 1
        elif lowest == _FREE:
            self._equal.update(self._settle_assumed(assumed), (pair,))
        else:
            self._assumed[pair] = lowest
        self._lowest = min(lowest, outer_lowest)

    def _settle_assumed(self, since: int) -> list[Any]:
        """End what was assumed below a pair, and return it: it holds if the pair is equal, else nothing is known."""
        return [self._assumed.popitem()[0] for _ in range(len(self._assumed) - since)]

    def same(self, old: Schema, new: Schema) -> bool:
        """Tell two schemas that are written alike and hold no others, as most are, without reading them anew."""
        if len(old) != 1 or len(new) != 1 or not _is_plain(old[0].value):
            return False
        written = repr(old[0].value)
        if written != repr(new[0].value):
            return False
        if written not in self._written:
            # Once, so that what cannot be read is told of.
            self.old.node(old)
            self.new.node(new)
            self._written.add(written)
        return True

    def equal(self, old: Schema, new: Schema, place: Place) -> bool:
        """Tell whether two schemas mean the same."""
        found, dry = self.report.found, self._dry
        self.report.found, self._dry = [], True
        try:
            self.compare(old, new, place)
            return not self.report.found
        finally:
            self.report.found, self._dry = found, dry

    def worst(self, old: Schema, new: Schema, place: Place) -> Level | None:
        """The worst level of what changed between two schemas, without noting it; None where nothing did."""
        found, self.report.found = self.report.found, []
        try:
            self.compare(old, new, place)
            levels = {rules()[change.rule].level for change in self.report.found}
        finally:
            self.report.found = found
        worst: tuple[Level, ...] = ("error", "warning", "info")
        return next((level for level in worst if level in levels), None)

    def _compare_nodes(self, old: Node, new: Node, place: Place, is_branch: bool) -> None:
        emit, before = self.emitter(old, new, place), len(self.report.found)
        self._compare_contents(old, new, place, is_branch, emit)
        compare_all_of(self, old, new, place, emit, changed=len(self.report.found) > before)

    def _compare_contents(self, old: Node, new: Node, place: Place, is_branch: bool, emit: Emit) -> None:
        if compare_alternatives(self, old, new, place, emit):
            return
        comparable = compare_types(old, new, emit, place.strongly_typed, place.is_request)
        if not is_branch and old.nullable != new.nullable and _may_say_null(old, new):
            suffix = "became-nullable" if new.nullable else "became-not-nullable"
            emit(suffix, old.nullable, new.nullable, "type", "null" if new.nullable else "not null")
        if self.options.descriptions:
            self._compare_words(old, new, place)
        if not comparable:
            return
        compare_values(old, new, emit)
        compare_constraints(old, new, emit, place.is_request)
        compare_defaults(old, new, emit)
        if place.scope == "request-parameter":
            compare_extensible(old, new, emit)
        compare_discriminators(self, old, new, place, emit)
        compare_properties(self, old, new, place)
        compare_subschemas(self, old, new, place, emit)

    def _compare_words(self, old: Node, new: Node, place: Place) -> None:
        for keyword in ("title", "description"):
            before, after = old.flags.get(keyword), new.flags.get(keyword)
            if before != after:
                self.report.add("description-changed", place, before, after, old.at(keyword), new.at(keyword))

    def emitter(self, old: Node, new: Node, place: Place) -> Callable[..., None]:
        """Return what notes a change between these two nodes at this place."""

        def emit(suffix: str, before: Any, after: Any, keyword: str, say: str = "") -> None:
            rule = _SPELLED.get((place.scope, suffix)) or f"{place.scope}-{suffix}"
            self.report.add(rule, place, before, after, old.at(keyword), new.at(keyword), say)

        return emit

    def value(self, part: Part) -> Schema:
        """A part as a schema; one that takes anything where it is absent."""
        return (part,) if part.value is not None else ()


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


_SPELLED = {("response-body", "enum-value-removed"): "response-mediatype-enum-value-removed"}


def _may_say_null(old: Node, new: Node) -> bool:
    """Whether null is worth a word: a schema that takes any type takes null, and the type's own finding says so."""
    return (old.types is None) == (new.types is None) or bool(old.choices) or bool(new.choices)
