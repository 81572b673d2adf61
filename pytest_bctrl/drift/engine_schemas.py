"""A schema as an engine for JSON Schema 2020-12 reads it: what OpenAPI 3.0 has words of its own for, in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pytest_bctrl.contract.engine import is_pattern
from pytest_bctrl.contract.outline import refers
from pytest_bctrl.drift.constraints import BITS, EXCLUSIVE
from pytest_bctrl.drift.node import HOLDING

_APPLIED = frozenset(("allOf", "anyOf", "oneOf", "$ref", "not", "const"))
_LEFT_OUT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("$id", "$schema"), lambda value: isinstance(value, str)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), lambda value: value == []),
    **dict.fromkeys(("$dynamicRef", "description"), lambda _: True),
    "required": lambda value: isinstance(value, bool), "type": lambda value: value is None,
    "pattern": lambda value: isinstance(value, str) and not is_pattern(value),
}  # fmt: skip


def engine_schema(schema: Any, refer: Callable[[dict[str, Any]], str], *, is_30: bool) -> Any:
    """Return what says in JSON Schema 2020-12 what a schema says in OpenAPI; `refer` writes a reference of one.

    `is_30`: what stands beside a `$ref` says nothing. What no engine can read, such as a pattern of another kind, is
    left out, in both documents alike. `nullable` counts in OpenAPI 3.1 too, where many still write it.
    """
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    is_reference = refers(schema)
    if is_reference:
        made["$ref"] = refer(schema)
    for word, value in schema.items() if not (is_30 and is_reference) else ():
        if word in HOLDING and value is None:
            continue
        if word in HOLDING:
            inner = [(key, engine_schema(one, refer, is_30=is_30)) for key, one in HOLDING[word](value)]
            kept = dict(inner) if isinstance(value, dict) else [one for _, one in inner]
            value = inner[0][1] if inner and inner[0][0] is None else kept
        if word == "discriminator" and isinstance(value, dict):
            value = {**value, "mapping": dict(_mapped(schema, value.get("mapping"), refer))}
        if word != "$ref" and not (word in _LEFT_OUT and _LEFT_OUT[word](value)):
            made[word] = value
    return _in_its_words(made, is_nullable=schema.get("nullable") is True)


def _mapped(schema: dict[str, Any], mapping: Any, refer: Callable[[dict[str, Any]], str]) -> Iterator[tuple[str, str]]:
    """What a discriminator calls each alternative: by its mapping, or by the name of what is referred to."""
    said = mapping if isinstance(mapping, dict) else {}
    for branch in (one for word in ("oneOf", "anyOf") for one in schema.get(word) or () if refers(one)):
        own = branch["$ref"].rpartition("/")[2]
        names = [name for name, target in said.items() if target in (branch["$ref"], own)]
        yield from ((name, refer(branch)) for name in names or [own])


def _in_its_words(made: dict[str, Any], *, is_nullable: bool) -> dict[str, Any]:
    for bound, exclusive in EXCLUSIVE.items():
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    bits = BITS.get(made["format"]) if isinstance(made.get("format"), str) else None
    if bits:
        made["minimum"] = max(made.get("minimum", -(2 ** (bits - 1))), -(2 ** (bits - 1)))
        made["maximum"] = min(made.get("maximum", 2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    made.pop("nullable", None)
    if not is_nullable:
        return made
    if not _APPLIED.isdisjoint(made):
        return {"anyOf": [{"type": "null"}, made]}
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if isinstance(made.get("enum"), list):
        made["enum"] = [*made["enum"], None]
    return made
