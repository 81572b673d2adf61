"""What the mock plays at the moment: its scenario, its faults and its counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from threading import Lock

from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.change import Change, Scene
from pytest_bctrl.traffic.mock.fault import Fault, FaultInPlay
from pytest_bctrl.traffic.mock.message import Answer, Request
from pytest_bctrl.traffic.mock.refusal import Refusals
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.mock.source import Source


class Stage:
    """The one place where the mock keeps what changes; safe to use from several threads.

    `source` gives the bodies; `successes` is the number of the latest successful answer, counted from zero.
    """

    def __init__(self, source: Source, samples: Samples, refusals: Refusals) -> None:
        self._first = source
        self._samples = samples
        self._refusals = refusals
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Go back to how it was made: first source, plain answers, no faults, counters at zero."""
        self.source = self._first
        self._dress: Change | None = None
        self._errors = self._refusals
        self._faults: tuple[FaultInPlay, ...] = ()
        self._request_ids = count(1)
        self._requests = count(1)
        self._successes = count()
        self.successes = 0

    def set(self, scenario: Scenario) -> None:
        """Play a scenario in place of the one before; faults stay."""
        self.source = scenario.source or self._first
        self._dress = scenario.dress
        self._errors = scenario.errors or self._refusals
        self._successes = count()
        self.successes = 0

    def add(self, fault: Fault) -> FaultInPlay:
        """Put a fault on stage, after those that are there already."""
        added = FaultInPlay(fault, self._remove)
        with self._lock:
            self._faults = (*self._faults, added)
        return added

    @property
    def faults(self) -> tuple[FaultInPlay, ...]:
        """The faults on stage, in the order in which they are applied."""
        return self._faults

    def next_request_id(self) -> str:
        """Return the next request id: a number, so that the same run gives the same ids."""
        return f"req_{next(self._request_ids):08d}"

    def next_success(self) -> int:
        """Return the number of the next successful answer, counted from zero."""
        self.successes = next(self._successes)
        return self.successes

    def play(self, request: Request, answer: Answer, granted: Callable[[], Answer]) -> Answer:
        """Return `answer` as the scenario dresses it and then the faults leave it.

        `granted` gives the successful answer, whatever credential and space the request has.
        """
        dress, faults = self._dress, self._faults
        if dress is None and not faults:
            return answer
        scene = Scene(request, answer, self._errors, self._samples, granted, next(self._requests))
        if dress is not None:
            scene = replace(scene, answer=dress(scene))
        for fault in faults:
            scene = replace(scene, answer=fault.apply(scene))
        return scene.answer

    def _remove(self, fault: FaultInPlay) -> None:
        with self._lock:
            self._faults = tuple(one for one in self._faults if one is not fault)
