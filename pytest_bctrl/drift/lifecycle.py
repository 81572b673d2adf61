"""Compares lifecycles of operations, parameters, headers and properties: deprecation, `x-sunset`, stability level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from pytest_bctrl.drift.options import Options

Values = Mapping[str, Any]


class LifecycleChange(NamedTuple):
    """A changed lifecycle: the id of its rule, both values, and the keyword that changed."""

    rule: str
    old: Any
    new: Any
    keyword: str


STABILITY = ("draft", "alpha", "beta", "stable")


class Subject(NamedTuple):
    """The ids of the rules for operations, parameters, headers or properties; empty if a change has no rule."""

    deprecated: str
    deprecated_with_sunset: str
    reactivated: str
    missing: str
    unreadable: str
    too_small: str
    changed_too_small: str = ""
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
RESPONSE_PROPERTY = Subject(
    "response-property-deprecated", "response-property-deprecated-with-sunset", "response-property-reactivated",
    "response-property-deprecated-sunset-missing", "response-property-deprecated-sunset-invalid",
    "response-property-sunset-date-too-small", stability="response-property-stability",
)  # fmt: skip
RESPONSE_HEADER = Subject(
    "response-header-deprecated", "response-header-deprecated-with-sunset", "response-header-reactivated",
    "response-header-deprecated-sunset-missing", "response-header-deprecated-sunset-invalid",
    "response-header-sunset-date-too-small",
)  # fmt: skip
REQUEST_PROPERTY = Subject(
    "request-property-deprecated", "request-property-deprecated-with-sunset", "request-property-reactivated",
    "request-property-deprecated-sunset-missing", "request-property-deprecated-sunset-invalid",
    "request-property-sunset-date-too-small", stability="request-property-stability",
)  # fmt: skip


def read_sunset(value: Any) -> date | None:
    """Return a sunset date (RFC 3339 full-date, or the date of a date-time); None if it is invalid."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def removal_suffix(values: Values, options: Options) -> str:
    """Return `with-deprecation`, `without-deprecation` or `before-sunset` for a removal; `parse` for an invalid date.

    The ids of the rules about removals end in these words.
    """
    if values.get("deprecated") is not True:
        return "without-deprecation"
    if "x-sunset" not in values:
        return "with-deprecation"
    sunset_date = read_sunset(values["x-sunset"])
    if sunset_date is None:
        return "parse"
    if sunset_date > options.day():
        return "before-sunset"
    return "with-deprecation"


def compare_lifecycle(options: Options, subject: Subject, old: Values, new: Values) -> Iterator[LifecycleChange]:
    """Yield the change of the stability level, and that of the deprecation or else of the sunset date.

    A change that is allowed has no rule, such as a sunset date that is postponed for as long as the policy says.
    """
    if subject.stability:
        yield from _stability_change(subject, old, new)
    was, now = bool(old.get("deprecated")), bool(new.get("deprecated"))
    before, after = old.get("x-sunset"), new.get("x-sunset")
    if was and not now:
        yield LifecycleChange(subject.reactivated, True, False, "deprecated")
    elif now and not was and after is None and options.sunset_days:
        yield LifecycleChange(subject.missing, False, True, "deprecated")
    elif now and not was and after is None:
        yield LifecycleChange(subject.deprecated, False, True, "deprecated")
    elif now and not was:
        yield LifecycleChange(_deprecation_rule(options, subject, after), None, after, "x-sunset")
    elif now and before != after and (rule := _sunset_rule(options, subject, before, after)):
        yield LifecycleChange(rule, before, after, "x-sunset")


def _deprecation_rule(options: Options, subject: Subject, after: Any) -> str:
    """Return the rule for a subject that was deprecated: it depends on the date of its sunset."""
    sunset_date = read_sunset(after)
    if sunset_date is None:
        return subject.unreadable
    if options.sunset_days and sunset_date < options.day() + timedelta(days=options.sunset_days):
        return subject.too_small
    return subject.deprecated_with_sunset


def _sunset_rule(options: Options, subject: Subject, before: Any, after: Any) -> str:
    """Return the rule for a changed sunset date; empty if the change is allowed or the subject has no rule for it."""
    if after is None:
        return subject.deleted
    old_date, new_date = read_sunset(before), read_sunset(after)
    if new_date is None:
        return subject.unreadable
    earliest = options.day() + timedelta(days=options.sunset_days)
    if old_date is not None and new_date < min(old_date, earliest):
        return subject.changed_too_small
    return ""


def _stability_change(subject: Subject, old: Values, new: Values) -> Iterator[LifecycleChange]:
    """Yield the change of the stability level, if there is one."""
    keyword = "x-stability-level"
    before, after = old.get(keyword), new.get(keyword)
    if before == after:
        return
    if after is not None and after not in STABILITY:
        if subject.invalid_stability:
            yield LifecycleChange(subject.invalid_stability, before, after, keyword)
        return
    old_index, new_index = _stability_index(before), _stability_index(after)
    if old_index < new_index:
        yield LifecycleChange(f"{subject.stability}-increased", before, after, keyword)
    elif old_index > new_index:
        yield LifecycleChange(f"{subject.stability}-decreased", before, after, keyword)


def _stability_index(level: Any) -> int:
    """Return the index of a stability level; an absent or unknown level counts as stable."""
    if level in STABILITY:
        return STABILITY.index(level)
    return len(STABILITY) - 1
