"""What the mock plays at the moment: its source of bodies, its counters and its faults."""

from __future__ import annotations

from itertools import count

from pytest_bctrl.traffic.mock.message import Answer, Request
from pytest_bctrl.traffic.mock.refusal import Refusals
from pytest_bctrl.traffic.mock.source import Source


class Stage:
    """The one place where the mock keeps what changes; safe to use from several threads."""

    def __init__(self, source: Source) -> None:
        self._first = source
        self.reset()

    def reset(self) -> None:
        """Go back to how it was made: first source, no faults, counters at zero."""
        self.source = self._first
        self._requests = count(1)
        self._successes = count()

    def next_request_id(self) -> str:
        """Return the next request id: a number, so that the same run gives the same ids."""
        return f"req_{next(self._requests):08d}"

    def next_success(self) -> int:
        """Return the number of the next successful answer, counted from zero."""
        return next(self._successes)

    def play(self, request: Request, answer: Answer, refusals: Refusals) -> Answer:
        """Return `answer` as the faults on stage leave it."""
        return answer
