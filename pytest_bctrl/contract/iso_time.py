"""Parses ISO 8601 times. `datetime.fromisoformat` accepts texts that other parsers reject."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d(?::(?P<second>[0-5]\d|60)(?:[.,]\d+)?)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?",
    re.ASCII,
)
"""A calendar date and a time of the extended format; no API sends week dates or the basic format."""


def parse_time(text: str) -> datetime | None:
    """Return the moment of an ISO 8601 date and time in the extended format, or None if the text is not one.

    The result of a text without an offset has none either. A leap second (`:60`) is the last moment before the next
    minute. Source: ISO 8601-1:2019, 5.2 to 5.4.
    """
    upper = text.upper()
    match = _TIME.fullmatch(upper)
    if match is None:
        return None
    is_leap_second = match["second"] == "60"
    try:
        moment = datetime.fromisoformat(upper.replace(":60", ":59") if is_leap_second else upper)
        if is_leap_second:
            moment = moment.replace(microsecond=999_999)
            return moment if _is_end_of_day(moment) else None
    except (ValueError, OverflowError):
        return None
    return moment


def _is_end_of_day(moment: datetime) -> bool:
    """Return whether a leap second is possible: at the end of a day in UTC, or anywhere if the offset is unknown."""
    if moment.tzinfo is None:
        return True
    utc = moment.astimezone(UTC)
    return (utc.hour, utc.minute) == (23, 59)


def is_before(earlier: str, later: str) -> bool:
    """Return whether an ISO 8601 time is certainly before another; False if either text is not a time.

    Fractions are compared to their last digit. If only one of the times has an offset, that of the other is assumed to
    be at most a day.
    """
    first, second = parse_time(earlier), parse_time(later)
    if first is None or second is None:
        return False
    if bool(first.tzinfo) != bool(second.tzinfo):
        return _with_zone(second) - _with_zone(first) > timedelta(days=1)
    return (first, _digits_beyond_microseconds(earlier)) < (second, _digits_beyond_microseconds(later))


def _with_zone(moment: datetime) -> datetime:
    """Return a moment with its offset; a moment without one is taken to be in UTC."""
    if moment.tzinfo:
        return moment
    return moment.replace(tzinfo=UTC)


def _digits_beyond_microseconds(text: str) -> str:
    """Return the digits of a fraction that a `datetime` cannot hold, without zeros at the end; often empty."""
    match = _BEYOND_MICROSECONDS.search(text)
    if match is None:
        return ""
    return match[1].rstrip("0")


_BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}(\d+)", re.ASCII)
