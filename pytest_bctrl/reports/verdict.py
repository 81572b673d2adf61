"""The title, the run and the verdict of a report: what it has besides findings."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pytest_bctrl.reports.wording import counted, is_change, numbered, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.findings.finding import FailOn, Finding
    from pytest_bctrl.observed.coverage import Coverage
    from pytest_bctrl.reports.required_version import RequiredVersion

Side = Literal["base", "revision"]
"""The old document of a comparison, or the new one."""

Status = Literal["passed", "failed", "not checked"]


class Title(NamedTuple):
    """The name of the report, the compared documents, the level that fails the run, and notes.

    `not_checked` has a reason for each check that did not run. `accepted` is the number of findings that a comparison
    omits because the baseline accepts them. `excluded` has the data of the invalid parts that were not compared, and
    `version` is the version that the change requires. `side` is the document whose lines annotations refer to.
    `exchanges` has the number of exchanges that were `sent`, and of each outcome. `coverage` is that of the contract.
    """

    name: str
    base: str = ""
    revision: str = ""
    fail_on: FailOn = "error"
    notes: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    accepted: int = 0
    excluded: tuple[Mapping[str, Any], ...] = ()
    side: Side = "base"
    version: RequiredVersion | None = None
    exchanges: Mapping[str, int] = MappingProxyType({})
    coverage: Coverage | None = None


Outcome = Literal["passed", "failed", "accepted", "skipped", "error", "not checked"]
"""How a test ended; `accepted` if the baseline accepts every finding that would have failed it."""


class RanTest(NamedTuple):
    """One test of the run: its id, outcome, duration in seconds and, if it did not pass, the reason."""

    id: str
    outcome: Outcome
    seconds: float
    reason: str = ""


class OperationOutcome(NamedTuple):
    """How an operation of the contract did in a run, with the reason if it was not checked.

    `operation` is its label, such as `GET /v1/orders`. `is_safe` is false if the suite never sends its method.
    `is_required` is true if the run must check it to pass. `values` says where the real values of its parameters come
    from, by name.
    """

    operation: str
    operation_id: str
    outcome: Literal["passed", "failed", "not checked"]
    reason: str = ""
    is_safe: bool = True
    is_required: bool = True
    values: Mapping[str, str] = MappingProxyType({})


class RunReport(NamedTuple):
    """The data of a run that a report has besides findings and title.

    `target` is `mock` or `live`, or empty if no request was sent; `base_url` is its URL. `started` is an ISO 8601 time
    with its offset. `counts` has `requests`, `answers` and `bodies`. `is_complete` is false if the run ended before
    all `planned` tests had run (0 if their number is unknown). `shortfall` is a sentence if the coverage is below the
    required minimum, `undecided` a sentence if that could not be determined, `unseen` a clause if lists were empty.
    `observation` is plain data.
    """

    contract: Contract
    target: str = ""
    base_url: str = ""
    upstream: str = ""
    started: str = ""
    seconds: float = 0.0
    is_complete: bool = True
    planned: int = 0
    tests: tuple[RanTest, ...] = ()
    operations: tuple[OperationOutcome, ...] = ()
    counts: Mapping[str, int] = MappingProxyType({})
    shortfall: str = ""
    undecided: str = ""
    unseen: str = ""
    observation: Mapping[str, Any] | None = None

    def number_of(self, outcome: Outcome) -> int:
        """Return the number of tests with this outcome."""
        return sum(1 for test in self.tests if test.outcome == outcome)

    def unchecked_operations(self) -> list[OperationOutcome]:
        """Return the required operations that were not checked."""
        return [
            operation for operation in self.operations if operation.is_required and operation.outcome == "not checked"
        ]


class VerdictText(NamedTuple):
    """The status of a report, and a sentence with the reasons for it."""

    status: Status
    sentence: str


def verdict_of(findings: Sequence[Finding], title: Title, run: RunReport | None = None) -> VerdictText:
    """Return the verdict: `failed` takes precedence over `not checked`, and that over `passed`."""
    failures = _failure_reasons(findings, title, run)
    if failures:
        return VerdictText("failed", sentence(failures))
    gaps = _unchecked_reasons(title, run)
    if gaps:
        return VerdictText("not checked", sentence(gaps))
    result = "no findings"
    if findings:
        result = f"{counted(findings)}, at which the run does not fail"
    if run is not None and run.unseen:
        result = f"{result}, but {run.unseen}"
    return VerdictText("passed", sentence([result, *_basis_phrases(title, run)]))


def _failure_reasons(findings: Sequence[Finding], title: Title, run: RunReport | None) -> list[str]:
    """Return the reasons why a run failed; none if it did not."""
    failing = that_fail(findings, title.fail_on)
    reasons = []
    if len(failing) == 1:
        reasons.append(f"{counted(failing)} fails the run")
    elif failing:
        reasons.append(f"{counted(failing)}{_causes_phrase(failing)} fail the run")
    if run is None:
        return reasons
    failed_tests = run.number_of("failed") + run.number_of("error")
    if failed_tests:
        reasons.append(f"{failed_tests} of {numbered(len(run.tests), 'test')} failed")
    if reasons or run.shortfall:
        reasons += [
            *_operation_counts(run),
            *_remaining_tests_phrase(run),
            *_skipped_phrase(run),
            *filter(None, [run.shortfall]),
        ]
    return reasons


def _causes_phrase(findings: Sequence[Finding]) -> str:
    """Return the number of causes of findings, if there are fewer; empty for changes of a document."""
    if any(map(is_change, findings)):
        return ""
    from pytest_bctrl.reports.causes import causes

    number = len(causes(findings))
    return f" with {numbered(number, 'cause')}" if number < len(findings) else ""


def _unchecked_reasons(title: Title, run: RunReport | None) -> list[str]:
    """Return what was not checked and why; nothing if everything was checked."""
    first_reason = title.not_checked[:1]
    if run is None:
        return [f"not everything could be checked: {reason}" for reason in first_reason]
    if not run.number_of("passed") + run.number_of("accepted"):
        return ["nothing was checked", *first_reason]
    if not run.is_complete:
        return [
            "the run ended before everything was checked",
            *_remaining_tests_phrase(run),
            *first_reason,
            *_basis_phrases(title, run),
        ]
    if run.number_of("not checked"):
        return [*first_reason, *_basis_phrases(title, run)]
    if run.undecided:
        return [run.undecided, *_basis_phrases(title, run)]
    unchecked = run.unchecked_operations()
    if unchecked:
        return [f"{unchecked[0].operation}: {unchecked[0].reason}", *_basis_phrases(title, run)]
    return []


def that_fail(findings: Sequence[Finding], fail_on: FailOn) -> list[Finding]:
    """Return the findings at or above a level."""
    # Without findings, their module need not be imported.
    if not findings:
        return []
    from pytest_bctrl.findings.finding import at_or_above

    return at_or_above(findings, fail_on)


def _basis_phrases(title: Title, run: RunReport | None) -> list[str]:
    """Return the facts on which the verdict of a run is based."""
    if run is None:
        return []
    parts = [*_operation_counts(run), f"{run.number_of('passed')} of {numbered(len(run.tests), 'test')} passed"]
    accepted = run.number_of("accepted")
    if accepted:
        parts.append(f"the findings of {numbered(accepted, 'test')} are accepted")
    parts += _skipped_phrase(run)
    if title.coverage is not None and title.coverage.points:
        parts.append(f"{title.coverage.percent:.0f}% of the contract was covered")
    return parts


def _operation_counts(run: RunReport) -> list[str]:
    """Return how many operations passed, failed, were not checked, or are never requested; nothing for only one."""
    if len(run.operations) < 2:
        return []
    outcomes = [operation.outcome for operation in run.operations if operation.is_safe]
    text = f"{outcomes.count('passed')} of {len(run.operations)} operations passed"
    if "failed" in outcomes:
        text += f", {outcomes.count('failed')} failed"
    if "not checked" in outcomes:
        text += f", {outcomes.count('not checked')} not checked"
    unsafe = len(run.operations) - len(outcomes)
    if unsafe:
        text += f", {unsafe} not sent since the method is unsafe"
    return [text]


def _skipped_phrase(run: RunReport) -> list[str]:
    """Return the number of skipped tests as a part of the verdict, if there are any."""
    skipped = run.number_of("skipped")
    return [f"{skipped} skipped"] if skipped else []


def _remaining_tests_phrase(run: RunReport) -> list[str]:
    """Return the number of tests that did not run; nothing if all ran."""
    left = run.planned - len(run.tests)
    return [f"{numbered(left, 'test')} did not run"] if left > 0 else []


def checked_line(account: str, findings: Sequence[Finding], title: Title, *, has_checked: bool) -> str:
    """Return what became of the exchanges, and the number of findings: `2 exchanges: 2 checked; 1 error under …`.

    The number is omitted if nothing was checked, because "no findings" would be misleading.
    """
    text = account
    if has_checked:
        text += f"; {counted(findings)}{_causes_phrase(findings)}"
        accepted_count = sum(1 for finding in findings if finding.extra.get("accepted"))
        if accepted_count:
            text += f", {accepted_count} of them accepted"
    return f"{text} under contract {title.revision}, {title.base}"
