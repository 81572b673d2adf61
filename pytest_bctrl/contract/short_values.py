"""Shortens JSON values so that findings can show them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from pytest_bctrl.findings.fingerprint import LONGEST

_MEMBERS = 8
_LEVELS = 4


def short_scalar(value: Any) -> Any:
    """Return a text, number, boolean or null small enough to show."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)} characters)"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, float) and not isfinite(value):
        # 1e999 is JSON; what it is read as has no JSON of its own.
        return f"a number beyond a double ({value})"
    return value


def shorten(
    value: Any, level: int = 0, scalar: Callable[[Any], Any] = short_scalar, name: Callable[[Any], Any] = short_scalar
) -> Any:
    """Return JSON data small enough to show: containers summed up, `name` of names, `scalar` of the rest."""
    if isinstance(value, dict):
        if level >= _LEVELS:
            return f"{{… {len(value)} properties}}"
        few = list(value.items())[:_MEMBERS]
        kept = {name(key): shorten(item, level + 1, scalar, name) for key, item in few}
        return kept if len(value) <= _MEMBERS else {**kept, "…": f"{len(value) - _MEMBERS} more"}
    if isinstance(value, list | tuple):
        if level >= _LEVELS:
            return f"[… {len(value)} items]"
        items = [shorten(item, level + 1, scalar, name) for item in value[:_MEMBERS]]
        return items if len(value) <= _MEMBERS else [*items, f"… {len(value) - _MEMBERS} more"]
    return scalar(value)
