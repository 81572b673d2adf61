"""Copies response objects, which a mock may return again."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def shallow_copy(response: T, **attributes: Any) -> T:
    """Return an object with the attributes of another one, except for these; its class has no say in it."""
    copy = object.__new__(type(response))
    vars(copy).update(vars(response))
    vars(copy).update(attributes)
    return copy
