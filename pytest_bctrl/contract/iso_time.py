"""Reads ISO 8601 times; Python's own parser takes texts that no other consumer would."""

from __future__ import annotations

import re
from datetime import datetime

_EXTENDED = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?::\d\d)?)?"
_BASIC = r"\d{8}T\d{4}(?:\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d(?:\d\d)?)?"
_TIME = re.compile(f"(?:{_EXTENDED}|{_BASIC})", re.ASCII | re.IGNORECASE)

_LEAP_SECOND = re.compile(r"(T\d\d:?\d\d:?)60")


def parse_time(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 date and time names, or None where the text is none.

    A text without an offset gives a datetime without one. A leap second (`:60`) is read as `:59`.
    """
    if _TIME.fullmatch(text) is None:
        return None
    plain = text.upper().replace(",", ".")
    # Almost no text has a leap second, so it is looked for where the rest has failed.
    return _moment(plain) or _moment(_LEAP_SECOND.sub(r"\g<1>59", plain))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
