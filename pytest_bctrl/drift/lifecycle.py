"""Compares how far along its life a thing is: deprecation, sunset date (`x-sunset`), stability level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from pytest_bctrl.drift.options import Options

Changed = tuple[str, Any, Any]
Values = Mapping[str, Any]


STABILITY = ("draft", "alpha", "beta", "stable")


class Subject(NamedTuple):
    """The rules of one kind of thing that can be deprecated; empty where there is no such rule."""

    deprecated: str
    deprecated_with_sunset: str
    reactivated: str
    missing: str
    unreadable: str
    too_small: str
    moved: str = ""
    deleted: str = ""
    stability: str = ""
    invalid_stability: str = ""


OPERATION = Subject(
    "endpoint-deprecated", "endpoint-deprecated-with-sunset", "endpoint-reactivated", "api-deprecated-sunset-missing",
    "api-deprecated-sunset-parse", "api-sunset-date-too-small", "api-sunset-date-changed-too-small", "sunset-deleted",
    "api-stability", "api-invalid-stability-level",
)  # fmt: skip
PARAMETER = Subject(
    "request-parameter-deprecated", "request-parameter-deprecated", "request-parameter-reactivated",
    "request-parameter-deprecated-sunset-missing", "request-parameter-sunset-parse",
    "request-parameter-sunset-date-too-small", "request-parameter-sunset-date-changed-too-small",
    "request-parameter-sunset-deleted",
)  # fmt: skip
PROPERTY = Subject(
    "response-property-deprecated", "response-property-deprecated-with-sunset", "response-property-reactivated",
    "response-property-deprecated-sunset-missing", "response-property-deprecated-sunset-invalid",
    "response-property-sunset-date-too-small", stability="response-property-stability",
)  # fmt: skip


def sunset(value: Any) -> date | None:
    """Read a sunset date (RFC 3339 full-date, or a date-time whose date counts); None where it is none."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def removed_after(values: Values, options: Options) -> str:
    """What a thing that is gone announced before: `without-deprecation`, `with-deprecation`, ...; `parse` if unread."""
    if values.get("deprecated") is not True:
        return "without-deprecation"
    when = sunset(values["x-sunset"]) if "x-sunset" in values else options.day()
    if when is None:
        return "parse"
    return "before-sunset" if when > options.day() else "with-deprecation"


def compare_lifecycle(options: Options, subject: Subject, old: Values, new: Values) -> Iterator[Changed]:
    """Yield deprecations, their sunset dates, and stability levels that changed: the rule and both values of each."""
    if subject.stability:
        yield from _stability(subject, old, new)
    was, now = bool(old.get("deprecated")), bool(new.get("deprecated"))
    before, after = old.get("x-sunset"), new.get("x-sunset")
    if was and not now:
        yield subject.reactivated, True, False
    elif now and not was and after is None:
        yield subject.missing if options.sunset_days else subject.deprecated, False, True
    elif now and not was:
        yield _deprecated(options, subject, after), None, after
    elif now and before != after and (rule := _moved(options, subject, before, after)):
        yield rule, before, after


def _deprecated(options: Options, subject: Subject, after: Any) -> str:
    when = sunset(after)
    if when is None:
        return subject.unreadable
    is_soon = options.sunset_days and when < options.day() + timedelta(days=options.sunset_days)
    return subject.too_small if is_soon else subject.deprecated_with_sunset


def _moved(options: Options, subject: Subject, before: Any, after: Any) -> str:
    """The rule for another sunset date; empty where it may be another."""
    if after is None:
        return subject.deleted
    known, when = sunset(before), sunset(after)
    if when is None:
        return subject.unreadable
    earliest = options.day() + timedelta(days=options.sunset_days)
    return subject.moved if known is not None and when < min(known, earliest) else ""


def _stability(subject: Subject, old: Values, new: Values) -> Iterator[Changed]:
    before, after = old.get("x-stability-level"), new.get("x-stability-level")
    if before == after:
        return
    if after is not None and after not in STABILITY:
        if subject.invalid_stability:
            yield subject.invalid_stability, before, after
        return
    one = STABILITY.index(before) if before in STABILITY else len(STABILITY) - 1
    other = STABILITY.index(after) if after is not None else len(STABILITY) - 1
    if one != other:
        yield f"{subject.stability}-{'decreased' if other < one else 'increased'}", before, after
