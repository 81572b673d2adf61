"""Takes down what stands in a body, by generalised place, in one pass that goes column by column.

A list of objects is not walked item by item: every property of all its items is one column, whose types and values
are counted at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.observed.column import Column, whole
from pytest_bctrl.observed.facts import Facts, Observation
from pytest_bctrl.observed.node import Node, body_node
from pytest_bctrl.observed.split import Choice
from pytest_bctrl.observed.tally import Tally
from pytest_bctrl.observed.unknown import observe_unknown, observe_unknown_values

NO_BODY: Any = object()
"""Stands for the data of an answer that has no JSON body."""


def observe(
    contract: Contract, operation: str, status: int, data: Any, into: Observation, media_type: str = ""
) -> None:
    """Count one answer of an operation (its label) and everything in its body.

    `data` is the body's JSON value, or `NO_BODY`; `media_type` tells where the contract documents several. What the
    contract leaves free-form is not looked into.
    """
    code = str(status)
    into.statuses[operation, code] += 1
    node = None if data is NO_BODY else body_node(contract, operation, code, media_type)
    tally = Tally(into, operation, code)
    if node is not None:
        _Pass(tally).column(node, whole(data), 1)
    elif data is not NO_BODY and _is_unknown(contract, operation, status):
        column = whole(data)
        facts = tally.count("", column, 1)
        for kind, part in tally.by_type(facts, column).items():
            observe_unknown_values(tally, "", facts, kind, part)


def _is_unknown(contract: Contract, operation: str, status: int) -> bool:
    """Whether the contract has the operation, and not the status."""
    return any(one.label == operation and one.response_for(status) is None for one in contract.operations)


class _Pass:
    """One pass over one body."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def column(self, node: Node, column: Column, of: int) -> None:
        """Take down the values at a place, of `of` objects that could have held one."""
        facts = self._tally.count(node.location, column, of)
        for kind, part in self._tally.by_type(facts, column).items():
            if kind in ("object", "array", "string") and kind not in node.types:
                observe_unknown_values(self._tally, node.location, facts, kind, part)
            elif kind == "object":
                self._objects(node, facts, part)
            elif kind == "array":
                self._lists(node, facts, part)
            else:
                self._scalars(node, facts, kind, part)

    def _scalars(self, node: Node, facts: Facts, kind: str, column: Column) -> None:
        if node.values is not None:
            self._tally.values(facts, column, node.values)
        if kind == "string":
            for name in node.formats:
                self._tally.format(facts, column, name)

    def _lists(self, node: Node, facts: Facts, column: Column) -> None:
        facts.empty += sum(1 for value in column.values if not value)
        self._array(node, column)

    def _array(self, node: Node, column: Column) -> None:
        if self._parted(node, "array", column, self._array):
            return
        for index, at in enumerate(node.positions):
            self._items(at, column.position(index))
        if node.items is not None:
            self._items(node.items, column.items(len(node.positions)))

    def _items(self, node: Node, items: Column) -> None:
        if items.values:
            self.column(node, items, len(items.values))

    def _objects(self, node: Node, facts: Facts, column: Column) -> None:
        facts.empty += sum(1 for value in column.values if not value)
        self._object(node, column)

    def _object(self, node: Node, column: Column) -> None:
        if self._parted(node, "object", column, self._object):
            return
        shapes = Counter(map(tuple, column.values))
        names: Counter[str] = Counter()
        for shape, count in shapes.items():
            for name in shape:
                names[name] += count
        total = len(column.values)
        for name in sorted(node.members):
            member = node.member(name)
            if member is None:
                continue
            if names[name]:
                self.column(member, column.member(name, everywhere=names[name] == total), total)
            else:
                self._tally.count(member.location, Column((), column.where), total)
            if names[name] < total:
                self._tally.absent(member.location, column, name)
        unknown = [name for name in names if name not in node.members]
        if unknown and node.others is not None:
            self._others(node.others, column, unknown)
        elif not node.is_open:
            observe_unknown(self._tally, node.location, column, {name: names[name] for name in unknown})

    def _others(self, node: Node, column: Column, unknown: list[str]) -> None:
        for name in unknown:
            found = column.member(name, everywhere=False)
            self.column(node, found, len(found.values))

    def _parted(self, node: Node, kind: str, column: Column, go_on: Callable[[Node, Column], None]) -> bool:
        """Part values by what tells the schemas that apply to them, where there is anything to tell."""
        pending = node.splits(kind)
        if not pending:
            return False
        split = pending[0]
        for tag, part in column.grouped([split.tag(value) for value in column.values]).items():
            is_new = isinstance(split, Choice) and split.name is not None and tag != "" and tag not in split.by_tag
            told = self._tally.tag(node.location, str(split.name), tag) if is_new else tag
            child = node.told(split, told)
            if told:
                facts = self._tally.count(child.location, part, len(column.values))
                facts.types[kind] += len(part.values)
                self._tally.sample(facts, kind, part, 0)
            if is_new:
                self._tally.into.settle(self._tally.place(node.location))
            go_on(child, part)
        return True
