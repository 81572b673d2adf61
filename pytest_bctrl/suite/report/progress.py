"""Estimates how long a contract run takes, from the tests that have run so far."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pytest_bctrl.reports.wording import duration
from pytest_bctrl.suite.report.results import RunResults

FIRST_SECONDS = 5.0
"""Duration of the tests on which the first estimate is based."""

MIN_TESTS = 20
"""Number of tests on which the first estimate is based, unless they take longer than `PATIENCE`."""

PATIENCE = 30.0
"""Duration after which fewer tests suffice for the first estimate."""

MIN_SECONDS = 60.0
"""Shortest remaining time that is worth a line."""

_TOLERANCE = 0.25
"""Share by which an estimate may be wrong before a line corrects it."""


class Progress:
    """Prints the remaining time of a long run, and corrects it if it turns out to be wrong.

    `write_line` prints a line of its own, and `clock` returns seconds of a monotonic clock.
    """

    def __init__(
        self, results: RunResults, write_line: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._results, self._write_line, self._clock = results, write_line, clock
        self._started: float | None = None
        self._next_check = FIRST_SECONDS
        self._expected_end: float | None = None

    def estimate(self, done: int, planned: int) -> str:
        """Return a line about the duration of a run with `done` of its `planned` tests; empty if none is needed now."""
        now = self._clock()
        if self._started is None:
            # The first test also waits for the first connection and for imports.
            self._started = now
        elapsed, remaining_tests = now - self._started, planned - done
        is_early = done < MIN_TESTS and elapsed < PATIENCE
        if elapsed < self._next_check or is_early or done < 2 or remaining_tests < 1:
            return ""
        self._next_check = 2 * elapsed
        remaining = elapsed / (done - 1) * remaining_tests
        end = elapsed + remaining
        earlier, self._expected_end = self._expected_end, end
        if earlier is None and remaining < MIN_SECONDS:
            self._expected_end = None
            return ""
        if earlier is None:
            return f"bctrl: takes about {duration(end)}, estimated from the first {done} of {planned} tests"
        if abs(end - earlier) <= _TOLERANCE * earlier:
            self._expected_end = earlier
            return ""
        return f"bctrl: takes about {duration(end)} and not {duration(earlier)}; {duration(remaining)} are left"

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self) -> None:
        """Print the estimate if there is a new one."""
        line = self.estimate(len(self._results.tests), self._results.planned_tests)
        if line:
            self._write_line(line)
