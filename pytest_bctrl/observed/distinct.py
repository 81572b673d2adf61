"""Values that nobody documented: a finding for each, and one for all those beyond the first few of a place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pytest_bctrl.finding import Finding
from pytest_bctrl.fingerprint import BY_VALUE, value_text

APART = 10
"""Undocumented values that are told apart at one place."""

FURTHER = "further-values"
"""The kind of the finding that stands for all others."""

FURTHER_MESSAGE = f"further values are not documented either; more than {APART} are not told apart"


def capped(found: Iterable[Finding]) -> list[Finding]:
    """Keep the first `APART` values of each place, and fold the rest into one finding; counts stay true."""
    kept: dict[tuple[Any, ...], Finding] = {}
    apart: dict[tuple[Any, ...], set[str]] = {}
    for number, finding in enumerate(found):
        kind = finding.extra.get("kind")
        place = (finding.operation, finding.rule, finding.level, finding.extra.get("status"), finding.location)
        value = value_text(finding.observed)
        told = apart.setdefault((*place, kind), set())
        if kind not in BY_VALUE and kind != FURTHER:
            kept[("", number)] = finding
        elif kind in BY_VALUE and (value in told or len(told) < APART):
            told.add(value)
            kept[("", number)] = finding
        else:
            other = kept.get(place)
            folded = finding if kind == FURTHER else _further(finding)
            kept[place] = folded if other is None else _folded(other, folded, is_another=kind != FURTHER)
    return list(kept.values())


def _further(finding: Finding) -> Finding:
    extra = {name: value for name, value in finding.extra.items() if name not in ("kind", "schema")}
    made = replace(finding, message=FURTHER_MESSAGE, fingerprint="", extra={**extra, "kind": FURTHER})
    return numbered(made, 1)


def _folded(one: Finding, other: Finding, *, is_another: bool) -> Finding:
    count = one.count + other.count
    total = None if one.total is None or other.total is None else max(one.total, other.total, count)
    made = replace(one, count=count, total=total)
    is_exact = is_another and not one.extra["distinct"].startswith(_AT_LEAST)
    return numbered(made, _number(one) + 1) if is_exact else at_least(made, other)


def numbered(finding: Finding, number: int) -> Finding:
    """The finding that stands for so many further values, each counted once."""
    return _saying(finding, str(number))


def at_least(one: Finding, other: Finding) -> Finding:
    """The first of two findings for further values; which values both have is not kept, so the larger number holds."""
    return _saying(one, f"{_AT_LEAST}{max(_number(one), _number(other))}")


_AT_LEAST = "at least "


def _number(finding: Finding) -> int:
    return int(str(finding.extra["distinct"]).removeprefix(_AT_LEAST))


def _saying(finding: Finding, number: str) -> Finding:
    words = f"{number} further {'value' if number == '1' else 'values'}"
    return replace(finding, observed=words, extra={**finding.extra, "distinct": number})
