"""Matches the alternatives of two documents, never by the name of a component."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import combinations, product
from typing import Any, NamedTuple, TypeVar

from pytest_bctrl.contract.spec import Spec
from pytest_bctrl.drift.node import Node, NodeReader, Schema
from pytest_bctrl.drift.pair import Sides

_MIN_SIMILARITY = 0.34
"""The share of properties in common from which two alternatives match."""

Item = TypeVar("Item")


class Branch(NamedTuple):
    """An alternative: the schema, its normalised form, and the values that its properties list."""

    schema: Schema
    node: Node
    values: dict[str, frozenset[Any]]


Tag = tuple[str, ...]
"""The properties whose values together distinguish alternatives; empty if none do."""


class Branches(NamedTuple):
    """The alternatives of two schemas, matched; each with its label."""

    both: list[tuple[Branch, Branch, str]]
    removed: list[tuple[Branch, str]]
    added: list[tuple[Branch, str]]


def branches(schemas: Iterable[Schema], normal: NodeReader) -> list[Branch]:
    """Return alternatives as branches: each with its node, and the values that its properties list."""
    nodes = [(schema, normal.node(schema)) for schema in schemas]
    return [Branch(schema, node, _listed_values(node, normal)) for schema, node in nodes]


def _listed_values(node: Node, normal: NodeReader) -> dict[str, frozenset[Any]]:
    """Return the values that the properties of an alternative list, by property."""
    values = normal.listed.get(node)
    if values is None:
        values = normal.listed[node] = {}
        for name, schema in node.maps.get("properties", {}).items():
            if _may_list(schema, normal.spec) and (enum := normal.node(schema).enum):
                values[name] = frozenset(enum)
    return values


_LISTS = frozenset(("enum", "const", "allOf", "anyOf", "oneOf"))


def _may_list(schema: Schema, spec: Spec) -> bool:
    """Return whether a schema might list values, without normalising it: most do not."""
    values = (spec.resolve(part).value for part in schema)
    return any(not isinstance(value, dict) or _LISTS & value.keys() for value in values)


def match_branches(sides: Sides, old: list[Branch], new: list[Branch], at_once: bool = False) -> Branches:
    """Match alternatives: by the values of properties that distinguish them, then by equality, then by similarity.

    `at_once`: all of them must hold, so no property distinguishes them.
    """
    tag: Tag = ()
    if not at_once:
        tag = _distinguishing_properties(old, new)
    pairs = _pairs_with_same_value(old, new, tag)
    matched = {id(branch) for pair in pairs for branch in pair}
    removed = [branch for branch in old if id(branch) not in matched]
    added = [branch for branch in new if id(branch) not in matched]

    def written_alike(before: Branch, after: Branch) -> bool:
        """Return whether two alternatives are written alike."""
        return sides.equality.written_alike(before.schema, after.schema)

    removed, added = find_unmatched(removed, added, written_alike, pairs)
    removed, added = _match_by_meaning(sides, pairs, removed, added, tag)
    removed, added = _match_by_similarity(pairs, removed, added, tag)
    order = {id(branch): index for index, branch in enumerate(old)}
    pairs.sort(key=lambda pair: order[id(pair[0])])
    return Branches(
        [(before, after, _pair_label(before, after, tag)) for before, after in pairs],
        [(branch, _pair_label(branch, branch, tag)) for branch in removed],
        [(branch, _pair_label(branch, branch, tag)) for branch in added],
    )


def _pairs_with_same_value(old: list[Branch], new: list[Branch], tag: Tag) -> list[tuple[Branch, Branch]]:
    """Return the pairs whose properties `tag` may have the same values."""
    return [(before, after) for before in old for after in new if _tag_values(before, tag) & _tag_values(after, tag)]


def _tag_values(branch: Branch, tag: Tag) -> frozenset[tuple[Any, ...]]:
    """Return the combinations of values that an alternative lists for the properties `tag`; empty if it does not."""
    if not tag or not branch.values.keys() >= {*tag}:
        return frozenset()
    return frozenset(product(*(branch.values[name] for name in tag)))


def _distinguishing_properties(old: list[Branch], new: list[Branch]) -> Tag:
    """Return the property whose values distinguish the alternatives of each side and match the largest number of them.

    If there is none, return two properties that do so together, or an empty tuple.
    """
    listed = [branch.values.keys() for branch in (*old, *new)]
    names = sorted({name for keys in listed for name in keys})
    tag = _best_tag(old, new, [(name,) for name in names])
    if tag:
        return tag
    in_all = [name for name in names if all(name in keys for keys in listed)]
    return _best_tag(old, new, [*combinations(in_all, 2)])


def _best_tag(old: list[Branch], new: list[Branch], tags: list[Tag]) -> Tag:
    """Return, of the tags that distinguish the alternatives of each side, the first one with the most matches."""
    best: Tag = ()
    best_count = 0
    for tag in tags:
        sides = [[values for branch in side if (values := _tag_values(branch, tag))] for side in (old, new)]
        if any(sum(map(len, side)) != len(frozenset[Any]().union(*side)) for side in sides):
            continue
        count = sum(bool(before & after) for before in sides[0] for after in sides[1])
        if count > best_count:
            best, best_count = tag, count
    return best


def _match_by_similarity(
    pairs: list[tuple[Branch, Branch]], old: list[Branch], new: list[Branch], tag: Tag
) -> tuple[list[Branch], list[Branch]]:
    """Add the most similar pairs to `pairs`, and return the alternatives without a match."""
    scored = [(_similarity(before, after, tag), i, j) for i, before in enumerate(old) for j, after in enumerate(new)]
    matched_old: set[int] = set()
    matched_new: set[int] = set()
    for value, i, j in sorted(scored, key=lambda entry: (-entry[0], entry[1], entry[2])):
        if value >= _MIN_SIMILARITY and i not in matched_old and j not in matched_new:
            matched_old.add(i)
            matched_new.add(j)
            pairs.append((old[i], new[j]))
    return (
        [branch for i, branch in enumerate(old) if i not in matched_old],
        [branch for j, branch in enumerate(new) if j not in matched_new],
    )


def find_unmatched(
    old: Iterable[Item], new: Iterable[Item], alike: Callable[[Item, Item], bool], pairs: list[tuple[Item, Item]]
) -> tuple[list[Item], list[Item]]:
    """Return the items of each side without a match on the other; adds the matched ones to `pairs`."""
    removed, added = [], list(new)
    for item in old:
        index = next((index for index, candidate in enumerate(added) if alike(item, candidate)), None)
        if index is None:
            removed.append(item)
        else:
            pairs.append((item, added.pop(index)))
    return removed, added


def _match_by_meaning(
    sides: Sides, pairs: list[tuple[Branch, Branch]], old: list[Branch], new: list[Branch], tag: Tag
) -> tuple[list[Branch], list[Branch]]:
    """Add to `pairs` alternatives that mean the same, or that alone share their own keywords; return the rest."""

    def equal(before: Branch, after: Branch) -> bool:
        """Return whether two alternatives mean the same."""
        return sides.equality.equal(before.node, after.node)

    removed: list[Branch] = []
    added: list[Branch] = []
    for before, after in _grouped_by_keywords(sides, old, new):
        if len(before) == len(after) == 1 and not (_tag_values(before[0], tag) and _tag_values(after[0], tag)):
            pairs.append((before[0], after[0]))
        else:
            if before and after:
                before, after = find_unmatched(before, after, equal, pairs)
            removed += before
            added += after
    return _in_order(old, removed), _in_order(new, added)


def _grouped_by_keywords(
    sides: Sides, old: list[Branch], new: list[Branch]
) -> Iterable[tuple[list[Branch], list[Branch]]]:
    """Return the alternatives of both sides, grouped by what they say without the schemas inside them."""
    groups: dict[Hashable, tuple[list[Branch], list[Branch]]] = {}
    for index, side in enumerate((old, new)):
        for branch in side:
            groups.setdefault(sides.equality.own_key(branch.node), ([], []))[index].append(branch)
    return groups.values()


def _in_order(side: list[Branch], branches: list[Branch]) -> list[Branch]:
    """Return the branches in the order that they have in `side`."""
    ids = {id(branch) for branch in branches}
    return [branch for branch in side if id(branch) in ids]


def _similarity(old: Branch, new: Branch, tag: Tag) -> float:
    """Return the similarity of two alternatives: 0 if both have the tag or no type is common, else up to 1."""
    old_types, new_types = old.node.types, new.node.types
    are_disjoint = (
        old_types is not None and new_types is not None and old_types != new_types and not old_types & new_types
    )
    if are_disjoint or (_tag_values(old, tag) and _tag_values(new, tag)):
        return 0.0
    before, after = old.node.maps.get("properties", {}).keys(), new.node.maps.get("properties", {}).keys()
    if before or after:
        return len(before & after) / len(before | after)
    if old_types == new_types:
        return 1.0
    return 0.5


def _pair_label(old: Branch, new: Branch, tag: Tag) -> str:
    """Return how a path names a pair of alternatives: by a tag, by common properties, or by types."""
    values = _tag_values(old, tag)
    if values:
        shared = values & _tag_values(new, tag) or values
        texts = [
            f"{name}={'|'.join(sorted({_value_text(combination[index]) for combination in shared}))}"
            for index, name in enumerate(tag)
        ]
        return f"<{', '.join(texts)}>"
    names = sorted(old.node.maps.get("properties", {}).keys() & new.node.maps.get("properties", {}).keys())
    if names:
        return f"<{{{', '.join(names[:4])}}}>"
    kinds = {kind for branch in (old, new) for kind in branch.node.types or ("any",)}
    return f"<{'|'.join(sorted(kinds))}>"


def _value_text(key: Any) -> str:
    """Return the text of a value from its key, which is a tuple for true and false."""
    if isinstance(key, tuple):
        return str(key[1]).lower()
    return str(key)
