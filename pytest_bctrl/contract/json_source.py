"""Reads JSON: duplicate keys and values that JSON has not are refused; lines are found when asked for."""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import cache
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
    """What only lenient parsers take for JSON; its text is `NaN` or the like."""


def read_json(text: str, name: str) -> Any:
    """Return the JSON document in `text`.

    Raises `DocumentError` naming the line for what is not JSON, and for a duplicate key, a number that is not
    finite, or nesting that the decoder cannot follow.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    if problem := parsing_problem(encoded):
        raise DocumentError(problem, where=name, hint="give a smaller document")
    data = _read(text, name)
    if may_be_deep(encoded, MAX_DEPTH, _DOCUMENT):
        require_shallow(data, name)
    return data


def read_quickly(text: bytes) -> Any:
    """Return the value of a large JSON text, in half the time; what is refused is for others to read with care.

    Raises `ValueError` for what is not JSON or not plainly so (duplicate keys, half a character, a number beyond a
    double), for a small text, which is read sooner than jiter is imported, and where jiter is not installed.
    """
    jiter = _jiter() if len(text) > _SMALL else None
    if jiter is None:
        raise ValueError
    value = jiter.from_json(text, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True)
    # Beyond a double it reads infinity, which nothing tells as soon as the bytes of all values do.
    values = marshal.dumps(value, 4)
    if any(one in values for one in _INFINITE):
        raise ValueError
    return value


@cache
def _jiter() -> Any:
    with suppress(ImportError):
        return import_module("jiter")
    return None  # pragma: no cover - the tests have it installed


_SMALL = 65_536
_INFINITE = (b"\xf0\x7f", b"\xf0\xff")
"""How infinity ends, above zero and below, in this format of `marshal`."""


def _read(text: str, name: str) -> Any:
    twice: dict[str, None] = {}
    try:
        data = parse_json(text, twice, parse_float=_finite)
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
        # Of more digits than the interpreter reads: it is no number that anyone sends.
        raise DocumentError("a number is too large", where=name, hint="use numbers that JSON can hold") from None
    for key in twice:
        problem = f"the key {key!r} appears twice in one object, at line {_line_of_duplicate(text, key)}"
        raise DocumentError(problem, where=name, hint="keep one of them")
    return data


def require_shallow(data: Any, name: str) -> None:
    """Raise `DocumentError` where JSON data nests deeper than `MAX_DEPTH`, as data that holds itself does."""
    if is_deep(data, MAX_DEPTH):
        raise DocumentError(f"nested deeper than {MAX_DEPTH} levels", where=name, hint="give a flatter document")


def parse_json(text: str, twice: dict[str, None], **readers: Any) -> Any:
    """Return the value of a JSON text, and note the keys that stand twice in one object.

    Raises `NotJsonError` for NaN and infinity, and what `json.loads` raises. `readers` are for its numbers.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            seen: set[str] = set()
            for name, _ in items:
                if name in seen:
                    twice[name] = None
                seen.add(name)
        return made

    return json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse_constant, **readers)


def _refuse_constant(name: str) -> NoReturn:
    raise NotJsonError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def json_lines(text: str, pointers: Iterable[str] | None = None) -> dict[str, int]:
    """Return the line (from 1) on which each member or element begins, by its JSON pointer.

    Where `pointers` are given, only the lines on the way to them, at the price of one more reading of the text.
    """
    lines = {"": 1}
    wanted = None if pointers is None else _tree(pointers)
    for pointer, line, _ in _walk(text, wanted):
        lines.setdefault(pointer, line)
    return lines


def _tree(pointers: Iterable[str]) -> _Tree:
    root: _Tree = {}
    for pointer in pointers:
        here = root
        for token in pointer.split("/")[1:]:
            here = here.setdefault(token, {})
    return root


