"""Collects the results of the watch from test reports, including those of pytest-xdist workers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.exchanges.coverage_text import unchecked_parts
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.findings.finding import LEVELS, FailOn, Finding, Levels, at_or_above, from_dict
from pytest_bctrl.observed.facts import as_data
from pytest_bctrl.reports.verdict import OperationOutcome, Outcome, RanTest, RunReport, Title
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.suite.baseline import Baseline
from pytest_bctrl.watch.checking import WatchedTest, findings_in_tests

CARRIED = "bctrl_watch"
"""The name of the results of a test in its report."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The settings of the watch; `reason` says why the contract is selected."""

    contract: Contract
    reason: str = ""
    fail_on: FailOn = "error"
    levels: Levels = field(default_factory=Levels)
    baseline: Baseline = field(default_factory=Baseline)

    def failing(self, findings: list[Finding]) -> list[Finding]:
        """Return the findings that fail a test: at the failing level, and not accepted by the baseline."""
        return at_or_above(self.baseline.mark(findings, self.fail_on), self.fail_on)


def as_carried(test: WatchedTest, *, is_failure: bool) -> dict[str, Any]:
    """Return the results of a test as plain data, to be carried by its report, which they may have made a failure."""
    return {
        "is_failure": is_failure,
        "findings": [finding.as_dict() for finding in test.findings],
        "account": test.account.as_data(),
        "unobserved": test.unobserved,
        "off": test.off,
    }


