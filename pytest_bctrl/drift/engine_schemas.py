"""A document as an engine for JSON Schema 2020-12 reads it: what OpenAPI 3.0 has words of its own for, in its words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_bctrl.contract.engine import is_pattern
from pytest_bctrl.contract.references import keyworded, rewritten
from pytest_bctrl.drift.constraints import BITS, EXCLUSIVE

_APPLIED = frozenset(("allOf", "anyOf", "oneOf", "$ref", "not", "const"))
_LEFT_OUT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("$id", "$schema"), lambda value: isinstance(value, str)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), lambda value: value == []),
    "required": lambda value: isinstance(value, bool), "type": lambda value: value is None,
    "pattern": lambda value: isinstance(value, str) and not is_pattern(value),
}  # fmt: skip


def engine_document(document: Any, *, is_30: bool) -> Any:
    """Return a document of which every schema says in JSON Schema 2020-12 what it says in OpenAPI.

    `is_30`: what stands beside a `$ref` says nothing. What no engine can read, such as a pattern of another kind, is
    left out, in both documents alike. Schemas stay where they are, but for those that null is an alternative to:
    `nullable` counts in OpenAPI 3.1 too, where many still write it.
    """
    return rewritten(document, dict.fromkeys((one.pointer for one in keyworded(document)), partial(_schema, is_30)))


def _schema(is_30: bool, given: dict[str, Any]) -> dict[str, Any]:
    is_alone = is_30 and isinstance(given.get("$ref"), str)
    made = {
        key: value
        for key, value in given.items()
        if not (key in _LEFT_OUT and _LEFT_OUT[key](value)) and (not is_alone or key in ("$ref", "nullable"))
    }
    for bound, exclusive in EXCLUSIVE.items():
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    bits = BITS.get(made["format"]) if isinstance(made.get("format"), str) else None
    if bits:
        made["minimum"] = max(made.get("minimum", -(2 ** (bits - 1))), -(2 ** (bits - 1)))
        made["maximum"] = min(made.get("maximum", 2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if made.pop("nullable", False) is not True:
        return made
    if not _APPLIED.isdisjoint(made):
        return {"anyOf": [{"type": "null"}, made]}
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if isinstance(made.get("enum"), list):
        made["enum"] = [*made["enum"], None]
    return made
