"""Learns which locations of a response a test reads: decoded JSON objects record access to their members.

That works for Python's own decoder, and for code that reads the decoded objects in Python. Anything else is detected,
so that nothing is taken for unread: the recording objects hold invalid values for code in C (orjson, pydantic), the
response is encoded differently for code that reads its text, and a body that Python's decoder never sees is noted.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest

from pytest_bctrl.checks import strict_json
from pytest_bctrl.contract.json_source import read_quickly
from pytest_bctrl.contract.schema.locations import ITEMS, member_location, other_members, split_location, without_tags
from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.impact.change import ResponseContext

OnRead = Callable[[str], None]

_BODY = "$"
"""Recorded for every decoded body, so that a test that reads a list of values is known to read something."""


@dataclass(slots=True)
class Reads:
    """What a test reads: locations of bodies, and the texts of the bodies whose use was observed.

    `is_opaque` is whether the test may read more than `locations` has.
    """

    locations: set[str] = field(default_factory=set)
    observed: set[str] = field(default_factory=set)
    is_opaque: bool = False

    def covers(self, location: str) -> bool:
        """Return whether the test read a location, or something that contains it."""
        return is_read(location, self.locations)


class _Unreadable:
    """Takes the place of each value for code that bypasses the methods of the recording object."""

    def _reject(self, *_arguments: Any) -> Any:
        """Raise `TypeError`, because code read a value in a way that cannot be observed."""
        raise TypeError("a value was read by code that cannot be observed")

    __str__ = __repr__ = __hash__ = __bool__ = __len__ = __iter__ = __getitem__ = __eq__ = _reject


class _RecordingDict(dict[str, Any]):
    """An object of a response that reports which of its members are read."""

    __slots__ = ("_location", "_members", "_on_read")

    def __init__(self, members: dict[str, Any], location: str, on_read: OnRead) -> None:
        super().__init__(dict.fromkeys(members, _Unreadable()))
        self._members = members
        self._location = location
        self._on_read = on_read

    def __reduce_ex__(self, _protocol: Any) -> Any:
        """Report all members as read, and make the copy or pickle an ordinary dict."""
        self._on_read(other_members(self._location))
        return dict, (dict(self._members),)


def _recording_method(name: str, *, reads_one_member: bool) -> Callable[..., Any]:
    """Return a method of `dict` that reports the member, or all members, before it reads."""
    method_of_dict = getattr(dict, name)

    def method(self: _RecordingDict, *arguments: Any, **named: Any) -> Any:
        """Report the read, then call the method of `dict`."""
        if reads_one_member and arguments:
            self._on_read(member_location(self._location, str(arguments[0])))
        else:
            self._on_read(other_members(self._location))
        result = method_of_dict(self._members, *arguments, **named)
        return self if result is self._members else result

    return method


_ONE_MEMBER = ("__getitem__", "__contains__", "get", "pop", "setdefault", "__setitem__", "__delitem__")
_ALL_MEMBERS = ("__iter__", "__reversed__", "keys", "values", "items", "copy", "popitem", "clear", "update")
_OPERATORS = ("__eq__", "__ne__", "__len__", "__or__", "__ror__", "__ior__", "__repr__")
for _name in _ONE_MEMBER:
    setattr(_RecordingDict, _name, _recording_method(_name, reads_one_member=True))
for _name in (*_ALL_MEMBERS, *_OPERATORS):
    setattr(_RecordingDict, _name, _recording_method(_name, reads_one_member=False))


def _recording_copy(value: Any, location: str, on_read: OnRead) -> Any:
    """Return a copy of JSON data whose objects report the members that are read."""
    if isinstance(value, dict):
        members = {
            name: _recording_copy(child, member_location(location, name), on_read) for name, child in value.items()
        }
        return _RecordingDict(members, location, on_read)
    if isinstance(value, list):
        return [_recording_copy(child, location + ITEMS, on_read) for child in value]
    return value


def _noted(body: Any, reads: Reads) -> Any:
    """Note that the use of a body was observed, if it is bytes; return the body."""
    if isinstance(body, bytes):
        reads.observed.add(body.decode("utf-8", "replace"))
    return body


async def _noted_later(body: Awaitable[Any], reads: Reads) -> Any:
    """Await a body, note that its use was observed, if it is bytes, and return it."""
    return _noted(await body, reads)


@contextmanager
def record_reads(is_response_body: Callable[[str], bool], reads: Reads) -> Generator[None]:
    """Patch `json` and client libraries for the block, so that `reads` records which members a test reads."""
    decode = json.JSONDecoder.decode

    def recording_decode(self: json.JSONDecoder, text: str, *arguments: Any, **named: Any) -> Any:
        """Return the decoded value; that of a response body records reads, unless hooks or the kit decode it."""
        value = decode(self, text, *arguments, **named)
        if not is_response_body(text):
            return value
        hooks: list[Any] = [self.object_hook, self.object_pairs_hook]
        if type(self) is not json.JSONDecoder or any(hooks):
            # The project's own code has read all values already.
            reads.is_opaque = True
            return value
        if _is_called_by_the_kit(sys._getframe(1)):
            return value
        reads.observed.add(text)
        reads.locations.add(_BODY)
        return _recording_copy(value, "", reads.locations.add)

    def recording_read(body: bytes) -> Any:
        """Note that a response body was decoded without being observed, and return its value."""
        # `check` and `assert_conforms` depend on the whole body.
        reads.is_opaque = reads.is_opaque or is_response_body(body.decode("utf-8", "replace"))
        return read_quickly(body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json.JSONDecoder, "decode", recording_decode)
        patch.setattr(strict_json, "read_quickly", recording_read)
        for library in CLIENTS:
            response_class = getattr(sys.modules.get(library), "Response", None)
            for name in _BODY_ATTRIBUTES:
                if hasattr(response_class, name):
                    patch.setattr(response_class, name, _recording_attribute(library, response_class, name, reads))
        yield


CLIENTS = ("httpx", "httpx2", "requests")
"""Libraries whose responses are observed: a test may read the text of the body beside its data."""
_BODY_ATTRIBUTES = (
    *("text", "content", "iter_bytes", "iter_text", "iter_lines", "iter_raw", "iter_content"),
    *("aiter_bytes", "aiter_text", "aiter_lines", "aiter_raw", "read", "aread"),
)


def _recording_attribute(library: str, response_class: Any, name: str, reads: Reads) -> Any:
    """Return a property or method that notes whether code outside of the library uses it."""
    attribute = getattr(response_class, name)
    is_property = isinstance(attribute, property)
    read: Callable[..., Any] = getattr(attribute, "fget", None) or attribute

    def value(self: Any, *arguments: Any, **named: Any) -> Any:
        """Return the attribute, and note whether code outside of the library reads it."""
        caller = str(sys._getframe(1).f_globals.get("__name__")).partition(".")[0]
        reads.is_opaque = reads.is_opaque or caller not in (library, "pytest_bctrl")
        result = read(self, *arguments, **named)
        if inspect.isawaitable(result):
            return _noted_later(result, reads)
        return _noted(result, reads)

    return property(value) if is_property else value


def _is_called_by_the_kit(frame: FrameType | None) -> bool:
    """Return whether the kit itself decodes the text, and not the project's code or a client that it uses."""
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "json":
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("pytest_bctrl.")


