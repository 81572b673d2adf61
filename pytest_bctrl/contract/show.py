"""How places and values are written in findings, and how the values of a place that was written are found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, TypeAlias

from pytest_bctrl.fingerprint import LONGEST

Path: TypeAlias = tuple[str | int, ...]
"""The exact place of a value: names and indexes from the top of the body."""

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Names that stand in a location as they are."""

_MEMBERS = 8
_LEVELS = 4


def location(path: Sequence[str | int]) -> str:
    """Write an exact place: `runtimes[299].status`; the body itself is `$`."""
    return _joined(path, lambda index: f"[{index}]")


def generalised(path: Sequence[str | int]) -> str:
    """Write a place for all items of a list: `runtimes[*].status`."""
    return _joined(path, lambda index: "[*]")


def _joined(path: Sequence[str | int], index: Any) -> str:
    text = ""
    for key in path:
        if isinstance(key, int):
            text += index(key)
        elif PLAIN.fullmatch(key):
            text += f".{key}" if text else key
        else:
            text += f"[{shortened(key)!r}]"
    return text or "$"


def select(value: Any, place: str) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every place that a generalised location such as `runtimes[*].id` names."""
    found: list[tuple[Path, Any]] = [((), value)]
    for segment in place.replace("[*]", ".[*]").split("."):
        if segment == "[*]":
            found = [
                ((*path, index), item)
                for path, items in found
                if isinstance(items, list)
                for index, item in enumerate(items)
            ]
        elif segment:
            found = [
                ((*path, segment), item[segment]) for path, item in found if isinstance(item, dict) and segment in item
            ]
    yield from found


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
