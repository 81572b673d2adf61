"""Texts that match a pattern, made by walking it: the common parts of ECMA 262 patterns that Python shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from random import Random
from typing import Any, NamedTuple


class _Draw(NamedTuple):
    """What is chosen from, and how many more than the least a repetition makes at most."""

    source: Random
    more: int


def matching(pattern: str, source: Random, more: int = 3) -> str | None:
    """Return a text that matches `pattern` from end to end, or None where none can be made.

    A repetition is made `more` times more often than it has to be, at most.
    Looking ahead, references to groups and the like are not walked; whatever was made is tried against the pattern.
    """
    try:
        # The standard library's own parser: private, so that anything may be missing from it.
        tree = import_module("re._parser").parse(pattern)
        made = "".join(_walk(tree, _Draw(source, more)))
    except (ImportError, AttributeError, LookupError, re.error, RecursionError):
        return None
    return made if matches(pattern, made) else None


def matches(pattern: str, text: str) -> bool:
    """Return whether `text` has the pattern in it; not where Python cannot read the pattern."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _walk(tree: Any, draw: _Draw) -> Iterator[str]:
    for code, argument in tree:
        yield from _PARTS[str(code)](argument, draw)


def _literal(argument: Any, _draw: _Draw) -> Iterator[str]:
    yield chr(argument)


def _any(_argument: Any, draw: _Draw) -> Iterator[str]:
    yield draw.source.choice("abcxyz")


def _in(argument: Any, draw: _Draw) -> Iterator[str]:
    is_negated = str(argument[0][0]) == "NEGATE"
    listed = [letter for code, value in argument[is_negated:] for letter in _letters(str(code), value)]
    yield draw.source.choice([letter for letter in _PRINTABLE if letter not in listed] if is_negated else listed)


def _not_literal(argument: Any, draw: _Draw) -> Iterator[str]:
    yield draw.source.choice([letter for letter in _PRINTABLE if letter != chr(argument)])


def _letters(code: str, value: Any) -> str:
    if code == "LITERAL":
        return chr(value)
    if code == "RANGE":
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
    return _CATEGORIES[str(value)]


def _repeat(argument: Any, draw: _Draw) -> Iterator[str]:
    least, most, inner = argument
    for _ in range(draw.source.randint(int(least), min(int(most), int(least) + draw.more))):
        yield from _walk(inner, draw)


def _group(argument: Any, draw: _Draw) -> Iterator[str]:
    yield from _walk(argument[-1], draw)


def _branch(argument: Any, draw: _Draw) -> Iterator[str]:
    yield from _walk(draw.source.choice(argument[1]), draw)


def _nothing(_argument: Any, _draw: _Draw) -> Iterator[str]:
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
_PARTS: Mapping[str, Callable[[Any, _Draw], Iterator[str]]] = {
    "LITERAL": _literal,
    "NOT_LITERAL": _not_literal,
    "ANY": _any,
    "IN": _in,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "SUBPATTERN": _group,
    "BRANCH": _branch,
    "AT": _nothing,
}
