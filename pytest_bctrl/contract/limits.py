"""What JSON allows and the interpreter's defaults refuse: deep nesting and long integers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

DEPTH = 10_000
"""Levels of nesting that are read; the interpreter's default of about 1,000 is less than real metadata may have."""

DIGITS = 100_000
"""Digits of an integer that are read; the interpreter's default is 4,300."""


class Beyond(float):
    """A number that is JSON and beyond a double, such as 1e999; it is infinite, and a type that no fast engine takes.

    An engine that reads an infinite number as no number at all would be wrong about it, and not know.
    """


def number(text: str) -> float:
    """Read a JSON number with a fraction or an exponent."""
    value = float(text)
    return value if isfinite(value) else Beyond(value)


@contextmanager
def wide_limits() -> Iterator[None]:
    """Let the interpreter read what JSON allows and its defaults refuse: deep nesting and long integers."""
    depth, digits = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    sys.setrecursionlimit(max(depth, DEPTH))
    sys.set_int_max_str_digits(DIGITS)
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
        sys.set_int_max_str_digits(digits)
