"""The hooks of an impact run; the plugin registers them under `--bctrl-impact`."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import cached_property
from typing import Any

import pytest

from pytest_bctrl.errors import SettingError
from pytest_bctrl.impact.interceptor import InterceptedExchange, Interceptor
from pytest_bctrl.impact.plan import ImpactPlan, breaks_contract, excluded_patterns, is_excluded
from pytest_bctrl.impact.progress import Progress, RunProgress, WorkerProgress
from pytest_bctrl.impact.rerun import Rerunner
from pytest_bctrl.impact.run import ExercisedTest, ImpactRun, with_shared_exchanges
from pytest_bctrl.impact.run_report import ImpactReport, RunData
from pytest_bctrl.impact.watched_exchanges import WatchedExchanges
from pytest_bctrl.integration.fixture_values import LAST_WORD, WATCH
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.traffic.clock import clock

_WORKER_OUTPUT = "bctrl_impact"
_WORKER_PROGRESS = "bctrl_impact_progress"
_PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@lookup.usage_errors()
def start(config: pytest.Config) -> None:
    """Register the hooks of an impact run and read its changes; a wrong setting is a `pytest.UsageError`."""
    _reject_conflicting_options(config)
    settings.impact_budget(config, os.environ)
    settings.percentage(table.IMPACT_MIN, config)
    plan = ImpactPlan(config)
    hooks = ImpactHooks(config, plan)
    config.stash[LAST_WORD] = hooks.interceptor.intercept
    config.pluginmanager.register(hooks, "bctrl-impact")
    is_watching = settings.is_watching(config, os.environ)
    if is_watching and not _is_controller(config) and not config.option.collectonly:
        watched_exchanges = WatchedExchanges(config, plan.contract, hooks.interceptor)
        config.pluginmanager.register(watched_exchanges, WATCH)
        watched_exchanges.install()
        hooks.watched_exchanges = watched_exchanges


def _is_controller(config: pytest.Config) -> bool:
    """Return whether this process distributes the tests over workers."""
    return getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput")


def _reject_conflicting_options(config: pytest.Config) -> None:
    """Raise `SettingError` for options that an impact run excludes."""
    option = config.option
    if option.bctrl_live:
        where, hint = "--bctrl-impact, --bctrl-live", "run it without --bctrl-live"
        raise SettingError("only the mock can apply a change", where=where, hint=hint)
    if option.bctrl_mock:
        raise SettingError(
            "the contract suite checks the mock against the contract, and a change breaks it",
            where="--bctrl-impact, --bctrl-mock",
            hint="run it without --bctrl-mock",
        )
    if settings.record_mode(config, os.environ) != "none":
        raise SettingError(
            "changed responses must not be recorded",
            where="--bctrl-impact, --bctrl-record-mode",
            hint="run it without a record mode",
        )
    if option.usepdb:
        raise SettingError("tests are run to fail", where="--bctrl-impact, --pdb", hint="run it without --pdb")


class ImpactHooks:
    """One impact run: observes the ordinary run, then runs the tests that use the API once for each change.

    The changes are run after the other plugins have written their reports and summaries, so that these describe the
    ordinary run alone.
    """

    def __init__(self, config: pytest.Config, plan: ImpactPlan) -> None:
        self._config = config
        self._plan = plan
        self._session: pytest.Session
        self.interceptor = Interceptor(plan.contract)
        self.watched_exchanges: WatchedExchanges | None = None
        self._tests: list[ExercisedTest] = []
        self._exchanges_by_fixture: dict[str, list[InterceptedExchange]] = {}
        self._passed: set[str] = set()
        self._is_rerunning = False
        self._is_finished = False
        self.data = RunData()
        self._is_worker = hasattr(config, "workerinput")
        self._is_watching = settings.is_watching(config, os.environ)
        self._excluded = excluded_patterns(config)
        self._report = ImpactReport(config, plan, is_written=not self._is_worker and not config.option.collectonly)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Store the session, which the summary needs."""
        self._session = session

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test and store its exchanges, duration and failed requests; reruns are not recorded."""
        if self._is_rerunning:
            return (yield)
        self.interceptor.start()
        start = clock.monotonic()
        result = yield
        seconds = clock.monotonic() - start
        failures = self.interceptor.failures
        self._tests.append(ExercisedTest(item, self.interceptor.take_exchanges(), seconds, failures))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Store the exchanges of a fixture that several tests share."""
        if self._is_rerunning or fixturedef.scope == "function":
            return (yield)
        count = len(self.interceptor.exchanges)
        result = yield
        exchanges = self.interceptor.exchanges[count:]
        if exchanges:
            self._exchanges_by_fixture.setdefault(fixturedef.argname, []).extend(exchanges)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the node ids of tests that passed."""
        if report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self._passed.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker a channel to the progress of the run, which awaits its plan."""
        progress = self._progress

        def receive(message: tuple[Any, ...]) -> None:
            """Add what the worker sent: the name of a method and its arguments."""
            name, *arguments = message
            getattr(progress, name)(*arguments)

        progress.process_count += 1
        channel = node.gateway.newchannel()
        channel.setcallback(receive)
        node.workerinput[_WORKER_PROGRESS] = channel

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the results of a worker that has ended; one without results counts as lost."""
        output = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT)
        if output:
            self.data.add(output)
        else:
            self.data.add_lost_worker(change.key for change in self._plan.changes if change.transform is not None)

    @pytest.hookimpl(trylast=True, specname="pytest_sessionfinish")
    def pytest_worker_finish(self, session: pytest.Session) -> None:
        """Run the changes in a worker, and pass the results to the controller."""
        if self._is_worker and not self._config.option.collectonly:
            self._run_changes(session)
            self._config.workeroutput[_WORKER_OUTPUT] = self.data.as_data()  # type: ignore[attr-defined]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Run the changes after all other summaries, and print the verdicts."""
        self._finish(self._session, terminalreporter)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run the changes at the very end if pytest prints no summary."""
        result = yield
        self._finish(session, None)
        return result

    def _finish(self, session: pytest.Session, terminal: pytest.TerminalReporter | None) -> None:
        """Run the changes, write the reports, print the summary and set the exit status; once, and in no worker."""
        if self._is_finished or self._is_worker or self._config.option.collectonly:
            return
        self._is_finished = True
        if terminal is not None:
            terminal.section("bctrl impact")
        if not _is_controller(self._config):
            self._run_changes(session)
        session.exitstatus = self._report.finish(self.data, pytest.ExitCode(session.exitstatus))
        if terminal is not None:
            self._report.print_summary(terminal)

    @cached_property
    def _progress(self) -> RunProgress:
        """The progress of the run, which is written to the terminal; in a controller, that of its workers."""
        process_count = 0 if _is_controller(self._config) else 1
        budget = settings.impact_budget(self._config, os.environ)
        return RunProgress(self._write_line, len(self._plan.changes), budget, process_count)

    def _write_line(self, line: str) -> None:
        """Write a line to the terminal; does nothing if pytest has none."""
        if not self._config.pluginmanager.has_plugin("terminalreporter"):
            return
        writer = self._config.get_terminal_writer()
        if writer.width_of_current_line:
            # The dots of the ordinary run, whose tests other processes run.
            writer.line()
        writer.line(line)

    def _is_excluded(self, item: pytest.Item) -> bool:
        """Return whether a test is not run again."""
        return is_excluded(item, self._excluded) or (self._is_watching and breaks_contract(item))

    def _run_changes(self, session: pytest.Session) -> None:
        """Run the changes with the tests that are not excluded, and store the results; nothing if a test failed."""
        if session.testsfailed or session.exitstatus not in _PASSED:
            return
        tests = with_shared_exchanges(self._tests, self._exchanges_by_fixture)
        passed_tests = [test for test in tests if test.item.nodeid in self._passed]
        included_tests = [test for test in passed_tests if not self._is_excluded(test.item)]
        self.data.excluded_count = len(passed_tests) - len(included_tests)
        self.data.test_count = len(included_tests)
        if self.watched_exchanges is not None:
            self.data.unobserved = self.watched_exchanges.unobserved
        progress: Progress = self._progress
        if self._is_worker:
            progress = WorkerProgress(self._config.workerinput[_WORKER_PROGRESS])  # type: ignore[attr-defined]
        if not included_tests:
            progress.plan(0, 0, 0.0)
            return
        self._is_rerunning = self.interceptor.is_rerunning = True
        start = clock.monotonic()
        budget = settings.impact_budget(self._config, os.environ)
        rerunner = Rerunner(session)
        self._config.pluginmanager.register(rerunner, "bctrl-impact-rerunner")
        run = ImpactRun(self.interceptor, rerunner, included_tests, start + budget)
        try:
            run.run_changes(self._plan.changes, progress)
        except (KeyboardInterrupt, pytest.exit.Exception):
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        finally:
            self._is_rerunning = self.interceptor.is_rerunning = False
            self._config.pluginmanager.unregister(rerunner)
            self.data.results = run.results
            self.data.run_counts = dict(run.run_counts)
            self.data.seconds = clock.monotonic() - start
