"""Decides, by types and listed values, whether alternatives exclude each other."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_bctrl.drift.match import Branch, branches
from pytest_bctrl.drift.node import NodeReader, Schema

_MOST_INSIDE = 20
"""Maximum number of alternatives of an alternative that are compared to tell it from others."""


def are_exclusive(side: list[Branch]) -> bool:
    """Return whether certainly no value except null meets two alternatives, so `oneOf` means the same as `anyOf`."""
    return all(_exclude_each_other(first, second) for index, first in enumerate(side) for second in side[index + 1 :])


def may_meet_several(normal: NodeReader, kind: str, schemas: Iterable[Schema]) -> bool:
    """Return whether a value that meets one of the alternatives is valid, however many it meets."""
    if kind == "anyOf":
        return True
    alternatives = branches(schemas, normal)
    return are_exclusive(alternatives) and sum(branch.node.nullable for branch in alternatives) <= 1


def _exclude_each_other(first: Branch, second: Branch) -> bool:
    """Return whether certainly no value except null matches both alternatives, by those inside them too."""
    return (
        _have_nothing_in_common(first, second)
        or _inner_alternatives_exclude(first, second)
        or _inner_alternatives_exclude(second, first)
    )


def _inner_alternatives_exclude(first: Branch, second: Branch) -> bool:
    """Return whether all alternatives under a keyword of `first`, without null, certainly exclude `second`."""
    choices = [choice for choice in first.node.choices if not choice.with_null]
    return any(
        len(choice.branches) <= _MOST_INSIDE
        and all(_exclude_each_other(inner, second) for inner in branches(choice.branches, first.node.normal))
        for choice in choices
    )


def _have_nothing_in_common(first: Branch, second: Branch) -> bool:
    """Return whether types or values of a property show that no value except null can match both alternatives."""
    common = _common_types(first.node.types, second.node.types)
    if common == frozenset():
        return True
    if common is not None and common != {"object"}:
        # Values of any other type have no properties that could tell the alternatives apart.
        return False
    required = first.node.required & second.node.required
    return any(
        not first.values[name] & second.values[name] for name in required & first.values.keys() & second.values.keys()
    )


def _common_types(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    """Return the types that two sets of types have in common; None stands for any type."""
    if first is None:
        return second
    if second is None:
        return first
    common = first & second
    if "integer" in first | second and "number" in first | second:
        common |= {"integer"}
    return common
