"""Records which values a body contains at each location, in one pass over columns of values.

A list of objects is not traversed item by item: each property of all its items is one column, whose types and values
are counted together.
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
from pytest_bctrl.contract.schema.locations import ITEMS, Path, member_location, undocumented_member, with_tag
from pytest_bctrl.contract.schema.locations import exact_location as exact
from pytest_bctrl.contract.schema.node import Node, body_node
from pytest_bctrl.contract.schema.ref import TYPE_NAMES, json_text, json_type_of, type_name
from pytest_bctrl.contract.short_values import short_scalar, shorten
from pytest_bctrl.findings.fingerprint import LONGEST
from pytest_bctrl.observed.facts import FORMATS, MANY, Facts, Observation, ObservedLocation

Key = TypeVar("Key", bound=Hashable)

NO_BODY: Any = object()
"""Stands for the data of a response that has no JSON body."""


def observe(
    contract: Contract, operation: Operation, status: int, data: Any, into: Observation, media_type: str = ""
) -> None:
    """Add one response, and all values in its body, to an observation.

    `data` is the body's JSON value, or `NO_BODY`; `media_type` selects one of several documented media types. Values
    that the contract leaves free-form are not examined.
    """
    code = str(status)
    into.statuses[operation.label, code] += 1
    body_pass = _Pass(into, operation.label, code)
    if data is NO_BODY:
        return
    node = body_node(contract, operation.label, code, media_type)
    body_pass.observe_column("", node, Column([data], lambda index: ()), 1)


_LEVELS = 4
"""Number of levels below an undocumented member that are recorded."""

_MAX_UNKNOWN = 2_000
"""Maximum number of undocumented locations that one observation tracks individually."""

_CHUNK = 500
"""Number of items that are processed together, which limits the memory for everything inside them."""


class Column(NamedTuple):
    """Values, and a function from a value's index to its path; paths are only computed for samples."""

    values: Sequence[Any]
    where: Callable[[int], Path]

    def chosen(self, indices: Sequence[int]) -> Column:
        """Return a column of only the values at these indices."""
        return Column([self.values[index] for index in indices], lambda index: self.where(indices[index]))

    def grouped(self, keys: Sequence[Key]) -> dict[Key, Column]:
        """Return a column of values per key (`keys` has one per value), in the order in which the keys first occur."""
        groups: dict[Key, list[int]] = {}
        for index, key in enumerate(keys):
            groups.setdefault(key, []).append(index)
        if len(groups) == 1:
            return {keys[0]: self}
        return {key: self.chosen(indices) for key, indices in groups.items()}

    def member(self, name: str) -> Column:
        """Return a column of the values of a member, taken from the objects that have it."""
        with suppress(KeyError):
            return Column(list(map(itemgetter(name), self.values)), lambda index: (*self.where(index), name))

        def where(index: int) -> Path:
            """Return the path of a member, given its index among the objects that have it."""
            holders = (at for at, value in enumerate(self.values) if name in value)
            return (*self.where(next(islice(holders, index, None))), name)

        return Column([value[name] for value in self.values if name in value], where)

    def names(self) -> Counter[str]:
        """Return, for each property name, how many of the objects have it."""
        names: Counter[str] = Counter()
        for property_names, count in Counter(map(tuple, self.values)).items():
            names.update(dict.fromkeys(property_names, count))
        return names

    def count_empty(self) -> int:
        """Return how many of the lists or objects are empty."""
        return len(self.values) - sum(map(bool, self.values))

    def items(self, start: int = 0) -> Column:
        """Return a column of the items of all lists, in each list from its index `start` on."""

        def where(index: int) -> Path:
            """Return the path of an item in a body, given its index among the items of the column."""
            for at, value in enumerate(self.values):
                if index < len(value) - start:
                    return (*self.where(at), index + start)
                index -= max(0, len(value) - start)
            raise IndexError(index)  # pragma: no cover - an index is always that of an item

        lists = self.values
        if start:
            lists = [value[start:] for value in self.values]
        return Column(list(chain.from_iterable(lists)), where)

    def position(self, index: int) -> Column:
        """Return a column of the items at one index, taken from the lists that are long enough."""
        long = [at for at, value in enumerate(self.values) if len(value) > index]
        return Column([self.values[at][index] for at in long], lambda number: (*self.where(long[number]), index))


