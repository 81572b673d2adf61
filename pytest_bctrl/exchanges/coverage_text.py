"""Describes the coverage of a contract, and how ordinary traffic differs from it, for summaries and reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_bctrl.contract.schema.locations import display_location
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.observed.coverage import Coverage, Point, unexercised_lines
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.reports.terminal import listed
from pytest_bctrl.reports.wording import numbered


def coverage_rows(observer: Observer, *, is_complete: bool) -> Iterator[tuple[str, str]]:
    """Yield labels and texts: the coverage, what was not checked and, if `is_complete`, all parts never exercised."""
    measured = observer.coverage
    missing = unexercised_lines(measured)
    text = _percentage(observer)
    if missing and not is_complete:
        text += "; --bctrl-coverage lists the rest"
    yield "coverage", text
    for reason in unchecked_parts(measured):
        yield "not checked", reason
    if is_complete:
        yield from _labelled("not covered", missing)


def first_coverage_lines(observer: Observer) -> Iterator[str]:
    """Yield the rows of `coverage_rows` as lines, but only the first of them, and how many more the JSON report has."""
    measured = observer.coverage
    missing = unexercised_lines(measured)
    shown = missing[:_SHOWN]
    if len(missing) > _SHOWN:
        shown.append(f"and {len(missing) - _SHOWN} more: the JSON report has all")
    unchecked = first_unchecked_parts(measured, "the JSON report has them")
    rows = [("coverage", _percentage(observer)), *(("not checked", reason) for reason in unchecked)]
    yield from _lines([*rows, *_labelled("not covered", shown)])


def coverage_lines(observer: Observer, *, is_complete: bool) -> Iterator[str]:
    """Yield the rows of `coverage_rows` as lines."""
    yield from _lines(coverage_rows(observer, is_complete=is_complete))


def _percentage(observer: Observer) -> str:
    """Return the percentage of the contract that was exercised, the number of points and of responses."""
    measured = observer.coverage
    responses = numbered(observer.everything.statuses.total(), "response")
    points = f"{measured.seen} of {len(measured.points)} points exercised"
    return f"{measured.percent:.1f}% of the contract: {points}, in {responses}"


def _labelled(label: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield lines as rows, the first with the label."""
    for number, line in enumerate(lines):
        yield "" if number else label, line


def _lines(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield rows as lines of text."""
    for label, text in rows:
        yield escape_line(f"{label:<13}{text}")


_SHOWN = 10
"""Maximum number of parts that the summary of a command lists as never exercised."""


def first_unchecked_parts(measured: Coverage, where: str = "--bctrl-coverage lists them") -> Iterator[str]:
    """Yield the sentences of `unchecked_parts`, but one about all empty lists; `where` says what has each of them."""
    yield from measured.not_measured
    locations = list(_empty_lists(measured))
    if len(locations) > 1:
        yield f"{listed(locations, 'list')}: always empty, so their items are not covered; {where}"
    else:
        yield from _empty_list_sentences(measured)


def unchecked_parts(measured: Coverage) -> Iterator[str]:
    """Yield a sentence per part whose coverage is unknown: it was not measured, or is a list that was always empty."""
    yield from measured.not_measured
    yield from _empty_list_sentences(measured)


def _empty_list_sentences(measured: Coverage) -> Iterator[str]:
    """Yield a sentence per list that was always empty."""
    has_several = len({point.operation for point in measured.points}) > 1
    for location, operations in _empty_lists(measured).items():
        subject = listed(operations, "operation")
        yield f"{f'{subject}: ' if has_several else ''}{location}: every list was empty, so its items are not covered"


def _empty_lists(measured: Coverage) -> dict[str, list[str]]:
    """Return the locations of the lists that were always empty, with the operations that return them."""
    lists = {(point.operation, point.status, point.location) for point in measured.points if _is_empty_list(point)}
    operations_at: dict[str, list[str]] = defaultdict(list)
    for point in measured.points:
        if point.kind == "items" and not point.seen and (point.operation, point.status, point.location) in lists:
            operations_at[display_location(point.location)].append(point.operation)
    return {location: list(dict.fromkeys(operations)) for location, operations in operations_at.items()}


def _is_empty_list(point: Point) -> bool:
    """Return whether a point is a list that was empty in some response."""
    return point.kind == "empty" and bool(point.seen)


def traffic_remarks(observer: Observer) -> Iterator[str]:
    """Yield a line for each difference between the contract and the traffic of ordinary tests."""
    has_several = len(observer.contract.operations) > 1
    for finding in differences(observer.contract, observer.unvalidated):
        operation = f" in {finding.operation}" if has_several else ""
        yield (
            f"in the traffic of other tests: {finding.level} {finding.rule} at {finding.location}{operation}, "
            f"{finding.message} ({finding.count} of {finding.total})"
        )