def encode_differently(context: ResponseContext) -> MockResponse:
    """Return a response with the same JSON data in an unusual encoding, so that a test that compares text fails."""
    response = context.response
    media_type = (response.header("content-type") or "").partition(";")[0]
    if not media_type.endswith("json"):
        return response
    try:
        data = json.loads(response.body)
    except ValueError:
        return response
    text = _STRING.sub(_escaped, json.dumps(data, indent=1, separators=(" ,", " : ")))
    return MockResponse(response.status, response.headers, Payload(text.encode()))


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LETTER = re.compile(r"\\u[0-9a-f]{4}|\\.|[A-Za-z0-9]")


def _escaped(string: re.Match[str]) -> str:
    """Return a JSON string with its letters and digits as escape sequences."""
    return f'"{_LETTER.sub(_escape, string[1])}"'


def _escape(match: re.Match[str]) -> str:
    """Return a letter or digit as a JSON escape sequence; an escape sequence unchanged."""
    character = match[0]
    return character if len(character) > 1 else f"\\u{ord(character):04x}"


def is_read(location: str, read_locations: set[str]) -> bool:
    """Return whether a location was read, by itself or with its parent or list."""
    plain_location = without_tags(location, positions=False)
    while plain_location not in ("", _BODY):
        parent, step = split_location(plain_location)
        if plain_location in read_locations:
            return True
        if step is not None and step.kind in ("member", "others") and other_members(parent) in read_locations:
            return True
        if step is not None and step.kind == "others":
            # Any member that is not documented is among them.
            return any(read.startswith(parent) and read != parent for read in read_locations)
        if step is None or step.kind == "member":
            return False
        # Lists do not record access to their items: a test that reads the list may read every item.
        plain_location = parent
    return bool(read_locations)
