"""Writes the way from one document to another as the actions of an OpenAPI Overlay 1.0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SIMPLE = re.compile(r"[^'\\\x00-\x1f\x7f]*")

Action = dict[str, Any]


def actions(old: Mapping[str, Any], new: Mapping[str, Any], target: str = "$") -> Iterator[Action]:
    """Yield the actions that make `new` of `old`, both JSON objects, as few and as narrow as an overlay can say.

    What goes is removed, what is added to the end of an array is appended; anything else is merged into its object.
    """
    later: list[Action] = []
    update: dict[str, Any] = {}
    for key, value in old.items():
        at = target + segment(key)
        if key not in new:
            yield {"target": at, "remove": True}
        elif not same(value, new[key]):
            inner = list(_inside(value, new[key], at))
            if inner:
                later += inner
                continue
            if isinstance(value, dict | list):
                # A merge would keep what is to go.
                yield {"target": at, "remove": True}
            update[key] = new[key]
    update |= {key: value for key, value in new.items() if key not in old}
    if update:
        yield {"target": target, "update": update}
    yield from later


def _inside(old: Any, new: Any, target: str) -> Iterator[Action]:
    """The actions inside a value that stays what it is; none where it has to be replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from actions(old, new, target)
    elif isinstance(old, list) and isinstance(new, list):
        if len(new) > len(old) and same(new[: len(old)], old):
            yield from ({"target": target, "update": value} for value in new[len(old) :])
        elif len(new) == len(old):
            yield from _items(old, new, target)
        else:
            yield from _without(old, new, target)


def _items(old: list[Any], new: list[Any], target: str) -> Iterator[Action]:
    """The actions inside the items of an array, where all that differ are objects."""
    pairs = [
        (index, one, other) for index, (one, other) in enumerate(zip(old, new, strict=True)) if not same(one, other)
    ]
    if all(isinstance(one, dict) and isinstance(other, dict) for _, one, other in pairs):
        for index, one, other in pairs:
            yield from actions(one, other, f"{target}[{index}]")


def _without(old: list[Any], new: list[Any], target: str) -> Iterator[Action]:
    """The actions that take texts out of an array, each by its value, whatever its place will be."""
    gone = [value for value in old if value not in new]
    if all(isinstance(value, str) for value in old) and [value for value in old if value in new] == new:
        yield from ({"target": f"{target}[?@ == {_quoted(value)}]", "remove": True} for value in dict.fromkeys(gone))


def segment(key: str) -> str:
    """A key as a segment of a JSONPath (RFC 9535, 2.3.1)."""
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{_quoted(key)}]"


def _quoted(text: str) -> str:
    return f"'{text}'" if _SIMPLE.fullmatch(text) else json.dumps(text)


def same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
