"""The part of JSONPath (RFC 9535) that overlay actions need: names, wildcards, indexes, descent and filters.

Written here because the base install brings no JSONPath library. What it does not know it refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from pytest_bctrl.errors import DocumentError

Location: TypeAlias = tuple[str | int, ...]
_Match: TypeAlias = tuple[Location, Any]
_Step: TypeAlias = Callable[[_Match], Iterator[_Match]]

# What is not ASCII is said as such: a range up to \uffff takes 15 ms to compile, and leaves out what is beyond it.
_NAME = r"(?:[A-Za-z_]|[^\x00-\x7f])(?:[\w\-]|[^\x00-\x7f])*"
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_FILTER = rf"\[(?:{_QUOTED})\]|{_QUOTED}|[^\[\]'\"]"
_SEGMENT = re.compile(
    rf"""(?P<deep>\.\.)?(?:
        \.?(?P<star>\*) | \.?(?P<name>{_NAME})
      | \[\s*(?:(?P<any>\*) | (?P<index>-?\d+) | (?P<quoted>{_QUOTED}) | \?(?P<filter>(?:{_FILTER})+))\s*\]
    )""",
    re.VERBOSE,
)
_TERM = re.compile(
    rf"\s*@(?P<path>(?:\.{_NAME}|\[(?:{_QUOTED})\])*)\s*(?:(?P<op>==|!=)\s*(?P<value>{_QUOTED}|-?\d+|true|false|null))?\s*"
)
_LITERALS: dict[str, Any] = {"true": True, "false": False, "null": None}


def find(expression: str, document: Any) -> list[_Match]:
    """Return every `(location, value)` that `expression` selects in `document`, in document order.

    Raises `DocumentError` for an expression outside the supported part of RFC 9535.
    """
    matches: list[_Match] = [((), document)]
    for step in _parse(expression):
        matches = [found for match in matches for found in step(match)]
    return matches


def _parse(expression: str) -> list[_Step]:
    if not expression.startswith("$"):
        raise _unsupported(expression, expression)
    steps: list[_Step] = []
    position = 1
    while position < len(expression):
        segment = _SEGMENT.match(expression, position)
        if segment is None or (segment["deep"] is None and expression[position] not in ".["):
            raise _unsupported(expression, expression[position:])
        if segment["deep"]:
            steps.append(_descend)
        steps.append(_selector(expression, segment))
        position = segment.end()
    return steps


def _selector(expression: str, segment: re.Match[str]) -> _Step:
    if segment["star"] or segment["any"]:
        return _children
    if segment["filter"]:
        return _filtered(expression, segment["filter"])
    if segment["index"]:
        return _item(int(segment["index"]))
    return _member(segment["name"] or _text(expression, segment["quoted"]))


def _children(match: _Match) -> Iterator[_Match]:
    location, value = match
    if isinstance(value, dict):
        yield from (((*location, key), child) for key, child in value.items())
    elif isinstance(value, list):
        yield from (((*location, index), child) for index, child in enumerate(value))


def _descend(match: _Match) -> Iterator[_Match]:
    yield match
    for child in _children(match):
        yield from _descend(child)


def _member(name: str) -> _Step:
    def step(match: _Match) -> Iterator[_Match]:
        location, value = match
        if isinstance(value, dict) and name in value:
            yield (*location, name), value[name]

    return step


def _item(index: int) -> _Step:
    def step(match: _Match) -> Iterator[_Match]:
        location, value = match
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield (*location, index % len(value)), value[index]

    return step


def _filtered(expression: str, source: str) -> _Step:
    alternatives = [
        [_term(expression, term) for term in _split(conjunction, "&&")] for conjunction in _split(source, "||")
    ]

    def step(match: _Match) -> Iterator[_Match]:
        for child in _children(match):
            if any(all(term(child[1]) for term in terms) for terms in alternatives):
                yield child

    return step


def _split(source: str, operator: str) -> list[str]:
    parts = re.split(rf"({_QUOTED})|{re.escape(operator)}", source)
    out = [""]
    for index, part in enumerate(parts):
        if index % 2 == 0 and index:
            out = [*out, part] if parts[index - 1] is None else [*out[:-1], out[-1] + parts[index - 1] + part]
        elif index == 0:
            out = [part]
    return out


def _term(expression: str, source: str) -> Callable[[Any], bool]:
    term = _TERM.fullmatch(source)
    if term is None or not (term["path"] or term["op"]):
        raise _unsupported(expression, source)
    names = [
        name or _text(expression, quoted) for name, quoted in re.findall(rf"\.({_NAME})|\[({_QUOTED})\]", term["path"])
    ]
    if term["op"] is None:
        return lambda value: _lookup(value, names) is not _MISSING
    wanted = _literal(expression, term["value"])
    equal = term["op"] == "=="
    return lambda value: _same(_lookup(value, names), wanted) is equal


def _same(value: Any, wanted: Any) -> bool:
    """Equality as JSON has it: true is not 1, though Python thinks so."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


_MISSING = object()


def _lookup(value: Any, names: list[str]) -> Any:
    for name in names:
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _literal(expression: str, source: str) -> Any:
    if source[0] in "'\"":
        return _text(expression, source)
    return _LITERALS[source] if source in _LITERALS else int(source)


def _text(expression: str, source: str) -> str:
    """The text in quotes (RFC 9535, 2.3.1.1): JSON's escapes, and the quote's own in single quotes."""
    inner = source[1:-1]
    if source[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        raise _unsupported(expression, source) from None


def _unsupported(expression: str, rest: str) -> DocumentError:
    return DocumentError(
        f"the JSONPath is not understood from {rest!r} on",
        where=expression,
        mend="names, *, [n], ['name'], .. and filters such as [?@.name == 'x' && @.in == 'path'] are",
    )
