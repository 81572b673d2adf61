"""Reads JSON strictly, rejecting duplicate keys and values such as `NaN`, and finds the lines of values on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import compress, count
from math import isfinite
from typing import Any, NamedTuple, NoReturn, TypeAlias

from pytest_bctrl.errors import DocumentError
from pytest_bctrl.files.limits import parsing_problem

MAX_DEPTH = 100
_BLANK = re.compile(r"[ \t\n\r]*")
_Tree: TypeAlias = "dict[str, _Tree]"
_NOTHING: _Tree = {}


class NotJsonError(ValueError):
    """Raised for a value that only lenient parsers accept as JSON; the message is the value, such as `NaN`."""


def read_json(text: str, name: str) -> Any:
    """Return the value of a JSON text; raises `DocumentError` if it is not strict JSON, is too large or too deep.

    Raises `DocumentError` for a text that is not JSON, naming the line, and for a duplicate key, a number that is not
    finite, or nesting that is too deep.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    if problem := parsing_problem(encoded):
        raise DocumentError(problem, where=name, hint="give a smaller document")
    data = _parse_strictly(text, name)
    if may_be_deep(encoded, MAX_DEPTH, _DOCUMENT):
        require_shallow(data, name)
    return data


def read_quickly(text: bytes) -> Any:
    """Return the value of a large JSON text fast; raises `ValueError` for a small or a doubtful text.

    Raises `ValueError` for a text that needs the careful parser: one that is not JSON, or has duplicate keys, lone
    surrogates or numbers beyond a double. So it does for a small text, for which importing jiter takes longer than
    parsing, and if jiter is not installed.
    """
    if len(text) <= _SMALL or HUGE_NUMBER.search(text):
        raise ValueError
    try:
        jiter = import_module("jiter")
    except ImportError:
        raise ValueError from None
    return jiter.from_json(text, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True)


_SMALL = 65_536
HUGE_NUMBER = re.compile(rb"[\[:,\s]-?\d(?:\d{209}|[\d.]*[eE]\+?\d{3})")
"""Matches each number in a container that may be beyond double precision."""


def _parse_strictly(text: str, name: str) -> Any:
    """Return the value of a JSON text; raises `DocumentError`, if possible with the line, if it is not strict JSON."""
    duplicates: dict[str, None] = {}
    try:
        data = parse_json(text, duplicates, parse_float=_parse_finite)
    except NotJsonError as error:
        raise DocumentError(
            f"{error} is not a JSON value", where=name, hint="use null, or a number that JSON has"
        ) from None
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}", where=name, hint="fix the JSON"
        ) from None
    except RecursionError:
        raise DocumentError("nested too deeply", where=name, hint="give a flatter document") from None
    except ValueError:
        # The number has more digits than the interpreter converts, which no real document needs.
        raise DocumentError("a number is too large", where=name, hint="use numbers that JSON can represent") from None
    for key in duplicates:
        problem = f"the key {key!r} appears twice in one object, at line {_line_of_duplicate(text, key)}"
        raise DocumentError(problem, where=name, hint="keep one of them")
    return data


def require_shallow(data: Any, name: str) -> None:
    """Raise `DocumentError` if JSON data is nested deeper than `MAX_DEPTH`, as data that contains itself is."""
    if is_deep(data, MAX_DEPTH):
        raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", where=name, hint="give a flatter document")


def parse_json(text: str, duplicates: dict[str, None], **readers: Any) -> Any:
    """Return the value of a JSON text; adds keys that occur twice in one object to `duplicates`.

    Raises `NotJsonError` for NaN and infinity, and the errors of `json.loads`. `readers` parse the numbers.
    """

    def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object of its pairs, and note repeated keys."""
        members = dict(pairs)
        if len(members) != len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    duplicates[name] = None
                seen.add(name)
        return members

    return json.loads(text, object_pairs_hook=build_object, parse_constant=_reject_constant, **readers)


def _reject_constant(name: str) -> NoReturn:
    """Raise `NotJsonError` for `NaN` and infinities."""
    raise NotJsonError(name)


def _parse_finite(text: str) -> float:
    """Return a number of a text; raises `ValueError` if it is infinite as a double."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def json_lines(text: str, pointers: Iterable[str] | None = None) -> dict[str, int]:
    """Return the line on which each member or element begins, counted from 1, by its JSON pointer.

    With `pointers`, only the lines of these values and of their parents, which reads the text once more.
    """
    lines = {"": 1}
    selection = None if pointers is None else _pointer_tree(pointers)
    for pointer, line, _ in _walk_members(text, selection):
        lines.setdefault(pointer, line)
    return lines


