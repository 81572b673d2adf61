"""The keywords of JSON Schema that contain schemas, and the keywords that OpenAPI 3.0 defines differently."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

CHILDREN = (
    "items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip
"""Keywords that contain one schema."""
MAPS = ("properties", "patternProperties", "dependentSchemas")
LISTS = ("prefixItems", "allOf", "anyOf", "oneOf")
APPLICATORS = frozenset((*CHILDREN, *MAPS, *LISTS))
IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas apply to the same value."""
CONDITIONAL = ("then", "else")
"""Keywords that have an effect only beside `if`."""

EXCLUSIVE_BOUNDS = {"maximum": "exclusiveMaximum", "minimum": "exclusiveMinimum"}
UNLISTED_NULL = "x-bctrl-unlisted-null"
"""Marks a nullable schema of OpenAPI 3.0 whose `enum`, `allOf` or similar excludes null (3.0.4, 4.7.24.1).

Servers send null for such a schema, so it is accepted. Strict clients reject it, so it is not generated.
"""
_APPLIED = frozenset(("$ref", "allOf", "anyOf", "oneOf", "not", "const"))


def subschemas(schema: Mapping[str, Any], keywords: Collection[str]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the schemas that a schema contains under some keywords, each with its keyword and its key (or None)."""
    for keyword, value in schema.items():
        if keyword not in keywords:
            continue
        if keyword in MAPS or keyword == "$defs":
            if isinstance(value, dict):
                yield from ((keyword, name, inner) for name, inner in value.items())
        elif keyword in LISTS:
            if isinstance(value, list):
                yield from ((keyword, index, inner) for index, inner in enumerate(value))
        else:
            yield keyword, None, value


def map_subschemas(
    schema: Mapping[str, Any], keywords: Collection[str], change: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return a schema with each subschema under some keywords replaced by the result of `change`."""
    changed = dict(schema)
    for keyword, key, inner in subschemas(schema, keywords):
        if key is None:
            changed[keyword] = change(inner)
            continue
        if changed[keyword] is schema[keyword]:
            changed[keyword] = schema[keyword].copy()
        changed[keyword][key] = change(inner)
    return changed


def becomes_any_of(schema: Mapping[str, Any]) -> bool:
    """Return whether an OpenAPI 3.0 schema is nullable beside `$ref`, `allOf` or similar, so that 3.1 needs `anyOf`."""
    return schema.get("nullable") is True and not _APPLIED.isdisjoint(schema)


def has_unlisted_null(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema of OpenAPI 3.0 is nullable, and another of its keywords probably excludes null."""
    if becomes_any_of(schema):
        return True
    return schema.get("nullable") is True and isinstance(schema.get("enum"), list) and None not in schema["enum"]


def upgrade_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema of OpenAPI 3.0 as one of 3.1; its subschemas and malformed keywords are left unchanged."""
    upgraded = {key: value for key, value in schema.items() if key != "nullable"}
    for bound, exclusive in EXCLUSIVE_BOUNDS.items():
        if isinstance(upgraded.get(exclusive), bool) and upgraded.pop(exclusive) and bound in upgraded:
            upgraded[exclusive] = upgraded.pop(bound)
    if becomes_any_of(schema):
        return {"anyOf": [upgraded, {"type": "null"}]}
    if schema.get("nullable") is True:
        if isinstance(upgraded.get("type"), str):
            upgraded["type"] = [upgraded["type"], "null"]
        if isinstance(upgraded.get("enum"), list) and None not in upgraded["enum"]:
            upgraded["enum"] = [*upgraded["enum"], None]
    return upgraded


def discriminator_values(discriminator: Mapping[str, Any], reference: str) -> list[str]:
    """Return the values of a discriminator for a referenced schema: those mapped to it, else its component's name."""
    component = reference.rpartition("/")[2]
    mapping = discriminator.get("mapping")
    values = []
    if isinstance(mapping, Mapping):
        values = [value for value, target in mapping.items() if target in (reference, component)]
    return values or [component]
