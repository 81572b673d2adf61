"""Reads ISO 8601 times; Python's own parser takes texts that no other consumer would."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_COMMON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
"""What nearly every time is, which the language reads fast."""

# Dates as days of a year or of a week (5.2.3, 5.2.4), and times of fewer parts, where the last may have a fraction.
_RARE = re.compile(
    r"(?P<date>(?P<year>\d{4})(?P<dash>-?)(?:\d\d(?P=dash)\d\d|(?P<nth>\d{3})|W\d\d(?P=dash)\d))"
    r"T(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>[0-5]\d)(?:(?P=colon)(?P<second>[0-5]\d|60))?)?(?:[.,](?P<part>\d+))?"
    r"(?P<offset>Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?",
    re.ASCII,
)


def parse_time(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 date and time names, or None where the text is none.

    A text without an offset gives a datetime without one. A leap second (`:60`) is read as the last moment before
    the next minute, `24:00` as the next day's start. Source: ISO 8601-1:2019, 5.2 to 5.4.
    """
    plain = text.upper()
    if _COMMON.fullmatch(plain):
        try:
            return datetime.fromisoformat(plain)
        except ValueError:
            pass
    found = _RARE.fullmatch(plain)
    # Basic and extended format are not mixed, and a time of the hour alone is both.
    if found is None or (found["colon"] is not None and bool(found["colon"]) is not bool(found["dash"])):
        return None
    try:
        zone = datetime.fromisoformat(f"20000101T00{found['offset'] or ''}").tzinfo
        moment = datetime.combine(_date(found), datetime.min.time(), zone) + _since_midnight(found)
        return moment if found["second"] != "60" or _ends_a_day(moment) else None
    except (ValueError, OverflowError):
        return None


def _ends_a_day(moment: datetime) -> bool:
    """Whether a leap second may be there: at the end of a day of UTC. Of a time without an offset nobody knows."""
    if moment.tzinfo is None:
        return True
    inside = moment.astimezone(UTC)
    return (inside.hour, inside.minute) == (23, 59)


def _date(found: re.Match[str]) -> date:
    if not found["nth"]:
        return date.fromisoformat(found["date"])
    day = date(int(found["year"]), 1, 1) + timedelta(days=int(found["nth"]) - 1)
    if day.year != int(found["year"]):
        raise ValueError("the year has no such day")
    return day


def _since_midnight(found: re.Match[str]) -> timedelta:
    if found["second"] == "60":
        return timedelta(hours=int(found["hour"]), minutes=int(found["minute"]) + 1) - timedelta.resolution
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), int(found["second"] or 0)
    unit = 1 if found["second"] else 60 if found["minute"] else 3600
    # Truncated, as the parser of the language does it: more than six digits of a second are compared elsewhere.
    part = timedelta(microseconds=unit * 1_000_000 * int(found["part"] or 0) // 10 ** len(found["part"] or ""))
    moment = timedelta(hours=hour, minutes=minute, seconds=second) + part
    if hour > 24 or moment > timedelta(days=1):
        raise ValueError("the day has no such hour")
    return moment


def is_before(one: str, other: str) -> bool:
    """Whether an ISO 8601 time certainly is before another; False where either is none.

    Fractions count to their last digit. Where one of the two alone has an offset, the other's is at most a day away.
    """
    first, second = parse_time(one), parse_time(other)
    if first is None or second is None:
        return False
    if bool(first.tzinfo) != bool(second.tzinfo):
        first, second = (one if one.tzinfo else one.replace(tzinfo=UTC) for one in (first, second))
        return second - first > timedelta(days=1)
    return (first, _beyond_microseconds(one)) < (second, _beyond_microseconds(other))


def _beyond_microseconds(text: str) -> str:
    """The digits of a fraction that a `datetime` does not hold."""
    found = _FINE.search(text)
    return found[1].rstrip("0") if found else ""


_FINE = re.compile(r"[.,]\d{6}(\d+)", re.ASCII)
