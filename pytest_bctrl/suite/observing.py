"""Observes in a pytest run: carries what workers saw to the process that reports, shows it, and gates on coverage."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import partial

import pytest

from pytest_bctrl import settings
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.observed.coverage import coverage
from pytest_bctrl.suite.coverage_summary import coverage_lines, drift_lines, shortfall
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
