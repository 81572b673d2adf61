"""Begins a contract run inside a pytest process, and has its hooks; the plugin asks for it where a flag does."""

from __future__ import annotations

import gc
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

import pytest

from pytest_bctrl.checks.rules import rules_of
from pytest_bctrl.checks.run import Check, flattened
from pytest_bctrl.escaping import escape_line, escape_lines
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table
from pytest_bctrl.suite.baseline import resolve_baseline
from pytest_bctrl.suite.plan.catalogue import credentials_of, plan, require_operations
from pytest_bctrl.suite.report.failures import Failures
from pytest_bctrl.suite.report.sinks import redaction
from pytest_bctrl.suite.report.summary import Summary, is_unchecked
from pytest_bctrl.suite.report.verdict import VERDICT
from pytest_bctrl.suite.run import NODE, RUN, ContractRun, require_extra, resolve
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError


@settings.usage_errors()
def start(config: pytest.Config) -> None:
    """Resolve the settings and register the hooks; a wrong or missing setting is a `pytest.UsageError` (exit 4)."""
    baseline = resolve_baseline(config, os.environ, config.rootpath, date.today())
    run = replace(resolve(config, os.environ), baseline=baseline)
    # Where the command line asks for recordings, and does not name the contract suite.
    records = config.option.bctrl_record_mode in ("once", "rewrite") and not split_arguments(config.args)[1]
    if config.option.bctrl_live and records:
        run = replace(run, no_suite="--bctrl-record-mode; name bctrl to run it too")
    require_operations(run)
    summary = Summary(run)
    _report(config, summary)
    config.stash[RUN] = run
    _redact_credentials(config, run)
    config.pluginmanager.register(summary, "bctrl-summary")
    config.pluginmanager.register(Failures(summary, run.fail_on), "bctrl-failures")
    config.pluginmanager.register(ContractHooks(config, summary), "bctrl-contract")
    _end_with_sigterm(config)
    gc.freeze()


def _redact_credentials(config: pytest.Config, run: ContractRun) -> None:
    """Redact the credentials that are made from the key; the key of the bundled mock is no secret."""
    if run.target != "live":
        return
    redacting = redaction(config)
    for operation in run.operations:
        for credential in credentials_of(run, operation):
            if credential.header is None:
                continue
            token = credential.header.reveal().rpartition(" ")[2]
            if credential.is_derived:
                redacting.add_derived(token)
            elif len(token) == len(run.key.reveal()):
                # What is made up is the other part of those that are derived.
                redacting.add_derived(token, has_parts=True)


def _end_with_sigterm(config: pytest.Config) -> None:
    """Have SIGTERM, as a CI job sends it that is cancelled, end the run as Ctrl-C does: with its reports written.

    A second one ends it at once.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or hasattr(config, "workerinput"):
        return

    def end(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        pytest.exit("bctrl: ended by SIGTERM", returncode=int(pytest.ExitCode.INTERRUPTED))

    signal.signal(signal.SIGTERM, end)
    config.add_cleanup(partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))  # type: ignore[arg-type]


def _report(config: pytest.Config, summary: Summary) -> None:
    """Have the reports written, unless nothing runs, or in a worker of pytest-xdist, which is not the whole run.

    Raises `SettingError` for what cannot be written.
    """
    tells_github = settings.reports_to_github(config, os.environ)
    paths = settings.list_values(table.REPORT, config)
    if hasattr(config, "workerinput") or config.option.collectonly or not (paths or tells_github):
        return
    from pytest_bctrl.suite.report.hooks import ReportHooks, report_files

    files = report_files(paths, config.invocation_params.dir, config.rootpath)
    hooks = ReportHooks(summary, files, os.environ.get("GITHUB_STEP_SUMMARY", "") if tells_github else None)
    config.pluginmanager.register(hooks, "bctrl-reports")


class ContractModule(pytest.Module):
    """A module of contract tests as a test module of any project, whatever that project's naming rules are."""

    has_probes: Callable[[str], bool]

    @classmethod
    def beside(cls, session: pytest.Session, name: str, run: ContractRun) -> ContractModule:
        """Return the module of the suite that has this name, as a child of the session.

        A test is left out for which the contract has nothing to look at; the self-test brings a target of its own.
        """
        found = import_module(f"pytest_bctrl.suite.{name}")
        module: ContractModule = cls.from_parent(session, path=Path(str(found.__file__)), nodeid=NODE)
        module.obj = found
        module.has_probes = lambda test: name != "contract_suite" or any(plan(run, test))
        module.add_marker(pytest.mark.bctrl_contract)
        return module

    def funcnamefilter(self, name: str) -> bool:
        """Whether a name is a test's, not asking the project's `python_functions`."""
        return name.startswith("test_") and self.has_probes(name)

    def istestclass(self, obj: object, name: str) -> bool:
        """No class of the module is a test class, not even one that imports make look like one."""
        return False


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part the command line's arguments into paths and ids of contract tests (`bctrl`, `bctrl::…`)."""
    own = [argument for argument in arguments if argument == NODE or argument.startswith(f"{NODE}::")]
    own = [argument for argument in own if not Path(argument).exists()]
    return [argument for argument in arguments if argument not in own], own