def _description(value: Any) -> Any:
    """Return a value as samples of responses show it: null or a boolean itself, else its size or type as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return f"{len(value)}-character string"
    return type_name(value)


def _encodable_name(name: str) -> str:
    """Return the name of a property, shortened, as text that can be encoded."""
    # A lone surrogate cannot be sent to another process unescaped.
    return str(short_scalar(name)).encode("utf-8", "backslashreplace").decode()


_NAMES = {kind: name for kind, name in TYPE_NAMES.items() if kind is not float}
"""JSON types by Python type; `float` is missing because 1.0 is an integer in JSON Schema."""


class _Pass:
    """One pass over one body, which adds to an observation."""

    def __init__(self, into: Observation, operation: str, status: str) -> None:
        self.into = into
        self._operation = operation
        self._status = status
        self._facts: dict[str, Facts] = {}

    def place(self, location: str) -> ObservedLocation:
        """Return the key of a location in this response."""
        return ObservedLocation(self._operation, self._status, location)

    def facts(self, location: str) -> Facts:
        """Return the facts observed so far at a location in this response, new ones if there are none."""
        facts = self._facts.get(location)
        if facts is None:
            facts = self._facts[location] = self.into.places.setdefault(self.place(location), Facts())
        return facts

    def count(self, location: str, column: Column, of: int) -> Facts:
        """Count the values at a location, which `of` objects could have had."""
        facts = self.facts(location)
        facts.seen += len(column.values)
        facts.of += of
        return facts

    def count_types(self, facts: Facts, column: Column) -> dict[str, Column]:
        """Count the values of each JSON type, store a sample of each, and return a column of values per type."""
        python_types = set(map(type, column.values))
        if len(python_types) == 1 and python_types <= _NAMES.keys():
            parts = {_NAMES[python_types.pop()]: column}
        elif python_types <= _NAMES.keys():
            parts = column.grouped([_NAMES[type(value)] for value in column.values])
        else:
            parts = column.grouped(list(map(json_type_of, column.values)))
        for name, part in parts.items():
            facts.types[name] += len(part.values)
            self.store_sample(facts, name, part, 0)
        return parts

    def store_sample(self, facts: Facts, of: str, column: Column, index: int) -> None:
        """Store a value, abridged, and its location as the sample of `of` unless there is one already."""
        if of not in facts.samples and column.values:
            shape = shorten(column.values[index], scalar=_description, name=_encodable_name)
            facts.samples[of] = {"location": exact(column.where(index)), "value": shape}

    def store_absence(self, location: str, column: Column, name: str) -> None:
        """Store the location of the first object that lacks a member unless there is one already."""
        facts = self.facts(location)
        if "absent" not in facts.samples:
            index = next(at for at, value in enumerate(column.values) if name not in value)
            facts.samples["absent"] = {"location": exact((*column.where(index), name)), "value": "no such property"}

    def count_values(self, facts: Facts, column: Column, documented: Mapping[str, Any]) -> None:
        """Count scalars of one type by their JSON text; documented values are always counted individually."""
        for text in documented:
            facts.values.setdefault(text, 0)
        for value, count in Counter(column.values).items():
            text = ""
            # The interpreter cannot convert very long integers.
            if not isinstance(value, int) or value.bit_length() <= 4 * LONGEST:
                text = json_text(value)
            is_long = len(value if isinstance(value, str) else text) > LONGEST
            if not text or (is_long and text not in facts.values):
                facts.others += count
                continue
            facts.count_value(text, count)
            if text not in documented and text in facts.values:
                self.store_sample(facts, text, column, list(column.values).index(value))

    def count_format(self, facts: Facts, column: Column, name: str) -> None:
        """Count the strings that conform to a format; the first that does not is stored as a sample."""
        conforming_count = count_conforming(column.values, name)
        facts.formats[name] += conforming_count
        if conforming_count < len(column.values):
            index = next(at for at, value in enumerate(column.values) if not conforms_to_format(value, name))
            self.store_sample(facts, f"not {name}", column, index)

    def tag_to_count(self, location: str, name: str, tag: str) -> str:
        """Track an undocumented tag, and return the tag to count it under: after `MANY` tags, the others share one."""
        parent, place = self.place(location), self.place(with_tag(location, tag))
        tracked = self.into.unknown.setdefault(parent, set())
        if place not in tracked and len(tracked) >= MANY:
            return f"{name}:other"
        tracked.add(place)
        self.facts(place.location)
        return tag

    def observe_column(self, location: str, node: Node | None, column: Column, of: int, level: int = 0) -> None:
        """Record the values at a location and inside them; `of` is how many objects could have had one.

        If the contract documents nothing at the location (no `node`), or no values of their type, the shape of the
        values is recorded, some levels deep.
        """
        facts = self.count(location, column, of)
        for kind, part in self.count_types(facts, column).items():
            documented_node = None
            if node is not None and kind in node.types:
                documented_node = node
            if kind in ("object", "array"):
                facts.empty += part.count_empty()
                if documented_node is not None:
                    self._observe_inside(documented_node, kind, part)
                elif level < _LEVELS and kind == "object":
                    self._observe_undocumented(location, part, part.names(), level + 1)
                elif level < _LEVELS:
                    self._observe_items(location + ITEMS, None, part.items(), level + 1)
                continue
            if node is not None and node.values is not None:
                self.count_values(facts, part, node.values)
            if kind == "string":
                formats = FORMATS if documented_node is None else documented_node.formats
                for name in formats:
                    self.count_format(facts, part, name)

    def _observe_inside(self, node: Node, kind: str, column: Column) -> None:
        """Record the properties of objects, or the items of lists."""
        if node.applicators(kind):
            self._observe_branches(node, kind, column)
        elif kind == "object":
            self._observe_objects(node, column)
        else:
            for index, at in enumerate(node.positions):
                self._observe_items(at.location, at, column.position(index))
            if node.items is not None:
                self._observe_items(node.items.location, node.items, column.items(len(node.positions)))

    def _observe_items(self, location: str, node: Node | None, items: Column, level: int = 0) -> None:
        """Record the items of lists, in chunks."""
        for start in range(0, len(items.values), _CHUNK):
            chunk = items.values[start : start + _CHUNK]
            where = partial(lambda first, index: items.where(first + index), start)
            self.observe_column(location, node, Column(chunk, where), len(chunk), level)

    def _observe_objects(self, node: Node, column: Column) -> None:
        """Record the properties of objects: documented ones, absent ones, and unknown ones."""
        if node.is_open or node.others is not None:
            self._observe_required(node, column)
        if not node.members and node.others is None:
            return
        total, documented = len(column.values), 0
        for name, member in node.documented:
            member_column = column.member(name)
            documented += len(member_column.values)
            if len(member_column.values) < total:
                self.store_absence(member.location, column, name)
            self.observe_column(member.location, member, member_column, total)
        unknown: dict[str, int] = {}
        if documented < sum(map(len, column.values)):
            unknown = {name: count for name, count in column.names().items() if name not in node.members}
        if unknown and node.others is not None:
            for name in unknown:
                member_column = column.member(name)
                self.observe_column(node.others.location, node.others, member_column, len(member_column.values))
        elif not node.is_open:
            self._observe_undocumented(node.location, column, unknown, 0)

    def _observe_required(self, node: Node, column: Column) -> None:
        """Record the required properties about which the contract says nothing else, but nothing inside them."""
        for name in node.required.keys() - node.members:
            location, member_column = member_location(node.location, name), column.member(name)
            if len(member_column.values) < len(column.values):
                self.store_absence(location, column, name)
            self.observe_column(location, None, member_column, len(column.values), _LEVELS)

    def _observe_branches(self, node: Node, kind: str, column: Column) -> None:
        """Group values by the branches of the schema that apply to them, and record each group."""
        split = node.applicators(kind)[0]
        for branch_tag, part in column.grouped(split.tags(column.values)).items():
            tag = branch_tag
            if isinstance(split, Choice) and split.name is not None and split.is_undocumented(tag):
                tag = self.tag_to_count(node.location, split.name, tag)
            child = node.narrowed_to_tag(split, tag)
            if tag:
                facts = self.count(child.location, part, len(column.values))
                facts.types[kind] += len(part.values)
                self.store_sample(facts, kind, part, 0)
            self._observe_inside(child, kind, part)
        self.into.count_objects_of_unknown(self.place(node.location))

    def _observe_undocumented(self, location: str, column: Column, names: Mapping[str, int], level: int) -> None:
        """Record the undocumented members of objects; `names` maps each name to how many objects have it.

        Only a limited number of locations is tracked; members beyond it are counted together.
        """
        into, parent = self.into, self.place(location)
        tracked = into.unknown.get(parent, set())
        room = 0
        if names:
            room = _MAX_UNKNOWN - sum(map(len, into.unknown.values()))
        for name, count in names.items():
            place_of_member = undocumented_member(location, name)
            place = self.place(place_of_member)
            if place not in tracked:
                if len(tracked) >= MANY or room <= 0:
                    into.uncounted_members[parent] += count
                    continue
                room -= 1
                tracked.add(place)
                into.unknown[parent] = tracked
            self.observe_column(place_of_member, None, column.member(name), 0, level)
        if tracked:
            into.count_objects_of_unknown(parent)
