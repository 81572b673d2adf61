"""What JSON allows and the interpreter's defaults refuse: deep nesting and long integers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

DEPTH = 10_000
"""Levels of nesting that are read; the interpreter's default of about 1,000 is less than real metadata may have."""

DIGITS = 100_000
"""Digits of an integer that are read; the interpreter's default is 4,300."""


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
