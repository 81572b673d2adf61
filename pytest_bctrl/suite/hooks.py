"""Hooks of a contract run; the plugin registers them if a `--bctrl` flag is given."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from copy import copy
from dataclasses import replace
from datetime import date
from functools import partial
from importlib import import_module
from logging import LogRecord
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.checks.run import Check, flattened
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.suite.baseline import resolve_baseline
from pytest_bctrl.suite.garbage import freeze_until_hypothesis
from pytest_bctrl.suite.operations import optional_operations, require_operations, with_sources
from pytest_bctrl.suite.plan.catalogue import credentials_of, plan
from pytest_bctrl.suite.report.failures import Failures
from pytest_bctrl.suite.report.hooks import register_reports
from pytest_bctrl.suite.report.progress import Progress
from pytest_bctrl.suite.report.results import RunResults, is_unchecked
from pytest_bctrl.suite.report.sinks import redact, redaction
from pytest_bctrl.suite.report.summary import Summary
from pytest_bctrl.suite.report.verdict import VERDICT
from pytest_bctrl.suite.run import OWN_FIXTURES, ContractRun, resolve
from pytest_bctrl.suite.run_key import NODE, RUN
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError


@lookup.usage_errors()
def start(config: pytest.Config) -> None:
    """Resolve the settings and register the hooks of a contract run; a wrong setting is a `pytest.UsageError`."""
    baseline = replace(
        resolve_baseline(config, os.environ, config.rootpath, date.today()), redact=partial(redact, config)
    )
    run = replace(resolve(config, os.environ), baseline=baseline)
    if run.target == "live":
        own_fixtures = frozenset(name for name in OWN_FIXTURES if lookup.overrides_of(name, config))
        run = replace(run, own_fixtures=own_fixtures)
    names_suite = bool(split_arguments(config.args)[1])
    makes_recordings = config.option.bctrl_record_mode in ("once", "rewrite") and not names_suite
    if config.option.bctrl_live and makes_recordings:
        run = replace(run, no_suite="--bctrl-record-mode; name bctrl to run it too")
    run = with_sources(run)
    require_operations(run)
    run = replace(run, optional=optional_operations(run, lookup.file_values(table.OPTIONAL, config)))
    results = RunResults(run)
    summary = Summary(results)
    register_reports(config, results, summary)
    config.stash[RUN] = run
    _redact_credentials(config, run)
    config.pluginmanager.register(results, "bctrl-results")
    config.pluginmanager.register(summary, "bctrl-summary")
    config.pluginmanager.register(Failures(results, summary), "bctrl-failures")
    if config.get_verbosity() >= 0 and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(results, partial(_write_line, config)), "bctrl-progress")
    config.pluginmanager.register(ContractHooks(config, results, summary), "bctrl-contract")
    _end_with_sigterm(config)
    freeze_until_hypothesis(config)


def _write_line(config: pytest.Config, line: str) -> None:
    """Write an escaped line between the results of tests; does nothing without a terminal reporter."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.ensure_newline()
        terminal.write_line(escape_line(line))


def _redact_credentials(config: pytest.Config, run: ContractRun) -> None:
    """Redact a live run's invalid credentials that are derived from the key, or as long; a mock's key is public."""
    if run.target != "live":
        return
    redacting = redaction(config)
    for operation in run.operations:
        for credential in credentials_of(run, operation):
            if credential.header is None:
                continue
            token = credential.header.reveal().rpartition(" ")[2]
            # The derived credentials contain parts of the invented one of the same length.
            if credential.is_derived or len(token) == len(run.key.reveal()):
                redacting.add_derived(token)


class Terminated(KeyboardInterrupt):
    """SIGTERM ends the run. Unlike pytest's own `Exit`, Hypothesis does not take it for a failure of the test."""


_ENDED = "bctrl: ended by SIGTERM"


def _end_with_sigterm(config: pytest.Config) -> None:
    """Let SIGTERM, which a cancelled CI job sends, end the run as Ctrl-C does, after its reports are written.

    It has no effect in a worker, outside the main thread, or if SIGTERM has a handler. A second signal ends it at once.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or hasattr(config, "workerinput"):
        return

    def end(_number: int, _frame: object) -> None:
        """End the run with exit code 2, and restore the default handler."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Python ignores an exception in a callback, such as one of the garbage collector; the run ends after the test.
        session: Any = config.pluginmanager.get_plugin("session") or SimpleNamespace()
        session.shouldstop = _ENDED
        raise Terminated(_ENDED)

    signal.signal(signal.SIGTERM, end)
    config.add_cleanup(partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))  # type: ignore[arg-type]


