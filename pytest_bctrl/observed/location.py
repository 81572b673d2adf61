"""How generalised places are written and read back: `runtimes[*].backing<kind=profile>.profile`.

A step is a member (`.name`, or `['odd name']`), the items of a list (`[*]`, or `[0]` where the contract documents a
position of its own), the members of a free-form object that has a schema (`.*`), or a tag (`<kind=profile>`), which
tells the branch of a `oneOf` or `anyOf` that the values behind it are of.
"""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from pytest_bctrl.contract.show import PLAIN, shortened

StepKind = Literal["member", "items", "position", "others", "tag"]

_STEP = re.compile(
    r"""(?P<items>\[\*\])|\[(?P<position>\d+)\]|\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]"""
    r"""|(?P<others>\.?\*)|\.?(?P<member>[A-Za-z_][A-Za-z0-9_-]*)|<(?P<tag>[^<>]*)>"""
)

ITEMS = "[*]"

_WORDS = frozenset({"true", "false", "null", "NaN", "Infinity"})
"""Texts that read as JSON values, in Python's reading at least, and are quoted where they are strings."""


class Step(NamedTuple):
    """One step of a location; `text` is the member's name, the position, or the tag without its brackets."""

    kind: StepKind
    text: str


def member(location: str, name: str) -> str:
    """The place of a member of the object at `location`."""
    if PLAIN.fullmatch(name):
        return f"{location}.{name}" if location else name
    return f"{location}[{name!r}]"


def unknown_member(location: str, name: str) -> str:
    """The place of a member that no contract names: a name that is too long to show is cut."""
    return member(location, str(shortened(name)))


def position(location: str, index: int) -> str:
    """The place of the items at one documented position."""
    return f"{location}[{index}]"


def others(location: str) -> str:
    """The place of all members that a free-form object has."""
    return f"{location}.*" if location else "*"


def tagged(location: str, tag: str) -> str:
    """The place of those values that are of one branch."""
    return f"{location}<{tag}>"


def value_tag(name: str, value: Any) -> str:
    """The tag of a branch that the value of a property tells: `kind=profile`; of a container, its type alone."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and value not in _WORDS:
        text = value
    elif isinstance(value, dict | list):
        return f"{name}:{'object' if isinstance(value, dict) else 'array'}"
    else:
        text = json.dumps(shortened(value)).replace("<", "\\u003c").replace(">", "\\u003e")
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


def steps(location: str) -> Iterator[Step]:
    """Read a location step by step; raises `ValueError` for what is none."""
    return (step for step, _ in _read(location))


def _read(location: str) -> Iterator[tuple[Step, int]]:
    at = 0
    while at < len(location):
        found = _STEP.match(location, at)
        if found is None or found.end() == at:
            raise ValueError(f"{location!r} is no location")
        at = found.end()
        if found["quoted"] is not None:
            yield Step("member", str(literal_eval(found["quoted"]))), at
        else:
            kind: Any = found.lastgroup
            yield Step(kind, found[kind]), at


def parted(location: str) -> tuple[str, Step | None]:
    """The place above a location, and the step that leads from there to it; no step where it is the body."""
    at = start = 0
    last: Step | None = None
    for step, end in _read(location):
        at, start, last = end, at, step
    return location[:start], last


def untagged(location: str, *, positions: bool = True) -> str:
    """The location without its tags; without its `positions`, each is `[*]`."""
    parts, at = [], 0
    for step, end in _read(location) if "<" in location or not positions else ():
        if step.kind != "tag":
            parts.append(ITEMS if step.kind == "position" and not positions else location[at:end])
        at = end
    return "".join(parts).removeprefix(".") if at else location


def shown(location: str) -> str:
    """The location as findings have it: branches untold, every position `[*]`, the body itself `$`."""
    return untagged(location, positions=False) or "$"
