"""Writes what an impact run will do, and a line per tenth of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Protocol

from pytest_bctrl.reports.wording import duration, numbered
from pytest_bctrl.traffic.clock import clock

_QUIET_SECONDS = 1.0


class Progress(Protocol):
    """Receives what a process plans, and each test run that it completes."""

    def plan(self, tests: int, runs: int, seconds: float) -> None:
        """Add the tests of a process, each of which ran once, with all of their runs and the expected seconds."""

    def ran(self) -> None:
        """Count a test run with a change, or one whose outcome was known."""


class RunProgress:
    """The progress of a run on the terminal; with pytest-xdist, all workers add to the same counts.

    `process_count` is the number of processes of which the plan is awaited before anything is written.
    """

    def __init__(self, write: Callable[[str], None], change_count: int, limit: float, process_count: int) -> None:
        self.process_count = process_count
        self._write = write
        self._change_count = change_count
        self._limit = limit
        self._lock = Lock()
        self._test_count = self._planned = self._done = self._tenths = 0
        self._seconds = 0.0
        self._start = 0.0

    def plan(self, tests: int, runs: int, seconds: float) -> None:
        """Add the plan of a process, and write the plan of all processes after the last one."""
        with self._lock:
            self.process_count -= 1
            self._test_count += tests
            self._planned += runs
            self._done += tests
            self._seconds = max(self._seconds, seconds)
            if self.process_count == 0 and self._test_count:
                self._start = clock.monotonic()
                self._write(f"planned      {self._plan_text()}")

    def ran(self) -> None:
        """Count a test run, and write a line if another tenth of the run is done; none within the first second."""
        with self._lock:
            self._done += 1
            tenths = 10 * self._done // max(self._planned, self._done)
            seconds = clock.monotonic() - self._start
            if self.process_count == 0 and tenths > self._tenths and seconds >= _QUIET_SECONDS:
                counts = f"{self._done:,} of {self._planned:,} test runs"
                seconds_left = seconds / (self._done - self._test_count) * (self._planned - self._done)
                self._write(f"progress     {self._done / self._planned:.0%}, {counts}, {duration(seconds_left)} left")
            self._tenths = max(tenths, self._tenths)

    def _plan_text(self) -> str:
        """Return the plan: tests, changes, test runs, seconds and the limit."""
        tests, changes = numbered(self._test_count, "test"), numbered(self._change_count, "change")
        limit = "limit: --bctrl-impact-budget"
        if self._limit != float("inf"):
            limit = f"limit: {self._limit:g} s, --bctrl-impact-budget"
        runs = f"about {numbered(self._planned, 'test run')}, {duration(self._seconds)}"
        return f"{tests} \N{MULTIPLICATION SIGN} {changes}: {runs} ({limit})"


class Channel(Protocol):
    """A channel of execnet between the controller and a worker."""

    def send(self, item: object, /) -> None:
        """Send plain data; raises `OSError` if the other side is closed."""


class WorkerProgress:
    """Sends the progress of a worker to the controller, which calls the same method of its `RunProgress`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def plan(self, tests: int, runs: int, seconds: float) -> None:
        """Send the plan of the worker."""
        self._send("plan", tests, runs, seconds)

    def ran(self) -> None:
        """Send that a test run is done."""
        self._send("ran")

    def _send(self, *message: object) -> None:
        """Send a message to the controller; does nothing if the channel is closed."""
        # A controller that is interrupted closes the channel; the results are lost then, and so is the progress.
        with suppress(OSError):
            self._channel.send(message)
