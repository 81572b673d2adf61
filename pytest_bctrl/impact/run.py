"""Runs the tests that use the API once for each change: which fail, and which exercise the change at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import pytest

from pytest_bctrl.findings.finding import LEVELS
from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.impact.change import Change, Kind, ResponseTransform, combine, transform_bodies
from pytest_bctrl.impact.credentials import without_credentials
from pytest_bctrl.impact.derived_changes import PROBES
from pytest_bctrl.impact.interceptor import InterceptedExchange, Interceptor, are_same, digest_of_responses
from pytest_bctrl.impact.obstacles import obstacle_to, unanswered_reason, unanswered_requests, with_read_bodies
from pytest_bctrl.impact.outcomes import ChangeResult, TestOutcome
from pytest_bctrl.impact.progress import ProgressReceiver
from pytest_bctrl.impact.read_locations import CLIENTS, Reads, encode_differently, record_reads
from pytest_bctrl.impact.rerun import Rerunner, RerunOutcome, free_earlier_runs, time_limit
from pytest_bctrl.traffic.clock import clock

UNRELIABLE = "the test also fails without the change, at random"
OWN_DATA = "it compares with its own data: every other value makes it fail too"
NO_REQUESTS = "the test sends no request when it runs again, because it caches responses between tests"
OUT_OF_TIME = "no time was left (--bctrl-impact-budget)"
INTERRUPTED = "the run ended before"
TOGETHER = "it fails only with several changes at once"
_OBSERVED_LIBRARIES = ("", *CLIENTS)
_CONTROL_RUNS = 3
"""How often a test that fails with a change runs at the end without one, to detect failures at random."""


@dataclass(slots=True)
class ExercisedTest:
    """A test that uses the mock or a recording, or is watched: its exchanges and its seconds in the ordinary run.

    `failures` counts the requests that got no response. `shared_exchanges` are those of fixtures that it shares with
    other tests. `outcomes` maps a digest of responses to how the test ended with them. `unreliable_reason` says why its
    outcomes prove nothing; empty if they do.
    """

    item: pytest.Item
    exchanges: list[InterceptedExchange]
    seconds: float
    failures: Counter[str] = field(default_factory=Counter)
    shared_exchanges: list[InterceptedExchange] = field(default_factory=list)
    reads: Reads | None = None
    outcomes: dict[str, RerunOutcome] = field(default_factory=dict)
    unreliable_reason: str = ""

    @property
    def id(self) -> str:
        """The node id of the test."""
        return self.item.nodeid

    @property
    def has_unobserved_reads(self) -> bool:
        """Whether the test uses a client library whose raw bodies are not observed, only decoded data."""
        return any(exchange.client_library not in _OBSERVED_LIBRARIES for exchange in self.all_exchanges)

    @property
    def has_unread_bodies(self) -> bool:
        """Whether the test did not read the body of a response."""
        return any(exchange.is_unread for exchange in self.all_exchanges)

    @property
    def all_exchanges(self) -> list[InterceptedExchange]:
        """All exchanges of the ordinary run, those of shared fixtures first."""
        return [*self.shared_exchanges, *self.exchanges]

    def may_exercise(self, change: Change) -> bool:
        """Return whether the test may read a location that the change affects."""
        if not change.locations or self.reads is None or self.reads.is_opaque:
            return True
        return any(self.reads.covers(location) for location in change.locations)


class _OutOfTimeError(Exception):
    """The budget is used up."""


class ImpactRun:
    """The part of an impact run that one process carries out; it ends at `deadline`, a value of `clock.monotonic()`."""

    def __init__(
        self,
        interceptor: Interceptor,
        rerunner: Rerunner,
        tests: Sequence[ExercisedTest],
        deadline: float = float("inf"),
    ) -> None:
        self._interceptor = interceptor
        self._rerunner = rerunner
        self._tests = tests
        self._deadline = deadline
        self._has_shared_exchanges = any(test.shared_exchanges for test in tests)
        self._active_transform: ResponseTransform | None = None
        self._original_responses: dict[str, MockResponse] = {}
        self._reached: dict[tuple[str, str], bool] = {}
        self.results: dict[str, ChangeResult] = {}
        self.run_counts: Counter[str] = Counter()

    def run_changes(self, changes: Sequence[Change], progress: ProgressReceiver) -> None:
        """Run the tests with each change in order, until the deadline; fills `results`."""
        runnable = [change for change in changes if change.transform is not None]
        for change in runnable:
            self.results[change.key] = ChangeResult(unfinished=INTERRUPTED)
        try:
            self._learn_all_reads(runnable, progress)
            for change in runnable:
                self._run_change(change, progress)
            self._explain_combinations(runnable)
            self._rerun_failed_tests()
        except _OutOfTimeError:
            for result in self.results.values():
                result.unfinished = result.unfinished and OUT_OF_TIME
        finally:
            self._withdraw_unreliable()
            self._interceptor.start()
            self._rerunner.finish()
            # Otherwise the user's run would show, or fail with, warnings about failed runs that nobody sees.
            free_earlier_runs()

    def _learn_all_reads(self, changes: Sequence[Change], progress: ProgressReceiver) -> None:
        """Run each test that a change can reach once without a change, to learn which locations it reads."""
        total_runs, start = len(self._tests), clock.monotonic()
        rerun_seconds = 0.0
        for test in self._tests:
            seconds = 0.0
            if test.has_unread_bodies or any(self._is_reached(test, change) for change in changes):
                test_start = clock.monotonic()
                self._learn_reads(test)
                seconds = clock.monotonic() - test_start
            run_count = sum(self._is_planned(test, change) for change in changes)
            total_runs += run_count
            rerun_seconds += run_count * seconds
        progress.plan(len(self._tests), total_runs, clock.monotonic() - start + rerun_seconds)

    def _learn_reads(self, test: ExercisedTest) -> None:
        """Run a test with unusually encoded bodies, and store which locations it reads and whether it is reliable."""
        reads = Reads()

        def is_response_body(text: str) -> bool:
            """Return whether a text is a body that the test received."""
            data = text.encode("utf-8", "surrogatepass")
            return any(exchange.sent.body == data for exchange in self._interceptor.exchanges)

        if self._has_shared_exchanges:
            # Shared fixtures hold data whose reads are recorded for another test.
            self._rerunner.finish()
        with record_reads(is_response_body, reads):
            outcome = self._run_test(test, encode_differently)
        test.reads = reads
        if test.has_unread_bodies:
            test.exchanges = with_read_bodies(test.exchanges, outcome.exchanges)
            test.shared_exchanges = with_read_bodies(test.shared_exchanges, outcome.exchanges)
        if not outcome.exchanges and not test.shared_exchanges:
            test.unreliable_reason = NO_REQUESTS
        is_observed = outcome.bodies <= reads.observed
        if outcome.failed or outcome.skipped or not is_observed or test.has_unobserved_reads:
            reads.is_opaque = True
        if outcome.failed and self._fails_unchanged(test):
            test.unreliable_reason = UNRELIABLE

    def _is_reached(self, test: ExercisedTest, change: Change) -> bool:
        """Return whether a change affects a response of a test."""
        key = test.id, change.key
        if key not in self._reached:
            self._require_time()
            self._reached[key] = self._changed_responses(test, change.transform) is not None
        return self._reached[key]

    def _is_planned(self, test: ExercisedTest, change: Change) -> bool:
        """Return whether a test is to be run with a change: it is reliable, reached, and may read what changes."""
        return not test.unreliable_reason and test.may_exercise(change) and self._is_reached(test, change)

    def _run_change(self, change: Change, progress: ProgressReceiver) -> None:
        """Run the tests that a change affects with it, and store the outcomes."""
        result = self.results[change.key]
        for test in self._tests:
            self._require_time()
            outcome = self._test_outcome(test, change)
            if outcome is None or outcome.outcome != "fails":
                obstacle = obstacle_to(change, test.all_exchanges, self._interceptor)
                if obstacle:
                    outcome = TestOutcome("not run", note=obstacle)
            if outcome is not None:
                result.tests[test.id] = outcome
            if self._is_planned(test, change):
                progress.ran()
        result.unfinished = ""

    def _test_outcome(self, test: ExercisedTest, change: Change) -> TestOutcome | None:
        """Return the outcome of a test with a change; None if the change reaches no response and no request of it."""
        if not self._is_reached(test, change):
            # If the change is about a request of the test, that request is still valid.
            if change.request_shapes and self._interceptor.is_any_for(test.all_exchanges, change.request_shapes):
                return TestOutcome("passes")
            return None
        if test.unreliable_reason:
            return TestOutcome("not run", note=test.unreliable_reason)
        if not test.may_exercise(change):
            return TestOutcome("not covered")
        outcome = self._rerun_outcome(test, change.transform)
        if test.unreliable_reason or outcome.unanswered:
            return TestOutcome("not run", note=test.unreliable_reason or outcome.unanswered)
        if outcome.failed:
            note = OWN_DATA if self._compares_with_own_data(test, change, outcome) else ""
            return TestOutcome("fails", outcome.line, outcome.where, note)
        if outcome.skipped:
            return TestOutcome("skipped", outcome.line)
        return TestOutcome("passes" if self._exercises(test, change) else "not covered")

    def _compares_with_own_data(self, test: ExercisedTest, change: Change, outcome: RerunOutcome) -> bool:
        """Return whether an assertion of the test fails with the control change too, as it compares with own data."""
        if change.control is None or not outcome.line.startswith(("assert ", "AssertionError")):
            return False
        is_in_test_file = outcome.where.rpartition(":")[0] == test.id.partition("::")[0]
        if not is_in_test_file or self._changed_responses(test, change.control) is None:
            return False
        return self._rerun_outcome(test, change.control).failed

    def _changed_responses(self, test: ExercisedTest, transform: ResponseTransform | None) -> list[MockResponse] | None:
        """Return the responses of a test, with a change where it applies; None if the change affects none of them."""
        exchanges = test.all_exchanges
        responses = [
            exchange.sent
            if exchange.obstacle
            else self._interceptor.transformed(transform, exchange.request, exchange.original)
            for exchange in exchanges
        ]
        if all(are_same(exchange.sent, response) for exchange, response in zip(exchanges, responses, strict=True)):
            return None
        return responses

    def _rerun_outcome(self, test: ExercisedTest, transform: ResponseTransform | None) -> RerunOutcome:
        """Return how a test ends with a change that affects its responses; reuses a run with equal responses."""
        responses = self._changed_responses(test, transform) or []
        key = digest_of_responses(responses)
        earlier = test.outcomes.get(key)
        if earlier is not None and earlier.exchanges and self._would_repeat(earlier, transform):
            return earlier
        outcome = self._confirmed_outcome(test, transform)
        test.outcomes[key] = outcome
        return outcome

    def _would_repeat(self, earlier: RerunOutcome, transform: ResponseTransform | None) -> bool:
        """Return whether a change would send exactly the responses of an earlier run of the test."""
        return all(
            digest_of_responses([self._interceptor.transformed(transform, request, original)]) == sent
            for request, original, sent in earlier.exchanges
        )

    def _confirmed_outcome(self, test: ExercisedTest, transform: ResponseTransform | None) -> RerunOutcome:
        """Return the outcome of a test with a change; the test is unreliable if more runs do not confirm a failure."""
        outcome = self._run_test(test, transform)
        if not outcome.failed:
            return outcome
        if self._fails_unchanged(test) or not self._run_test(test, transform).failed:
            test.unreliable_reason = UNRELIABLE
        return outcome

    def _fails_unchanged(self, test: ExercisedTest) -> bool:
        """Return whether a test fails without a change; a run that took too long on a busy machine is repeated."""
        outcome = self._run_test(test, None)
        if outcome.timed_out:
            outcome = self._run_test(test, None)
        return outcome.failed

    def _require_time(self) -> None:
        """Raise `_OutOfTimeError` if the deadline has passed."""
        if clock.monotonic() >= self._deadline:
            raise _OutOfTimeError

    def _run_test(self, test: ExercisedTest, transform: ResponseTransform | None) -> RerunOutcome:
        """Run a test with a transform, and return its outcome, exchanges and unanswered requests."""
        self._require_time()
        if self._has_shared_exchanges and transform is not self._active_transform:
            # Shared fixtures hold responses with the change that was active before.
            self._rerunner.finish()
        self._active_transform = transform
        self._interceptor.unchangeable = frozenset(
            self._interceptor.operation_shape(exchange.request) for exchange in test.all_exchanges if exchange.obstacle
        )
        outcome = self._rerun(test, transform)
        if outcome.is_destructor_failure:
            # The destructor may belong to an object that an earlier failed run left open.
            free_earlier_runs()
            outcome = self._rerun(test, transform)
        exchanges = self._interceptor.take_exchanges()
        if outcome.line:
            all_exchanges = [*test.all_exchanges, *exchanges]
            outcome.line = without_credentials(outcome.line, all_exchanges, self._interceptor.contract)
        outcome.unanswered = unanswered_reason(
            unanswered_requests(exchanges, self._interceptor.failures, self._interceptor),
            unanswered_requests(test.all_exchanges, test.failures, self._interceptor),
        )
        # Many runs get the same responses: storing each one once keeps thousands of runs small.
        for exchange in exchanges:
            original = self._original_responses.setdefault(digest_of_responses([exchange.original]), exchange.original)
            outcome.exchanges.append((exchange.request, original, digest_of_responses([exchange.sent])))
            if transform is encode_differently:
                outcome.bodies.add(exchange.sent.body.decode("utf-8", "replace"))
        return outcome

    def _rerun(self, test: ExercisedTest, transform: ResponseTransform | None) -> RerunOutcome:
        """Run a test with a transform within its time limit, and return how it ended."""
        self._interceptor.start(transform, time_limit(test.seconds))
        outcome = self._rerunner.run(test.item, test.seconds)
        self.run_counts[test.id] += 1
        return outcome

    def _exercises(self, test: ExercisedTest, change: Change) -> bool:
        """Return whether a passing test reads a location of the change, or fails if the value there is replaced."""
        reads = test.reads
        if not change.locations or reads is None or any(reads.covers(location) for location in change.locations):
            return True
        for location in change.locations:
            for make_probe in PROBES:
                probe = transform_bodies(make_probe(location), lambda context: context.response.status < 400)
                if self._changed_responses(test, probe) is not None and self._rerun_outcome(test, probe).failed:
                    return True
        return False

    def _explain_combinations(self, changes: Sequence[Change]) -> None:
        """Note on tests that fail only with all changes at once which of the changes are needed."""
        single = [change for change in changes if change.kind == "drift"]
        for change in changes:
            if change.kind != "together":
                continue
            result = self.results[change.key]
            for test in self._tests:
                outcome = result.tests.get(test.id)
                if outcome is None or outcome.outcome != "fails":
                    continue
                if any(self._fails(test, single_change) for single_change in single):
                    continue
                outcome.note = TOGETHER
                needed = self._needed_changes(test, single)
                messages = "; ".join(needed_change.finding.message for needed_change in needed)
                outcome.note = f"{TOGETHER}: {messages}"
                result.combination = result.combination or outcome.note

    def _fails(self, test: ExercisedTest, change: Change) -> bool:
        """Return whether a test failed with a change."""
        outcome = self.results[change.key].tests.get(test.id)
        return outcome is not None and outcome.outcome == "fails"

    def _needed_changes(self, test: ExercisedTest, changes: Sequence[Change]) -> list[Change]:
        """Return those of the changes, at least two, of which none can be omitted without the test passing."""
        needed = [change for change in changes if self._is_reached(test, change)]
        for change in needed[:]:
            fewer = [candidate for candidate in needed if candidate is not change]
            transforms = [candidate.transform for candidate in fewer if candidate.transform is not None]
            if len(transforms) > 1 and self._run_test(test, combine(transforms)).failed:
                needed = fewer
        return needed

    def _rerun_failed_tests(self) -> None:
        """Run every test that failed with a change three times without one; a test that fails then is unreliable."""
        failed = {
            test
            for result in self.results.values()
            for test, outcome in result.tests.items()
            if outcome.outcome == "fails"
        }
        for test in self._tests:
            if test.id not in failed or test.unreliable_reason:
                continue
            for _ in range(_CONTROL_RUNS):
                if self._fails_unchanged(test):
                    test.unreliable_reason = UNRELIABLE
                    break

    def _withdraw_unreliable(self) -> None:
        """Replace the outcomes of unreliable tests by `not run`, as they prove nothing."""
        reasons = {test.id: test.unreliable_reason for test in self._tests if test.unreliable_reason}
        for result in self.results.values():
            for test, outcome in result.tests.items():
                if test in reasons and outcome.outcome in ("fails", "passes", "skipped"):
                    result.tests[test] = TestOutcome("not run", note=reasons[test])


def worst_first(changes: Iterable[Change]) -> list[Change]:
    """Return the changes in the order in which they are run: by kind, then by level."""
    kinds = get_args(Kind)
    return sorted(changes, key=lambda change: (kinds.index(change.kind), LEVELS.index(change.finding.level)))


def with_shared_exchanges(
    tests: Sequence[ExercisedTest], exchanges_by_fixture: Mapping[str, list[InterceptedExchange]]
) -> Iterator[ExercisedTest]:
    """Yield the tests that use the API, each with the exchanges of its shared fixtures."""
    for test in tests:
        fixtures = set(getattr(test.item, "fixturenames", ()))
        test.shared_exchanges = []
        for name, exchanges in exchanges_by_fixture.items():
            if name in fixtures:
                test.shared_exchanges += exchanges
        if test.all_exchanges:
            yield test
