"""Finds what belongs together in two documents, operations and alternatives, and never by a component's name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple, TypeVar

from pytest_bctrl.contract.outline import RawOperation, Spec
from pytest_bctrl.drift.node import Node, Schema
from pytest_bctrl.drift.normalize import Normalizer
from pytest_bctrl.drift.pair import Sides

_ALIKE = 0.34


Item = TypeVar("Item")


class Operations(NamedTuple):
    """Operations of two documents, matched."""

    both: list[tuple[RawOperation, RawOperation]]
    removed: list[RawOperation]
    added: list[RawOperation]


def match_operations(old: list[RawOperation], new: list[RawOperation]) -> Operations:
    """Match operations by method and path; where the text of the path differs, by its shape."""
    both: list[tuple[RawOperation, RawOperation]] = []
    gone, come = unlike(old, new, lambda one, other: (one.method, one.path) == (other.method, other.path), both)
    removed, added = unlike(gone, come, lambda one, other: (one.method, one.shape) == (other.method, other.shape), both)
    order = {id(one): index for index, one in enumerate(old)}
    return Operations(sorted(both, key=lambda pair: order[id(pair[0])]), removed, added)


class Branch(NamedTuple):
    """One alternative: as it is written, what it says, and by which values of its properties it is told apart."""

    schema: Schema
    node: Node
    values: dict[str, frozenset[Any]]


class Branches(NamedTuple):
    """Alternatives of two schemas, matched; with each pair, what to call it."""

    both: list[tuple[Branch, Branch, str]]
    removed: list[tuple[Branch, str]]
    added: list[tuple[Branch, str]]


def branches(schemas: Iterable[Schema], normal: Normalizer) -> list[Branch]:
    """Read alternatives for matching."""
    found = []
    for one in schemas:
        node = normal.node(one)
        values = normal.listed.get(node)
        if values is None:
            values = normal.listed[node] = {}
            for name, schema in node.maps.get("properties", {}).items():
                if _may_list(schema, normal.spec) and (enum := normal.node(schema).enum):
                    values[name] = frozenset(enum)
        found.append(Branch(one, node, values))
    return found


_LISTS = frozenset(("enum", "const", "allOf", "anyOf", "oneOf"))


def _may_list(schema: Schema, spec: Spec) -> bool:
    """Tell what might list values, without reading it: most do not."""
    return any(_LISTS & value.keys() if isinstance(value, dict) else True for value, _ in map(spec.resolve, schema))


def match_branches(sides: Sides, old: list[Branch], new: list[Branch], at_once: bool = False) -> Branches:
    """Match alternatives: by the value of a property that tells them apart, then by equality, then by likeness.

    `at_once`: all of them hold, so that no property tells them apart.
    """
    teller = "" if at_once else _telling_property(old, new)
    pairs = [
        (one, other)
        for one in old
        for other in new
        if teller and one.values.get(teller, frozenset()) & other.values.get(teller, frozenset())
    ]
    taken = {id(branch) for pair in pairs for branch in pair}
    rest_old, rest_new = ([branch for branch in side if id(branch) not in taken] for side in (old, new))

    def written_alike(one: Branch, other: Branch) -> bool:
        return sides.equality.written_alike(one.schema, other.schema)

    rest_old, rest_new = unlike(rest_old, rest_new, written_alike, pairs)
    rest_old, rest_new = _take_meaning(sides, pairs, rest_old, rest_new, teller)
    rest_old, rest_new = _pair_up(pairs, rest_old, rest_new, teller)
    order = {id(one): index for index, one in enumerate(old)}
    pairs.sort(key=lambda pair: order[id(pair[0])])
    return Branches(
        [(one, other, _label(one, other, teller)) for one, other in pairs],
        [(one, _label(one, one, teller)) for one in rest_old],
        [(one, _label(one, one, teller)) for one in rest_new],
    )


def _telling_property(old: list[Branch], new: list[Branch]) -> str:
    """The property whose values tell the alternatives of each side apart and match most of them; or none."""
    best, most = "", 0
    for name in sorted({name for branch in old for name in branch.values}):
        sides = [[branch.values[name] for branch in side if name in branch.values] for side in (old, new)]
        if any(sum(map(len, side)) != len(frozenset[Any]().union(*side)) for side in sides):
            continue
        matched = sum(bool(one & other) for one in sides[0] for other in sides[1])
        if matched > most:
            best, most = name, matched
    return best


def _pair_up(
    pairs: list[tuple[Branch, Branch]], old: list[Branch], new: list[Branch], teller: str
) -> tuple[list[Branch], list[Branch]]:
    """Move the pairs that are most alike out of what is left."""
    scored = [(_likeness(one, other, teller), i, j) for i, one in enumerate(old) for j, other in enumerate(new)]
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for value, i, j in sorted(scored, key=lambda entry: (-entry[0], entry[1], entry[2])):
        if value >= _ALIKE and i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            pairs.append((old[i], new[j]))
    return (
        [one for i, one in enumerate(old) if i not in taken_old],
        [one for j, one in enumerate(new) if j not in taken_new],
    )


def unlike(
    old: Iterable[Item], new: Iterable[Item], alike: Callable[[Item, Item], bool], taken: list[tuple[Item, Item]]
) -> tuple[list[Item], list[Item]]:
    """Return what of each side has none that is alike on the other side; what has is added to `taken`."""
    gone, come = [], list(new)
    for one in old:
        index = next((index for index, other in enumerate(come) if alike(one, other)), None)
        if index is None:
            gone.append(one)
        else:
            taken.append((one, come.pop(index)))
    return gone, come


def _take_meaning(
    sides: Sides, pairs: list[tuple[Branch, Branch]], old: list[Branch], new: list[Branch], teller: str
) -> tuple[list[Branch], list[Branch]]:
    """Move out of what is left what means the same, or, but for what it holds, would mean the same as no other."""

    def equal(one: Branch, other: Branch) -> bool:
        return sides.equality.equal(one.node, other.node)

    own: dict[Hashable, tuple[list[Branch], list[Branch]]] = {}
    for index, side in enumerate((old, new)):
        for branch in side:
            own.setdefault(sides.equality.says(branch.node), ([], []))[index].append(branch)
    rest_old: list[Branch] = []
    rest_new: list[Branch] = []
    for before, after in own.values():
        if len(before) == len(after) == 1 and not (teller in before[0].values and teller in after[0].values):
            pairs.append((before[0], after[0]))
        else:
            left = unlike(before, after, equal, pairs) if before and after else (before, after)
            rest_old += left[0]
            rest_new += left[1]
    return _in_order(old, rest_old), _in_order(new, rest_new)


def _in_order(side: list[Branch], rest: list[Branch]) -> list[Branch]:
    kept = {id(branch) for branch in rest}
    return [branch for branch in side if id(branch) in kept]


def _likeness(old: Branch, new: Branch, teller: str) -> float:
    types, others = old.node.types, new.node.types
    are_apart = types is not None and others is not None and types != others and not types & others
    if are_apart or (teller and teller in old.values and teller in new.values):
        return 0.0
    one, other = old.node.maps.get("properties", {}).keys(), new.node.maps.get("properties", {}).keys()
    if not one and not other:
        return 1.0 if types == others else 0.5
    return len(one & other) / len(one | other)


def _label(old: Branch, new: Branch, teller: str) -> str:
    if teller in old.values:
        shared = old.values[teller] & new.values.get(teller, frozenset()) or old.values[teller]
        values = sorted(str(one[1]).lower() if isinstance(one, tuple) else str(one) for one in shared)
        return f"<{teller}={'|'.join(values)}>"
    names = sorted(old.node.maps.get("properties", {}).keys() & new.node.maps.get("properties", {}).keys())
    if names:
        return f"<{{{', '.join(names[:4])}}}>"
    kinds = {kind for branch in (old, new) for kind in branch.node.types or ("any",)}
    return f"<{'|'.join(sorted(kinds))}>"
