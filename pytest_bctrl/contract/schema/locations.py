"""Writes and parses locations, which identify values of a body in findings, reports, coverage, mutants and invariants.

```text
location = "$" | ["$"] step*            the body itself is "$", or nothing at all
step     = "." name | "[" quoted "]"    a member: a name needs no quotes before `.`, `[`, `<`, `*` and white space
         | "[*]" | "[" digits "]"       all items of a list, or a single item
         | ".*"                         all members of an object
         | "<" tag ">"                  only the values of a branch of a `oneOf`, `anyOf` or condition
tag      = name "=" value               a branch that a property identifies: `kind=profile`, or the value as JSON
         | word ":" numbers | "then" | "else" | …     any other branch: `oneOf:1`
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
"""The path of a value: names and indexes, beginning at the body."""

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Names that need no quotes in a location."""

StepKind = Literal["member", "items", "position", "others", "tag"]

_STEP = re.compile(
    r"""(?P<items>\[\*\])|\[(?P<position>\d+)\]|\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]"""
    r"""|(?P<others>\.?\*)|\.?(?P<member>[^\s.\[\]<>*$'"][^\s.\[\]<>*]*)|<(?P<tag>[^<>]*)>"""
)

ITEMS = "[*]"

_WORDS = frozenset({"true", "false", "null", "NaN", "Infinity"})
"""Strings that Python's JSON parser would read as other values, and that are quoted in a tag."""


def exact_location(path: Sequence[str | int]) -> str:
    """Return the location of a path with list positions, such as `runtimes[299].status`; `$` for the body."""
    return _format_location(path, lambda parent, index: f"{parent}[{index}]")


def general_location(path: Sequence[str | int]) -> str:
    """Return the location of a path with `[*]` for list positions, such as `runtimes[*].status`."""
    return _format_location(path, lambda parent, _index: parent + ITEMS)


def _format_location(path: Sequence[str | int], format_item: Callable[[str, int], str]) -> str:
    """Return the location of a path; `format_item` returns that of an item."""
    location = ""
    for key in path:
        location = format_item(location, key) if isinstance(key, int) else undocumented_member(location, key)
    return location or "$"


class Step(NamedTuple):
    """One step of a location; `text` is the member's name, the position, or the tag without its brackets."""

    kind: StepKind
    text: str


def member_location(location: str, name: str) -> str:
    """Return the location of a member of the object at `location`."""
    if not PLAIN.fullmatch(name):
        return f"{location}[{name!r}]"
    if not location:
        return name
    return f"{location}.{name}"


def undocumented_member(location: str, name: str) -> str:
    """Return the location of an undocumented member; a name that is too long to show is shortened."""
    return member_location(location, str(shorten(name)))


def position_location(location: str, index: int) -> str:
    """Return the location of the items at a documented position."""
    return f"{location}[{index}]"


def other_members(location: str) -> str:
    """Return the location of all members of a free-form object."""
    if not location:
        return "*"
    return f"{location}.*"


def with_tag(location: str, tag: str) -> str:
    """Return a location with a tag, which limits it to the values of one branch."""
    return f"{location}<{tag}>"


def value_tag(name: str, value: Any) -> str:
    """Return the tag of a property's value, such as `kind=profile`; for a container, it has only the type."""
    if isinstance(value, dict):
        return f"{name}:object"
    if isinstance(value, list):
        return f"{name}:array"
    if isinstance(value, str) and PLAIN.fullmatch(value) and value not in _WORDS:
        return f"{name}={value}"
    if isinstance(value, float) and value.is_integer():
        # 1.0 and 1 are the same value.
        value = int(value)
    text = json.dumps(shorten(value)).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"{name}={text}"


def tag_value(tag: str) -> tuple[str, Any] | None:
    """Return the property and the value of a tag, or None if the tag has no value."""
    name, equals, text = tag.partition("=")
    if not equals:
        return None
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def select_values(value: Any, location: str) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every value at a location; raises `ValueError` for an invalid location."""
    selected: list[tuple[Path, Any]] = [((), value)]
    for kind, text in parse_steps(location):
        if kind == "items":
            lists = ((path, outer) for path, outer in selected if isinstance(outer, list))
            selected = [((*path, index), item) for path, outer in lists for index, item in enumerate(outer)]
        elif kind == "member" and not text.endswith(_SHORTENED):
            objects = ((path, outer) for path, outer in selected if isinstance(outer, dict))
            selected = [((*path, text), outer[text]) for path, outer in objects if text in outer]
        elif kind == "tag":
            selected = [(path, outer) for path, outer in selected if _may_have_tag(outer, text)]
        else:
            selected = [
                ((*path, key), outer[key]) for path, outer in selected for key in _selected_keys(outer, kind, text)
            ]
    yield from selected


_SHORTENED = " characters)"
"""The end of a shortened name."""


def _selected_keys(value: Any, kind: StepKind, text: str) -> Iterator[str | int]:
    """Yield the keys of a value that a step selects: a position, all members, or a shortened name."""
    if isinstance(value, list) and kind == "position":
        yield from range(len(value))[int(text) :][:1]
    elif isinstance(value, dict) and kind != "position":
        yield from (name for name in value if kind == "others" or shorten(name) == text)


def _may_have_tag(value: Any, tag: str) -> bool:
    """Return whether a value may belong to the branch with a tag; any value may if the tag states no value."""
    property_value = tag_value(tag)
    if property_value is None:
        return True
    if not isinstance(value, dict):
        return False
    name, tagged_value = property_value
    if name in value and value_tag(name, value[name]) == tag:
        return True
    return name == WITH and tagged_value in value


WITH = "with"
"""The name in the tag of objects to which `dependentSchemas` applies a schema: `with=profile`."""


def parse_steps(location: str) -> list[Step]:
    """Return the steps of a location; raises `ValueError` for an invalid location."""
    return [step for step, _ in _steps_with_ends(location)]


@lru_cache(maxsize=1024)
def _steps_with_ends(location: str) -> tuple[tuple[Step, int], ...]:
    """Return the steps of a location, each with the position of its end; raises `ValueError` for an invalid one."""
    steps: list[tuple[Step, int]] = []
    position = int(location.startswith("$"))
    while position < len(location):
        match = _STEP.match(location, position)
        if match is None or match.end() == position:
            raise ValueError(f"{location!r} is not a location")
        position, kind = match.end(), str(match.lastgroup)
        text = match[kind]
        if kind == "quoted":
            kind, text = "member", str(literal_eval(text))
        steps.append((Step(kind, text), position))  # type: ignore[arg-type]
    return tuple(steps)


def split_location(location: str) -> tuple[str, Step | None]:
    """Return the parent of a location and its last step, which is None for the body itself."""
    steps = _steps_with_ends(location)
    if not steps:
        return "", None
    *parents, (last, _) = steps
    end = parents[-1][1] if parents else 0
    return location[:end], last


def without_tags(location: str, *, positions: bool = True) -> str:
    """Return a location without tags; without `positions`, also with `[*]` in place of each position."""
    if "<" not in location and positions:
        return location
    parts, start = [], 0
    for step, end in _steps_with_ends(location):
        if step.kind == "position" and not positions:
            parts.append(ITEMS)
        elif step.kind != "tag":
            parts.append(location[start:end])
        start = end
    if not start:
        return location
    return "".join(parts).removeprefix(".")


def display_location(location: str) -> str:
    """Return a location as shown in findings: without tags, with `[*]` as positions, and `$` for the body."""
    return without_tags(location, positions=False) or "$"
