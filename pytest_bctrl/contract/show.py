"""How values are written in findings: small, whatever they are; and the names of their types."""

from __future__ import annotations

from math import isfinite
from typing import Any

from pytest_bctrl.finding import LONGEST

_MEMBERS = 8
_LEVELS = 4


def shortened(value: Any, level: int = 0) -> Any:
    """Return JSON data small enough to show: long texts cut, large and deep containers summed up."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)} characters)"
    if isinstance(value, dict):
        if level >= _LEVELS:
            return f"{{… {len(value)} properties}}"
        kept = {shortened(key): shortened(item, level + 1) for key, item in list(value.items())[:_MEMBERS]}
        return kept if len(value) <= _MEMBERS else {**kept, "…": f"{len(value) - _MEMBERS} more"}
    if isinstance(value, list | tuple):
        if level >= _LEVELS:
            return f"[… {len(value)} items]"
        items = [shortened(item, level + 1) for item in value[:_MEMBERS]]
        return items if len(value) <= _MEMBERS else [*items, f"… {len(value) - _MEMBERS} more"]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, float) and not isfinite(value):
        # 1e999 is JSON; what it is read as has no JSON of its own.
        return f"a number beyond a double ({value})"
    return value


def type_name(value: Any) -> str:
    """The JSON Schema type of a value: `null`, `boolean`, `integer`, `number`, `string`, `array` or `object`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def kind_of(value: Any) -> str:
    """The type of a value in JSON Schema's sense, where a number without a fraction is an integer (2020-12, 6.1.1)."""
    name = type_name(value)
    return "integer" if name == "number" and float(value).is_integer() else name


def is_of_type(value: Any, name: str) -> bool:
    """Return whether `value` is of the JSON type `name`, where an integer is a number too."""
    kind = kind_of(value)
    return kind == name or (kind == "integer" and name == "number")
