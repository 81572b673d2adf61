"""Reads alternatives inside alternatives as one list, because documents may group the same ones differently."""

from __future__ import annotations

from pytest_bctrl.contract.spec import Part
from pytest_bctrl.drift.exclusive import may_meet_several
from pytest_bctrl.drift.match import Branch, branches
from pytest_bctrl.drift.node import BESIDE, Alternatives, Flat, Node, Schema

_NOT_BESIDE = frozenset(("allOf", "discriminator"))
"""Keywords that the parts beside alternatives do not need: the schemas in `allOf` are parts themselves."""
_MAX_ALTERNATIVES = 100
"""Maximum number of alternatives that are read as one list."""


def ungrouped(alternatives: list[Branch]) -> list[Branch]:
    """Return alternatives; those that only group others are replaced by these, each with the schemas beside them."""
    inner: list[Branch] = []
    waiting = alternatives[::-1]
    while waiting:
        if len(inner) + len(waiting) > _MAX_ALTERNATIVES:
            return alternatives
        alternative = waiting.pop()
        node = alternative.node
        if _is_group(node):
            beside = _beside(node, node.choices[0])
            waiting += branches([(*beside, *schema) for schema in node.choices[0].branches[::-1]], node.normal)
        else:
            inner.append(alternative)
    return inner


def _is_group(node: Node) -> bool:
    """Return whether a value is valid if it meets one of the alternatives of a schema and the schemas beside them.

    It is not if two may be met at once, or if a keyword depends on which one is met.
    """
    if len(node.choices) != 1 or node.choices[0].with_null:
        return False
    if any(part.grants_null or _depends_on_alternatives(part) for part in node.parts):
        return False
    return may_meet_several(node.normal, node.choices[0].kind, node.choices[0].branches)


def _depends_on_alternatives(part: Flat) -> bool:
    """Return whether a part has a keyword that depends on the alternative that a value meets."""
    return isinstance(part.schema, dict) and not {"unevaluatedProperties", "unevaluatedItems"}.isdisjoint(part.schema)


def _beside(node: Node, choice: Alternatives) -> Schema:
    """Return the parts of a schema without its alternatives."""
    parts: list[Part] = []
    for part in node.parts:
        schema = part.schema
        if isinstance(schema, dict):
            omitted = _NOT_BESIDE
            if choice.pointer == f"{part.pointer}/{choice.kind}":
                omitted |= {choice.kind}
            schema = {keyword: value for keyword, value in schema.items() if keyword not in omitted}
        if schema:
            parts.append(Part(schema, f"{part.pointer}{BESIDE}beside {choice.kind}"))
    return tuple(parts)