class ContractModule(pytest.Module):
    """A module of contract tests; the naming rules of the project do not apply to it."""

    has_probes: Callable[[str], bool]

    @classmethod
    def below(cls, parent: pytest.Collector, name: str, run: ContractRun) -> ContractModule:
        """Return a collector for the tests of the module `name` of the package `suite`.

        Of `contract_suite`, it leaves out the tests for which the plan of the run has no probes.
        """
        imported = import_module(f"pytest_bctrl.suite.{name}")
        module: ContractModule = cls.from_parent(parent, path=Path(str(imported.__file__)), nodeid=NODE)
        module.obj = imported

        def has_probes(test: str) -> bool:
            """Return whether the plan of the run has a probe for a test."""
            return name != "contract_suite" or any(plan(run, test))

        module.has_probes = has_probes
        module.add_marker(pytest.mark.bctrl_contract)
        return module

    def funcnamefilter(self, name: str) -> bool:
        """Return whether a function is a test with probes, regardless of the project's `python_functions`."""
        return name.startswith("test_") and self.has_probes(name)

    def istestclass(self, obj: object, name: str) -> bool:
        """Return False: no class of the module is a test class, even if an imported one looks like one."""
        return False


def _folder_of_own_fixtures(session: pytest.Session, run: ContractRun, items: list[pytest.Item]) -> pytest.Collector:
    """Return the collector of the folder whose `conftest.py` overrides the credentials: the suite then sees that.

    It is the session for the rootdir. pytest finds fixtures at the collectors above a test, those of a `conftest.py`
    only after it has collected the folder.
    """
    overrides = [plugin for name in sorted(run.own_fixtures) for plugin in lookup.overrides_of(name, session.config)]
    files = [Path(plugin.__file__) for plugin in overrides if isinstance(plugin, ModuleType) and plugin.__file__]
    folders = [file.parent for file in files if file.name == "conftest.py" and session.path in file.parent.parents]
    collected = {node.path: node for item in items for node in item.listchain() if isinstance(node, pytest.Directory)}
    collector: pytest.Collector = session
    for folder in folders[:1]:
        for path in [*reversed(folder.parents), folder]:
            if session.path in path.parents:
                collector = collected.get(path) or _collected_folder(collector, path)
    return collector


