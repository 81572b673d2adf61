"""Learns which places of an answer a test reads: the data that JSON becomes tell when they are looked at.

That sees what Python's own decoder makes. What another one makes (orjson, pydantic) is judged by the difference that
a change of the place makes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterator
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

    def _all(self) -> None:
        self._read(others(self._location))

    def __getitem__(self, key: str) -> Any:
        self._read(member(self._location, key))
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._read(member(self._location, str(key)))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._read(member(self._location, key))
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self._read(member(self._location, key))
        return super().pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        self._all()
        return super().__iter__()

    def keys(self) -> Any:
        self._all()
        return super().keys()

    def values(self) -> Any:
        self._all()
        return super().values()

    def items(self) -> Any:
        self._all()
        return super().items()

    def copy(self) -> Any:
        self._all()
        return super().copy()

    def __eq__(self, other: object) -> bool:
        self._all()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __len__(self) -> int:
        self._all()
        return super().__len__()

    def __or__(self, other: Any) -> Any:
        self._all()
        return super().__or__(other)

    def __repr__(self) -> str:
        self._all()
        return super().__repr__()

    __hash__ = None


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
