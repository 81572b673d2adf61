"""What the mock plays at the moment: its scenario, its faults and its counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from threading import Lock
from typing import TypeAlias

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.change import Change, Fault, FaultInPlay, Scene
from pytest_bctrl.traffic.mock.message import Answer, Request
from pytest_bctrl.traffic.mock.refusal import Refusals
from pytest_bctrl.traffic.mock.scenarios import Scenario, Source, fixed

SourceFor: TypeAlias = Callable[[Samples], Source]


def _own_sample(samples: Samples) -> Source:
    return fixed(samples.sample)


class Stage:
    """The one place where the mock keeps what changes; safe to use from several threads.

    `source` gives the bodies of the main operation; `successes` is the number of its latest successful answer, counted
    from zero. `others` are the samples of the operations beside it, by label.
    """

    def __init__(self, source: Source, samples: Samples, others: Mapping[str, Samples], refusals: Refusals) -> None:
        self._first = source
        self._samples = samples
        self._others = others
        self._refusals = refusals
        self._lock = Lock()
        self.reset()

    @property
    def main(self) -> Operation:
        """The operation that scenarios are about first of all."""
        return self._samples.operation

    def reset(self) -> None:
        """Go back to how it was made: first source, plain answers, no faults, counters at zero."""
        self.source = self._first
        self._sources: dict[str, Source] = {}
        self._source_for: SourceFor = _own_sample
        self._dress: Change | None = None
        self._errors = self._refusals
        self._faults: tuple[FaultInPlay, ...] = ()
        self._request_ids = count(1)
        self._requests = count(1)
        self._successes = count()
        self.successes = 0

    def set(self, scenario: Scenario, source_for: SourceFor | None = None) -> None:
        """Play a scenario in place of the one before; faults stay.

        `source_for` makes, from its samples, the bodies of an operation beside the main one.
        """
        self.source = scenario.source or self._first
        self._sources = {}
        self._source_for = source_for or _own_sample
        self._dress = scenario.dress
        self._errors = scenario.errors or self._refusals
        self._successes = count()
        self.successes = 0

    def source_of(self, operation: Operation) -> Source:
        """Return where the bodies of an operation come from; made when it is first asked for."""
        if operation is self.main:
            return self.source
        sources = self._sources
        if operation.label not in sources:
            sources[operation.label] = self._source_for(self._others[operation.label])
        return sources[operation.label]

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

    def play(self, request: Request, answer: Answer, granted: Callable[[], Answer], operation: Operation) -> Answer:
        """Return `answer` as the scenario dresses it and then the faults leave it.

        `granted` gives the successful answer, whatever credential and space the request has.
        """
        dress, faults = self._dress, self._faults
        if dress is None and not faults:
            return answer
        samples = self._others.get(operation.label, self._samples)
        scene = Scene(request, answer, self._errors, samples, granted, next(self._requests))
        if dress is not None:
            scene = replace(scene, answer=dress(scene))
        for fault in faults:
            scene = replace(scene, answer=fault.apply(scene))
        return scene.answer

    def _remove(self, fault: FaultInPlay) -> None:
        with self._lock:
            self._faults = tuple(one for one in self._faults if one is not fault)
