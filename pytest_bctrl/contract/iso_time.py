"""Reads ISO 8601 times; Python's own parser takes texts that no other consumer would."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

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


def is_before(one: str, other: str) -> bool:
    """Whether an ISO 8601 time certainly is before another; False where either is none.

    Fractions count to their last digit. Where one of the two alone has an offset, the other's is at most a day away.
    """
    first, second = parse_time(one), parse_time(other)
    if first is None or second is None:
        return False
    if bool(first.tzinfo) != bool(second.tzinfo):
        return _somewhere(second) - _somewhere(first) > timedelta(days=1)
    return (first, _beyond_microseconds(one)) < (second, _beyond_microseconds(other))


def _somewhere(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _beyond_microseconds(text: str) -> str:
    """The digits of a fraction that a `datetime` does not hold."""
    found = _FINE.search(text)
    return found[1].rstrip("0") if found else ""


_FINE = re.compile(r"[.,]\d{6}(\d+)", re.ASCII)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