def _collected_folder(parent: pytest.Collector, path: Path) -> pytest.Collector:
    """Return a collector for a folder that has no test of this run, with the fixtures of its `conftest.py`."""
    folder: pytest.Collector = pytest.Dir.from_parent(parent, path=path)
    folder.ihook.pytest_make_collect_report(collector=folder)
    return folder


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the arguments without ids of contract tests (`bctrl`, `bctrl::…`, unless they exist), and these ids."""
    ids = [argument for argument in arguments if argument == NODE or argument.startswith(f"{NODE}::")]
    ids = [argument for argument in ids if not Path(argument).exists()]
    return [argument for argument in arguments if argument not in ids], ids


def is_chosen(nodeid: str, chosen: list[str]) -> bool:
    """Return whether one of the ids in `chosen` selects a contract test; without ids, each one is selected."""
    return not chosen or any(
        nodeid == argument or nodeid.startswith((f"{argument}::", f"{argument}[")) for argument in chosen
    )


class ContractHooks:
    """One contract run inside one pytest process."""

    def __init__(self, config: pytest.Config, results: RunResults, summary: Summary) -> None:
        run = config.stash[RUN]
        summary.shows_coverage = config.option.bctrl_coverage
        results.repeat_command = ["pytest", *_flags_to_repeat(config, run)]
        config.args, self._chosen = split_arguments(config.args)
        results.is_partial = bool(self._chosen) and NODE not in self._chosen

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Escape log records of HTTP clients: the reason phrase of a response may be a command for a CI system."""
        plugin = session.config.pluginmanager.get_plugin("logging-plugin")
        for name in ("log_cli_handler", "log_file_handler", "report_handler"):
            handler = getattr(plugin, name, None)
            if handler is not None:
                handler.format = partial(_format_escaped, handler.format)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Insert the selected contract tests before the tests of the project; it is an error if ids select none."""
        run = self._with_custom_checks(session.config)
        modules = {"contract_suite": run.target and not run.no_suite, "upstream": run.upstream}
        parent = _folder_of_own_fixtures(session, run, items)
        contract_items: list[pytest.Item] = []
        for name, is_selected in modules.items():
            if is_selected:
                contract_items += session.genitems(ContractModule.below(parent, name, run))
        contract_items = [item for item in contract_items if is_chosen(item.nodeid, self._chosen)]
        if self._chosen and not contract_items:
            chosen = escape_line(", ".join(self._chosen))
            raise pytest.UsageError(f"no contract test matches {chosen}; list them: --collect-only -q")
        items[:0] = contract_items

    @lookup.usage_errors()
    def _with_custom_checks(self, config: pytest.Config) -> ContractRun:
        """Return and store the run with the custom checks of the project; a level for an unknown rule is an error."""
        checks = flattened(config.hook.pytest_bctrl_checks(), Check, "pytest_bctrl_checks")
        run = config.stash[RUN] = replace(config.stash[RUN], checks=tuple(checks))
        run.levels.require_known(run.rules())
        return run

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Fail a test without a usable response, and stop the run if further requests would only lose time."""
        try:
            return (yield)
        except NoAnswerError as error:
            failure = error
        verdict, message = pyfuncitem.stash[VERDICT], escape_line(failure.finding.message)
        verdict.stopped, verdict.lacks_key = failure.is_final, failure.lacks_key
        if failure.is_final:
            # pytest prints this text as it is.
            pyfuncitem.session.shouldfail = f"bctrl: {message}"
        if failure.is_outage:
            verdict.not_checked, verdict.reproduce = message, failure.finding.reproduce
            pytest.fail(message, pytrace=False)
        verdict.collect([failure.finding])
        if not failure.is_final:
            # The baseline may accept the transport error of one request, but never an outage.
            verdict.raise_if_failing()
        pytest.fail("\n".join([message, *describe([failure.finding])]), pytrace=False)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Return `not checked` for a test that an outage or an unreadable spec kept from checking; else None."""
        if is_unchecked(report):
            return "not checked", "N", "NOT CHECKED"
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the verdict to the report of a test, and escape the traceback of an unexpected error."""
        report = yield
        error = call.excinfo
        is_unexpected = error is not None and not error.errisinstance(pytest.fail.Exception)
        if _is_contract_test(item) and report.failed and is_unexpected:
            # The traceback shows arguments, which may contain names and values of the contract.
            report.longrepr = escape_lines(report.longreprtext)
        verdict = item.stash.get(VERDICT, None)
        if verdict is not None and call.when == "call":
            vars(report)["bctrl"] = verdict.as_dict()
            if verdict.findings:
                from pytest_bctrl.reports.junit import junit_properties

                item.user_properties += junit_properties(verdict.findings)
            report.user_properties = list(item.user_properties)
        return report


def _is_contract_test(item: pytest.Item) -> bool:
    """Return whether a test is one that this plugin adds to the run, as `bctrl::…`."""
    return item.nodeid.startswith(f"{NODE}::")


_HTTP_CLIENTS = ("httpx", "httpcore")


def _format_escaped(format_record: Callable[[LogRecord], str], record: LogRecord) -> str:
    """Return the text of a log record; messages of HTTP clients are escaped."""
    if record.name.partition(".")[0] in _HTTP_CLIENTS:
        record = copy(record)
        record.msg, record.args = escape_line(record.getMessage()), ()
    return format_record(record)


def _flags_to_repeat(config: pytest.Config, run: ContractRun) -> list[str]:
    """Return the flags of a command that repeats the run, with values as they were typed."""
    flags = []
    if run.target:
        flags.append(f"--bctrl-{run.target}")
    for name in _REPEATED:
        value = config.getoption(f"bctrl_{name}")
        if value is not None:
            flags.append(f"--bctrl-{name.replace('_', '-')}={value}")
    return flags + [f"{table.HEADERS.option}={header}" for header in config.getoption(table.HEADERS.ini) or ()]


_REPEATED = ("base_url", "space_id", "contract", "upstream", "fail_on", "baseline")
