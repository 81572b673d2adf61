"""The hooks of the observer of a run: they report coverage and differences, and gate on coverage."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import pytest

from pytest_bctrl.contract.in_force import contract_of_config, load_cached
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.exchanges.coverage_text import coverage_lines
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.observed.differences import differences
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.wording import counted
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.gathering import CARRIED
from pytest_bctrl.suite.report.sinks import redact
from pytest_bctrl.suite.run_key import RUN

_OBSERVER: pytest.StashKey[Observer] = pytest.StashKey()


def observer(config: pytest.Config) -> Observer:
    """Return the observer of this process; the first call creates it with its hooks, or raises `UsageError`."""
    if _OBSERVER not in config.stash:
        run = config.stash.get(RUN, None)
        with lookup.usage_errors():
            contract = run.contract if run else load_cached(contract_of_config(config))
            minimum = settings.percentage(table.MIN_COVERAGE, config)
        new_observer = Observer(contract, partial(redact, config), run.header_names if run else ())
        if not config.option.collectonly:
            new_observer.minimum = minimum
        config.stash[_OBSERVER] = new_observer
        config.pluginmanager.register(ObservingHooks(config, new_observer), "bctrl-observing")
    return config.stash[_OBSERVER]


class ObservingHooks:
    """The hooks of a run in which responses are observed."""

    def __init__(self, config: pytest.Config, observer: Observer) -> None:
        self._config, self._observer = config, observer
        self._is_worker = hasattr(config, "workerinput")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the latest observations to a worker's report, so that a crash of the worker does not lose them."""
        report = yield
        self._carry(vars(report))
        return report

    def _carry(self, carrier: dict[str, Any]) -> None:
        """Move the observations of a worker into data that the controller receives; does nothing in the controller."""
        if not self._is_worker:
            return
        observations = self._observer.pop()
        if observations is not None:
            carrier[CARRIED] = observations

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass on the last observations, and set the exit code: failed for low coverage, 2 if it cannot be measured."""
        self._carry(getattr(self._config, "workeroutput", {}))
        if self._is_worker or session.exitstatus != pytest.ExitCode.OK:
            return
        if self._observer.shortfall:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self._observer.undecided:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            self._observer.interrupted_run = True

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how the traffic of ordinary tests differs from the contract, the coverage, and what fails the run."""
        if self._config.option.collectonly:
            return
        shows_coverage = self._shows_coverage()
        lines = list(self._summary_lines(shows_coverage=shows_coverage))
        if not lines or self._config.get_verbosity() < -1:
            return
        terminalreporter.section("bctrl coverage" if shows_coverage else "bctrl traffic")
        for line in lines:
            terminalreporter.line(escape_line(line))
        if self._observer.is_reported:
            return
        if self._observer.shortfall:
            terminalreporter.line(escape_line(f"FAIL {self._observer.shortfall}"), red=True)
        if self._observer.undecided:
            terminalreporter.line(escape_line(f"not checked: {self._observer.undecided}"), red=True)

    def _shows_coverage(self) -> bool:
        """Return whether the coverage is printed by this hook: with its option, a contract run or a minimum."""
        if self._observer.is_reported:
            return False
        has_run = RUN in self._config.stash and bool(self._observer.everything.statuses)
        return bool(self._config.option.bctrl_coverage) or has_run or self._observer.minimum is not None

    def _summary_lines(self, *, shows_coverage: bool) -> Iterator[str]:
        """Yield the lines of the summary: coverage, and how the traffic of ordinary tests differs from the contract."""
        if shows_coverage:
            yield from coverage_lines(self._observer, is_complete=bool(self._config.option.bctrl_coverage))
        findings = differences(self._observer.contract, self._observer.unvalidated)
        if findings:
            yield f"drift        {counted(findings)} in the traffic of other tests than the contract suite's"
            yield from describe(findings)
