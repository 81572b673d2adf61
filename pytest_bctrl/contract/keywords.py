"""The keywords that hold schemas, and those for which OpenAPI 3.0 has words of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

CHILDREN = (
    "items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip
"""The keywords that hold one schema each."""
MAPS = ("properties", "patternProperties", "dependentSchemas")
LISTS = ("prefixItems", "allOf", "anyOf", "oneOf")
APPLICATORS = frozenset((*CHILDREN, *MAPS, *LISTS))
IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Those that hold what is asked of the same value."""

EXCLUSIVE_BOUNDS = {"maximum": "exclusiveMaximum", "minimum": "exclusiveMinimum"}
_APPLIED = frozenset(("$ref", "allOf", "anyOf", "oneOf", "not", "const"))


def subschemas(schema: Mapping[str, Any], words: Collection[str]) -> Iterator[tuple[str, Any, Any]]:
    """What a schema holds under some keywords, each with its keyword and key (None: it has none)."""
    for word, value in schema.items():
        if word not in words:
            continue
        if word in MAPS:
            yield from ((word, name, inner) for name, inner in (value.items() if isinstance(value, dict) else ()))
        elif word in LISTS:
            yield from ((word, index, inner) for index, inner in enumerate(value if isinstance(value, list) else ()))
        else:
            yield word, None, value


def map_subschemas(schema: Mapping[str, Any], words: Collection[str], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A schema with another one in place of each that it holds under some keywords."""
    made = dict(schema)
    for word, key, inner in subschemas(schema, words):
        if key is None:
            made[word] = change(inner)
        else:
            made[word] = made[word].copy() if made[word] is schema[word] else made[word]
            made[word][key] = change(inner)
    return made


def is_wrapped(schema: Mapping[str, Any]) -> bool:
    """Whether a schema of OpenAPI 3.0 that takes null says so in 3.1 by an alternative beside it."""
    return schema.get("nullable") is True and not _APPLIED.isdisjoint(schema)


def upgrade_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of OpenAPI 3.0 in the words of 3.1; what is not well-formed in it stays as it is."""
    made = {key: value for key, value in schema.items() if key != "nullable"}
    for bound, exclusive in EXCLUSIVE_BOUNDS.items():
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    if is_wrapped(schema):
        return {"anyOf": [made, {"type": "null"}]}
    if schema.get("nullable") is True:
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    return made


def discriminator_values(discriminator: Mapping[str, Any], reference: str) -> list[str]:
    """What a discriminator calls the schema that a reference leads to: by its mapping, or else by its own name."""
    own = reference.rpartition("/")[2]
    mapping = discriminator.get("mapping")
    named = mapping.items() if isinstance(mapping, Mapping) else ()
    return [name for name, target in named if target in (reference, own)] or [own]
