"""Parses JSON one byte a letter: one emoji would make Python's own text of a large file four times as large."""

from __future__ import annotations

import json
from typing import Any

from pytest_bctrl.incoming import parsing_problem

TEXT = "text"
"""Key of the values that stay bytes: bodies, of which only the bytes are wanted."""


def parse(data: bytes) -> Any:
    """Return a JSON document in UTF-8, with the values of `text` as bytes; None where the usual way has to be gone.

    That is so where a letter is written as an escape, as nothing tells it from a byte, and for what is no JSON or no
    UTF-8 outside of bodies: the usual way says what is wrong.
    """
    if b"\\u" in data or parsing_problem(data, width=1):
        return None
    try:
        return _widened(json.loads(data.decode("latin-1")), "")
    except (ValueError, RecursionError):
        return None


def _widened(value: Any, key: str) -> Any:
    if isinstance(value, str):
        if key == TEXT:
            return value.encode("latin-1")
        return value if value.isascii() else value.encode("latin-1").decode("utf-8")
    if isinstance(value, dict):
        return {_widened(name, ""): _widened(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_widened(inner, "") for inner in value]
    return value
