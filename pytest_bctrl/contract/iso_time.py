"""Parses ISO 8601 times. `datetime.fromisoformat` accepts texts that other parsers reject."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_COMMON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
"""The form of nearly all times, for which the fast parser of the standard library is right."""

# Dates as days of a year or of a week (5.2.3, 5.2.4), and times with fewer parts, whose last may have a fraction.
_RARE = re.compile(
    r"(?P<date>(?P<year>\d{4})(?P<dash>-?)(?:\d\d(?P=dash)\d\d|(?P<nth>\d{3})|W\d\d(?P=dash)\d))"
    r"T(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>[0-5]\d)(?:(?P=colon)(?P<second>[0-5]\d|60))?)?(?:[.,](?P<part>\d+))?"
    r"(?P<offset>Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?",
    re.ASCII,
)


def parse_time(text: str) -> datetime | None:
    """Return the moment of an ISO 8601 date and time, or None if the text is not one.

    The result of a text without an offset has none either. A leap second (`:60`) is the last moment before the next
    minute, `24:00` the start of the next day. Source: ISO 8601-1:2019, 5.2 to 5.4.
    """
    upper = text.upper()
    if _COMMON.fullmatch(upper):
        try:
            return datetime.fromisoformat(upper)
        except ValueError:
            pass
    match = _RARE.fullmatch(upper)
    if match is None or _mixes_formats(match):
        return None
    try:
        zone = datetime.fromisoformat(f"20000101T00{match['offset'] or ''}").tzinfo
        moment = datetime.combine(_date_of(match), datetime.min.time(), zone) + _time_since_midnight(match)
        if match["second"] == "60" and not _is_end_of_day(moment):
            return None
    except (ValueError, OverflowError):
        return None
    return moment


def _mixes_formats(match: re.Match[str]) -> bool:
    """Return whether the date has the basic and the time the extended format, or the reverse.

    A time that is only an hour has both formats.
    """
    return match["colon"] is not None and bool(match["colon"]) is not bool(match["dash"])


def _is_end_of_day(moment: datetime) -> bool:
    """Return whether a leap second is possible: at the end of a day in UTC, or anywhere if the offset is unknown."""
    if moment.tzinfo is None:
        return True
    utc = moment.astimezone(UTC)
    return (utc.hour, utc.minute) == (23, 59)


def _date_of(match: re.Match[str]) -> date:
    """Return the date of a match, also of a week date or nth day of a year; raises `ValueError` if there is none."""
    if not match["nth"]:
        return date.fromisoformat(match["date"])
    day = date(int(match["year"]), 1, 1) + timedelta(days=int(match["nth"]) - 1)
    if day.year != int(match["year"]):
        raise ValueError("the year has fewer days")
    return day


def _time_since_midnight(match: re.Match[str]) -> timedelta:
    """Return the time of day of a match, up to 24:00; raises `ValueError` beyond. A leap second ends its minute."""
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["second"] == "60":
        return timedelta(hours=hour, minutes=minute + 1) - timedelta.resolution
    second = int(match["second"] or 0)
    time = timedelta(hours=hour, minutes=minute, seconds=second) + _fraction(match)
    if hour > 24 or time > timedelta(days=1):
        raise ValueError("the day has fewer hours")
    return time


def _fraction(match: re.Match[str]) -> timedelta:
    """Return the fraction of a match's last part, which is a second, a minute or an hour.

    It is truncated to microseconds, as `fromisoformat` does; `is_before` compares the other digits.
    """
    digits = match["part"] or ""
    seconds = 3600
    if match["second"]:
        seconds = 1
    elif match["minute"]:
        seconds = 60
    return timedelta(microseconds=seconds * 1_000_000 * int(digits or 0) // 10 ** len(digits))


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
