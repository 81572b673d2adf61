"""Reads `oneOf` and `anyOf`, and separates null and plain lists of types or values from real alternatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pytest_bctrl.contract.spec import Part, Spec, is_reference
from pytest_bctrl.drift.node import (
    TYPES,
    Alternatives,
    Kind,
    Node,
    Schema,
    accepts_anything,
    accepts_nothing,
    covers,
    is_list_of_types,
    is_null,
    says_more,
)
from pytest_bctrl.drift.walk import Walk

_KINDS: tuple[Kind, ...] = ("oneOf", "anyOf")
_WRAPPINGS = 8
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("minItems", "minLength", "minProperties"), 0), "required": [], "properties": {},
    **dict.fromkeys(("not", "uniqueItems", "readOnly", "writeOnly", "nullable"), False),
}  # fmt: skip
_TYPE_NAMES = (*sorted(TYPES), "null")
_EVERY_TYPE = tuple(name for name in _TYPE_NAMES if name != "integer")
"""The types that together accept every value; an integer is a number."""
_LEFT_OVER = frozenset(("unevaluatedItems", "unevaluatedProperties"))
_SAYS_NOTHING = frozenset(
    ("title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$id", "$anchor", "deprecated")
)


def read_alternatives(part: Part, spec: Spec, read: Callable[[Schema], Node]) -> list[Alternatives]:
    """Return the alternatives under `oneOf` and under `anyOf`; nothing for a keyword that allows any value."""
    choices = [_read_choice(part / kind, kind, spec, read) for kind in _KINDS if part.value.get(kind) is not None]
    return [choice for choice in choices if choice is not None]


def _read_choice(part: Part, kind: Kind, spec: Spec, read: Callable[[Schema], Node]) -> Alternatives | None:
    """Return the alternatives under one keyword; None if any value meets them, an impossible one if no value does.

    Null is `with_null`, not an alternative: without branches, only null is valid, or nothing.
    """
    schema_of: dict[Node, Schema] = {}
    impossible = None
    written = spec.items(part)
    nulls = null_alternatives([branch.value for branch in written])
    null_count = len(nulls)
    waiting: list[Schema] = [(branch,) for branch in written[::-1] if branch.value not in nulls]
    while waiting:
        schema = waiting.pop()
        node = read(schema)
        if accepts_nothing(node):
            impossible = schema
        elif is_null(node):
            null_count += 1
        elif kind == "oneOf":
            schema_of.setdefault(node, schema)
        elif accepts_anything(node):
            return None
        elif inner := _nested_alternatives(node):
            waiting += inner[::-1]
        else:
            schema_of.setdefault(node, schema)
    # Null that meets several alternatives of `oneOf` is invalid.
    with_null = null_count == 1 or (null_count > 1 and kind == "anyOf")
    if kind == "anyOf":
        schema_of, dropped_null = _without_redundant(schema_of)
        with_null |= dropped_null
    if not (schema_of or with_null or null_count):
        return Alternatives(kind, [impossible], part.pointer, False) if impossible else None
    return _with_listed_types(Alternatives(kind, [*schema_of.values()], part.pointer, with_null), schema_of)


def null_alternatives(alternatives: list[Any]) -> list[Any]:
    """Return the alternatives `{"nullable": true}`, which mean null beside others; empty if there are no others.

    Generators of OpenAPI 3.0 write null like this.
    """
    nulls = [schema for schema in alternatives if _says_only_nullable(schema)]
    if len(nulls) == len(alternatives):
        return []
    return nulls


def _says_only_nullable(schema: Any) -> bool:
    """Return whether a schema has only `nullable: true`, apart from annotations and the default null."""
    if not isinstance(schema, dict) or schema.get("nullable") is not True or schema.get("default") is not None:
        return False
    silent = _SAYS_NOTHING | {"nullable", "default"}
    return all(keyword in silent or keyword.startswith("x-") for keyword in schema)


def _without_redundant(schema_of: dict[Node, Schema]) -> tuple[dict[Node, Schema], bool]:
    """Return the alternatives of `anyOf` without redundant ones, and whether only the omitted ones allow null."""
    broad = frozenset(kind for node in schema_of if is_list_of_types(node) for kind in node.types or ())
    needed = {
        node: schema
        for node, schema in schema_of.items()
        if is_list_of_types(node) or node.types is None or not covers(broad, node.types)
    }
    first = next(iter(needed), None)
    if first and all(Walk(lambda node: node.shallow_key, _written_alike).equal(first, node) for node in needed):
        needed = {first: needed[first]}
    dropped_null = not any(node.nullable for node in needed) and any(node.nullable for node in schema_of)
    return needed, dropped_null


def _written_alike(first: Schema, second: Schema) -> bool:
    """Return whether two schemas have equal text."""
    return [repr(part.value) for part in first] == [repr(part.value) for part in second]


def _nested_alternatives(node: Node) -> list[Schema]:
    """Return the alternatives of a branch that is only an `anyOf` without null; empty for any other branch.

    They belong to the outer `anyOf` as well. Null is a property of the branch, and stays with it.
    """
    if len(node.choices) != 1 or node.enum is not None or says_more(node, but_choices=True):
        return []
    (choice,) = node.choices
    if choice.kind == "oneOf" or choice.with_null:
        return []
    return choice.branches


def _with_listed_types(choice: Alternatives, nodes: Iterable[Node]) -> Alternatives:
    """Return the alternatives with `types` or `values` set if there are several that list only these; else as is."""
    if len(choice.branches) < 2:
        return choice
    types: set[str] = set()
    values: dict[Any, Any] = {}
    lists_types = set()
    for node in nodes:
        if node.types is None or says_more(node) or any(map(node.flags.get, ("readOnly", "writeOnly", "default"))):
            return choice
        types |= node.types
        values |= node.enum or {}
        lists_types.add(node.enum is None)
    if len(lists_types) > 1:
        return choice
    with_null = choice.with_null or any(node.nullable for node in nodes)
    choice = choice._replace(types=frozenset(types), with_null=with_null)
    if lists_types == {True}:
        return choice
    return choice._replace(values=values)


def accepts_any_as_written(part: Part, spec: Spec, depth: int = 0) -> bool:
    """Return whether a schema obviously accepts any value, as it is written."""
    if not isinstance(part.value, dict) or depth > _WRAPPINGS:
        return part.value is True
    if is_reference(part.value):
        target = spec.target(part)
        return target.value is not part.value and accepts_any_as_written(target, spec, depth + 1)
    return all(
        keyword in _SAYS_NOTHING or keyword.startswith("x-") or _has_no_effect(part, keyword, value, spec, depth)
        for keyword, value in part.value.items()
    )


def _has_no_effect(part: Part, keyword: str, value: Any, spec: Spec, depth: int) -> bool:
    """Return whether a keyword obviously restricts no value."""
    subschemas: list[Part] = []
    if keyword == "type" and isinstance(value, list):
        return all(name in value for name in _EVERY_TYPE) and all(name in _TYPE_NAMES for name in value)
    if keyword == "oneOf" and isinstance(value, list):
        possible = [branch for branch in spec.items(part / keyword) if branch.value is not False]
        return len(possible) == 1 and accepts_any_as_written(possible[0], spec, depth + 1)
    if keyword == "anyOf" and isinstance(value, list):
        return any(accepts_any_as_written(branch, spec, depth + 1) for branch in spec.items(part / keyword))
    if keyword == "allOf" and isinstance(value, list):
        subschemas = spec.items(part / keyword)
    elif keyword in ("items", "additionalProperties", "propertyNames") and _LEFT_OVER.isdisjoint(part.value):
        subschemas = [part / keyword]
    elif (
        keyword in ("patternProperties", "dependentSchemas")
        and isinstance(value, dict)
        and _leaves_rest_open(part.value)
    ):
        subschemas = [member for _, member in spec.members(part / keyword)]
    elif keyword not in _NOTHING or value != _NOTHING[keyword]:
        return False
    return all(accepts_any_as_written(subschema, spec, depth + 1) for subschema in subschemas)


def _leaves_rest_open(schema: dict[str, Any]) -> bool:
    """Return whether a schema has neither `additionalProperties` nor `unevaluatedProperties` nor `unevaluatedItems`."""
    return "additionalProperties" not in schema and _LEFT_OVER.isdisjoint(schema)