def _line_of_duplicate(text: str, key: str) -> int:
    first: dict[str, int] = {}
    walked = enumerate(_walk(text, None))
    return next(
        line for index, (pointer, line, name) in walked if name == key and first.setdefault(pointer, index) != index
    )


class _Open(NamedTuple):
    """An object or array that is being walked; what of it is wanted, None for all, and the numbers of its members."""

    pointer: str
    is_object: bool
    wanted: _Tree | None
    numbers: Iterator[int]


def _walk(text: str, wanted: _Tree | None) -> Iterator[tuple[str, int, str | None]]:
    """Every wanted member and element of valid JSON, in order: its pointer, its line, and its key where it has one.

    What is not wanted is passed over by the decoder itself, which is many times faster than looking at its pieces.
    """
    decode = json.JSONDecoder().raw_decode
    stack: list[_Open] = []
    pointer, at, line, counted = "", _next(text, 0), 1, 0
    while True:
        if text[at] in "{[" and wanted != {}:
            stack.append(_Open(pointer, text[at] == "{", wanted, count()))
            at = _next(text, at + 1)
        else:
            at = _next(text, decode(text, at)[1])
        while stack and text[at] in "}]":
            stack.pop()
            at = _next(text, at + 1)
        if not stack:
            return
        at = _next(text, at + 1) if text[at] == "," else at
        here, key = stack[-1], None
        begins = at
        token = str(next(here.numbers))
        if here.is_object:
            key, at = decode(text, at)
            token = str(key).replace("~", "~0").replace("/", "~1")
            at = _next(text, _next(text, at) + 1)
        pointer = f"{here.pointer}/{token}"
        wanted = None if here.wanted is None else here.wanted.get(token, _NOTHING)
        if wanted is not _NOTHING:
            line, counted = line + text.count("\n", counted, begins), begins
            yield pointer, line, key


def _next(text: str, at: int) -> int:
    """Where the next piece begins: past what is blank."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


DEPTH = 700
"""Levels of nesting that are read: the interpreter goes no deeper than 1,000 by itself, and others far less."""

DIGITS = 100_000
"""Digits of a number that are read."""

_AT_ONCE = 4_300
"""Digits of an integer that the interpreter reads by itself, so that no thread has to change its limit."""


class LargeNumber(float):
    """A number that is JSON and too large or too long to be read as it is; it is infinite, `exact` is what it says."""

    def __init__(self, text: str) -> None:
        self.exact = Decimal(text)


def parse_number(text: str) -> float:
    """Read a JSON number with a fraction or an exponent; raises `ValueError` for one of more digits than are read."""
    value = float(text)
    return value if isfinite(value) else _beyond(text)


def parse_integer(text: str) -> float:
    """Read a JSON number without a fraction; raises `ValueError` for one of more digits than are read."""
    return int(text) if len(text) <= _AT_ONCE else _beyond(text)


def _beyond(text: str) -> LargeNumber:
    try:
        beyond = LargeNumber(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if beyond.exact.adjusted() >= DIGITS:
        raise ValueError(text)
    return beyond


def may_be_deep(text: bytes, levels: int = DEPTH, usual: int = 8) -> bool:
    """Whether a JSON text might nest deeper than so many levels; of one with the `usual` ones it is seen at once."""
    brackets = text.translate(None, _OTHERS)
    for _ in range(usual):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return len(brackets) > levels


_DOCUMENT = 40
"""Levels of nesting that nearly every document has at most."""

_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


def is_deep(data: Any, levels: int = DEPTH) -> bool:
    """Whether JSON data nests deeper than so many levels, as data that holds itself does."""
    level: list[Any] = [[data]]
    for _ in range(levels + 1):
        inside: list[Any] = []
        for value in level:
            inside += value.values() if isinstance(value, dict) else value
        kinds = list(map(type, inside))
        holding = {kind for kind in set(kinds) if issubclass(kind, dict | list)}
        level = list(compress(inside, map(holding.__contains__, kinds)))
    return bool(level)
