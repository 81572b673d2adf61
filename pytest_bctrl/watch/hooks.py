"""The hooks of the watch; the plugin registers them under `--bctrl-watch`."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from threading import RLock
from typing import Any

import pytest

from pytest_bctrl.checks.response import Response, content_key, once
from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.checks.run import BrokenCheckError, Check, flattened
from pytest_bctrl.contract.in_force import contract_of_config, load_cached
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.exchanges.account import Account
from pytest_bctrl.findings.finding import at_or_above
from pytest_bctrl.reports.terminal import breach
from pytest_bctrl.request_checks.violation import request_rules
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.baseline import resolve_baseline
from pytest_bctrl.suite.report.hooks import register_reports
from pytest_bctrl.suite.report.observing import observer
from pytest_bctrl.suite.report.sinks import redact
from pytest_bctrl.suite.run_key import NODE, RUN, SELECTING_OPTIONS
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.watch.checking import WatchedContract, WatchedTest
from pytest_bctrl.watch.credentials import redact_test
from pytest_bctrl.watch.exchange import WatchedExchange
from pytest_bctrl.watch.importing import LibraryHooks
from pytest_bctrl.watch.recorder import Recorder
from pytest_bctrl.watch.results import CARRIED, WatchResults, WatchSettings, as_carried
from pytest_bctrl.watch.selection import watched_servers
from pytest_bctrl.watch.summary import WatchSummary

NAME = "bctrl-watch"
"""The name of the plugin that observes tests."""

_WATCHED: pytest.StashKey[WatchedTest] = pytest.StashKey()
_PROBLEM: pytest.StashKey[str] = pytest.StashKey()
_COLLECTION = "the collection of tests"
_ON_PURPOSE = "in tests that are marked bctrl_watch(conforming=False)"


@lookup.usage_errors()
def start(config: pytest.Config) -> None:
    """Resolve the settings of the watch and register its hooks; a wrong setting is a `pytest.UsageError`."""
    run = config.stash.get(RUN, None)
    chosen = contract_of_config(config)
    watch_settings = WatchSettings(
        run.contract if run else load_cached(chosen),
        chosen.reason,
        settings.fail_on(config, os.environ),
        settings.levels(config),
        replace(resolve_baseline(config, os.environ, config.rootpath, date.today()), redact=partial(redact, config)),
    )
    results = WatchResults(watch_settings)
    results.is_partial = any(config.getoption(option, None) for option in (*SELECTING_OPTIONS, "file_or_dir"))
    summary = WatchSummary(results)
    summary.shows_coverage = bool(config.option.bctrl_coverage)
    config.pluginmanager.register(results, "bctrl-watch-results")
    config.pluginmanager.register(summary, "bctrl-watch-summary")
    is_controller = not hasattr(config, "workerinput") and getattr(config.option, "dist", "no") != "no"
    hooks = WatchHooks(config, results, is_controller=is_controller)
    config.pluginmanager.register(hooks, NAME)
    contract_results: Any = config.pluginmanager.get_plugin("bctrl-results")
    if contract_results is None:
        # After the hooks of the watch, so that the reports have what it notes at the end.
        register_reports(config, results, summary)
    else:
        contract_results.watch, summary.is_part = results, True


class WatchHooks:
    """Observes the tests of one process, checks their exchanges when they end, and sets the exit code.

    With pytest-xdist, workers observe, and the controller reports.
    """

    def __init__(self, config: pytest.Config, results: WatchResults, *, is_controller: bool) -> None:
        self._config, self._results = config, results
        self._is_worker = hasattr(config, "workerinput")
        self._recorder = Recorder(config.rootpath)
        self._recorder.check_early = self._check_early
        self._lock = RLock()
        self._is_checking = False
        self._libraries = LibraryHooks(self._recorder)
        self._watched: WatchedContract | None = None
        self._mocks: set[str] = set()
        self._known_contents: set[int] = set()
        self._observer = results.observer = observer(config)
        self._observer.is_reported = True
        if not is_controller and not config.option.collectonly:
            self._recorder.test = _COLLECTION
            self._libraries.install()
            config.add_cleanup(self._libraries.uninstall)

    def trust_mock(self, url: str) -> None:
        """Register a mock server of this kit, whose responses cause no findings: tests make it break the contract."""
        self._mocks.add(url)

    @property
    def _contract(self) -> WatchedContract:
        """The contract and its servers; created when every `conftest.py` is loaded."""
        if self._watched is None:
            config, watch_settings = self._config, self._results.settings
            checks = flattened(config.hook.pytest_bctrl_checks(), Check, "pytest_bctrl_checks")
            base_url = lookup.find_value(table.BASE_URL, config, os.environ)
            servers = watched_servers(
                watch_settings.contract, base_url.value if base_url else "", settings.watch_hosts(config)
            )
            self._watched = WatchedContract(watch_settings.contract, servers, watch_settings.levels, checks)
        self._watched.api.mocks |= set(map(origin_of, self._mocks))
        return self._watched

    @pytest.hookimpl(tryfirst=True)
    @lookup.usage_errors()
    def pytest_collection_modifyitems(self) -> None:
        """Raise `UsageError` for a wrong setting of the watch, after every `conftest.py` is loaded."""
        watch_settings = self._results.settings
        checks = flattened(self._config.hook.pytest_bctrl_checks(), Check, "pytest_bctrl_checks")
        invariants = [rule for operation in watch_settings.contract.operations for rule in operation.invariants]
        names = rules_of(invariants, [check.name for check in checks])
        watch_settings.levels.require_known(list(dict.fromkeys([*names, *request_rules()])))
        settings.watch_hosts(self._config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Record exchanges during a test of the project under its name, but not during the contract suite."""
        recorder = self._recorder
        recorder.is_active = not _is_contract_test(item)
        recorder.test = item.nodeid
        try:
            return (yield)
        finally:
            recorder.is_active = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Check the exchanges of a test after its fixtures have ended; it is an error if findings fail it."""
        try:
            result = yield
        finally:
            problem = item.stash[_PROBLEM] = escape_lines(self._check_test(item))
        if problem:
            raise pytest.fail.Exception(problem, pytrace=False)
        return result

    @contextmanager
    def _checking(self) -> Iterator[bool]:
        """Let one thread check at a time; yield whether it is not checking already, as by a request of a check."""
        with self._lock:
            is_first, self._is_checking = not self._is_checking, True
            try:
                yield is_first
            finally:
                self._is_checking = not is_first

    def _check_early(self, exchanges: list[WatchedExchange]) -> None:
        """Check exchanges of the running test, and drop their bodies; an error is raised when the test has ended."""
        if self._recorder.test == _COLLECTION:
            # The plugins and their checks are not all there.
            return
        with self._checking() as is_first:
            for exchange in exchanges if is_first else ():
                try:
                    exchange.result = self._result_of(exchange)
                except Exception as error:  # noqa: BLE001 - raised when the test has ended
                    exchange.result = error
                for body in (exchange.request_body, exchange.response_body):
                    body.drop("it was checked and dropped")

    def _result_of(self, exchange: WatchedExchange) -> WatchedTest:
        """Return the result of an exchange, without its bodies."""
        result = self._contract.check([exchange], WatchedTest())
        redact_test(result)
        result.responses = [
            (self._observer.without_body(response, _content_hash), replace(request, body=b""))
            for response, request in result.responses
        ]
        return result

    def _check_test(self, item: pytest.Item) -> str:
        """Check the exchanges of a test, and return the message with which it fails; empty if it passes."""
        with self._checking():
            return self._problem_of_test(item)

    def _problem_of_test(self, item: pytest.Item) -> str:
        """Check the exchanges of a test, and return the message with which it fails; empty if it passes."""
        exchanges, unchecked = self._recorder.take(), []
        marker = item.get_closest_marker("bctrl_watch")
        if marker is not None and marker.kwargs.get("conforming") is False:
            # The exchanges of the collection are not those of this test.
            unchecked = [exchange for exchange in exchanges if exchange.test != _COLLECTION]
            exchanges = [exchange for exchange in exchanges if exchange.test == _COLLECTION]
        test = item.stash[_WATCHED] = WatchedTest(unobserved=self._libraries.unobserved)
        for exchange in unchecked:
            self._contract.api.account_for(test.account, exchange, _ON_PURPOSE)
        earlier = [exchange for exchange in exchanges if exchange.test == _COLLECTION]
        try:
            self._contract.check(exchanges, test)
        except BrokenCheckError as error:
            return f"bctrl watch: {error}"
        redact_test(test)
        for response, request in test.responses:
            is_repeated = not self._is_worker and self._is_known(response)
            query = request.target.partition("?")[2]
            self._observer.observe_response(response, query, request.headers, is_repeated=is_repeated)
        test.responses.clear()
        failing = self._results.settings.failing(test.findings)
        if not failing:
            return ""
        test.is_failed = True
        during = f" (exchanges during {_COLLECTION} included)" if earlier else ""
        return f"bctrl watch{during}: {breach(redact(self._config, failing)).rstrip()}"

    def _is_known(self, response: Response) -> bool:
        """Return whether an equal body was observed before, so that only its status needs to be counted; remembers it.

        The worker of pytest-xdist passes on its observations after each test, so it observes each response.
        """
        key = _content_hash(response)
        is_known = key in self._known_contents
        self._known_contents.add(key)
        return is_known

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the results of a test to the report of its teardown, which fails if findings fail the test."""
        report = yield
        if call.when == "teardown" and item.stash.get(_PROBLEM, "") and hasattr(report, "wasxfail"):
            # The marker `xfail` expects a failure of the test, and pytest would take this one for it.
            report.outcome = "failed"
            del report.wasxfail
        test = item.stash.get(_WATCHED, None)
        if test is not None and call.when == "teardown":
            # A fixture may have failed too, and then its error is the one that is shown.
            has_error = call.excinfo is not None and str(call.excinfo.value) != item.stash.get(_PROBLEM, "")
            vars(report)[CARRIED] = as_carried(test, is_failure=test.is_failed and not has_error)
            if test.findings:
                from pytest_bctrl.reports.junit import junit_properties

                item.user_properties += junit_properties(test.findings)
                report.user_properties = list(item.user_properties)
            del item.stash[_WATCHED]
        return report

    @pytest.hookimpl(trylast=True, specname="pytest_sessionfinish")
    def pytest_late_exchanges(self) -> None:
        """Note the exchanges since the last test, as in hooks; a worker passes them to the controller."""
        exchanges = self._recorder.take()
        if not exchanges or self._config.option.collectonly:
            # The settings may be wrong.
            return
        account = Account()
        for exchange in exchanges:
            self._contract.api.account_for(account, exchange, "after the last test")
        if self._is_worker:
            self._config.workeroutput[CARRIED] = account.as_data()  # type: ignore[attr-defined]
        self._results.account.update(account.as_data())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Update the baseline; exit with 1 if that fails or findings fail the run, with 2 if nothing was observed."""
        if self._is_worker or self._config.option.collectonly:
            return
        results = self._results
        results.is_complete = not (session.shouldstop or session.shouldfail)
        is_updated = results.update_baseline()
        # A plugin may have run a test that findings failed again, until it passed.
        is_failed = not is_updated or at_or_above(results.findings(), results.settings.fail_on)
        if is_failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        is_required = RUN not in self._config.stash and results.has_run and not results.is_partial
        if is_required and not results.account.operations and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.INTERRUPTED


def _content_hash(response: Response) -> int:
    """Return a number that is equal for responses of the same content: the hash of the key, which has the body."""
    return once(response, _content_hash, lambda: hash(content_key(response)))


def _is_contract_test(item: pytest.Item) -> bool:
    """Return whether a test belongs to the contract suite."""
    return item.nodeid.startswith(f"{NODE}::")
