"""The formats that are asserted (JSON Schema 2020-12, validation, 7): an annotation would let every bad id pass."""

from __future__ import annotations

import re

from jsonschema import FormatChecker

from pytest_bctrl.checks.iso_time import parse_time

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)

FORMATS = FormatChecker(formats=())
"""Every format that this machine can check: jsonschema's own, and the stricter ones below."""

FORMATS.checkers = dict(FormatChecker.checkers)


@FORMATS.checks("uuid")
def is_uuid(value: object) -> bool:
    """Whether a string is a UUID as RFC 9562 writes it; Python's own parser takes braces and underscores too."""
    return not isinstance(value, str) or _UUID.fullmatch(value) is not None


@FORMATS.checks("date-time")
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


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    """Whether a string is a URI with its scheme (RFC 3986, 3)."""
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


@FORMATS.checks("uri-reference")
def is_uri_reference(value: object) -> bool:
    """Whether a string is a URI, or one that is relative to another (RFC 3986, 4.1)."""
    return not isinstance(value, str) or _REFERENCE.fullmatch(value) is not None


@FORMATS.checks("hostname")
def is_hostname(value: object) -> bool:
    """Whether a string is a host name (RFC 1123, 2.1)."""
    return not isinstance(value, str) or _HOSTNAME.fullmatch(value) is not None


@FORMATS.checks("duration")
def is_duration(value: object) -> bool:
    """Whether a string is a duration (RFC 3339, appendix A)."""
    return not isinstance(value, str) or _DURATION.fullmatch(value) is not None


@FORMATS.checks("json-pointer")
def is_json_pointer(value: object) -> bool:
    """Whether a string is a JSON pointer (RFC 6901, 3)."""
    return not isinstance(value, str) or _POINTER.fullmatch(value) is not None
