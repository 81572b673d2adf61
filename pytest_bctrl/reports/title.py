"""What a report says beside its findings: title, run, and verdict, which is never good where nothing was checked."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pytest_bctrl.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.finding import FailOn, Finding
    from pytest_bctrl.observed.coverage import Coverage

Status = Literal["passed", "failed", "not checked"]


class Title(NamedTuple):
    """The name of the report, what was held against what, what fails, and remarks of the run.

    `not_checked` says, one reason a line, what was meant to be looked at and was not.
    """

    name: str
    base: str = ""
    revision: str = ""
    fail_on: FailOn = "error"
    notes: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


Outcome = Literal["passed", "failed", "accepted", "skipped", "error", "not checked"]
"""How a test ended; `accepted`: it would have failed, and all that it found is accepted."""


class RanTest(NamedTuple):
    """One test of the run: its id, how it ended, its duration in seconds and, where it did not pass, why."""

    id: str
    outcome: Outcome
    seconds: float
    reason: str = ""


class RunReport(NamedTuple):
    """Everything that a writer is told about a run, beside findings and title.

    `target` is `mock`, `live` or empty where nothing was asked, `base_url` where that is; `started` is a time in
    ISO 8601 with its offset; `counts` has `requests`, `answers` and `bodies`. `is_complete` is false where the run
    ended before all of its tests had run. `shortfall` says that less of the contract was seen than was asked for.
    `observation` is what was seen, as plain data.
    """

    contract: Contract
    target: str = ""
    base_url: str = ""
    upstream: str = ""
    started: str = ""
    seconds: float = 0.0
    is_complete: bool = True
    tests: tuple[RanTest, ...] = ()
    counts: Mapping[str, int] = MappingProxyType({})
    coverage: Coverage | None = None
    shortfall: str = ""
    observation: Mapping[str, Any] | None = None

    def number_of(self, outcome: Outcome) -> int:
        """How many tests ended like this."""
        return sum(1 for test in self.tests if test.outcome == outcome)


class Verdict(NamedTuple):
    """The status of what was looked at, and what it rests on."""

    status: Status
    sentence: str


def verdict_of(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> Verdict:
    """Return the verdict: `failed` over `not checked` over `passed`."""
    failing = _failing(findings, title)
    basis = _basis(run)
    failed_tests = run.number_of("failed") + run.number_of("error") if run else 0
    if failing or failed_tests or (run and run.shortfall):
        what = [f"{counted(failing)} fail{'s' if len(failing) == 1 else ''} the run"] if failing else []
        if failed_tests and run:
            what.append(f"{failed_tests} of {_tests(len(run.tests))} failed")
        what += [run.shortfall] if run and run.shortfall else []
        return Verdict("failed", _sentence(what))
    if run is None:
        if title.not_checked:
            return Verdict("not checked", _sentence([f"not everything could be checked: {title.not_checked[0]}"]))
    elif not run.number_of("passed") + run.number_of("accepted"):
        return Verdict("not checked", _sentence(["nothing was checked", *title.not_checked[:1]]))
    elif not run.is_complete:
        why = "the run ended before everything was checked"
        return Verdict("not checked", _sentence([why, *title.not_checked[:1], *basis]))
    elif run.number_of("not checked"):
        return Verdict("not checked", _sentence([*title.not_checked[:1], *basis]))
    found = f"{counted(findings)}, at which the run does not fail" if findings else "nothing was found"
    return Verdict("passed", _sentence([found, *basis]))


def _failing(findings: Sequence[Finding], title: Title) -> list[Finding]:
    if not findings:
        return []
    from pytest_bctrl.finding import at_or_above

    return at_or_above(findings, title.fail_on)


def _basis(run: RunReport | None) -> list[str]:
    """What a verdict of a run rests on."""
    if run is None:
        return []
    parts = [f"{run.number_of('passed')} of {_tests(len(run.tests))} passed"]
    accepted = run.number_of("accepted")
    if accepted:
        parts.append(f"what {_tests(accepted)} found is accepted")
    skipped = run.number_of("skipped")
    if skipped:
        parts.append(f"{skipped} had nothing to look at")
    if run.coverage is not None and run.coverage.points:
        parts.append(f"{run.coverage.percent:.0f} % of the contract was seen")
    return parts


def _tests(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
