"""Takes down what stands in a body, by generalised place, in one pass that goes column by column.

A list of objects is not walked item by item: every property of all its items is one column, whose types and values
are counted at once, with shortcuts where a count or a chunk says all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from pytest_bctrl.contract.engine import conforms_to_format, count_conforming
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.applicators import Choice
from pytest_bctrl.contract.schema.locations import ITEMS, Path, undocumented_member, with_tag
from pytest_bctrl.contract.schema.locations import exact_location as exact
from pytest_bctrl.contract.schema.node import Node, body_node
from pytest_bctrl.contract.schema.ref import TYPE_NAMES, json_text, kind_of, type_name
from pytest_bctrl.contract.short_values import short_scalar, shorten
from pytest_bctrl.findings.fingerprint import LONGEST
from pytest_bctrl.observed.facts import FORMATS, MANY, Facts, Observation, Place

Key = TypeVar("Key", bound=Hashable)

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
    taken = _Pass(into, operation.label, code)
    node = None if data is NO_BODY else body_node(contract, operation.label, code, media_type)
    if node is not None or (data is not NO_BODY and operation.response_for(status) is None):
        taken.column("", node, Column([data], lambda index: ()), 1)


_LEVELS = 4
"""Levels below an unknown member that are looked into."""

_PLACES = 2_000
"""Unknown places that one observation tells apart in all."""

_CHUNK = 500
"""Items that are looked at together: so few stay at hand while all that lies in them is looked at."""


class Column(NamedTuple):
    """The values, and a function from a value's index to its path; paths are only found for samples."""

    values: Sequence[Any]
    where: Callable[[int], Path]

    def chosen(self, indices: Sequence[int]) -> Column:
        """The values at some of the indices."""
        return Column([self.values[index] for index in indices], lambda index: self.where(indices[index]))

    def grouped(self, keys: Sequence[Key]) -> dict[Key, Column]:
        """The values by a key of each, in the order in which the keys are first met."""
        groups: dict[Key, list[int]] = {}
        for index, key in enumerate(keys):
            groups.setdefault(key, []).append(index)
        if len(groups) == 1:
            return {keys[0]: self}
        return {key: self.chosen(indices) for key, indices in groups.items()}

    def member(self, name: str) -> Column:
        """A member of each object that has it."""
        with suppress(KeyError):
            return Column(list(map(itemgetter(name), self.values)), lambda index: (*self.where(index), name))

        def where(index: int) -> Path:
            holders = (at for at, value in enumerate(self.values) if name in value)
            return (*self.where(next(islice(holders, index, None))), name)

        return Column([value[name] for value in self.values if name in value], where)

    def names(self) -> Counter[str]:
        """How many of the objects have each property."""
        names: Counter[str] = Counter()
        for shape, count in Counter(map(tuple, self.values)).items():
            names.update(dict.fromkeys(shape, count))
        return names

    def empty(self) -> int:
        """How many of the lists or objects have nothing in them."""
        return len(self.values) - sum(map(bool, self.values))

    def items(self, start: int = 0) -> Column:
        """The items of all lists, from an index on."""

        def where(index: int) -> Path:
            for at, value in enumerate(self.values):
                if index < len(value) - start:
                    return (*self.where(at), index + start)
                index -= max(0, len(value) - start)
            raise IndexError(index)  # pragma: no cover - an index is always that of an item

        lists = [value[start:] for value in self.values] if start else self.values
        return Column(list(chain.from_iterable(lists)), where)

    def position(self, index: int) -> Column:
        """The item at one index of each list that is so long."""
        long = [at for at, value in enumerate(self.values) if len(value) > index]
        return Column([self.values[at][index] for at in long], lambda number: (*self.where(long[number]), index))


