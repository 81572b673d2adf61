"""Shows what was seen: coverage, what never was, observed drift; carries it from workers, and gates on coverage."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from functools import partial

import pytest

from pytest_bctrl import settings
from pytest_bctrl.contract.read import load
from pytest_bctrl.contract.schema.locations import shown
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.observed.coverage import Coverage, coverage, never_seen
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.reports.terminal import describe, printable
from pytest_bctrl.reports.wording import counted
from pytest_bctrl.suite.observer import Observer
from pytest_bctrl.suite.run import RUN
from pytest_bctrl.suite.sinks import hide

OBSERVER: pytest.StashKey[Observer] = pytest.StashKey()
CARRIED = "bctrl_observed"
"""Where a worker's report, or its output, carries what was seen; `plugin` takes it."""


def observer(config: pytest.Config) -> Observer:
    """Return the observer of this process, made when it is first asked for; a wrong setting is a `UsageError`."""
    if OBSERVER not in config.stash:
        try:
            contract = load(settings.contract_path(config, os.environ))
            minimum = settings.min_coverage(config, os.environ)
        except BctrlError as error:
            raise pytest.UsageError(f"bctrl: {error}") from None
        config.stash[OBSERVER] = Observer(contract, partial(hide, config))
        config.pluginmanager.register(ObservingHooks(config, minimum), "bctrl-observing")
    return config.stash[OBSERVER]


class ObservingHooks:
    """The hooks of a run in which something is observed."""

    def __init__(self, config: pytest.Config, minimum: float | None) -> None:
        self._config = config
        self._minimum = minimum
        self._is_worker = hasattr(config, "workerinput")

    @property
    def _observer(self) -> Observer:
        return self._config.stash[OBSERVER]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a worker's report carry what was seen since the last: a worker that crashes later loses nothing of it."""
        report = yield
        if self._is_worker:
            taken = self._observer.take()
            if taken is not None:
                vars(report)[CARRIED] = taken
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Carry what no report did, and fail a run that saw too little of the contract."""
        if self._is_worker:
            taken = self._observer.take()
            if taken is not None:  # pragma: no cover - a hook of the project's own that asks after the last report
                self._config.workeroutput[CARRIED] = taken  # type: ignore[attr-defined]
        elif self._shortfall() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _shortfall(self) -> str:
        if self._minimum is None or self._config.option.collectonly:
            return ""
        return shortfall(coverage(self._observer.contract, self._observer.everything), self._minimum)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what ordinary tests met that the contract does not say; how much of it was seen only where asked for."""
        if self._config.option.collectonly:
            return
        seen = self._observer.everything.statuses
        asked_for = self._minimum is not None or (RUN in self._config.stash and bool(seen))
        lines = [*(coverage_lines(self._observer) if asked_for else ()), *drift_lines(self._observer)]
        if not lines:
            return
        terminalreporter.section("bctrl coverage" if asked_for else "bctrl traffic")
        for line in lines:
            terminalreporter.line(line)
        short = self._shortfall()
        if short:
            terminalreporter.line(short, red=True)


SHOWN = 12
"""Places of which something was never seen that are listed by name."""


def coverage_lines(observer: Observer) -> Iterator[str]:
    """Yield how much of the contract was seen, and what never was."""
    seen = observer.everything
    measured = coverage(observer.contract, seen)
    answers = sum(seen.statuses.values())
    yield (
        f"coverage     {measured.percent:.1f}% of the contract: {measured.seen} of {len(measured.points)} points seen, "
        f"in {answers} {'answer' if answers == 1 else 'answers'}"
    )
    for reason in always_empty(measured):
        yield f"not checked  {reason}"
    missing = never_seen(measured)
    for number, line in enumerate(missing[:SHOWN]):
        yield printable(f"{'' if number else 'never seen':<13}{line}")
    if len(missing) > SHOWN:
        yield f"{'':<13}… and {len(missing) - SHOWN} more"


def drift_lines(observer: Observer) -> Iterator[str]:
    """Yield what the traffic of ordinary tests showed that the contract does not say; nothing where there is none."""
    found = differences(observer.contract, observer.unjudged)
    if found:
        yield f"drift        {counted(found)} in the traffic of other tests than the contract suite's"
        yield from describe(found)


def always_empty(measured: Coverage) -> Iterator[str]:
    """Yield a sentence for every list of which no items were seen."""
    empty = {(point.status, point.location) for point in measured.points if point.kind == "empty" and point.seen}
    for point in measured.points:
        if point.kind == "items" and not point.seen and (point.status, point.location) in empty:
            yield f"{shown(point.location)}: every list was empty, so nothing of its items was seen"


def remarks(observer: Observer) -> Iterator[str]:
    """Yield a line for everything that the traffic of other tests than the contract suite's showed."""
    for found in differences(observer.contract, observer.unjudged):
        yield (
            f"in the traffic of other tests: {found.level} {found.rule} at {found.location}, {found.message} "
            f"({found.count} of {found.total})"
        )


def shortfall(measured: Coverage, minimum: float) -> str:
    """The sentence for a run that saw too little; empty where it saw enough."""
    if measured.percent >= minimum:
        return ""
    return f"FAIL coverage of {measured.percent:.1f}% is below the minimum of {minimum:g}% (--bctrl-min-coverage)"
