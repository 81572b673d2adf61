"""Shortens JSON values so that findings can show them."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from pytest_bctrl.findings.fingerprint import LONGEST

_MEMBERS = 8
_LEVELS = 4


def short_scalar(value: Any) -> Any:
    """Return a scalar, or a short text in place of one that is too long or large, or not finite."""
    if isinstance(value, str):
        if len(value) <= LONGEST:
            return value
        return f"{value[:LONGEST]}… ({len(value)} characters)"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, float) and not isfinite(value):
        # 1e999 is JSON, but infinity, its value in Python, is not.
        return f"a number beyond a double ({value})"
    return value


def shorten(
    value: Any, level: int = 0, scalar: Callable[[Any], Any] = short_scalar, name: Callable[[Any], Any] = short_scalar
) -> Any:
    """Return JSON data small enough to show: containers abridged, `name` applied to names, `scalar` to other values."""
    if isinstance(value, dict):
        if level >= _LEVELS:
            return f"{{… {len(value)} properties}}"
        first_members = list(value.items())[:_MEMBERS]
        members = {name(key): shorten(item, level + 1, scalar, name) for key, item in first_members}
        if len(value) > _MEMBERS:
            members["…"] = f"{len(value) - _MEMBERS} more"
        return members
    if isinstance(value, list | tuple):
        if level >= _LEVELS:
            return f"[… {len(value)} items]"
        items = [shorten(item, level + 1, scalar, name) for item in value[:_MEMBERS]]
        if len(value) > _MEMBERS:
            items.append(f"… {len(value) - _MEMBERS} more")
        return items
    return scalar(value)