def is_chosen(nodeid: str, chosen: list[str]) -> bool:
    """Whether an item is among the ids on the command line; with none there, all are."""
    return not chosen or any(
        nodeid == argument or nodeid.startswith((f"{argument}::", f"{argument}[")) for argument in chosen
    )


class ContractHooks:
    """One contract run inside one pytest process."""

    def __init__(self, config: pytest.Config, summary: Summary) -> None:
        run, self._summary = config.stash[RUN], summary
        summary.shows_coverage = config.option.bctrl_coverage
        flags = [f"--bctrl-{run.target}"] if run.target else []
        flags += ["--bctrl-selftest"] if run.selftest else []
        # The options that a command which repeats the run has to have, as they were typed.
        typed = ((name, config.getoption(f"bctrl_{name}")) for name in _REPEATED)
        flags += [f"--bctrl-{name.replace('_', '-')}={value}" for name, value in typed if value is not None]
        summary.again = ["pytest", *flags]
        config.args, self._chosen = split_arguments(config.args)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Escape what the HTTP client logs of a response; its reason phrase may be a command of a CI system."""
        plugin = session.config.pluginmanager.get_plugin("logging-plugin")
        for name in ("log_cli_handler", "log_file_handler", "report_handler"):
            handler = getattr(plugin, name, None)
            if handler is not None:
                handler.format = partial(_format_escaped, handler.format)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Put the contract tests in front of the project's own."""
        run = self._with_own(session.config)
        if self._chosen and run.no_suite:  # pragma: no cover - tests/base_install is without the extra
            with settings.usage_errors():
                require_extra()
        wanted = {"contract_suite": run.target and not run.no_suite, "upstream": run.upstream, "selftest": run.selftest}
        modules = [ContractModule.beside(session, name, run) for name, is_wanted in wanted.items() if is_wanted]
        own = [item for module in modules for item in session.genitems(module) if is_chosen(item.nodeid, self._chosen)]
        if self._chosen and not own:
            chosen = escape_line(", ".join(self._chosen))
            raise pytest.UsageError(f"no contract test matches {chosen}; list them: --collect-only -q")
        self._summary.is_partial = bool(self._chosen) and NODE not in self._chosen
        items[:0] = own

    @settings.usage_errors()
    def _with_own(self, config: pytest.Config) -> ContractRun:
        """Take the project's own checks, now that every `conftest.py` is read, and hold the levels to what there is."""
        checks = flattened(config.hook.pytest_bctrl_checks(), Check, "pytest_bctrl_checks")
        run = config.stash[RUN] = replace(config.stash[RUN], checks=tuple(checks))
        invariants = [rule for one in run.contract.operations for rule in one.invariants]
        run.levels.require_known(rules_of(invariants, [check.name for check in checks]))
        return run

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Say that the target cannot be asked, and stop the run where more requests would only lose time."""
        try:
            return (yield)
        except NoAnswerError as error:
            failure = error
        verdict, message = pyfuncitem.stash[VERDICT], escape_line(failure.finding.message)
        verdict.stopped = failure.is_final
        if failure.is_final:
            # pytest prints it as it is, past every report.
            pyfuncitem.session.shouldfail = f"bctrl: {message}"
        if failure.is_outage:
            verdict.not_checked, verdict.reproduce = message, failure.finding.reproduce
            pytest.fail(message, pytrace=False)
        verdict.collect([failure.finding])
        if not failure.is_final:
            # A trouble of one question may be known and accepted; that nothing can be asked never is.
            verdict.give()
        pytest.fail("\n".join([message, *describe([failure.finding])]), pytrace=False)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count what could not be checked by itself: it is no failure, and one line at the end says why."""
        return ("not checked", "N", "NOT CHECKED") if is_unchecked(report) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Carry the findings to the process that reports; escape the traceback of a mistake of ours."""
        report = yield
        error = call.excinfo
        if _is_own(item) and report.failed and error is not None and not error.errisinstance(pytest.fail.Exception):
            # It shows arguments, which may be names and values of the contract.
            report.longrepr = escape_lines(report.longreprtext)
        verdict = item.stash.get(VERDICT, None)
        if verdict is not None and call.when == "call":
            vars(report)["bctrl"] = verdict.as_dict()
            if verdict.findings:
                from pytest_bctrl.reports.junit import junit_properties

                item.user_properties += junit_properties(verdict.findings)
            report.user_properties = list(item.user_properties)
        return report


def _is_own(item: pytest.Item) -> bool:
    """Whether a test is one of the contract suite."""
    return item.nodeid.startswith(f"{NODE}::")


_HTTP_CLIENTS = ("httpx", "httpcore")


def _format_escaped(format_record: Callable[[LogRecord], str], record: LogRecord) -> str:
    """Return the text of a log record; the message of an HTTP client's is escaped."""
    if record.name.partition(".")[0] in _HTTP_CLIENTS:
        record = copy(record)
        record.msg, record.args = escape_line(record.getMessage()), ()
    return format_record(record)


_REPEATED = ("base_url", "space_id", "contract", "upstream", "fail_on", "allow_list")
