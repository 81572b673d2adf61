"""Compares how far along its life a thing is: deprecation, sunset date (`x-sunset`), stability level."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.drift.options import Options
    from pytest_bctrl.drift.report import Place, Report

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


def compare_lifecycle(
    report: Report,
    options: Options,
    subject: Subject,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    place: Place,
    at: tuple[str, str],
) -> None:
    """Note deprecations, their sunset dates, and stability levels that changed."""
    if subject.stability:
        _compare_stability(report, subject, old, new, place, at)
    was, now = bool(old.get("deprecated")), bool(new.get("deprecated"))
    before, after = old.get("x-sunset"), new.get("x-sunset")
    if was and not now:
        report.add(subject.reactivated, place, True, False, *at)
    elif now and not was:
        _note_deprecated(report, options, subject, after, place, at)
    elif now and before != after:
        _note_moved(report, options, subject, before, after, place, at)


def _note_deprecated(
    report: Report, options: Options, subject: Subject, after: Any, place: Place, at: tuple[str, str]
) -> None:
    if after is None:
        rule = subject.missing if options.sunset_days else subject.deprecated
        report.add(rule, place, False, True, *at)
        return
    when = sunset(after)
    if when is None:
        report.add(subject.unreadable, place, None, after, *at)
    elif options.sunset_days and when < options.day() + timedelta(days=options.sunset_days):
        report.add(subject.too_small, place, None, after, *at)
    else:
        report.add(subject.deprecated_with_sunset, place, None, after, *at)


def _note_moved(
    report: Report, options: Options, subject: Subject, before: Any, after: Any, place: Place, at: tuple[str, str]
) -> None:
    if after is None:
        if subject.deleted:
            report.add(subject.deleted, place, before, None, *at)
        return
    when = sunset(after)
    if when is None:
        report.add(subject.unreadable, place, before, after, *at)
        return
    earliest = options.day() + timedelta(days=options.sunset_days)
    known = sunset(before)
    if subject.moved and known is not None and when < known and when < earliest:
        report.add(subject.moved, place, before, after, *at)


def _compare_stability(
    report: Report, subject: Subject, old: Mapping[str, Any], new: Mapping[str, Any], place: Place, at: tuple[str, str]
) -> None:
    before, after = old.get("x-stability-level"), new.get("x-stability-level")
    if before == after:
        return
    if after is not None and after not in STABILITY:
        if subject.invalid_stability:
            report.add(subject.invalid_stability, place, before, after, *at)
        return
    one = STABILITY.index(before) if before in STABILITY else len(STABILITY) - 1
    other = STABILITY.index(after) if after is not None else len(STABILITY) - 1
    if one != other:
        report.add(f"{subject.stability}-{'decreased' if other < one else 'increased'}", place, before, after, *at)
