"""A document as an engine for JSON Schema 2020-12 reads it: what OpenAPI 3.0 has words of its own for, in its words."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.engine import is_pattern
from pytest_bctrl.drift.constraints import BITS

_MAPS = frozenset(("properties", "patternProperties", "dependentSchemas", "schemas", "$defs", "definitions"))
_RAW = frozenset(("enum", "const", "default", "example", "examples", "description"))
_APPLIED = frozenset(("allOf", "anyOf", "oneOf", "$ref", "not", "const"))
_EXCLUSIVE = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}


def engine_document(document: Any, *, is_30: bool) -> Any:
    """Return a document of which every schema says in JSON Schema 2020-12 what it says in OpenAPI.

    `is_30`: what stands beside a `$ref` says nothing. What no engine can read, such as a pattern of another kind, is
    left out, in both documents alike.
    """
    return _read(document, is_30, is_map=False)


def _read(value: Any, is_30: bool, *, is_map: bool) -> Any:
    if isinstance(value, list):
        return [_read(item, is_30, is_map=False) for item in value]
    if not isinstance(value, dict):
        return value
    made = {
        key: inner if key in _RAW and not is_map else _read(inner, is_30, is_map=key in _MAPS and not is_map)
        for key, inner in value.items()
    }
    return made if is_map else _schema(made, is_30)


def _schema(made: dict[str, Any], is_30: bool) -> dict[str, Any]:
    if is_30 and isinstance(made.get("$ref"), str):
        made = {key: made[key] for key in ("$ref", "nullable") if key in made}
    for word in ("$id", "$schema"):
        if isinstance(made.get(word), str):
            del made[word]
    for word in ("allOf", "anyOf", "oneOf"):
        if made.get(word) == []:
            del made[word]
    if isinstance(made.get("required"), bool) or made.get("type", "") is None:
        made = {key: inner for key, inner in made.items() if key != "required" and inner is not None}
    if isinstance(made.get("pattern"), str) and not is_pattern(made["pattern"]):
        del made["pattern"]
    _bound(made)
    return _with_null(made) if made.pop("nullable", False) is True else made


def _bound(made: dict[str, Any]) -> None:
    """Write the bounds of a number as the engine has them: those of its format too, and exclusive ones as numbers."""
    for bound, exclusive in _EXCLUSIVE.items():
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    bits = BITS.get(made["format"]) if isinstance(made.get("format"), str) else None
    if bits:
        made["minimum"] = max(made.get("minimum", -(2 ** (bits - 1))), -(2 ** (bits - 1)))
        made["maximum"] = min(made.get("maximum", 2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _with_null(made: dict[str, Any]) -> dict[str, Any]:
    """Let null in: in place where that can be, so that pointers still lead inside."""
    if not _APPLIED.isdisjoint(made):
        return {"anyOf": [{"type": "null"}, made]}
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if isinstance(made.get("enum"), list):
        made["enum"] = [*made["enum"], None]
    return made
