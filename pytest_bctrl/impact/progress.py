"""Computes what an impact run will do and how far it is, and shows both on the terminal."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pytest_bctrl.reports.wording import duration, numbered
from pytest_bctrl.traffic.clock import clock

_FIRST_SECONDS = 2.0
"""How long the first test runs are measured before the run is announced."""
_QUIET_SECONDS = 1.0
_BAR_WIDTH = 20
_PARTS = 10


class RunPlan(NamedTuple):
    """What a run will do: the number of tests, of changes and of test runs, and how many seconds these take."""

    tests: int
    changes: int
    runs: int
    seconds: float


class RunProgress(NamedTuple):
    """How far a run is: the number of test runs that are done and planned, and the seconds that the others take."""

    done: int
    planned: int
    seconds_left: float


class Display:
    """Shows the plan and the progress of a run; this one shows nothing."""

    def announce(self, plan: RunPlan) -> None:
        """Show what the run will do."""

    def show(self, progress: RunProgress) -> None:
        """Show how far the run is."""

    def finish(self) -> None:
        """End the display; adds nothing to the progress that was shown."""


class RerunProgress:
    """The plan and the progress of the part of a run that one process carries out."""

    def __init__(self, display: Display, test_count: int, change_count: int, limit: float) -> None:
        self._display = display
        self._test_count = test_count
        self._change_count = change_count
        self._limit = limit
        self._start = clock.monotonic()
        self._learned = 0
        self._planned = 0
        self._planned_seconds = 0.0
        self._is_announced = False
        self._done = 0

    def note_planned_runs(self, run_count: int, seconds: float) -> None:
        """Add the planned runs of a test and the seconds of each, and count as done the run that measured them.

        Announces the run once two seconds have passed.
        """
        self._learned += 1
        self._planned += run_count
        self._planned_seconds += run_count * seconds
        if clock.monotonic() - self._start >= _FIRST_SECONDS:
            self._announce()
        self._count_run()

    def planned(self) -> None:
        """Announce the run if that has not been done; all planned runs are known now."""
        self._announce()

    def ran(self) -> None:
        """Count a test run with a change, or one whose outcome was known, and show the progress."""
        self._count_run()

    def finish(self) -> None:
        """End the display, whose last progress stays as it is; the run may have ended early."""
        self._display.finish()

    def _count_run(self) -> None:
        """Count a run as done, and show the progress with the remaining time once the run is announced."""
        self._done += 1
        if not self._is_announced:
            return
        elapsed = clock.monotonic() - self._start
        run_count = max(self._run_count, self._done)
        seconds_left = min(elapsed / self._done * (run_count - self._done), max(0.0, self._limit - elapsed))
        self._display.show(RunProgress(self._done, run_count, seconds_left))

    @property
    def _factor(self) -> float:
        """The number of all tests per test whose runs are known: the first tests stand for all of them."""
        return self._test_count / self._learned

    @property
    def _run_count(self) -> int:
        """The number of planned runs: one for each test, which learns what it reads, and those with changes."""
        return round(self._planned * self._factor) + self._test_count

    def _announce(self) -> None:
        """Announce the run once, with the numbers of tests, changes and runs and the expected seconds."""
        if self._is_announced:
            return
        self._is_announced = True
        elapsed = clock.monotonic() - self._start
        seconds = (self._planned_seconds + elapsed) * self._factor
        self._display.announce(RunPlan(self._test_count, self._change_count, self._run_count, seconds))


class Terminal(Protocol):
    """Writes lines; `rewrite` replaces the current line."""

    isatty: bool

    def line(self, line: str, /) -> None:
        """Write a line."""

    def rewrite(self, line: str, /, **markup: bool) -> None:
        """Replace the current line."""


class LineWriter(Protocol):
    """Writes to the same terminal, and knows the column."""

    @property
    def width_of_current_line(self) -> int:
        """The width of the text in the current line."""
        ...


class TerminalDisplay(Display):
    """Shows a run on the terminal: a bar on a terminal, and a line per 10% elsewhere."""

    def __init__(self, terminal: Terminal, writer: LineWriter, limit: float) -> None:
        self._terminal = terminal
        self._writer = writer
        self._limit = limit
        self._start = clock.monotonic()
        self._shown_parts = 0
        self._has_bar = False

    def announce(self, plan: RunPlan) -> None:
        """Write the plan: tests, changes, test runs, seconds and the limit."""
        self._start = clock.monotonic()
        tests, changes = numbered(plan.tests, "test"), numbered(plan.changes, "change")
        limit = "limit: --bctrl-impact-budget"
        if self._limit != float("inf"):
            limit = f"limit: {self._limit:g} s, --bctrl-impact-budget"
        count = _rounded(plan.runs)
        noun = "test run" if count == 1 else "test runs"
        text = f"{tests} \N{MULTIPLICATION SIGN} {changes}: about {count:,} {noun}, {duration(plan.seconds)} ({limit})"
        if self._writer.width_of_current_line:
            # The progress of the ordinary run, whose tests other processes run.
            self._terminal.line("")
        self._terminal.line(f"planned      {text}")

    def show(self, progress: RunProgress) -> None:
        """Redraw the bar, or write a line if another 10% is done; none within the first second."""
        share = progress.done / progress.planned
        runs = f"{progress.done:,} of {progress.planned:,} test runs"
        text = f"{share:4.0%}, {runs}, {duration(progress.seconds_left)} left"
        if self._terminal.isatty:
            filled = round(share * _BAR_WIDTH)
            bar = f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"
            self._terminal.rewrite(f"bctrl impact: {bar} {text}", erase=True)
            self._has_bar = True
            return
        part = int(share * _PARTS)
        if part > self._shown_parts and clock.monotonic() - self._start >= _QUIET_SECONDS:
            self._terminal.line(f"progress     {text.strip()}")
        self._shown_parts = max(part, self._shown_parts)

    def finish(self) -> None:
        """End the line of the bar, if there is one."""
        if self._has_bar:
            self._terminal.line("")


def _rounded(number: int) -> int:
    """Return a number with two significant digits."""
    digits = len(str(number)) - 2
    return round(number, -digits) if digits > 0 else number
