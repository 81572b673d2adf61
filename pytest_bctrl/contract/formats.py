"""The formats that are asserted (JSON Schema 2020-12, validation, 7): an annotation would let every bad id pass."""

from __future__ import annotations

import re

from jsonschema import FormatChecker

from pytest_bctrl.contract.iso_time import parse_time

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
