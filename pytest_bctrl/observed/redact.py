"""Values without their text: a sample shows the shape of what was seen, and nothing that may be secret."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.contract.show import shortened, type_name

_MEMBERS = 8
_LEVELS = 3


def redacted(value: Any, level: int = 0) -> Any:
    """The shape of a value as JSON data: names, types and sizes."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return f"string of {len(value)}"
    if isinstance(value, dict):
        if level >= _LEVELS:
            return f"object of {len(value)}"
        kept = {_name(name): redacted(value[name], level + 1) for name in list(value)[:_MEMBERS]}
        return kept if len(value) <= _MEMBERS else {**kept, "…": f"{len(value) - _MEMBERS} more"}
    if isinstance(value, list):
        if level >= _LEVELS:
            return f"array of {len(value)}"
        items = [redacted(item, level + 1) for item in value[:_MEMBERS]]
        return items if len(value) <= _MEMBERS else [*items, f"… {len(value) - _MEMBERS} more"]
    return type_name(value)


def _name(name: str) -> str:
    # A lone surrogate could not be sent to another process as it is.
    return str(shortened(name)).encode("utf-8", "backslashreplace").decode()
