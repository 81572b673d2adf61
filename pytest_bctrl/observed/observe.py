"""Takes down what stands in a body, by generalised place, in one pass that goes column by column.

A list of objects is not walked item by item: every property of all its items is one column, whose types and values
are counted at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from operator import contains, itemgetter
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.node import Node, body_node
from pytest_bctrl.contract.schema.ref import body_spot
from pytest_bctrl.observed.facts import Facts, Observation
from pytest_bctrl.observed.tally import Chunks, Column, Tally, chunks_of, observe_flat, whole
from pytest_bctrl.observed.unknown import observe_unknown, observe_unknown_values

NO_BODY: Any = object()
"""Stands for the data of an answer that has no JSON body."""


def observe(
    contract: Contract,
    operation: str,
    status: int,
    data: Any,
    into: Observation,
    media_type: str = "",
    *,
    conforms: bool = False,
) -> None:
    """Count one answer of an operation (its label) and everything in its body.

    `data` is the body's JSON value, or `NO_BODY`; `media_type` tells where the contract documents several. What the
    contract leaves free-form is not looked into. `conforms` says that the body is known to conform to its schema: what
    follows from that is not looked at again, and what is taken down is the same.
    """
    code = str(status)
    into.statuses[operation, code] += 1
    node = None if data is NO_BODY else body_node(contract, operation, code, media_type)
    tally = Tally(into, operation, code)
    if node is not None:
        _Pass(tally).column(node, whole(data), 1, conforms)
    elif data is not NO_BODY and _is_unknown(contract, operation, status):
        column = whole(data)
        facts = tally.count("", column, 1)
        for kind, part in tally.by_type(facts, column).items():
            observe_unknown_values(tally, "", facts, kind, part)


def _is_unknown(contract: Contract, operation: str, status: int) -> bool:
    """Whether the contract has the operation, and not the status."""
    return any(one.label == operation and one.response_for(status) is None for one in contract.operations)


def examine(
    contract: Contract, operation: Operation, status: int, data: Any, into: Observation, media_type: str = ""
) -> bool:
    """Do what `observe` does, and tell whether the body conforms to its schema; True where it has none.

    A long list is accepted and observed by the chunk, while its items are at hand: a list of ten thousand is gone
    through once where it would be fetched from memory twice.
    """
    label, code = operation.label, str(status)
    spot = None if data is NO_BODY else body_spot(contract, operation, code, media_type)
    node = None if spot is None else body_node(contract, label, code, media_type)
    if spot is None or node is None:
        observe(contract, label, status, data, into, media_type)
        return True
    into.statuses[label, code] += 1
    chunks = chunks_of(node, data, lambda value: accepts(contract, spot.schema, value))
    conforms = accepts(contract, spot.schema, data) if chunks is None else False
    _Pass(Tally(into, label, code), chunks).column(node, whole(data), 1, conforms)
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
                facts.empty += _empty(part)
                self._objects(node, part, conforms)
            elif kind == "array":
                facts.empty += _empty(part)
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
        if conforms and node.flat_size:
            names = Counter(chain.from_iterable(column.values))
            columns: dict[str, Sequence[Any]] = {}
        else:
            names, columns = _taken_out(node, column) if conforms else (_names(column), {})
        if not (conforms and observe_flat(self._tally, node, column, names)):
            for name, member in node.documented:
                self._member(member, column, name, names[name], conforms, columns.get(name))
        unknown = [name for name in names if name not in node.members]
        if unknown and node.others is not None:
            self._others(node.others, column, unknown)
        elif not node.is_open:
            observe_unknown(self._tally, node.location, column, {name: names[name] for name in unknown})

    def _member(
        self, member: Node, column: Column, name: str, count: int, conforms: bool, values: Sequence[Any] | None
    ) -> None:
        total = len(column.values)
        if count < total:
            self._tally.absent(member.location, column, name)
        if not count:
            self._tally.facts(member.location).of += total
        elif conforms and member.is_certain:
            self._tally.certain(member, count, total, column, name)
        else:
            self.column(member, column.member(name, count == total, values), total, conforms)

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


def _names(column: Column) -> Counter[str]:
    """How many of the objects have each property."""
    names: Counter[str] = Counter()
    for shape, count in Counter(map(tuple, column.values)).items():
        for name in shape:
            names[name] += count
    return names


def _taken_out(node: Node, column: Column) -> tuple[Counter[str], dict[str, Sequence[Any]]]:
    """How many of the conforming objects have each property, and the values of those whose values are looked at.

    Every object is gone to once, for all of it: going to it costs more than what is done there. What is required is
    there. The others are counted, and where as many properties were counted as there are, there is no other.
    """
    objects, total = column.values, len(column.values)
    names: Counter[str] = Counter(dict.fromkeys(node.required, total))
    wanted = [(name, member) for name, member in node.documented if not (name in names and member.is_certain)]
    sources: list[Iterator[Any]] = [map(len, objects)]
    for name, member in wanted:
        if name in names:
            sources.append(map(itemgetter(name), objects))
        elif member.is_certain:
            sources.append(map(contains, objects, repeat(name)))
        else:
            sources.append(map(dict.get, objects, repeat(name), repeat(_MISSING)))
    sizes, *taken = zip(*zip(*sources, strict=True), strict=True)
    columns: dict[str, Sequence[Any]] = {}
    for (name, member), values in zip(wanted, taken, strict=True):
        if name in node.required:
            columns[name] = values
        elif member.is_certain:
            names[name] = sum(values)
        else:
            columns[name] = [value for value in values if value is not _MISSING]
            names[name] = len(columns[name])
    return (names if sum(names.values()) == sum(sizes) else _names(column)), columns


_MISSING: Any = object()


def _empty(column: Column) -> int:
    return len(column.values) - sum(map(bool, column.values))
