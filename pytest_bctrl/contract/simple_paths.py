"""Evaluates the JSONPaths that most overlays consist of, without the JSONPath library.

Importing the library takes longer than comparing two small documents. A simple path has only names, wildcards,
positions, and filters that compare members with strings. `overlay.select_nodes` evaluates any other path with the
library; a property checks that both select the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_bctrl.contract.schema.locations import Path

_SEGMENT = re.compile(r"\.(?P<name>\w+)|(?P<wildcard>\.\*|\[\*\])|\[(?P<position>\d{1,9})\]|\[(?P<quoted>['\"][^]]*)\]"
                      r"|\[\?(?P<filter>[^]]*)\]", re.ASCII)  # fmt: skip
_COMPARISON = re.compile(r"[ \t\r\n]*@\.(\w+)[ \t\r\n]*==[ \t\r\n]*(['\"].*['\"])[ \t\r\n]*", re.ASCII)
_SPECIAL = re.compile(r"[\\\x00-\x1f]")


class Segment(NamedTuple):
    """A segment of a simple path: a name, a position, or None for all children.

    `members`: the members that a child must have, with their values.
    """

    key: str | int | None
    members: Mapping[str, str] = {}


def parse_simple_path(expression: str) -> list[Segment] | None:
    """Return the segments of a JSONPath, or None if it is not a simple one."""
    if not expression.startswith("$"):
        return None
    segments: list[Segment] = []
    end = 1
    while end < len(expression):
        match = _SEGMENT.match(expression, end)
        segment = None
        if match is not None:
            segment, end = _simple_segment(str(match.lastgroup), match[match.lastgroup or 0]), match.end()
        if segment is None:
            return None
        segments.append(segment)
    return segments


def _simple_segment(kind: str, text: str) -> Segment | None:
    """Return a segment, given its kind and its text; None if it is not a simple one."""
    key: str | int | None = None
    members: dict[str, str] = {}
    if kind == "name" and not text[0].isdigit():
        key = text
    elif kind == "position" and text == str(int(text)):
        key = int(text)
    elif kind == "quoted":
        key = _unquote(text)
    elif kind == "filter":
        members = _filter_comparisons(text)
    if key is None and not members and kind != "wildcard":
        return None
    return Segment(key, members)


def _filter_comparisons(text: str) -> dict[str, str]:
    """Return the members that a filter compares with strings; empty if it is not a simple one."""
    members: dict[str, str] = {}
    for part in text.split("&&"):
        match = _COMPARISON.fullmatch(part)
        value = None
        if match is not None and not match[1][0].isdigit() and match[1] not in members:
            value = _unquote(match[2])
            members[match[1]] = str(value)
        if value is None:
            return {}
    return members


def _unquote(text: str) -> str | None:
    """Return the string in quotes; None if it contains the same quotes, escapes or control characters."""
    string, quote = text[1:-1], text[0]
    if len(text) < 2 or text[-1] != quote or quote in string or _SPECIAL.search(string):
        return None
    return string


def select_simple(segments: Sequence[Segment], document: Any) -> dict[Path, Any]:
    """Return the values that a simple path selects, by their paths, in document order."""
    nodes: dict[Path, Any] = {(): document}
    for segment in segments:
        nodes = {(*path, key): child for path, value in nodes.items() for key, child in _selected(segment, value)}
    return nodes


def _selected(segment: Segment, value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the children of a value that a segment selects, each with its name or position."""
    if segment.key is None:
        for key, child in _children(value):
            if not segment.members or (isinstance(child, Mapping) and segment.members.items() <= child.items()):
                yield key, child
    elif isinstance(segment.key, str):
        if isinstance(value, Mapping) and segment.key in value:
            yield segment.key, value[segment.key]
    elif isinstance(value, list) and segment.key < len(value):
        yield segment.key, value[segment.key]


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the members or items of a value with their names or positions; none of a value without children."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
