"""Which branch of a schema a value was made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_bctrl.contract.model import Contract, Schema
from pytest_bctrl.samples.shapes import flatten, types

_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def is_of_type(value: Any, name: str) -> bool:
    """Return whether `value` is of the JSON type `name` (JSON Schema 2020-12 core, 4.2.1; 1.0 is an integer)."""
    if name in ("integer", "number"):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (name == "number" or float(value).is_integer())
    return isinstance(value, _PYTHON.get(name, object))


def fits(contract: Contract, schema: Schema, value: Any) -> bool:
    """Return whether `value` has the outline of `schema`: types, enums, required names, properties, items, branches.

    It tells branches apart, and is no validator: formats, lengths, limits and patterns are not looked at.
    """
    if isinstance(schema, bool):
        return schema
    flat = flatten(contract, schema)
    allowed = types(flat) if "type" in flat else ()
    if allowed and not any(is_of_type(value, name) for name in allowed):
        return False
    if ("enum" in flat and value not in flat["enum"]) or ("const" in flat and value != flat["const"]):
        return False
    for keyword in ("oneOf", "anyOf"):
        if keyword in flat and not any(fits(contract, branch, value) for branch in flat[keyword]):
            return False
    if isinstance(value, list):
        items = flat.get("items", True)
        return all(fits(contract, items, item) for item in value[len(flat.get("prefixItems", ())) :])
    return not isinstance(value, dict) or _has_properties(contract, flat, value)


def _has_properties(contract: Contract, flat: Mapping[str, Any], value: dict[str, Any]) -> bool:
    if any(name not in value for name in flat.get("required", ())):
        return False
    documented = flat.get("properties", {})
    if flat.get("additionalProperties") is False and value.keys() - documented.keys():
        return False
    return all(fits(contract, inner, value[name]) for name, inner in documented.items() if name in value)
