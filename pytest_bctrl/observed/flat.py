"""A shortcut for objects whose members are all alike small: `{"available": true}` under each of several names.

Of a conforming object that has no more properties than are required of it everything is known, so that it is enough to
count it. All members of all objects are looked at together.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from pytest_bctrl.observed.column import Column
from pytest_bctrl.observed.node import Node
from pytest_bctrl.observed.tally import Tally


def observe_flat(tally: Tally, node: Node, column: Column, names: Mapping[str, int]) -> bool:
    """Take down the members of conforming objects, where they are all of that kind; return whether they were."""
    size = node.flat_size
    if not size or any(name not in node.members for name in names):
        return False
    if sum(map(len, chain.from_iterable(map(dict.values, column.values)))) != size * sum(names.values()):
        return False
    total = len(column.values)
    for name, member in node.documented:
        count = names.get(name, 0)
        if count < total:
            tally.absent(member.location, column, name)
        facts = tally.facts(member.location)
        facts.seen += count
        facts.of += total
        if count:
            facts.types["object"] += count
            first = tally.needs(member) and column.member(name, count == total)
            if first:
                tally.sample(facts, "object", first, 0)
            for inner_name, inner in member.documented:
                tally.certain(inner, first or Column((), column.where), inner_name, count, count)
    return True
