"""Collects the results of a contract run from test reports, including those of pytest-xdist workers."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pytest

from pytest_bctrl.checks.credentials import merge_accepted
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.model import SAFE_METHODS, Operation
from pytest_bctrl.contract.valid_parts import Exclusion
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.exchanges.coverage_text import traffic_remarks, unchecked_parts
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.findings.engines import merge_engines
from pytest_bctrl.findings.finding import LEVELS, Finding, from_dict
from pytest_bctrl.observed.coverage import Coverage
from pytest_bctrl.observed.empty_lists import EmptyLists, empty_lists
from pytest_bctrl.observed.facts import as_data
from pytest_bctrl.reports.verdict import OperationOutcome, Outcome, RanTest, RunReport, Title
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.suite.operations import reason_unchecked, value_origins
from pytest_bctrl.suite.report.grouping import grouped_reasons
from pytest_bctrl.suite.report.hooks import ReportSource
from pytest_bctrl.suite.report.observing import observer
from pytest_bctrl.suite.report.untested import untested_parts
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.run_key import NODE
from pytest_bctrl.suite.sending.requests import Probe
from pytest_bctrl.suite.sending.tally import CHECKED, FOREIGN, UNANSWERED, UNMATCHED

_WORKER_OUTPUT = "bctrl_selection"

_COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_CHANGEABLE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


class RunResults:
    """The findings, outcomes and counts of a contract run; hooks collect them, reports read them.

    `counts` has what `Tally` counts besides the outcomes of requests.
    `repeat_command` is the command line that repeats the run. `is_partial` means that not all contract tests run.
    `watch` has the results of the watch if the run watches the tests of the project too; reports include them.
    """

    def __init__(self, run: ContractRun) -> None:
        self.run = run
        self._started, self._clock = datetime.now(UTC), time.perf_counter()
        self._findings: list[Finding] = []
        self._outcome_counts, self.counts = Counter[str](), Counter[str]()
        self.outage_reasons: list[str] = []
        self.outage_command = ""
        self.tests: list[RanTest] = []
        self._outcomes: defaultdict[str, set[Outcome]] = defaultdict(set)
        self._skip_reasons: dict[str, str] = {}
        self._selected: set[str] = set()
        self.figures: list[str] = []
        self._gaps: dict[str, None] = {}
        self.switched_off: Counter[str] = Counter()
        self.repeat_command = ["pytest"]
        self.has_stopped = False
        self.lacks_key = False
        self._has_failed = False
        self.is_partial = False
        self.observer = Observer(run.contract)
        self._upstream: Mapping[str, Any] | None = None
        self.attribution: list[str] = []
        self._baseline_changes: list[str] = []
        self.planned_tests = 0
        self._is_complete = True
        self.watch: ReportSource | None = None

    def pytest_deselected(self) -> None:
        """Store that not all tests run."""
        self.is_partial = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record how many contract tests are to run and which operations they check; a worker sends it on."""
        self.planned_tests = sum(item.nodeid.startswith(f"{NODE}::") for item in session.items)
        params = [vars(item)["callspec"].params for item in session.items if hasattr(item, "callspec")]
        probes = [param["probe"] for param in params if isinstance(param.get("probe"), Probe)]
        self._selected |= {probe.operation.label for probe in probes}
        if hasattr(session.config, "workerinput"):
            selection = {"operations": sorted(self._selected), "is_partial": self.is_partial}
            session.config.workeroutput[_WORKER_OUTPUT] = selection  # type: ignore[attr-defined]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Record which operations the tests of a worker of pytest-xdist check."""
        selection = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT)
        if selection:
            self._selected.update(selection["operations"])
            self.is_partial |= selection["is_partial"]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Record how many contract tests the workers of pytest-xdist are to run."""
        self.planned_tests = sum(node_id.startswith(f"{NODE}::") for node_id in ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record outcome, findings and counts of a contract test, also of a worker's; of other tests only a failure."""
        self._has_failed |= report.failed and not is_unchecked(report)
        if not report.nodeid.startswith(f"{NODE}::"):
            return
        verdict: dict[str, Any] = getattr(report, "bctrl", {})
        if report.when == "call" or report.outcome != "passed":
            test = _outcome(report)
            self.tests.append(test)
            self._record_outcome(verdict, test)
        self._findings.extend(from_dict({**data, "tests": [report.nodeid]}) for data in verdict.get("findings", ()))
        self._outcome_counts.update(verdict.get("account", {}))
        self.counts.update(verdict.get("counts", {}))
        self.has_stopped = self.has_stopped or bool(verdict.get("stopped"))
        self.lacks_key = self.lacks_key or bool(verdict.get("lacks_key"))
        self.switched_off.update(verdict.get("off", ()))
        self.figures.extend(verdict.get("figures", ()))
        self._gaps.update(dict.fromkeys(verdict.get("gaps", ())))
        self._upstream = verdict.get("upstream") or self._upstream
        reason = verdict.get("not_checked")
        if reason and reason not in self.outage_reasons:
            self.outage_reasons.append(reason)
            self.outage_command = verdict["reproduce"]

    def _record_outcome(self, verdict: Mapping[str, Any], test: RanTest) -> None:
        """Record the outcome of a test for its operation, and the reason if it was not checked."""
        operation = verdict.get("operation")
        if not operation:
            return
        self._outcomes[operation].add(test.outcome)
        reason = verdict["operation_gap"] or test.reason.removeprefix("not checked: ")
        if reason and (verdict["operation_gap"] or operation not in self._skip_reasons):
            self._skip_reasons[operation] = reason

    def operations(self) -> tuple[OperationOutcome, ...]:
        """Return the outcome of each selected operation and, of a complete run, of those the contract excludes."""
        if self.run.target is None or self.run.no_suite:
            return ()
        outcomes = [
            self._operation_outcome(operation)
            for operation in self.run.operations
            if operation.label in self._selected or not self.is_partial
        ]
        if not self.is_partial:
            excluded = [part for part in self.run.contract.excluded if part.is_operation]
            operations = [part for part in excluded if part.part.startswith("/paths/")]
            first_problems = {part.operation: part for part in reversed(operations)}
            outcomes += [self._excluded_outcome(part) for part in reversed(first_problems.values())]
        return tuple(outcomes)

    def _excluded_outcome(self, excluded: Exclusion) -> OperationOutcome:
        """Return the outcome of an operation that the contract excludes because a part of the document is invalid."""
        is_safe = excluded.operation.partition(" ")[0] in SAFE_METHODS
        is_required = is_safe and excluded.operation not in self.run.optional
        return OperationOutcome(
            excluded.operation, "", "not checked", excluded.reason, is_safe, is_required=is_required
        )

    def _operation_outcome(self, operation: Operation) -> OperationOutcome:
        """Return failed if a test failed; passed if one passed, unless there is no plain request; else not checked."""
        outcomes = self._outcomes[operation.label]
        is_sent = self.run.may_send(operation)
        is_required = operation.is_safe and operation.label not in self.run.optional
        result = OperationOutcome(
            operation.label,
            operation.operation_id,
            "passed",
            "",
            is_sent,
            is_required=is_required,
            values=value_origins(self.run, operation),
        )
        if outcomes & {"failed", "error"}:
            return result._replace(outcome="failed")
        reason = reason_unchecked(self.run, operation)
        if not reason and outcomes & {"passed", "accepted"}:
            return result
        reason = reason or self._skip_reasons.get(operation.label, "the run ended before its tests")
        return result._replace(outcome="not checked", reason=reason, values={})

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Attribute drift, update the baseline, and set the exit code: 2 if something required was not checked."""
        has_ended = session.exitstatus in _COMPLETE or observer(session.config).interrupted_run
        self._is_complete = has_ended and not session.shouldstop and not session.shouldfail
        if hasattr(session.config, "workerinput"):
            return
        self.observer = observer(session.config)
        # The summary of contract tests includes the coverage.
        self.observer.is_reported = bool(self.tests)
        paths = (setting.value for setting in lookup.list_values(table.REPORT, session.config))
        self._attribute_drift(next((path for path in paths if path.endswith(".json")), ""))
        if not self._update_baseline():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if (self.has_stopped or self.outage_reasons) and session.exitstatus in _CHANGEABLE:
            # For a run that stopped itself, pytest reports a failure, and pytest-xdist an interruption.
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            if self.lacks_key:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
            elif self._has_failed:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif session.exitstatus == pytest.ExitCode.OK and self.tests and self.report().unchecked_operations():
            session.exitstatus = pytest.ExitCode.INTERRUPTED

    def count(self, *outcomes: Outcome) -> int:
        """Return the number of contract tests with one of these outcomes."""
        return sum(test.outcome in outcomes for test in self.tests)

    @property
    def has_red_tests(self) -> bool:
        """Whether pytest's short summary lists a contract test."""
        return self.count("failed", "error", "not checked") > 0

    def skip_reasons(self) -> list[str]:
        """Return one sentence per reason for skipped tests, with its operations and the number of tests."""
        reasons = Counter(test.reason.removeprefix("not checked: ") for test in self.tests if test.outcome == "skipped")
        all_labels = {operation.label for operation in self.run.operations}
        labels: defaultdict[str, list[str]] = defaultdict(list)
        numbers: Counter[str] = Counter()
        for text, number in reasons.items():
            label, _, reason = text.partition(": ")
            if label not in all_labels:
                label, reason = "", text
            labels[reason].append(label)
            numbers[reason] += number
        return [self._skip_reason(labels[reason], reason, number) for reason, number in numbers.items()]

    def _skip_reason(self, labels: list[str], reason: str, number: int) -> str:
        """Return the sentence about one reason for skipped tests."""
        text = reason
        if any(labels):
            (text,) = grouped_reasons((label, reason) for label in filter(None, labels))
        return f"{text} ({number} tests)" if number > 1 else text

    @property
    def account(self) -> Account:
        """What became of each request, retries included."""
        account, reasons = Account(), +self._outcome_counts
        account.add("checked", count=reasons.pop(CHECKED, 0))
        account.add("unanswered", count=reasons.pop(UNANSWERED, 0))
        account.add("unmatched", count=reasons.pop(UNMATCHED, 0))
        account.add("foreign", count=reasons.pop(FOREIGN, 0))
        for reason, count in reasons.items():
            account.add("not checked", [reason], count=count)
        return account

    def not_checked(self) -> list[str]:
        """Return one sentence per reason why something was not checked."""
        if self.run.target is None:
            return list(self.outage_reasons)
        reasons = [
            *self.outage_reasons,
            *self.run.contract.exclusions,
            *self._untested_parts,
        ]
        if self.run.chosen.is_published:
            reasons.append("credentials and rejections, which the published spec does not describe")
        if self.run.credentials_gap:
            reasons.append(f"credentials: {self.run.credentials_gap}")
        reasons += [f"by {gap}" for gap in self._gaps]
        reasons += self.skip_reasons()
        for reason, note in self.account.notes("not checked").items():
            reasons.append(f"{numbered(note.count, 'response')}: {reason}")
        if self.has_stopped:
            reasons.append("remaining tests skipped: the target cannot be tested")
        return reasons

    @cached_property
    def _untested_parts(self) -> list[str]:
        """A sentence for each thing that settings and contract leave out of the run."""
        return untested_parts(self.run)

    def findings(self) -> list[Finding]:
        """Return all findings, those of a watch too, the highest level first; equal ones are merged."""
        findings = self.contract_findings()
        if self.watch is not None:
            findings += self.watch.findings()
        return sorted(findings, key=_level_rank)

    def contract_findings(self) -> list[Finding]:
        """Return the findings of contract tests; equal ones, and those of several engines, are merged."""
        return merge_engines(merge_accepted(merge(self._findings)))

    def title(self) -> Title:
        """Return the heading of the reports: contract, subject, notes, and what was not checked."""
        contract = self.run.contract
        base = f"{contract.title} {contract.version} ({contract.short_digest}), {contract.described}"
        subject = self.run.upstream or "the bundled mock"
        if self.run.target:
            subject = self.target_name()
        notes = (*self.figures, *(f"{label}: {note}" for label, note in self.baseline_notes()))
        not_checked = tuple(self.not_checked())
        measured = self.coverage()
        if measured is not None:
            notes = (*notes, *traffic_remarks(self.observer))
            not_checked = (*not_checked, *unchecked_parts(measured))
        numbers = Counter(self.account.numbers())
        if self.watch is not None:
            watched = self.watch.title()
            notes, not_checked = (*notes, *watched.notes), (*not_checked, *watched.not_checked)
            numbers.update(watched.exchanges)
        title = Title("contract run", base, subject, self.run.fail_on, notes, not_checked)
        return title._replace(exchanges=numbers, coverage=measured)

    def coverage(self) -> Coverage | None:
        """Return the coverage of the contract; None for a run without a target that observed no response."""
        if self.run.target or self.observer.everything.statuses:
            return self.observer.coverage
        return None

    def empty_lists(self) -> EmptyLists:
        """Return the lists of which the run saw no item."""
        if self.run.target is None or self.run.no_suite:
            return EmptyLists()
        return empty_lists(self.run.contract, self.observer.everything)

    def report(self) -> RunReport:
        """Return the details of the run that reports show: target, times, tests, operations and counts."""
        return RunReport(
            self.run.contract,
            target=self.run.target or "",
            base_url=self.run.base_url,
            upstream=self.run.upstream or "",
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - self._clock,
            is_complete=self._is_complete and not self.has_stopped,
            planned=self.planned_tests,
            tests=tuple(self.tests),
            operations=self.operations(),
            counts={
                "requests": self.account.sent,
                "answers": self.counts["responses"],
                "bodies": self.counts["bodies"],
            },
            shortfall=self.observer.shortfall,
            undecided=self.observer.undecided,
            unseen=self.empty_lists().sentence,
            observation=as_data(self.observer.everything),
        )

    def target_name(self) -> str:
        """Return how reports name the target: the bundled mock, the base URL, or `none`."""
        return {"mock": "the bundled mock", "live": self.run.base_url, None: "none"}[self.run.target]

    def _attribute_drift(self, report_path: str) -> None:
        """Add the cause to drift findings if a live run compared the vendored spec with upstream.

        The mock always conforms to the contract, so it shows nothing. `report_path` is that of the JSON report of the
        run, or "".
        """
        if self._upstream is None or self.run.target != "live":
            return
        from pytest_bctrl.suite.report.attribution import attribute, next_commands

        try:
            commands = next_commands(self.run, self.repeat_command, report_path)
            merged = merge(self._findings)
            self._findings, self.attribution = attribute(
                self.run, self._upstream, self.observer.validated, merged, commands
            )
        except DocumentError as error:
            self.outage_reasons.append(f"cause of the changes: {error}")

    def baseline_notes(self) -> list[tuple[str, str]]:
        """Return labels and notes: how many findings the baseline accepts, and which entries are outdated."""
        baseline, findings = self.run.baseline, self.findings()
        accepted_count = sum(bool(finding.extra.get("accepted")) for finding in findings)
        notes = []
        if accepted_count:
            notes.append(("accepted", f"{accepted_count} of {len(findings)} findings, by {baseline.file.path}"))
        notes += [("accepted", line) for line in self._baseline_changes]
        # The mock has none of the known faults of the API, so only a complete live run shows unused entries.
        is_limited = self.is_partial or self.has_stopped or bool(self.outage_reasons)
        is_complete = self.run.target == "live" and not is_limited
        notes += [("baseline", note) for note in baseline.notes(self._findings, is_complete=is_complete)]
        return notes

    def _update_baseline(self) -> bool:
        """Add what the run accepts to the baseline; return False if it could not be written."""
        baseline = self.run.baseline
        if baseline.reason is None:
            return True
        try:
            added = baseline.write(merge(self._findings))
        except BctrlError as error:
            self._baseline_changes = [f"nothing: {error}"]
            return False
        self._baseline_changes = [f"{len(added)} until {baseline.until}, written to {baseline.file.path}"]
        return True


def is_unchecked(report: pytest.TestReport) -> bool:
    """Return whether an outage, or a spec that could not be compared, kept a contract test from checking."""
    return bool(getattr(report, "bctrl", {}).get("not_checked"))


def _level_rank(finding: Finding) -> int:
    """Return the position of a finding's level, for sorting."""
    return LEVELS.index(finding.level)


def _outcome(report: pytest.TestReport) -> RanTest:
    """Return a test's id, outcome, duration and reason from its report; a failed setup or teardown is an error."""
    if is_unchecked(report):
        return RanTest(report.nodeid, "not checked", report.duration, _reason(report))
    if hasattr(report, "wasxfail"):
        return RanTest(report.nodeid, "accepted", report.duration, str(report.wasxfail))
    outcome: Outcome = report.outcome
    if report.failed and report.when != "call":
        outcome = "error"
    reason = "" if report.passed else _reason(report)
    return RanTest(report.nodeid, outcome, report.duration, reason)


def _reason(report: pytest.TestReport) -> str:
    """Return the first line of the reason why a test did not pass."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr) if crash is None else str(crash.message)
    return next((line for line in text.splitlines() if line.strip()), "")[:300]
