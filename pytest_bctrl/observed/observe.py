"""Takes down what stands in a body, by generalised place, in one pass that goes column by column.

A list of objects is not walked item by item: every property of all its items is one column, whose types and values
are counted at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.node import Node, body_node
from pytest_bctrl.observed.facts import Facts, Observation
from pytest_bctrl.observed.tally import Chunks, Column, Tally, chunks_of, whole
from pytest_bctrl.observed.unknown import observe_unknown, observe_unknown_column, observe_unknown_values

NO_BODY: Any = object()
"""Stands for the data of an answer that has no JSON body."""


def observe(
    contract: Contract,
    operation: Operation,
    status: int,
    data: Any,
    into: Observation,
    media_type: str = "",
    *,
    conforms: bool | None = None,
) -> bool:
    """Count one answer and everything in its body; return whether the body conforms to its schema, if it has one.

    `data` is the body's JSON value, or `NO_BODY`; `media_type` tells where the contract documents several. What the
    contract leaves free-form is not looked into. `conforms` says what is known already; what follows from it is not
    looked at again, and what is taken down is the same. A long list is accepted and observed by the chunk, while its
    items are at hand: a list of ten thousand is gone through once where it would be fetched from memory twice.
    """
    code = str(status)
    into.statuses[operation.label, code] += 1
    tally = Tally(into, operation.label, code)
    node = None if data is NO_BODY else body_node(contract, operation.label, code, media_type)
    if node is None:
        if data is not NO_BODY and operation.response_for(status) is None:
            observe_unknown_column(tally, "", whole(data), 1)
        return True
    schema, chunks = node.firm[0].schema, None
    if conforms is None:
        chunks = chunks_of(node, data, lambda value: accepts(contract, schema, value))
        conforms = chunks is None and accepts(contract, schema, data)
    _Pass(tally, chunks).column(node, whole(data), 1, conforms)
    return conforms if chunks is None else chunks.all_accepted


class _Pass:
    """One pass over one body."""

    def __init__(self, tally: Tally, chunks: Chunks | None = None) -> None:
        self._tally = tally
        self._chunks = chunks

    def column(self, node: Node, column: Column, of: int, conforms: bool) -> None:
        """Take down the values at a place, of `of` objects that could have held one."""
        facts = self._tally.count(node.location, column, of)
        for kind, part in self._tally.by_type(facts, column, node.certain if conforms else None).items():
            if kind in ("object", "array", "string") and kind not in node.types:
                if kind == "string" and node.values is not None:
                    self._tally.values(facts, part, node.values)
                observe_unknown_values(self._tally, node.location, facts, kind, part)
            elif kind == "object":
                facts.empty += part.empty()
                self._objects(node, part, conforms)
            elif kind == "array":
                facts.empty += part.empty()
                self._lists(node, part, conforms)
            else:
                self._scalars(node, facts, kind, part, conforms)

    def _scalars(self, node: Node, facts: Facts, kind: str, column: Column, conforms: bool) -> None:
        if node.values is not None:
            self._tally.values(facts, column, node.values)
        if kind == "string":
            for name in node.formats:
                if conforms:
                    facts.formats[name] += len(column.values)
                else:
                    self._tally.format(facts, column, name)

    def _lists(self, node: Node, column: Column, conforms: bool) -> None:
        if self._parted(node, "array", column, conforms, self._lists):
            return
        for index, at in enumerate(node.positions):
            self._items(at, column.position(index), conforms)
        items = node.items
        if items is None:
            return
        if self._chunks is not None and node.location == self._chunks.location:
            for chunk, accepted in self._chunks.of(column):
                self.column(items, chunk, len(chunk.values), accepted)
        elif conforms and items.is_certain and not node.positions and self._tally.is_sampled(items.location):
            count = sum(map(len, column.values))
            self._tally.certain(items, count, count)
        else:
            self._items(items, column.items(len(node.positions)), conforms)

    def _items(self, node: Node, items: Column, conforms: bool) -> None:
        if items.values:
            self.column(node, items, len(items.values), conforms)

    def _objects(self, node: Node, column: Column, conforms: bool) -> None:
        if self._parted(node, "object", column, conforms, self._objects):
            return
        if not node.members and node.others is None:
            return
        names = column.names()
        for name, member in node.documented:
            self._member(member, column, name, names[name], conforms)
        unknown = [name for name in names if name not in node.members]
        if unknown and node.others is not None:
            self._others(node.others, column, unknown)
        elif not node.is_open:
            observe_unknown(self._tally, node.location, column, {name: names[name] for name in unknown})

    def _member(self, member: Node, column: Column, name: str, count: int, conforms: bool) -> None:
        total = len(column.values)
        if count < total:
            self._tally.absent(member.location, column, name)
        if not count:
            self._tally.facts(member.location).of += total
        elif conforms and member.is_certain:
            self._tally.certain(member, count, total, column, name)
        else:
            self.column(member, column.member(name, count == total), total, conforms)

    def _others(self, node: Node, column: Column, unknown: list[str]) -> None:
        for name in unknown:
            found = column.member(name, False)
            self.column(node, found, len(found.values), conforms=False)

    def _parted(
        self, node: Node, kind: str, column: Column, conforms: bool, go_on: Callable[[Node, Column, bool], None]
    ) -> bool:
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
            go_on(child, part, conforms and split.is_exact)
        self._tally.into.settle(self._tally.place(node.location))
        return True
