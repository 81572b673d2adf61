"""What a person reads of an observer at the end of a run: coverage, what was never seen, and observed drift."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_bctrl.observed.coverage import Coverage, coverage, never_seen
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.observed.location import shown
from pytest_bctrl.reports.terminal import counted, describe, printable
from pytest_bctrl.suite.observer import Observer

SHOWN = 12
"""Places of which something was never seen that are listed by name."""


def lines(observer: Observer) -> Iterator[str]:
    """Yield what was seen of the contract, then the drift, line by line."""
    yield from coverage_lines(observer)
    yield from drift_lines(observer)


def coverage_lines(observer: Observer) -> Iterator[str]:
    """Yield how much of the contract was seen, and what never was."""
    seen = observer.everything
    measured = coverage(observer.contract, seen)
    answers = sum(seen.statuses.values())
    yield (
        f"coverage     {measured.percent:.1f}% of the contract: {measured.seen} of {len(measured.points)} points seen, "
        f"in {answers} {'answer' if answers == 1 else 'answers'}"
    )
    for reason in always_empty(measured):
        yield f"not checked  {reason}"
    missing = never_seen(measured)
    for number, line in enumerate(missing[:SHOWN]):
        yield printable(f"{'' if number else 'never seen':<13}{line}")
    if len(missing) > SHOWN:
        yield f"{'':<13}… and {len(missing) - SHOWN} more"


def drift_lines(observer: Observer) -> Iterator[str]:
    """Yield what the traffic of ordinary tests showed that the contract does not say; nothing where there is none."""
    found = differences(observer.contract, observer.unjudged)
    if found:
        yield f"drift        {counted(found)} in the traffic of other tests than the contract suite's"
        yield from describe(found)


def always_empty(measured: Coverage) -> Iterator[str]:
    """Yield a sentence for every list of which no items were seen."""
    empty = {(point.status, point.location) for point in measured.points if point.kind == "empty" and point.seen}
    for point in measured.points:
        if point.kind == "items" and not point.seen and (point.status, point.location) in empty:
            yield f"{shown(point.location)}: every list was empty, so nothing of its items was seen"


def remarks(observer: Observer) -> Iterator[str]:
    """Yield a line for everything that the traffic of other tests than the contract suite's showed."""
    for found in differences(observer.contract, observer.unjudged):
        yield (
            f"in the traffic of other tests: {found.level} {found.rule} at {found.location}, {found.message} "
            f"({found.count} of {found.total})"
        )


def shortfall(measured: Coverage, minimum: float) -> str:
    """The sentence for a run that saw too little; empty where it saw enough."""
    if measured.percent >= minimum:
        return ""
    return f"FAIL coverage of {measured.percent:.1f}% is below the minimum of {minimum:g}% (--bctrl-min-coverage)"
