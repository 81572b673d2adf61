"""Texts that match a pattern, made by walking it: the common parts of ECMA 262 patterns that Python shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from random import Random
from typing import Any

_MORE = 3
"""How many more than the least an unbounded repetition makes at most."""


def matching(pattern: str, source: Random) -> str | None:
    """Return a text that matches `pattern` from end to end, or None where none can be made.

    Looking ahead, references to groups and the like are not walked; whatever was made is tried against the pattern.
    """
    try:
        # The standard library's own parser: private, so that anything may be missing from it.
        tree = import_module("re._parser").parse(pattern)
        made = "".join(_walk(tree, source))
    except (ImportError, AttributeError, LookupError, re.error, RecursionError):
        return None
    return made if re.search(pattern, made) else None


def _walk(tree: Any, source: Random) -> Iterator[str]:
    for code, argument in tree:
        yield from _PARTS[str(code)](argument, source)


def _literal(argument: Any, _source: Random) -> Iterator[str]:
    yield chr(argument)


def _any(_argument: Any, source: Random) -> Iterator[str]:
    yield source.choice("abcxyz")


def _in(argument: Any, source: Random) -> Iterator[str]:
    is_negated = str(argument[0][0]) == "NEGATE"
    listed = [letter for code, value in argument[is_negated:] for letter in _letters(str(code), value)]
    yield source.choice([letter for letter in _PRINTABLE if letter not in listed] if is_negated else listed)


def _letters(code: str, value: Any) -> str:
    if code == "LITERAL":
        return chr(value)
    if code == "RANGE":
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
    return _CATEGORIES[str(value)]


def _repeat(argument: Any, source: Random) -> Iterator[str]:
    least, most, inner = argument
    for _ in range(source.randint(int(least), min(int(most), int(least) + _MORE))):
        yield from _walk(inner, source)


def _group(argument: Any, source: Random) -> Iterator[str]:
    yield from _walk(argument[-1], source)


def _branch(argument: Any, source: Random) -> Iterator[str]:
    yield from _walk(source.choice(argument[1]), source)


def _nothing(_argument: Any, _source: Random) -> Iterator[str]:
    yield from ()


_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_CATEGORIES: Mapping[str, str] = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "abcxyz-",
    "CATEGORY_NOT_WORD": "-. ",
    "CATEGORY_NOT_SPACE": "abcxyz012",
}
_PARTS: Mapping[str, Callable[[Any, Random], Iterator[str]]] = {
    "LITERAL": _literal,
    "ANY": _any,
    "IN": _in,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "SUBPATTERN": _group,
    "BRANCH": _branch,
    "AT": _nothing,
}
