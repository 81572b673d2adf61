"""Learns which locations of a response a test reads: decoded JSON objects record access to their members.

That works for Python's own decoder. For other decoders (orjson, pydantic), the run replaces the value at a location and
observes whether the test fails.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pytest_bctrl.contract.schema.locations import ITEMS, member_location, other_members, split_location, without_tags

OnRead = Callable[[str], None]


class _RecordingDict(dict[str, Any]):
    """An object of a response that reports which of its members are read."""

    __slots__ = ("_location", "_on_read")

    def __init__(self, members: dict[str, Any], location: str, on_read: OnRead) -> None:
        super().__init__(members)
        self._location = location
        self._on_read = on_read


def _recording_method(name: str, *, reads_one_member: bool) -> Callable[..., Any]:
    """Return a method of `dict` that reports the member, or all members, before it reads."""
    read = getattr(dict, name)

    def method(self: _RecordingDict, *arguments: Any) -> Any:
        if reads_one_member and arguments:
            self._on_read(member_location(self._location, str(arguments[0])))
        else:
            self._on_read(other_members(self._location))
        return read(self, *arguments)

    return method


for _name in ("__getitem__", "__contains__", "get", "pop"):
    setattr(_RecordingDict, _name, _recording_method(_name, reads_one_member=True))
for _name in ("__iter__", "keys", "values", "items", "copy", "__eq__", "__ne__", "__len__", "__or__", "__repr__"):
    setattr(_RecordingDict, _name, _recording_method(_name, reads_one_member=False))


def _recording(value: Any, location: str, on_read: OnRead) -> Any:
    """Return a copy of JSON data whose objects report what is read."""
    if isinstance(value, dict):
        members = {name: _recording(child, member_location(location, name), on_read) for name, child in value.items()}
        return _RecordingDict(members, location, on_read)
    if isinstance(value, list):
        return [_recording(child, location + ITEMS, on_read) for child in value]
    return value


@contextmanager
def record_reads(is_response_body: Callable[[str], bool], on_read: OnRead) -> Generator[None]:
    """Patch `json` for the duration of the block so that decoded responses record which members are read."""
    decode = json.JSONDecoder.decode

    def recording_decode(self: json.JSONDecoder, text: str, *arguments: Any, **named: Any) -> Any:
        value = decode(self, text, *arguments, **named)
        if is_response_body(text) and not _is_called_by_the_kit(sys._getframe(1)):
            return _recording(value, "", on_read)
        return value

    json.JSONDecoder.decode = recording_decode  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        json.JSONDecoder.decode = decode  # type: ignore[method-assign]


def _is_called_by_the_kit(frame: FrameType | None) -> bool:
    """Return whether the kit itself decodes the text, and not the project's code or a client that it uses."""
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "json":
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("pytest_bctrl.")


def is_read(location: str, read_locations: set[str]) -> bool:
    """Return whether a location was read: itself, all members of its parent, or the list that contains it."""
    plain_location = without_tags(location, positions=False)
    while plain_location:
        parent, step = split_location(plain_location)
        if plain_location in read_locations:
            return True
        if step is not None and step.kind == "member" and other_members(parent) in read_locations:
            return True
        if step is None or step.kind == "member":
            return False
        # Lists do not record access to their items: a test that reads the list may read every item.
        plain_location = parent
    return bool(read_locations)
