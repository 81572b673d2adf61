"""The progress of an impact run whose tests are distributed over workers of pytest-xdist."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property, partial
from threading import Lock
from typing import Any, Protocol

import pytest

from pytest_bctrl.impact.progress import Display, RunPlan, RunProgress, TerminalDisplay
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.traffic.clock import clock

_INPUT = "bctrl_impact_progress"
_SEND_SECONDS = 0.2
"""How often a worker sends its progress at most."""


class Channel(Protocol):
    """A channel of execnet between the controller and a worker."""

    def send(self, item: object, /) -> None:
        """Send plain data; raises `OSError` if the other side is closed."""


class WorkerDisplay(Display):
    """Sends the plan and the progress of a worker to the controller."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next_at = 0.0

    def announce(self, plan: RunPlan) -> None:
        """Send the plan."""
        self._send("plan", plan)

    def show(self, progress: RunProgress) -> None:
        """Send the progress, but none within `_SEND_SECONDS` of another one, unless it is the last."""
        now = clock.monotonic()
        if now >= self._next_at or progress.done == progress.planned:
            self._next_at = now + _SEND_SECONDS
            self._send("progress", progress)

    def _send(self, kind: str, data: RunPlan | RunProgress) -> None:
        """Send a plan or progress to the controller; does nothing if the channel is closed."""
        # A controller that is interrupted closes the channel; the results are lost then, and so is the progress.
        with suppress(OSError):
            self._channel.send((kind, tuple(data)))


class WorkersProgress:
    """A plugin of the controller: adds up the plans and the progress of all workers, and shows the sums."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lock = Lock()
        self._pending: set[str] = set()
        self._running: set[str] = set()
        self._plans: dict[str, RunPlan] = {}
        self._progress: dict[str, RunProgress] = {}
        self._is_announced = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker a channel for its progress, and list it as pending until its plan arrives."""
        worker = str(node.gateway.id)
        self._pending.add(worker)
        self._running.add(worker)
        channel = node.gateway.newchannel()
        channel.setcallback(partial(self.receive, worker))
        node.workerinput[_INPUT] = channel

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Stop waiting for a worker that has ended; ends the display after the last one."""
        with self._lock:
            self._pending.discard(str(node.gateway.id))
            self._running.discard(str(node.gateway.id))
            self._announce()
            if self._is_announced and not self._running:
                self._display.finish()

    def receive(self, worker: str, message: tuple[str, tuple[Any, ...]]) -> None:
        """Store the plan or the progress of a worker and show the sums; called on a thread for each worker."""
        kind, data = message
        with self._lock:
            if kind == "plan":
                self._plans[worker] = RunPlan(*data)
                self._pending.discard(worker)
            else:
                self._progress[worker] = RunProgress(*data)
            self._announce()
            if self._is_announced and self._progress:
                self._display.show(self._total_progress())

    @cached_property
    def _display(self) -> Display:
        """The display of this process."""
        return display_of(self._config, settings.impact_budget(self._config, os.environ))

    def _announce(self) -> None:
        """Announce the run once the plan of every worker is known."""
        if self._is_announced or self._pending or not self._plans:
            return
        self._is_announced = True
        plans = self._plans.values()
        tests, runs = sum(plan.tests for plan in plans), sum(plan.runs for plan in plans)
        changes, seconds = max(plan.changes for plan in plans), max(plan.seconds for plan in plans)
        self._display.announce(RunPlan(tests, changes, runs, seconds))

    def _total_progress(self) -> RunProgress:
        """Return the progress of all workers together, with the time that the slowest needs."""
        beginnings = {worker: RunProgress(0, plan.runs, plan.seconds) for worker, plan in self._plans.items()}
        progress = {**beginnings, **self._progress}.values()
        done, planned = sum(part.done for part in progress), sum(part.planned for part in progress)
        return RunProgress(done, planned, max(part.seconds_left for part in progress))


def display_of(config: pytest.Config, limit: float) -> Display:
    """Return where this process shows its progress: the terminal, or in a worker the controller."""
    channel = getattr(config, "workerinput", {}).get(_INPUT)
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if channel is not None:
        return WorkerDisplay(channel)
    if terminal is not None:
        return TerminalDisplay(terminal, config.get_terminal_writer(), limit)
    return Display()