def _shape(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    return f"{len(value)}-character string" if isinstance(value, str) else type_name(value)


def _name(name: str) -> str:
    # A lone surrogate could not be sent to another process as it is.
    return str(short_scalar(name)).encode("utf-8", "backslashreplace").decode()


_NAMES = {kind: name for kind, name in TYPE_NAMES.items() if kind is not float}
"""The types that a Python type tells; a number with a fraction may be an integer too."""


class _Pass:
    """One pass over one body, which writes into an observation."""

    def __init__(self, into: Observation, operation: str, status: str) -> None:
        self.into = into
        self._operation = operation
        self._status = status
        self._known: dict[str, Facts] = {}

    def place(self, location: str) -> Place:
        """The place of a location in this answer."""
        return Place(self._operation, self._status, location)

    def facts(self, location: str) -> Facts:
        """The facts of a location in this answer."""
        known = self._known.get(location)
        if known is None:
            known = self._known[location] = self.into.places.setdefault(self.place(location), Facts())
        return known

    def count(self, location: str, column: Column, of: int) -> Facts:
        """Count values at a place, of so many that could have been there."""
        facts = self.facts(location)
        facts.seen += len(column.values)
        facts.of += of
        return facts

    def by_type(self, facts: Facts, column: Column) -> dict[str, Column]:
        """Count the values' types, and part the column by them."""
        kinds = set(map(type, column.values))
        if len(kinds) == 1 and kinds <= _NAMES.keys():
            parts = {_NAMES[kinds.pop()]: column}
        elif kinds <= _NAMES.keys():
            parts = column.grouped([_NAMES[type(value)] for value in column.values])
        else:
            parts = column.grouped(list(map(kind_of, column.values)))
        for kind, part in parts.items():
            facts.types[kind] += len(part.values)
            self.sample(facts, kind, part, 0)
        return parts

    def sample(self, facts: Facts, of: str, column: Column, index: int) -> None:
        """Keep a value as the sample of something, if it is the first."""
        if of not in facts.samples and column.values:
            shape = shorten(column.values[index], scalar=_shape, name=_name)
            facts.samples[of] = {"location": exact(column.where(index)), "value": shape}

    def absent(self, location: str, column: Column, name: str) -> None:
        """Keep the place of the first object that lacks a member, if it is the first."""
        facts = self.facts(location)
        if "absent" not in facts.samples:
            index = next(at for at, value in enumerate(column.values) if name not in value)
            facts.samples["absent"] = {"location": exact((*column.where(index), name)), "value": "no such property"}

    def values(self, facts: Facts, column: Column, documented: Mapping[str, Any]) -> None:
        """Count scalars of one type by their JSON text; documented ones are always told apart."""
        for text in documented:
            facts.values.setdefault(text, 0)
        for value, count in Counter(column.values).items():
            # The interpreter refuses to write integers that are longer still.
            text = "" if isinstance(value, int) and value.bit_length() > 4 * LONGEST else json_text(value)
            if not text or (isinstance(value, str) and len(value) > LONGEST and text not in facts.values):
                facts.others += count
                continue
            facts.count_value(text, count)
            if text not in documented and text in facts.values:
                self.sample(facts, text, column, list(column.values).index(value))

    def format(self, facts: Facts, column: Column, name: str) -> None:
        """Count the strings that are in a format."""
        held = count_conforming(column.values, name)
        facts.formats[name] += held
        if held < len(column.values):
            index = next(at for at, value in enumerate(column.values) if not conforms_to_format(value, name))
            self.sample(facts, f"not {name}", column, index)

    def tag(self, location: str, name: str, tag: str) -> str:
        """A tag that no contract has, as it is told apart: past `MANY` of them, all others are one."""
        parent, place = self.place(location), self.place(with_tag(location, tag))
        known = self.into.unknown.setdefault(parent, set())
        if place not in known and len(known) >= MANY:
            return f"{name}:other"
        known.add(place)
        self.facts(place.location)
        return tag

    def column(self, location: str, node: Node | None, column: Column, of: int, level: int = 0) -> None:
        """Take down the values at a place, of `of` objects that could have held one.

        Where no contract says anything of the place (no `node`), or of values of this type, it is their shape and that
        of what lies in them, some levels down.
        """
        facts = self.count(location, column, of)
        for kind, part in self.by_type(facts, column).items():
            known = node if node is not None and kind in node.types else None
            if kind in ("object", "array"):
                facts.empty += part.empty()
                if known is not None:
                    self._inside(known, kind, part)
                elif level < _LEVELS and kind == "object":
                    self._undocumented(location, part, part.names(), level + 1)
                elif level < _LEVELS:
                    self._items(location + ITEMS, None, part.items(), level + 1)
                continue
            if node is not None and node.values is not None:
                self.values(facts, part, node.values)
            for name in (known.formats if known else FORMATS) if kind == "string" else ():
                self.format(facts, part, name)

    def _inside(self, node: Node, kind: str, column: Column) -> None:
        if node.applicators(kind):
            self._parted(node, kind, column)
        elif kind == "object":
            self._objects(node, column)
        else:
            for index, at in enumerate(node.positions):
                self._items(at.location, at, column.position(index))
            if node.items is not None:
                self._items(node.items.location, node.items, column.items(len(node.positions)))

    def _items(self, location: str, node: Node | None, items: Column, level: int = 0) -> None:
        for start in range(0, len(items.values), _CHUNK):
            chunk = items.values[start : start + _CHUNK]
            where = partial(lambda first, index: items.where(first + index), start)
            self.column(location, node, Column(chunk, where), len(chunk), level)

    def _objects(self, node: Node, column: Column) -> None:
        if not node.members and node.others is None:
            return
        total, documented = len(column.values), 0
        for name, member in node.documented:
            found = column.member(name)
            documented += len(found.values)
            if len(found.values) < total:
                self.absent(member.location, column, name)
            self.column(member.location, member, found, total)
        names = column.names() if documented < sum(map(len, column.values)) else {}
        unknown = {name: count for name, count in names.items() if name not in node.members}
        if unknown and node.others is not None:
            for name in unknown:
                found = column.member(name)
                self.column(node.others.location, node.others, found, len(found.values))
        elif not node.is_open:
            self._undocumented(node.location, column, unknown, 0)

    def _parted(self, node: Node, kind: str, column: Column) -> None:
        """Part values by what tells the schemas that apply to them."""
        split = node.applicators(kind)[0]
        for tag, part in column.grouped(split.tags(column.values)).items():
            is_new = isinstance(split, Choice) and split.name is not None and tag != "" and tag not in split.by_tag
            told = self.tag(node.location, str(split.name), tag) if is_new else tag
            child = node.narrow(split, told)
            if told:
                facts = self.count(child.location, part, len(column.values))
                facts.types[kind] += len(part.values)
                self.sample(facts, kind, part, 0)
            self._inside(child, kind, part)
        self.into.settle(self.place(node.location))

    def _undocumented(self, location: str, column: Column, names: Mapping[str, int], level: int) -> None:
        """Members of objects that no contract names, by name and how many have it; so many places are told apart."""
        into, parent = self.into, self.place(location)
        known = into.unknown.get(parent, set())
        room = _PLACES - sum(map(len, into.unknown.values())) if names else 0
        for name, count in names.items():
            at = undocumented_member(location, name)
            place = self.place(at)
            if place not in known:
                if len(known) >= MANY or room <= 0:
                    into.untold[parent] += count
                    continue
                room -= 1
                known.add(place)
                into.unknown[parent] = known
            self.column(at, None, column.member(name), 0, level)
        if known:
            into.settle(parent)
