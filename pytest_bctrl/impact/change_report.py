"""Reports, for each change, whether it breaks the project's own tests: on the terminal and as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

from pytest_bctrl.findings.finding import Finding, Level
from pytest_bctrl.impact.change import Change
from pytest_bctrl.impact.outcomes import ChangeResult, Outcome, TestOutcome
from pytest_bctrl.reports.wording import numbered, one_line

ImpactVerdict: TypeAlias = Literal["fails", "not detected", "skipped", "not covered", "not run", "passes", "detected"]

VERDICTS: tuple[ImpactVerdict, ...] = get_args(ImpactVerdict)
"""In the order of the report: what needs work comes first."""

_LEVELS: Mapping[ImpactVerdict, Level] = {
    "fails": "error",
    "not detected": "warning",
    "skipped": "warning",
    "not covered": "warning",
}
_MAX_FAILURES, _MAX_LOCATIONS, _MAX_REASONS = 5, 10, 3


class ChangeReport:
    """One change with its verdict, the reason, and the outcomes of the tests that it reaches."""

    def __init__(self, change: Change, result: ChangeResult | None, missing_reason: str) -> None:
        self.change = change
        self.result = result or ChangeResult(unfinished=missing_reason)
        self.tests = [
            {"test": test, "line": outcome.line, "where": outcome.where, "note": outcome.note}
            for test, outcome in self._tests_with_outcome("fails")
        ]
        self.skipped = [test for test, _ in self._tests_with_outcome("skipped")]
        self.not_run = [{"test": test, "why": outcome.note} for test, outcome in self._tests_with_outcome("not run")]
        self.verdict: ImpactVerdict
        self.verdict, self.reason = self._verdict_and_reason()

    def _tests_with_outcome(self, outcome: Outcome) -> list[tuple[str, TestOutcome]]:
        """Return the tests with an outcome and their results, sorted by node id."""
        return sorted((test, result) for test, result in self.result.tests.items() if result.outcome == outcome)

    def _verdict_and_reason(self) -> tuple[ImpactVerdict, str]:
        """Return the verdict on the change from the outcomes of its tests, and the reason."""
        is_violation = self.change.kind == "break"
        if self.tests:
            return ("detected" if is_violation else "fails"), self.result.combination
        if self.change.transform is None:
            return "not run", self.change.not_run_reason
        if self.result.unfinished:
            return "not run", self.result.unfinished
        if self.skipped:
            return "skipped", f"{numbered(len(self.skipped), 'test')} no longer checked: {self.skipped[0]}"
        if self._tests_with_outcome("passes"):
            return ("not detected" if is_violation else "passes"), self._reasons_not_run
        if self.not_run:
            return "not run", self._reasons_not_run
        if self.result.tests:
            return "not covered", ""
        return "not covered", "no test receives a response with this location"

    @property
    def _reasons_not_run(self) -> str:
        """The first three tests that were not run with the change, and why; empty if all were."""
        return "; ".join(f"{entry['test']}: {entry['why']}" for entry in self.not_run[:_MAX_REASONS])

    @property
    def is_unexamined_error(self) -> bool:
        """Whether a breaking change was not run, or not with every test, and no test fails with it."""
        if self.change.finding.level != "error" or self.tests:
            return False
        return self.verdict == "not run" or bool(self.not_run)

    @property
    def finding(self) -> Finding:
        """The change as a finding at the level of its verdict; `extra["impact"]` has verdict, reason and tests."""
        impact = {"verdict": self.verdict, "why": self.reason, "tests": self.tests}
        impact |= {"skipped": self.skipped, "not_run": self.not_run}
        level: Level = _LEVELS.get(self.verdict, "info")
        if self.is_unexamined_error:
            level = "warning"
        finding = self.change.finding
        return replace(finding, level=level, extra={**finding.extra, "impact": impact})

    @property
    def location(self) -> str:
        """The location of the change; empty if its message contains it."""
        location = one_line(self.change.finding.location)
        if location in self.change.finding.message:
            return ""
        return location

    @property
    def line(self) -> str:
        """The change as one line: location, message, and the reason for its verdict."""
        text = one_line(self.change.finding.message)
        if self.reason:
            text = f"{text} ({one_line(self.reason)})"
        if self.location:
            text = f"{self.location}: {text}"
        return text


def report_lines(reports: Sequence[ChangeReport], *, is_verbose: bool) -> Iterator[tuple[str, dict[str, bool]]]:
    """Yield the lines that list the changes, with their markup; harmless changes only if `is_verbose`."""
    for verdict in dict.fromkeys(report.verdict for report in reports):
        if verdict in ("passes", "detected") and not is_verbose:
            continue
        is_breaking = verdict == "fails"
        yield verdict, {"bold": True, "red" if is_breaking else "yellow": True}
        same_verdict = [report for report in reports if report.verdict == verdict]
        if is_breaking or is_verbose:
            for report in same_verdict:
                yield f"  {report.line}", {}
                for line in failure_lines(report.tests):
                    yield f"    {line}", {}
        else:
            lines = list(_lines_by_location(same_verdict))
            for line in lines[:_MAX_LOCATIONS]:
                yield f"  {line}", {}
            if len(lines) > _MAX_LOCATIONS:
                yield f"  … and {len(lines) - _MAX_LOCATIONS} more locations (-v)", {}


def failure_lines(failures: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield lines for the first five distinct failures: a test, the number of further ones, error, location, notes."""
    tests_by_failure: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        tests_by_failure.setdefault((failure["line"], failure["where"]), []).append(failure["test"])
    for (line, where), tests in list(tests_by_failure.items())[:_MAX_FAILURES]:
        text = one_line(tests[0])
        if len(tests) > 1:
            text += f" and {numbered(len(tests) - 1, 'more test')}"
        text += f": {one_line(line)}"
        if where:
            text += f" ({where})"
        yield text
        notes = {failure["note"] for failure in failures if (failure["line"], failure["where"]) == (line, where)}
        yield from (f"  note: {one_line(note)}" for note in sorted(notes) if note)
    if len(tests_by_failure) > _MAX_FAILURES:
        yield f"… and {numbered(len(tests_by_failure) - _MAX_FAILURES, 'more failure')}"


