"""Runs the tests that use the mock once for each change: which fail, and which exercise the change at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

import pytest

from pytest_bctrl.findings.finding import LEVELS
from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.impact.change import Change, Kind, ResponseTransform, transform_bodies
from pytest_bctrl.impact.derived_changes import PROBES
from pytest_bctrl.impact.interceptor import InterceptedExchange, Interceptor, digest, is_same
from pytest_bctrl.impact.read_locations import is_read, record_reads
from pytest_bctrl.impact.replay import Replayer, ReplayOutcome, time_limit

_UNRELIABLE = "the test also fails without the change, at random"
_OWN_DATA = "the test compares with its own data, so that every other value makes it fail"
_NO_REQUESTS = "the test sends no request when it runs again, because it caches responses between tests"

Progress: TypeAlias = Callable[[int, int, float], None]
"""Progress callback: (done, total, seconds left)."""


@dataclass(slots=True)
class ExercisedTest:
    """A test that uses the mock or a recording: its exchanges and its seconds in the ordinary run.

    `shared_exchanges` are those of fixtures that it shares with other tests. `outcomes` maps a digest of responses to
    how the test ended with them. `unreliable_reason` says why its outcomes prove nothing; empty if they do.
    """

    item: pytest.Item
    exchanges: list[InterceptedExchange]
    seconds: float
    shared_exchanges: list[InterceptedExchange] = field(default_factory=list)
    read_locations: set[str] = field(default_factory=set)
    outcomes: dict[str, ReplayOutcome] = field(default_factory=dict)
    unreliable_reason: str = ""

    @property
    def all_exchanges(self) -> list[InterceptedExchange]:
        """All exchanges of the ordinary run, those of shared fixtures first."""
        return [*self.shared_exchanges, *self.exchanges]


@dataclass(slots=True)
class ChangeResult:
    """The result of one change: the failed tests, how many tests it reached, and how many of them exercise it."""

    failed: list[dict[str, str]] = field(default_factory=list)
    reached: int = 0
    exercised: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the result of another process."""
        self.failed += data["failed"]
        self.reached += data["reached"]
        self.exercised += data["exercised"]
        self.notes += data["notes"]