def _pointer_tree(pointers: Iterable[str]) -> _Tree:
    """Return pointers as a tree of their tokens."""
    root: _Tree = {}
    for pointer in pointers:
        node = root
        for token in pointer.split("/")[1:]:
            node = node.setdefault(token, {})
    return root


def _line_of_duplicate(text: str, key: str) -> int:
    """Return the line of the first `key` that repeats an earlier one of the same object."""
    seen: set[str] = set()
    for pointer, line, name in _walk_members(text, None):
        if name == key:
            if pointer in seen:
                return line
            seen.add(pointer)
    raise LookupError(key)  # pragma: no cover - called only for a key that appears twice


class _Container(NamedTuple):
    """An object or array whose members are being read: its selected members (None for all), and their numbers."""

    pointer: str
    is_object: bool
    selection: _Tree | None
    numbers: Iterator[int]


def _walk_members(text: str, selection: _Tree | None) -> Iterator[tuple[str, int, str | None]]:
    """Yield pointer, line and key (if any) of every selected member and element of valid JSON, in order.

    The decoder skips values that are not selected, which is many times faster than reading their members.
    """
    decode = json.JSONDecoder().raw_decode
    stack: list[_Container] = []
    pointer, position, line, counted = "", _skip_blank(text, 0), 1, 0
    while True:
        if text[position] in "{[" and selection != {}:
            stack.append(_Container(pointer, text[position] == "{", selection, count()))
            position = _skip_blank(text, position + 1)
        else:
            position = _skip_blank(text, decode(text, position)[1])
        while stack and text[position] in "}]":
            stack.pop()
            position = _skip_blank(text, position + 1)
        if not stack:
            return
        if text[position] == ",":
            position = _skip_blank(text, position + 1)
        container, key = stack[-1], None
        start = position
        token = str(next(container.numbers))
        if container.is_object:
            key, position = decode(text, position)
            token = str(key).replace("~", "~0").replace("/", "~1")
            position = _skip_blank(text, _skip_blank(text, position) + 1)
        pointer = f"{container.pointer}/{token}"
        selection = None if container.selection is None else container.selection.get(token, _NOTHING)
        if selection is not _NOTHING:
            line, counted = line + text.count("\n", counted, start), start
            yield pointer, line, key


def _skip_blank(text: str, position: int) -> int:
    """Return the position of the next character that is not white space."""
    match = _BLANK.match(text, position)
    return match.end() if match else position


DEPTH = 700
"""Maximum number of levels of nesting; the interpreter supports about 1,000, other parsers far fewer."""


def parse_number(text: str) -> float:
    """Return a JSON number with a fraction or an exponent; one beyond a double is replaced by an integer beyond it."""
    value = float(text)
    if isfinite(value):
        return value
    return -_BEYOND_DOUBLE if value < 0 else _BEYOND_DOUBLE


_BEYOND_DOUBLE = 10**309


def may_be_deep(text: bytes, levels: int = DEPTH, usual: int = 8) -> bool:
    """Return False only if valid JSON is certainly not nested deeper than `levels`, as nearly all up to `usual` is.

    Each round removes the empty containers: at most two levels of a value, as of a list of objects. Quotes are retained
    because they separate the brackets in a string from those around it.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = text.translate(None, _NOT_MARKS)
    for _ in range(usual):
        marks = marks.replace(b'""', b"").replace(b"{}", b"").replace(b"[]", b"")
    return len(marks) > 2 * (levels - 2 * usual)


_DOCUMENT = 40
"""Levels of nesting that nearly no document exceeds."""

_NOT_MARKS = bytes(set(range(256)) - set(b'[]{}"'))


def is_deep(data: Any, levels: int = DEPTH) -> bool:
    """Return whether JSON data is nested deeper than `levels`, as data that contains itself is."""
    containers: list[Any] = [[data]]
    for _ in range(levels + 1):
        children: list[Any] = []
        for container in containers:
            children += container.values() if isinstance(container, dict) else container
        types = list(map(type, children))
        container_types = {type_ for type_ in set(types) if issubclass(type_, dict | list)}
        containers = list(compress(children, map(container_types.__contains__, types)))
        if not containers:
            return False
    return True