def _lines_by_location(reports: Sequence[ChangeReport]) -> Iterator[str]:
    """Yield a line for each location: its change, or the number of its changes."""
    by_location: dict[str, list[ChangeReport]] = {}
    for report in reports:
        by_location.setdefault(report.location or report.line, []).append(report)
    for location, same_location in by_location.items():
        first = same_location[0]
        if len(same_location) == 1:
            yield first.line
        else:
            yield f"{location}: {len(same_location)} changes, such as: {first.change.finding.message}"


def report_changes(
    changes: Sequence[Change], results: Mapping[str, ChangeResult], missing_reason: str
) -> list[ChangeReport]:
    """Return a report for each change, worst first; `missing_reason` is that of changes without a result."""
    reports = [ChangeReport(change, results.get(change.key), missing_reason) for change in changes]
    return sorted(reports, key=lambda report: VERDICTS.index(report.verdict))


def detected_percentage(reports: Sequence[ChangeReport]) -> float | None:
    """Return the percentage of violations that a test detected; None if there is no violation."""
    violations = [report for report in reports if report.change.kind == "break"]
    if not violations:
        return None
    return 100 * sum(report.verdict == "detected" for report in violations) / len(violations)


_VERDICT_PHRASES: Mapping[ImpactVerdict, tuple[str, str]] = {
    "fails": ("breaks your tests", "break your tests"),
    "detected": ("detected", "detected"),
    "not detected": ("not detected", "not detected"),
    "passes": ("compatible with your tests", "compatible with your tests"),
    "not covered": ("not covered by any test", "not covered by any test"),
    "skipped": ("makes tests skip", "make tests skip"),
    "not run": ("not run", "not run"),
}
"""The singular and the plural of each verdict in a sentence."""


def unexamined_line(reports: Sequence[ChangeReport]) -> str:
    """Return a sentence about breaking changes that were not run, or not with every test; empty if there are none."""
    unexamined = [report for report in reports if report.is_unexamined_error]
    not_run = [report for report in unexamined if report.verdict == "not run"]
    partly_run = [report for report in unexamined if report.verdict != "not run"]
    sentences = []
    if not_run:
        reasons = dict.fromkeys(one_line(report.reason) for report in not_run[:_MAX_REASONS])
        sentences.append(f"{numbered(len(not_run), 'breaking change')} not run: {'; '.join(reasons)}")
    if partly_run:
        tests = sorted({one_line(entry["test"]) for report in partly_run for entry in report.not_run})
        sentences.append(
            f"{numbered(len(partly_run), 'breaking change')} not run with {', '.join(tests[:_MAX_REASONS])}: "
            "fix or exclude them (bctrl_impact, bctrl_impact_skip)"
        )
    return "; ".join(sentences)


def count_lines(reports: Sequence[ChangeReport], source: str) -> Iterator[str]:
    """Yield a sentence with the counts of verdicts per kind of change: `of 7 changes in upstream: 2 break …`."""
    names = {
        "drift": (f"change in {source}", f"changes in {source}"),
        "break": ("violation of the contract", "violations of the contract"),
        "extreme": ("unusual valid response", "unusual valid responses"),
    }
    for kind, (singular, plural) in names.items():
        verdicts = [report.verdict for report in reports if report.change.kind == kind]
        if not verdicts:
            continue
        parts = []
        for verdict in VERDICTS:
            count = verdicts.count(verdict)
            if count:
                parts.append(f"{count} {_VERDICT_PHRASES[verdict][count > 1]}")
        yield f"of {len(verdicts)} {plural if len(verdicts) > 1 else singular}: {', '.join(parts)}"
