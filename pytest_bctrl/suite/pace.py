"""How quickly a run asks: as quickly as it can, until the target says 429."""

from __future__ import annotations

import time
from dataclasses import dataclass

FIRST = 0.25
SLOWEST = 1.0
"""Seconds between two requests: after the second 429, and at most. Every further one doubles them."""


@dataclass(slots=True)
class Pace:
    """Keeps requests apart for a target that limits how many it takes in a while; not thread-safe.

    The first 429 changes nothing: one is often all there is.
    """

    seconds: float = 0.0
    _limits: int = 0
    _last: float = 0.0

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if self.seconds:
            time.sleep(max(0.0, self._last + self.seconds - time.monotonic()))
            self._last = time.monotonic()

    def slow_down(self) -> None:
        """Take a 429 for what it says, where it does not say that the next request may come at once."""
        self._limits += 1
        if self._limits > 1:
            self.seconds = min(SLOWEST, 2 * self.seconds or FIRST)
        self._last = time.monotonic()
