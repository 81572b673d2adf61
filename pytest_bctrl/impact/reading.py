"""Learns which places of an answer a test reads: the data that JSON becomes tell when they are looked at.

That sees what Python's own decoder makes. What another one makes (orjson, pydantic) is judged by the difference that
a change of the place makes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pytest_bctrl.contract.schema.locations import ITEMS, member, others, parted, untagged

Read = Callable[[str], None]


class _Watched(dict[str, Any]):
    """An object of an answer that tells which of its members are read."""

    __slots__ = ("_location", "_read")

    def __init__(self, members: dict[str, Any], location: str, read: Read) -> None:
        super().__init__(members)
        self._location = location
        self._read = read


def _telling(name: str, *, is_of_one: bool) -> Callable[..., Any]:
    """A method of `dict` that looks at one member or at all, and now tells so."""
    read = getattr(dict, name)

    def method(self: _Watched, *arguments: Any) -> Any:
        self._read(member(self._location, str(arguments[0])) if is_of_one else others(self._location))
        return read(self, *arguments)

    return method


for _name in ("__getitem__", "__contains__", "get", "pop"):
    setattr(_Watched, _name, _telling(_name, is_of_one=True))
for _name in ("__iter__", "keys", "values", "items", "copy", "__eq__", "__ne__", "__len__", "__or__", "__repr__"):
    setattr(_Watched, _name, _telling(_name, is_of_one=False))


def _watched(value: Any, location: str, read: Read) -> Any:
    if isinstance(value, dict):
        inner = {name: _watched(child, member(location, name), read) for name, child in value.items()}
        return _Watched(inner, location, read)
    if isinstance(value, list):
        return [_watched(child, location + ITEMS, read) for child in value]
    return value


@contextmanager
def watching(is_answer: Callable[[str], bool], read: Read) -> Generator[None]:
    """Have `json` give data that tell what is read of them, where a text is an answer; within the block alone."""
    decode = json.JSONDecoder.decode

    def watched(self: json.JSONDecoder, text: str, *arguments: Any, **named: Any) -> Any:
        value = decode(self, text, *arguments, **named)
        return _watched(value, "", read) if is_answer(text) and not _is_ours(sys._getframe(1)) else value

    json.JSONDecoder.decode = watched  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        json.JSONDecoder.decode = decode  # type: ignore[method-assign]


def _is_ours(frame: FrameType | None) -> bool:
    """Whether it is the kit itself that reads, and not the project's code or a client that it uses."""
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "json":
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("pytest_bctrl.")


def is_read(location: str, read: set[str]) -> bool:
    """Whether a place was read: itself, all members of what holds it, or the list or object that it is in."""
    plain = untagged(location, positions=False)
    while plain:
        above, step = parted(plain)
        if plain in read or (step is not None and step.kind == "member" and others(above) in read):
            return True
        if step is None or step.kind == "member":
            return False
        # Of the items of a list nothing tells: who has the list has them.
        plain = above
    return bool(read)
