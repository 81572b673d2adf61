"""Compares how far along its life a thing is: deprecation, sunset date (`x-sunset`), stability level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from pytest_bctrl.drift.options import Options

Add = Callable[[str, Any, Any], None]
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


def compare_lifecycle(add: Add, options: Options, subject: Subject, old: Values, new: Values) -> None:
    """Note deprecations, their sunset dates, and stability levels that changed; `add` takes rule and both values."""
    if subject.stability:
        _compare_stability(add, subject, old, new)
    was, now = bool(old.get("deprecated")), bool(new.get("deprecated"))
    before, after = old.get("x-sunset"), new.get("x-sunset")
    if was and not now:
        add(subject.reactivated, True, False)
    elif now and not was:
        _note_deprecated(add, options, subject, after)
    elif now and before != after:
        _note_moved(add, options, subject, before, after)


def _note_deprecated(add: Add, options: Options, subject: Subject, after: Any) -> None:
    if after is None:
        rule = subject.missing if options.sunset_days else subject.deprecated
        add(rule, False, True)
        return
    when = sunset(after)
    if when is None:
        add(subject.unreadable, None, after)
    elif options.sunset_days and when < options.day() + timedelta(days=options.sunset_days):
        add(subject.too_small, None, after)
    else:
        add(subject.deprecated_with_sunset, None, after)


def _note_moved(add: Add, options: Options, subject: Subject, before: Any, after: Any) -> None:
    if after is None:
        if subject.deleted:
            add(subject.deleted, before, None)
        return
    when = sunset(after)
    if when is None:
        add(subject.unreadable, before, after)
        return
    earliest = options.day() + timedelta(days=options.sunset_days)
    known = sunset(before)
    if subject.moved and known is not None and when < known and when < earliest:
        add(subject.moved, before, after)


def _compare_stability(add: Add, subject: Subject, old: Values, new: Values) -> None:
    before, after = old.get("x-stability-level"), new.get("x-stability-level")
    if before == after:
        return
    if after is not None and after not in STABILITY:
        if subject.invalid_stability:
            add(subject.invalid_stability, before, after)
        return
    one = STABILITY.index(before) if before in STABILITY else len(STABILITY) - 1
    other = STABILITY.index(after) if after is not None else len(STABILITY) - 1
    if one != other:
        add(f"{subject.stability}-{'decreased' if other < one else 'increased'}", before, after)
