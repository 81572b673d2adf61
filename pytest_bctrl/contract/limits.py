"""What of JSON is read, and what is beyond it: nesting, and numbers of many digits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

DEPTH = 700
"""Levels of nesting that are read: the interpreter goes no deeper than 1,000 by itself, and others far less."""

DIGITS = 4_300
"""Digits of an integer that are read: what the interpreter reads by itself, which no thread has to change then."""


class Beyond(float):
    """A number that is JSON and beyond a double, such as 1e999; it is infinite, and `exact` is what its text says."""

    def __init__(self, text: str) -> None:
        self.exact = Decimal(text)


def number(text: str) -> float:
    """Read a JSON number with a fraction or an exponent; raises `ValueError` for one of more digits than are read."""
    value = float(text)
    if isfinite(value):
        return value
    try:
        beyond = Beyond(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if beyond.exact.adjusted() >= DIGITS:
        raise ValueError(text)
    return beyond


def may_be_deep(body: bytes) -> bool:
    """Whether a JSON text might nest deeper than is read: that it does not is seen at once of nearly every one."""
    brackets = body.translate(None, _OTHERS)
    for _ in range(_USUAL):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return len(brackets) > DEPTH


_USUAL = 8
"""Levels of nesting that nearly every body has at most."""

_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


def is_deep(data: Any, levels: int = DEPTH) -> bool:
    """Whether JSON data nests deeper than so many levels, as data that holds itself does."""
    level: list[Any] = [[data]]
    for _ in range(levels + 1):
        level = [child for value in level for child in _members(value) if isinstance(child, dict | list)]
    return bool(level)


def _members(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