class ImpactRun:
    """The part of an impact run that one process carries out."""

    def __init__(self, interceptor: Interceptor, replayer: Replayer, tests: Sequence[ExercisedTest]) -> None:
        self._interceptor = interceptor
        self._replayer = replayer
        self._tests = tests
        self._has_shared_exchanges = any(test.shared_exchanges for test in tests)
        self._active_transform: ResponseTransform | None = None
        self._original_responses: dict[str, MockResponse] = {}
        self.results: dict[str, ChangeResult] = {}

    def run_changes(self, changes: Sequence[Change], seconds: float, progress: Progress) -> None:
        """Run the changes in order for at most this long; `results` has an entry for each one that was run."""
        start = time.monotonic()
        self._learn_read_locations()
        try:
            for number, change in enumerate(changes):
                spent = time.monotonic() - start
                if spent > seconds:
                    break
                seconds_left = spent / number * (len(changes) - number) if number else 0.0
                progress(number, len(changes), seconds_left)
                self.results[change.key] = self._run_change(change)
        finally:
            self._interceptor.start()
            self._replayer.finish()

    def _learn_read_locations(self) -> None:
        """Run each test once more without a change, to learn which locations it reads."""
        for test in self._tests:
            bodies = {exchange.sent.body.decode("utf-8", "replace") for exchange in test.all_exchanges}
            with record_reads(bodies.__contains__, test.read_locations.add):
                outcome = self._run_test(test, None)
            if not outcome.exchanges and not test.shared_exchanges:
                test.unreliable_reason = _NO_REQUESTS

    def _run_change(self, change: Change) -> ChangeResult:
        result = ChangeResult()
        if change.transform is None:
            return result
        for test in self._tests:
            self._run_change_on(test, change, change.transform, result)
        return result

    def _run_change_on(
        self, test: ExercisedTest, change: Change, transform: ResponseTransform, result: ChangeResult
    ) -> None:
        """Run one test with a change, and add its outcome to the result."""
        outcome = self._outcome(test, transform)
        if outcome is None:
            # The response is unchanged: if the change is about this request, the test sends one that is still valid.
            if change.request_shapes and self._interceptor.is_any_for(test.all_exchanges, change.request_shapes):
                result.reached += 1
                result.exercised += 1
            return
        if test.unreliable_reason:
            result.notes.append(f"{test.item.nodeid}: {test.unreliable_reason}")
            return
        result.reached += 1
        if outcome.failed and self._compares_with_own_data(test, change, outcome):
            result.notes.append(f"{test.item.nodeid}: {_OWN_DATA}")
            return
        if outcome.failed:
            result.failed.append({"test": test.item.nodeid, "line": outcome.line, "where": outcome.where})
        if outcome.failed or self._exercises(test, change):
            result.exercised += 1

    def _compares_with_own_data(self, test: ExercisedTest, change: Change, outcome: ReplayOutcome) -> bool:
        """Return whether an assertion in the test itself fails with every other value too."""
        if change.control is None or not outcome.line.startswith(("assert ", "AssertionError")):
            return False
        is_in_test_file = outcome.where.rpartition(":")[0] == test.item.nodeid.partition("::")[0]
        if not is_in_test_file:
            return False
        control_outcome = self._outcome(test, change.control)
        return control_outcome is not None and control_outcome.failed

    def _outcome(self, test: ExercisedTest, transform: ResponseTransform | None) -> ReplayOutcome | None:
        """Return how a test ends with a change; None if the change affects none of its responses."""
        exchanges = test.all_exchanges
        responses = [
            self._interceptor.transformed(transform, exchange.request, exchange.original) for exchange in exchanges
        ]
        if all(is_same(exchange.sent, response) for exchange, response in zip(exchanges, responses, strict=True)):
            return None
        key = digest(responses)
        earlier = test.outcomes.get(key)
        if earlier is not None and earlier.exchanges and self._would_repeat(earlier, transform):
            return earlier
        outcome = self._confirmed_outcome(test, transform)
        test.outcomes[key] = outcome
        return outcome

    def _would_repeat(self, earlier: ReplayOutcome, transform: ResponseTransform | None) -> bool:
        """Return whether a change would send exactly the responses of an earlier run of the test."""
        return all(
            digest([self._interceptor.transformed(transform, request, original)]) == sent
            for request, original, sent in earlier.exchanges
        )

    def _confirmed_outcome(self, test: ExercisedTest, transform: ResponseTransform | None) -> ReplayOutcome:
        """Run a test with a change; if it fails, run it without the change and with it again before blaming it."""
        outcome = self._run_test(test, transform)
        if not outcome.failed or test.unreliable_reason:
            return outcome
        if self._run_test(test, None).failed:
            test.unreliable_reason = _UNRELIABLE
            return outcome
        return self._run_test(test, transform)

    def _run_test(self, test: ExercisedTest, transform: ResponseTransform | None) -> ReplayOutcome:
        if self._has_shared_exchanges and transform is not self._active_transform:
            # Shared fixtures hold responses with the change that was active before.
            self._replayer.finish()
        self._active_transform = transform
        self._interceptor.start(transform, time_limit(test.seconds))
        outcome = self._replayer.run(test.item, test.seconds)
        # Many runs get the same responses: storing each one once keeps thousands of runs small.
        for exchange in self._interceptor.take_exchanges():
            original = self._original_responses.setdefault(digest([exchange.original]), exchange.original)
            outcome.exchanges.append((exchange.request, original, digest([exchange.sent])))
        return outcome

    def _exercises(self, test: ExercisedTest, change: Change) -> bool:
        """Return whether a passing test reads a location of the change, or fails if the value there is replaced."""
        if not change.locations or any(is_read(location, test.read_locations) for location in change.locations):
            return True
        for location in change.locations:
            for make_probe in PROBES:
                probe = transform_bodies(make_probe(location), lambda context: context.response.status < 400)
                outcome = self._outcome(test, probe)
                if outcome is not None and outcome.failed:
                    return True
        return False


def worst_first(changes: Iterable[Change]) -> list[Change]:
    """Return the changes in the order in which they are run: by kind, then by level."""
    kinds = get_args(Kind)
    return sorted(changes, key=lambda change: (kinds.index(change.kind), LEVELS.index(change.finding.level)))


def with_shared_exchanges(
    tests: Sequence[ExercisedTest], exchanges_by_fixture: Mapping[str, list[InterceptedExchange]]
) -> Iterator[ExercisedTest]:
    """Yield the tests that use the mock or a recording, each with the exchanges of its shared fixtures."""
    for test in tests:
        fixtures = set(getattr(test.item, "fixturenames", ()))
        test.shared_exchanges = []
        for name, exchanges in exchanges_by_fixture.items():
            if name in fixtures:
                test.shared_exchanges += exchanges
        if test.all_exchanges:
            yield test