class WatchResults:
    """The findings, tests and counts of a run.

    `is_partial` means that not all tests of the project run; then nothing need be observed.
    """

    def __init__(self, settings: WatchSettings) -> None:
        self.settings = settings
        self._started, self._clock = datetime.now(UTC), time.perf_counter()
        self._findings: list[Finding] = []
        self.account = Account()
        self.failed_operations: set[str] = set()
        self.tests: dict[str, RanTest] = {}
        self.switched_off: Counter[str] = Counter()
        self._unobserved: dict[str, None] = {}
        self._seconds: Counter[str] = Counter()
        self.observer = Observer(settings.contract)
        self.baseline_changes: list[str] = []
        self.is_partial = False
        self.is_complete = True
        self.has_run = False

    def pytest_deselected(self) -> None:
        """Record that not all tests run."""
        self.is_partial = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the report of a phase of a test, which may come from a worker."""
        self.has_run = True
        self._seconds[report.nodeid] += report.duration  # type: ignore[assignment]
        data = getattr(report, CARRIED, None)
        if data is not None:
            self.add(data, report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the exchanges that a worker had after its last test."""
        late_exchanges = getattr(node, "workeroutput", {}).get(CARRIED)
        if late_exchanges is not None:
            self.account.update(late_exchanges)

    def add(self, data: Mapping[str, Any], nodeid: str) -> None:
        """Add the results of a test, as its report carries them."""
        findings = [from_dict(finding) for finding in data["findings"]]
        self._findings += findings
        account = Account()
        account.update(data["account"])
        self.account.update(data["account"])
        failing = self.settings.failing(findings)
        self.failed_operations |= {finding.operation for finding in failing}
        if account.operations or account.counts["unanswered"]:
            self._add_test(self._outcome(nodeid, findings, failing))
        self.switched_off.update(data["off"])
        self._unobserved.update(dict.fromkeys(data["unobserved"]))

    def _add_test(self, test: RanTest) -> None:
        """Add a test; one that runs several times, as with pytest-rerunfailures, fails if it fails once."""
        earlier = self.tests.get(test.id)
        if earlier is None or earlier.outcome != "failed":
            self.tests[test.id] = test

    def _outcome(self, nodeid: str, findings: list[Finding], failing: list[Finding]) -> RanTest:
        """Return the outcome of a test: passed, failed by its findings, or accepted by the baseline."""
        outcome: Outcome = "passed"
        reason = ""
        if failing:
            outcome = "failed"
            reason = f"{failing[0].rule} at {failing[0].location}: {failing[0].message}"
        elif at_or_above(findings, self.settings.fail_on):
            outcome, reason = "accepted", "the baseline accepts its findings"
        return RanTest(nodeid, outcome, float(self._seconds[nodeid]), reason)

    def findings(self) -> list[Finding]:
        """Return the findings, equal ones merged and accepted ones marked, highest level first, each with its tests."""
        merged = findings_in_tests(self._findings, merge(self._findings))
        marked = self.settings.baseline.mark(merged, self.settings.fail_on)
        return sorted(marked, key=_level_rank)

    def request_notes(self) -> Iterator[tuple[str, str]]:
        """Yield a label and a sentence about requests to no operation of the contract, and requests without a response.

        There is one for each method and path, and one for each operation and error.
        """
        for label, note in self.account.notes("unmatched").items():
            lines = list(dict.fromkeys(sent_at for sent_at, _ in note.examples if sent_at))
            where = lines[:1]
            if len(lines) > 1:
                where = [f"{lines[0]} and {numbered(len(lines) - 1, 'other line')}"]
            where.append(next(test for _, test in note.examples))
            yield "unmatched", f"your code sends {label}, which the contract does not have ({', '.join(where)})"
        for text, note in self.account.notes("unanswered").items():
            requests = numbered(note.count, "request")
            yield "unanswered", f"{requests} without a response, {text}; only the request was checked"

    def _foreign_lines(self) -> Iterator[str]:
        """Yield a sentence for each server that is not watched, and may be one of the API."""
        for origin, note in self.account.notes("foreign").items():
            host, label = next(iter(note.examples))
            yield (
                f"{numbered(note.count, 'exchange')} with {origin}, which is not a server of the contract, such as "
                f"{label} (bctrl_watch_hosts = {host} adds it)"
            )

    def _unchecked_lines(self) -> Iterator[str]:
        """Yield a sentence for each reason why exchanges, or parts of them, were not checked."""
        for reason, note in self.account.notes("not checked").items():
            if note.examples:
                (label,) = next(iter(note.examples))
                yield f"{numbered(note.count, 'exchange')} {reason}, such as {label}"
            else:
                yield reason if note.count == 1 else f"{reason} ({note.count} times)"

    def not_checked(self) -> list[str]:
        """Return one sentence per reason why something was not checked."""
        reasons = [
            *self.settings.contract.exclusions,
            *self._unobserved,
            *self._foreign_lines(),
            *self._unchecked_lines(),
        ]
        if not self.account.operations and not self.account.counts["unanswered"]:
            contract = self.settings.contract
            sentence = f"the watch observed no request to an operation of the contract {contract.title}"
            reasons.insert(0, f"{sentence}: {self.settings.reason}")
        return reasons

    def title(self) -> Title:
        """Return the heading of the reports: contract, subject, notes, and the checks that did not run."""
        contract = self.settings.contract
        base = f"{contract.title} {contract.version} ({contract.short_digest}), {contract.described}"
        notes = [text for _, text in self.request_notes()]
        notes += [f"{label}: {note}" for label, note in self.baseline_notes()]
        not_checked, measured = self.not_checked(), None
        if self.account.operations:
            measured = self.observer.coverage
            not_checked += unchecked_parts(measured)
        return Title(
            "watch",
            base,
            "the project's tests",
            self.settings.fail_on,
            tuple(notes),
            tuple(not_checked),
            exchanges=self.account.numbers(),
            coverage=measured,
        )

    def report(self) -> RunReport:
        """Return the details of the run that reports show: times, tests, operations and counts."""
        count = self.account.operations.total()
        return RunReport(
            self.settings.contract,
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - self._clock,
            is_complete=self.is_complete,
            tests=tuple(self.tests.values()),
            operations=tuple(self._operation_outcomes()),
            counts={"requests": count + self.account.counts["unanswered"], "answers": count},
            shortfall=self.observer.shortfall,
            undecided=self.observer.undecided,
            observation=as_data(self.observer.everything),
        )

    def _operation_outcomes(self) -> Iterator[OperationOutcome]:
        """Yield the outcome of each operation of the contract."""
        for operation in self.settings.contract.operations:
            # The watch observes requests of every method.
            result = OperationOutcome(operation.label, operation.operation_id, "passed", is_required=False)
            if operation.label in self.failed_operations:
                result = result._replace(outcome="failed")
            elif operation.label not in self.account.operations:
                result = result._replace(outcome="not checked", reason="the watch observed no request to it")
            yield result

    def baseline_notes(self) -> list[tuple[str, str]]:
        """Return labels and notes: how many findings the baseline accepts, what was added, and outdated entries."""
        baseline, findings = self.settings.baseline, self.findings()
        count = sum(bool(finding.extra.get("accepted")) for finding in findings)
        notes = []
        if count:
            notes.append(("accepted", f"{count} of {len(findings)} findings, by {baseline.file.path}"))
        notes += [("accepted", line) for line in self.baseline_changes]
        # The baseline may have entries for contract runs too.
        notes += [("baseline", note) for note in baseline.notes(findings, is_complete=False)]
        return notes

    def update_baseline(self) -> bool:
        """Add the findings to the baseline if the run accepts them; return False if it could not be written."""
        baseline = self.settings.baseline
        if baseline.reason is None:
            return True
        try:
            added = baseline.write([_without_tests(finding) for finding in self.findings()])
        except BctrlError as error:
            self.baseline_changes = [f"nothing: {error}"]
            return False
        self.baseline_changes = [f"{len(added)} until {baseline.until}, written to {baseline.file.path}"]
        return True


def _without_tests(finding: Finding) -> Finding:
    """Return a finding without the tests that have it, for the baseline."""
    extra = {name: value for name, value in finding.extra.items() if name not in ("watched", "why")}
    return replace(finding, extra=extra)


def _level_rank(finding: Finding) -> int:
    """Return the position of a finding's level, the worst first, for sorting."""
    return LEVELS.index(finding.level)
