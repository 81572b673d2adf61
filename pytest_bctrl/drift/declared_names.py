"""The names that the objects of a schema have: a consumer sends and receives only those that its document declares.

A schema is open if it states `additionalProperties` or `unevaluatedProperties`, which then decide about other names, or
if it declares no name at all. Objects of an open schema may have any other name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.keywords import CONDITIONAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_bctrl.drift.node import Alternatives, Node

_OTHERS = ("additionalProperties", "unevaluatedProperties")
"""Keywords that state which other names are valid."""


class Names(NamedTuple):
    """Names of properties, patterns of names, and whether a schema states which other names are valid."""

    names: frozenset[str]
    patterns: frozenset[str]
    has_others: bool

    def union(self, added: Names) -> Names:
        """Return these names and those of `added`."""
        has_others = self.has_others or added.has_others
        return Names(self.names | added.names, self.patterns | added.patterns, has_others)


NO_NAMES = Names(frozenset(), frozenset(), has_others=False)


def declared_names(node: Node, but: Alternatives | None = None, *, with_excluded: bool = True) -> Names:
    """Return the names that a schema declares or requires, except those in the alternatives `but`.

    `with_excluded`: also those that only schemas under `not` name.
    """
    words = ["if", *CONDITIONAL]
    if with_excluded:
        words.append("not")
    declared = _own_names(node)
    reached = {node}
    waiting = list(_applied_in_place(node, words, but))
    while waiting:
        inside = waiting.pop()
        if inside not in reached:
            reached.add(inside)
            declared = declared.union(_own_names(inside))
            waiting += _applied_in_place(inside, words)
    return declared


def _own_names(node: Node) -> Names:
    """Return the names that a schema itself declares or requires."""
    names = frozenset(node.maps.get("properties", ())) | node.required
    patterns = frozenset(node.maps.get("patternProperties", ()))
    return Names(names, patterns, has_others=any(map(node.has_keyword, _OTHERS)))


def is_open(node: Node, beside: Names = NO_NAMES) -> bool:
    """Return whether objects of a schema may have names that neither it nor `beside` declares.

    An open alternative makes a schema open.
    """
    declared = declared_names(node).union(beside)
    return declared.has_others or (beside == NO_NAMES and _may_declare_no_names(node))


def _may_declare_no_names(node: Node) -> bool:
    """Return whether a schema declares no name, or none besides alternatives of which one declares no name."""
    reached: set[Node] = set()
    waiting = [node]
    while waiting:
        inside = waiting.pop()
        if inside in reached or not inside.takes("object"):
            continue
        reached.add(inside)
        if declared_names(inside, with_excluded=False) == NO_NAMES:
            return True
        for choice in inside.choices:
            if declared_names(inside, but=choice, with_excluded=False) == NO_NAMES:
                waiting += map(inside.normal.node, choice.branches)
    return False


def are_declared(value: Any, node: Node) -> bool:
    """Return whether a schema obviously declares all names in a valid value, whichever alternatives the value meets."""
    if isinstance(value, list):
        items = node.normal.node(node.child("items"))
        return not (node.prefix or node.choices) and all(are_declared(item, items) for item in value)
    return not isinstance(value, dict) or all(_is_declared(name, inner, node) for name, inner in value.items())


def _is_declared(name: str, value: Any, node: Node) -> bool:
    """Return whether a property and its names are declared by a schema or each of its alternatives, or it is open."""
    declared = node.maps.get("properties", {})
    if name in declared:
        return are_declared(value, node.normal.node(declared[name]))
    if not node.choices and "patternProperties" not in node.maps and is_open(node):
        return are_declared(value, node.normal.node(node.undeclared))
    alternatives = [list(map(node.normal.node, choice.branches)) for choice in node.choices]
    return any(nodes and all(_is_declared(name, value, inside) for inside in nodes) for nodes in alternatives)


def _applied_in_place(node: Node, words: Iterable[str], but: Alternatives | None = None) -> Iterator[Node]:
    """Yield the schemas inside a schema that apply to the same object: alternatives except `but`, and under `words`."""
    schemas = [schema for choice in node.choices if choice is not but for schema in choice.branches]
    schemas += [node.children[word] for word in words if word in node.children]
    schemas += node.maps.get("dependentSchemas", {}).values()
    yield from map(node.normal.node, schemas)
