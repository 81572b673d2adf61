"""The formats that are asserted (JSON Schema 2020-12, validation, 7): an annotation would let every bad id pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_bctrl.contract.iso_time import parse_time

if TYPE_CHECKING:
    from jsonschema import FormatChecker

UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
"""A UUID as RFC 9562 writes it, as a regular expression that every engine reads alike."""

_UUID = re.compile(UUID)

_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


def is_uuid(value: object) -> bool:
    """Whether a string is a UUID as RFC 9562 writes it; Python's own parser takes braces and underscores too."""
    return not isinstance(value, str) or _UUID.fullmatch(value) is not None


def is_date_time(value: object) -> bool:
    """Whether a string is an RFC 3339 date-time: narrower than ISO 8601, with seconds and an offset in full."""
    return not isinstance(value, str) or (_DATE_TIME.fullmatch(value) is not None and parse_time(value) is not None)


_CHARACTERS = r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{_CHARACTERS}(?:#{_CHARACTERS})?", re.ASCII)
_REFERENCE = re.compile(rf"{_CHARACTERS}(?:#{_CHARACTERS})?", re.ASCII)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_DURATION = re.compile(
    r"P(?:\d+W|(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)", re.ASCII
)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")


def is_uri(value: object) -> bool:
    """Whether a string is a URI with its scheme (RFC 3986, 3)."""
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


def is_uri_reference(value: object) -> bool:
    """Whether a string is a URI, or one that is relative to another (RFC 3986, 4.1)."""
    return not isinstance(value, str) or _REFERENCE.fullmatch(value) is not None


def is_hostname(value: object) -> bool:
    """Whether a string is a host name (RFC 1123, 2.1)."""
    return not isinstance(value, str) or _HOSTNAME.fullmatch(value) is not None


def is_duration(value: object) -> bool:
    """Whether a string is a duration (RFC 3339, appendix A)."""
    return not isinstance(value, str) or _DURATION.fullmatch(value) is not None


def is_json_pointer(value: object) -> bool:
    """Whether a string is a JSON pointer (RFC 6901, 3)."""
    return not isinstance(value, str) or _POINTER.fullmatch(value) is not None


_OWN = {
    "uuid": is_uuid,
    "date-time": is_date_time,
    "uri": is_uri,
    "uri-reference": is_uri_reference,
    "hostname": is_hostname,
    "duration": is_duration,
    "json-pointer": is_json_pointer,
}


def conforms(value: object, name: str) -> bool:
    """Whether a value is in a format; one that nobody here can check is taken for kept."""
    own = _OWN.get(name)
    return own(value) if own is not None else bool(checker().conforms(value, name))


def conforming(values: Sequence[str], name: str) -> int:
    """How many of the strings are in a format."""
    if name == "uuid":
        return sum(map(bool, map(_UUID.fullmatch, values)))
    return sum(conforms(value, name) for value in values)


@lru_cache(maxsize=1)
def checker() -> FormatChecker:
    """Every format that this machine can check: jsonschema's own, and the stricter ones here in their place."""
    from jsonschema import FormatChecker

    made = FormatChecker(formats=())
    made.checkers = dict(FormatChecker.checkers)
    for name, own in _OWN.items():
        made.checks(name)(own)
    return made
