"""Announces what an impact run will do, and shows how far it is."""

from __future__ import annotations

import time
from typing import Protocol

from pytest_bctrl.reports.wording import duration, numbered

_FIRST_SECONDS = 2.0
"""How long the first test runs are measured before the run is announced."""
_QUIET_SECONDS = 1.0
_BAR_WIDTH = 20
_PARTS = 10


class Terminal(Protocol):
    """Writes lines; `rewrite` replaces the current line."""

    isatty: bool

    def line(self, line: str, /) -> None:
        """Write a line."""

    def rewrite(self, line: str, /, **markup: bool) -> None:
        """Replace the current line."""


class ReplayProgress:
    """The announcement and the progress of one run: a bar on a terminal, and a line per 10% elsewhere."""

    def __init__(self, terminal: Terminal | None, test_count: int, change_count: int, limit: float) -> None:
        self._terminal = terminal
        self._test_count = test_count
        self._change_count = change_count
        self._limit = limit
        self._start = time.monotonic()
        self._learned = 0
        self._planned = 0
        self._planned_seconds = 0.0
        self._is_announced = False
        self._done = 0
        self._shown_parts = 0

    def learned(self, run_count: int, seconds: float) -> None:
        """Note how many runs a test needs, and how long each takes; announces the run after the first seconds."""
        self._learned += 1
        self._planned += run_count
        self._planned_seconds += run_count * seconds
        if time.monotonic() - self._start >= _FIRST_SECONDS:
            self._announce()

    def planned(self) -> None:
        """Announce the run, unless that has been done: the runs that every test needs are known."""
        self._announce()

    def ran(self) -> None:
        """Note that a test has been run with a change, or that its outcome was known."""
        self._done += 1
        if self._terminal is None or not self._planned:
            return
        elapsed = time.monotonic() - self._start
        seconds_left = min(elapsed / self._done * (self._planned - self._done), max(0.0, self._limit - elapsed))
        share = min(1.0, self._done / self._planned)
        text = f"{share:4.0%}, {self._done:,} of {self._planned:,} test runs, {duration(seconds_left)} left"
        if self._terminal.isatty:
            filled = round(share * _BAR_WIDTH)
            bar = f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"
            self._terminal.rewrite(f"bctrl impact: {bar} {text}", erase=True)
            return
        part = int(share * _PARTS)
        if part > self._shown_parts and elapsed >= _QUIET_SECONDS:
            self._terminal.line(f"progress     {text.strip()}")
        self._shown_parts = max(part, self._shown_parts)

    def _announce(self) -> None:
        if self._is_announced or self._terminal is None:
            return
        self._is_announced = True
        # The first tests stand for all of them.
        factor = self._test_count / self._learned if self._learned else 0.0
        runs = round(self._planned * factor) + self._test_count
        seconds = self._planned_seconds * factor + (time.monotonic() - self._start) * max(1.0, factor)
        tests, changes = numbered(self._test_count, "test"), numbered(self._change_count, "change")
        limit = "limit: --bctrl-impact-budget"
        if self._limit != float("inf"):
            limit = f"limit: {self._limit:g} s, --bctrl-impact-budget"
        count = _rounded(runs)
        noun = "test run" if count == 1 else "test runs"
        text = f"{tests} \N{MULTIPLICATION SIGN} {changes}: about {count:,} {noun}, {duration(seconds)} ({limit})"
        self._terminal.line(f"planned      {text}")


def _rounded(number: int) -> int:
    """Return a number with two significant digits."""
    digits = len(str(number)) - 2
    return round(number, -digits) if digits > 0 else number
