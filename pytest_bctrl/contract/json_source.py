"""Reads JSON: duplicate keys and values that JSON has not are refused; lines are found when asked for."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from pytest_bctrl.errors import DocumentError

MAX_DEPTH = 100
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\n|[^\s{}\[\],:"]+')


class _RefusedError(Exception):
    """Carries a problem out of the decoder's callbacks."""


def read_json(text: str, name: str) -> Any:
    """Return the JSON document in `text`.

    Raises `DocumentError` naming the line for what is not JSON, and for a duplicate key, a number that is not
    finite, or nesting that the decoder cannot follow.
    """
    try:
        data = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except _RefusedError as refused:
        problem, key = refused.args
        line = _line_of_duplicate(text, key) if key is not None else 0
        place = f", at line {line}" if line else ""
        raise DocumentError(
            f"{problem}{place}", where=name, mend="keep one of them" if key else "use null, or a number that JSON has"
        ) from None
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}", where=name, mend="mend the JSON"
        ) from None
    except RecursionError:
        raise DocumentError("nested too deeply", where=name, mend="give a flatter document") from None
    except ValueError as error:
        raise DocumentError(f"not JSON: {error}", where=name, mend="use numbers that JSON can hold") from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        refuse_deep(data, name)
    return data


def refuse_deep(data: Any, name: str) -> None:
    """Raise `DocumentError` where JSON data nests deeper than `MAX_DEPTH`, as data that holds itself does."""
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", where=name, mend="give a flatter document")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RefusedError(f"the key {key!r} stands twice in one object", key)
            seen.add(key)
    return value


def _constant(text: str) -> Any:
    raise _RefusedError(f"{text} is not a JSON value", None)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError(f"the number {text[:40]} is too large", None)
    return value


def json_lines(text: str) -> dict[str, int]:
    """Return the line (from 1) on which the member or element of every JSON pointer begins."""
    lines = {"": 1}
    for pointer, line, _ in _walk(text):
        lines.setdefault(pointer, line)
    return lines


def _line_of_duplicate(text: str, key: str) -> int:
    seen: set[str] = set()
    for pointer, line, name in _walk(text):
        if name == key and pointer in seen:
            return line
        seen.add(pointer)
    return 0


def _walk(text: str) -> list[tuple[str, int, str | None]]:
    """Every member and element of valid JSON, in order: its pointer, its line, and its key where it has one."""
    found: list[tuple[str, int, str | None]] = []
    stack: list[tuple[str, bool]] = []
    counts: list[int] = []
    pointer, line, key = "", 1, None
    awaiting_key = False
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece == "\n":
            line += 1
        elif piece in "}]":
            stack.pop()
            counts.pop()
        elif piece == ",":
            awaiting_key = stack[-1][1]
            counts[-1] += 1
        elif piece == ":":
            awaiting_key = False
        elif awaiting_key and piece[0] == '"':
            key = str(json.loads(piece))
            pointer = f"{stack[-1][0]}/{key.replace('~', '~0').replace('/', '~1')}"
            found.append((pointer, line, key))
        else:
            if stack and not stack[-1][1]:
                pointer = f"{stack[-1][0]}/{counts[-1]}"
                found.append((pointer, line, None))
            if piece in "{[":
                stack.append((pointer, piece == "{"))
                counts.append(0)
                awaiting_key = piece == "{"
    return found
