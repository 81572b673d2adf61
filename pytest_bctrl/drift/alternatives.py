"""Reads `oneOf` and `anyOf`: null taken out, and lists of types or values told from real alternatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pytest_bctrl.contract.outline import Part, Spec, is_reference
from pytest_bctrl.drift.node import (
    Choice,
    Kind,
    Node,
    Schema,
    covers,
    is_null,
    says_more,
    takes_all_of_its_types,
    takes_anything,
    takes_nothing,
)
from pytest_bctrl.drift.walk import Walk

_KINDS: tuple[Kind, ...] = ("oneOf", "anyOf")
_WRAPPINGS = 8
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("minItems", "minLength", "minProperties"), 0), "required": [], "properties": {},
    **dict.fromkeys(("not", "uniqueItems", "readOnly", "writeOnly", "nullable"), False),
}  # fmt: skip
_LEFT_OVER = frozenset(("unevaluatedItems", "unevaluatedProperties"))
_SAYS_NOTHING = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$anchor", "deprecated")
)


def read_alternatives(part: Part, spec: Spec, read: Callable[[Schema], Node]) -> list[Choice]:
    """Return the alternatives that a schema offers: none, one or both of `oneOf` and `anyOf`."""
    found = [_read(part / kind, kind, spec, read) for kind in _KINDS if part.value.get(kind) is not None]
    return [choice for choice in found if choice is not None]


def _read(part: Part, kind: Kind, spec: Spec, read: Callable[[Schema], Node]) -> Choice | None:
    """Read alternatives, but for those that no value meets; None where one takes anything, and any of them will do."""
    found: dict[Node, Schema] = {}
    with_null, last = False, None
    waiting: list[Schema] = []
    waiting += [(branch,) for branch in spec.items(part)[::-1]]
    while waiting:
        schema = waiting.pop()
        node = read(schema)
        if takes_nothing(node):
            last = schema
        elif is_null(node):
            with_null = True
        elif kind == "oneOf":
            found.setdefault(node, schema)
        elif takes_anything(node):
            return None
        elif inner := _nested(node):
            waiting += inner[::-1]
        else:
            found.setdefault(node, schema)
    if kind == "anyOf":
        needed = _needed(found)
        # What is left out may have been what takes null.
        with_null |= not any(node.nullable for node in needed) and any(node.nullable for node in found)
        found = needed
    if not found and last is not None and not with_null:
        return Choice(kind, [last], part.pointer, False)
    if not found and not with_null:
        return None
    choice = Choice(kind, [*found.values()], part.pointer, with_null)
    return choice if len(found) < 2 else _named(choice, found)


def _needed(found: dict[Node, Schema]) -> dict[Node, Schema]:
    """Leave out alternatives of `anyOf` that take no more than others, and all but one that mean the same."""
    broad = frozenset(kind for node in found if takes_all_of_its_types(node) for kind in node.types or ())
    kept = {
        node: schema
        for node, schema in found.items()
        if takes_all_of_its_types(node) or node.types is None or not covers(broad, node.types)
    }
    first = next(iter(kept), None)
    if first and all(Walk(lambda node: node.own, _written_alike).equal(first, node) for node in kept):
        return {first: kept[first]}
    return kept


def _written_alike(one: Schema, other: Schema) -> bool:
    return [repr(part.value) for part in one] == [repr(part.value) for part in other]


def _nested(node: Node) -> list[Schema]:
    """The alternatives of a branch that is `anyOf` and nothing else: any of any of them is one list.

    None where one of them is null: that is how a branch says that it may be null, and told with the branch.
    """
    if len(node.choices) != 1 or node.enum is not None or says_more(node, but_choices=True):
        return []
    (choice,) = node.choices
    return [] if choice.kind == "oneOf" or choice.with_null else choice.branches


def _named(choice: Choice, nodes: Iterable[Node]) -> Choice:
    """Alternatives with the types, or the values, that all of them together name and that is all they say."""
    types: set[str] = set()
    values: dict[Any, Any] = {}
    lists = set()
    for node in nodes:
        if node.types is None or says_more(node) or any(map(node.flags.get, ("readOnly", "writeOnly", "default"))):
            return choice
        types |= node.types
        values |= node.enum or {}
        lists.add(node.enum is None)
    if len(lists) > 1:
        return choice
    with_null = choice.with_null or any(node.nullable for node in nodes)
    return choice._replace(types=frozenset(types), values=None if lists == {True} else values, with_null=with_null)


def says_nothing(part: Part, spec: Spec, depth: int = 0) -> bool:
    """Tell a schema that is written so that it takes anything, however long it is at that."""
    if not isinstance(part.value, dict) or depth > _WRAPPINGS:
        return part.value is True
    if is_reference(part.value):
        target = spec.target(part)
        return target.value is not part.value and says_nothing(target, spec, depth + 1)
    return all(
        keyword in _SAYS_NOTHING or keyword.startswith("x-") or _is_vacuous(part, keyword, value, spec, depth)
        for keyword, value in part.value.items()
    )


def _is_vacuous(part: Part, keyword: str, value: Any, spec: Spec, depth: int) -> bool:
    inside: list[Part] = []
    if keyword == "anyOf" and isinstance(value, list):
        return any(says_nothing(one, spec, depth + 1) for one in spec.items(part / keyword))
    if keyword == "allOf" and isinstance(value, list):
        inside = spec.items(part / keyword)
    elif keyword in ("items", "additionalProperties", "propertyNames") and _LEFT_OVER.isdisjoint(part.value):
        inside = [part / keyword]
    elif keyword in ("patternProperties", "dependentSchemas") and isinstance(value, dict) and _open(part.value):
        inside = [member for _, member in spec.members(part / keyword)]
    elif keyword not in _NOTHING or value != _NOTHING[keyword]:
        return False
    return all(says_nothing(one, spec, depth + 1) for one in inside)


def _open(schema: dict[str, Any]) -> bool:
    return "additionalProperties" not in schema and _LEFT_OVER.isdisjoint(schema)
