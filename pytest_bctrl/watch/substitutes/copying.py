"""Copies response objects, which a mock may return again."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def shallow_copy(response: T, **attributes: Any) -> T:
    """Return a copy of an object with some attributes replaced, without calling any method of its class."""
    copy = object.__new__(type(response))
    vars(copy).update(vars(response))
    vars(copy).update(attributes)
    return copy
