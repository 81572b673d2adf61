"""The one language of locations, in which findings, reports, coverage, mutants and invariants name places of a body.

```text
location = "$" | ["$"] step*            the body itself is "$", or nothing at all
step     = "." name | "[" quoted "]"    a member: a name needs no quotes before `.`, `[`, `<`, `*` and white space
         | "[*]" | "[" digits "]"       all items of a list, or one of them
         | ".*"                         all members of an object
         | "<" tag ">"                  those values only that are of one branch of a `oneOf`, `anyOf` or condition
tag      = name "=" value               told by a property: `kind=profile`, JSON where that is no plain name
         | word ":" numbers | "then" | "else" | …     told by nothing in the value: `oneOf:1`
```

`exact_location` and `general_location` write a location such as `runtimes[*].backing<kind=profile>`. `parse_steps`
reads it, and `select_values` finds the values.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from pytest_bctrl.contract.short_values import shorten

Path: TypeAlias = tuple[str | int, ...]
"""The exact place of a value: names and indexes from the top of the body."""

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Names that stand in a location as they are."""

StepKind = Literal["member", "items", "position", "others", "tag"]

_STEP = re.compile(
    r"""(?P<items>\[\*\])|\[(?P<position>\d+)\]|\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]"""
    r"""|(?P<others>\.?\*)|\.?(?P<member>[^\s.\[\]<>*$'"][^\s.\[\]<>*]*)|<(?P<tag>[^<>]*)>"""
)

ITEMS = "[*]"

_WORDS = frozenset({"true", "false", "null", "NaN", "Infinity"})
"""Texts that read as JSON values, in Python's reading at least, and are quoted where they are strings."""


def exact_location(path: Sequence[str | int]) -> str:
    """Write an exact place: `runtimes[299].status`; the body itself is `$`."""
    return _written(path, lambda at, index: f"{at}[{index}]")


def general_location(path: Sequence[str | int]) -> str:
    """Write a place for all items of a list: `runtimes[*].status`."""
    return _written(path, lambda at, _index: at + ITEMS)


def _written(path: Sequence[str | int], item: Callable[[str, int], str]) -> str:
    text = ""
    for key in path:
        text = item(text, key) if isinstance(key, int) else undocumented_member(text, key)
    return text or "$"


class Step(NamedTuple):
    """One step of a location; `text` is the member's name, the position, or the tag without its brackets."""

    kind: StepKind
    text: str


def member_location(location: str, name: str) -> str:
    """The place of a member of the object at `exact_location`."""
    if PLAIN.fullmatch(name):
        return f"{location}.{name}" if location else name
    return f"{location}[{name!r}]"


def undocumented_member(location: str, name: str) -> str:
    """The place of a member that no contract names: a name that is too long to show is cut."""
    return member_location(location, str(shorten(name)))


def position_location(location: str, index: int) -> str:
    """The place of the items at one documented position."""
    return f"{location}[{index}]"


def other_members(location: str) -> str:
    """The place of all members that a free-form object has."""
    return f"{location}.*" if location else "*"


def with_tag(location: str, tag: str) -> str:
    """The place of those values that are of one branch."""
    return f"{location}<{tag}>"


def value_tag(name: str, value: Any) -> str:
    """The tag of a branch that the value of a property tells: `kind=profile`; of a container, its type alone."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value not in _WORDS:
        text = value
    elif isinstance(value, dict | list):
        return f"{name}:{'object' if isinstance(value, dict) else 'array'}"
    else:
        text = json.dumps(shorten(value)).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"{name}={text}"


def tag_value(tag: str) -> tuple[str, Any] | None:
    """Read the name and the value of a tag back; None where it tells no value."""
    name, equals, text = tag.partition("=")
    if not equals:
        return None
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def select_values(value: Any, location: str) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every place that a location names; raises `ValueError` for what is none."""
    found: list[tuple[Path, Any]] = [((), value)]
    for kind, text in parse_steps(location):
        if kind == "items":
            lists = ((path, outer) for path, outer in found if isinstance(outer, list))
            found = [((*path, index), item) for path, outer in lists for index, item in enumerate(outer)]
        elif kind == "member" and not text.endswith(_CUT):
            objects = ((path, outer) for path, outer in found if isinstance(outer, dict))
            found = [((*path, text), outer[text]) for path, outer in objects if text in outer]
        elif kind == "tag":
            found = [(path, outer) for path, outer in found if _may_be_of(outer, text)]
        else:
            found = [((*path, key), outer[key]) for path, outer in found for key in _keys(outer, kind, text)]
    yield from found


_CUT = " characters)"
"""The end of a name that is too long to show."""


def _keys(value: Any, kind: StepKind, text: str) -> Iterator[str | int]:
    if isinstance(value, list) and kind == "position":
        yield from range(len(value))[int(text) :][:1]
    elif isinstance(value, dict) and kind != "position":
        yield from (name for name in value if kind == "others" or shorten(name) == text)


def _may_be_of(value: Any, tag: str) -> bool:
    """Whether a value may be of the branch that a tag names: what no property tells, any may be."""
    told = tag_value(tag)
    if told is None:
        return True
    name, wanted = told
    is_told = isinstance(value, dict) and name in value and value_tag(name, value[name]) == tag
    return is_told or (name == WITH and isinstance(value, dict) and wanted in value)


WITH = "with"
"""What stands for the name in the tag of objects to which `dependentSchemas` applies a schema: `with=profile`."""


def parse_steps(location: str) -> list[Step]:
    """Read a location step by step; raises `ValueError` for what is none."""
    return [step for step, _ in _read(location)]


@lru_cache(maxsize=1024)
def _read(location: str) -> tuple[tuple[Step, int], ...]:
    """The steps, each with where it ends."""
    read: list[tuple[Step, int]] = []
    at = int(location.startswith("$"))
    while at < len(location):
        found = _STEP.match(location, at)
        if found is None or found.end() == at:
            raise ValueError(f"{location!r} is not a location")
        at, kind = found.end(), found.lastgroup
        is_quoted = kind == "quoted"
        step = Step("member", str(literal_eval(found["quoted"]))) if is_quoted else Step(kind, found[kind])  # type: ignore[arg-type, index]
        read.append((step, at))
    return tuple(read)


def split_location(location: str) -> tuple[str, Step | None]:
    """The place above a location, and the step that leads from there to it; no step where it is the body."""
    read = _read(location)
    return location[: read[-2][1] if len(read) > 1 else 0], read[-1][0] if read else None


def without_tags(location: str, *, positions: bool = True) -> str:
    """The location without its tags; without its `positions`, each is `[*]`."""
    parts, at = [], 0
    for step, end in _read(location) if "<" in location or not positions else ():
        if step.kind != "tag":
            parts.append(ITEMS if step.kind == "position" and not positions else location[at:end])
        at = end
    return "".join(parts).removeprefix(".") if at else location


def display_location(location: str) -> str:
    """The location as findings have it: branches untold, every position `[*]`, the body itself `$`."""
    return without_tags(location, positions=False) or "$"
