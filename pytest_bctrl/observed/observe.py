"""Takes down what stands in a body, by generalised place, in one pass that goes column by column.

A list of objects is not walked item by item: every property of all its items is one column, whose types and values
are counted at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.locations import ITEMS, unknown_member
from pytest_bctrl.contract.schema.node import Node, body_node
from pytest_bctrl.observed.facts import FORMATS, MANY, Facts, Observation
from pytest_bctrl.observed.tally import Column, Tally, whole

NO_BODY: Any = object()
"""Stands for the data of an answer that has no JSON body."""


def observe(
    contract: Contract, operation: Operation, status: int, data: Any, into: Observation, media_type: str = ""
) -> None:
    """Count one answer and everything in its body.

    `data` is the body's JSON value, or `NO_BODY`; `media_type` tells where the contract documents several. What the
    contract leaves free-form is not looked into.
    """
    code = str(status)
    into.statuses[operation.label, code] += 1
    tally = Tally(into, operation.label, code)
    node = None if data is NO_BODY else body_node(contract, operation.label, code, media_type)
    if node is not None:
        _Pass(tally).column(node, whole(data), 1)
    elif data is not NO_BODY and operation.response_for(status) is None:
        _Pass(tally).unknown("", whole(data), 1)


_LEVELS = 4
"""Levels below an unknown member that are looked into."""

_PLACES = 2_000
"""Unknown places that one observation tells apart in all."""


class _Pass:
    """One pass over one body."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def column(self, node: Node, column: Column, of: int) -> None:
        """Take down the values at a place, of `of` objects that could have held one."""
        facts = self._tally.count(node.location, column, of)
        for kind, part in self._tally.by_type(facts, column).items():
            if node.values is not None and kind not in ("object", "array"):
                self._tally.values(facts, part, node.values)
            if kind in ("object", "array", "string") and kind not in node.types:
                self._unknown(node.location, facts, kind, part, 0)
            elif kind == "object":
                facts.empty += part.empty()
                self._objects(node, part)
            elif kind == "array":
                facts.empty += part.empty()
                self._lists(node, part)
            elif kind == "string":
                for name in node.formats:
                    self._tally.format(facts, part, name)

    def _lists(self, node: Node, column: Column) -> None:
        if self._parted(node, "array", column, self._lists):
            return
        for index, at in enumerate(node.positions):
            self._items(at, column.position(index))
        if node.items is not None:
            self._items(node.items, column.items(len(node.positions)))

    def _items(self, node: Node, items: Column) -> None:
        for chunk in items.chunks():
            self.column(node, chunk, len(chunk.values))

    def _objects(self, node: Node, column: Column) -> None:
        if self._parted(node, "object", column, self._objects):
            return
        if not node.members and node.others is None:
            return
        total, documented = len(column.values), 0
        for name, member in node.documented:
            found = column.member(name)
            documented += len(found.values)
            if len(found.values) < total:
                self._tally.absent(member.location, column, name)
            self.column(member, found, total)
        names = column.names() if documented < sum(map(len, column.values)) else {}
        unknown = {name: count for name, count in names.items() if name not in node.members}
        if unknown and node.others is not None:
            for name in unknown:
                found = column.member(name)
                self.column(node.others, found, len(found.values))
        elif not node.is_open:
            self._undocumented(node.location, column, unknown, 0)

    def _parted(self, node: Node, kind: str, column: Column, go_on: Callable[[Node, Column], None]) -> bool:
        """Part values by what tells the schemas that apply to them, where there is anything to tell."""
        pending = node.splits(kind)
        if not pending:
            return False
        split = pending[0]
        for tag, part in column.grouped(split.tags(column.values)).items():
            is_new = isinstance(split, Choice) and split.name is not None and tag != "" and tag not in split.by_tag
            told = self._tally.tag(node.location, str(split.name), tag) if is_new else tag
            child = node.told(split, told)
            if told:
                facts = self._tally.count(child.location, part, len(column.values))
                facts.types[kind] += len(part.values)
                self._tally.sample(facts, kind, part, 0)
            go_on(child, part)
        self._tally.into.settle(self._tally.place(node.location))
        return True

    def unknown(self, location: str, column: Column, of: int, level: int = 0) -> None:
        """Take down the shape of values at a place of which no contract says anything, and of what lies in them."""
        facts = self._tally.count(location, column, of)
        for kind, part in self._tally.by_type(facts, column).items():
            self._unknown(location, facts, kind, part, level)

    def _unknown(self, location: str, facts: Facts, kind: str, column: Column, level: int) -> None:
        if kind == "string":
            for name in FORMATS:
                self._tally.format(facts, column, name)
        elif kind in ("array", "object"):
            facts.empty += column.empty()
            if level < _LEVELS and kind == "object":
                self._undocumented(location, column, column.names(), level + 1)
            elif level < _LEVELS and (items := column.items()).values:
                self.unknown(location + ITEMS, items, len(items.values), level + 1)

    def _undocumented(self, location: str, column: Column, names: Mapping[str, int], level: int) -> None:
        """Members of objects that no contract names, by name and how many have it; so many places are told apart."""
        into, parent = self._tally.into, self._tally.place(location)
        known = into.unknown.get(parent, set())
        room = _PLACES - sum(map(len, into.unknown.values())) if names else 0
        for name, count in names.items():
            at = unknown_member(location, name)
            place = self._tally.place(at)
            if place not in known:
                if len(known) >= MANY or room <= 0:
                    into.untold[parent] += count
                    continue
                room -= 1
                known.add(place)
                into.unknown[parent] = known
            self.unknown(at, column.member(name), 0, level)
        if known:
            into.settle(parent)
