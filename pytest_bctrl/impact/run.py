"""Plays every change to the tests that met the mock: which fail, which look, and which need not be run at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

import pytest

from pytest_bctrl.finding import LEVELS
from pytest_bctrl.impact.cache import Cache
from pytest_bctrl.impact.change import Change, Kind, Play, body_play
from pytest_bctrl.impact.derived import PROBES
from pytest_bctrl.impact.play import Exchange, Player, digest, is_same
from pytest_bctrl.impact.reading import is_read, watching
from pytest_bctrl.impact.replay import Outcome, Replays, limit
from pytest_bctrl.traffic.mock.message import Answer

_BY_CHANCE = "it also fails by chance without the change"
_COMPARES = "it compares with the very data, so that every other value fails it"
_ASKS_NOTHING = "it asks nothing when it is run again: its answers are kept somewhere between tests"

Progress: TypeAlias = Callable[[int, int, float], None]
"""Told how many changes are played, of how many, and how many seconds are left."""


@dataclass(slots=True)
class Met:
    """A test that met the mock, or a recording, in the ordinary run: what it was sent, and how long it took.

    `wide` is what fixtures were sent that it shares with other tests.
    """

    item: pytest.Item
    exchanges: list[Exchange]
    seconds: float
    wide: list[Exchange] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    runs: dict[str, Outcome] = field(default_factory=dict)
    unsure: str = ""

    @property
    def sent(self) -> list[Exchange]:
        """All that it was sent, in the ordinary run."""
        return [*self.wide, *self.exchanges]


@dataclass(slots=True)
class Played:
    """What became of one change: which tests failed, how many it reached, and how many of those look at its places."""

    failed: list[dict[str, str]] = field(default_factory=list)
    reached: int = 0
    looked: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, data: Mapping[str, Any]) -> None:
        """Add what another process found out."""
        self.failed += data["failed"]
        self.reached += data["reached"]
        self.looked += data["looked"]
        self.notes += data["notes"]


class Run:
    """One process's share of the work."""

    def __init__(self, player: Player, replays: Replays, cache: Cache, tests: Sequence[Met]) -> None:
        self._player = player
        self._replays = replays
        self._cache = cache
        self._tests = tests
        self._has_wide = any(test.wide for test in tests)
        self._in_force: Play | None = None
        self._given: dict[str, Answer] = {}
        self.played: dict[str, Played] = {}

    def play(self, changes: Sequence[Change], seconds: float, progress: Progress) -> None:
        """Play the changes, the worst first, as long as there is time; `played` has those that were."""
        start = time.monotonic()
        self._learn_reading()
        try:
            for number, change in enumerate(changes):
                spent = time.monotonic() - start
                if spent > seconds:
                    break
                progress(number, len(changes), spent / number * (len(changes) - number) if number else 0.0)
                self.played[change.key] = self._one(change)
        finally:
            self._player.begin()
            self._replays.finish()

    def _learn_reading(self) -> None:
        """Run each test once more, unchanged, to learn which places it reads."""
        for test in self._tests:
            bodies = {one.sent.body.decode("utf-8", "replace") for one in test.sent}
            with watching(bodies.__contains__, test.read.add):
                outcome = self._run(test, None)
            if not outcome.met and not test.wide:
                test.unsure = _ASKS_NOTHING

    def _one(self, change: Change) -> Played:
        played = Played()
        play = change.play
        for test in self._tests if play else ():
            outcome = self._outcome(test, change.key, play)
            if outcome is None:
                is_taken = bool(change.asks) and self._player.asks(test.sent, change.asks)
                played.reached += is_taken
                played.looked += is_taken
                continue
            if test.unsure:
                played.notes.append(f"{test.item.nodeid}: {test.unsure}")
                continue
            played.reached += 1
            if outcome.failed and self._compares(test, change, outcome):
                played.notes.append(f"{test.item.nodeid}: {_COMPARES}")
                continue
            if outcome.failed:
                played.failed.append({"test": test.item.nodeid, "line": outcome.line, "where": outcome.where})
            if outcome.failed or self._looks(test, change):
                played.looked += 1
        return played

    def _compares(self, test: Met, change: Change, outcome: Outcome) -> bool:
        """Whether a test's own assertion fails with every other value too: it says nothing of the change."""
        if change.control is None or not outcome.line.startswith(("assert ", "AssertionError")):
            return False
        is_own = outcome.where.rpartition(":")[0] == test.item.nodeid.partition("::")[0]
        other = self._outcome(test, f"{change.key} control", change.control) if is_own else None
        return other is not None and other.failed

    def _outcome(self, test: Met, name: str, play: Play | None) -> Outcome | None:
        """How a test ends with a change; None where the change does not touch what it is sent."""
        answers = [self._player.changed(play, one.request, one.given) for one in test.sent]
        if all(is_same(one.sent, answer) for one, answer in zip(test.sent, answers, strict=True)):
            return None
        key = digest(answers)
        known = test.runs.get(key)
        if known is not None and known.met and self._is_as_run(known, play):
            return known
        outcome = self._cache.known(test.item, name, key) or self._sure(test, play)
        test.runs[key] = outcome
        if not test.unsure:
            self._cache.keep(test.item, name, key, outcome)
        return outcome

    def _is_as_run(self, known: Outcome, play: Play | None) -> bool:
        """Whether a change would have sent just what an earlier run of the test was sent."""
        return all(digest([self._player.changed(play, asked, given)]) == sent for asked, given, sent in known.met)

    def _sure(self, test: Met, play: Play | None) -> Outcome:
        """Run a test with a change; one that fails is run without it too, and with it again, before it is blamed."""
        outcome = self._run(test, play)
        if not outcome.failed or test.unsure:
            return outcome
        if self._run(test, None).failed:
            test.unsure = _BY_CHANCE
            return outcome
        return self._run(test, play)

    def _run(self, test: Met, play: Play | None) -> Outcome:
        if self._has_wide and play is not self._in_force:
            # What fixtures were sent that several tests share was sent with another change.
            self._replays.finish()
        self._in_force = play
        self._player.begin(play, limit(test.seconds))
        outcome = self._replays.run(test.item, test.seconds)
        # Many runs are sent the same: kept once, thousands of them take little memory.
        outcome.met = [
            (one.request, self._given.setdefault(digest([one.given]), one.given), digest([one.sent]))
            for one in self._player.taken()
        ]
        return outcome

    def _looks(self, test: Met, change: Change) -> bool:
        """Whether a test that passes looks at the places of a change: it reads them, or fails without them."""
        if not change.locations or any(is_read(location, test.read) for location in change.locations):
            return True
        for location in change.locations:
            for name, make in PROBES:
                outcome = self._outcome(
                    test, f"{location} {name}", body_play(make(location), lambda call: call.answer.status < 400)
                )
                if outcome is not None and outcome.failed:
                    return True
        return False


def worst_first(changes: Iterable[Change]) -> list[Change]:
    """Return the changes in the order in which they are played."""
    kinds = get_args(Kind)
    return sorted(changes, key=lambda one: (kinds.index(one.kind), LEVELS.index(one.finding.level)))


def shared_by(tests: Sequence[Met], wide: Mapping[str, list[Exchange]]) -> Iterator[Met]:
    """Yield the tests that met the mock, each with what its wider fixtures were sent."""
    for test in tests:
        names = set(getattr(test.item, "fixturenames", ()))
        test.wide = [one for name, exchanges in wide.items() if name in names for one in exchanges]
        if test.sent:
            yield test
