"""The hooks of an impact run; the plugin registers them under `--bctrl-impact`."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.in_force import contract_of_config, load_cached, published_source
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.drift.contract_change import apply_overlay, compare_contracts
from pytest_bctrl.drift.options import Options
from pytest_bctrl.drift.sources import read_source
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.impact.change import Change, combine
from pytest_bctrl.impact.change_report import (
    ChangeReport,
    count_lines,
    detected_percentage,
    report_changes,
    report_lines,
)
from pytest_bctrl.impact.derived_changes import derive_changes
from pytest_bctrl.impact.interceptor import InterceptedExchange, Interceptor
from pytest_bctrl.impact.replay import Replayer
from pytest_bctrl.impact.response_changes import changes_from_drift
from pytest_bctrl.impact.run import ChangeResult, ExercisedTest, ImpactRun, with_shared_exchanges, worst_first
from pytest_bctrl.integration.fixture_values import LAST_WORD
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.samples.sample import SPACE_ID
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table
from pytest_bctrl.suite.report.hooks import report_files, write_reports
from pytest_bctrl.suite.report.sinks import redact
from pytest_bctrl.traffic.mock.server import MOCK_KEY

MUTANTS, PUBLISHED = "mutants", "published"
_WORKER_OUTPUT = "bctrl_impact"
_NOT_USED = "no test uses the mock or a recording (bctrl_client, bctrl_mock or bctrl_recording): no change was run"
_NOT_PASSED = "the ordinary run failed, so no change was run; fix that first"
_PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@settings.usage_errors()
def start(config: pytest.Config) -> None:
    """Read the changes and register the hooks; a wrong setting is a `pytest.UsageError` (exit code 4)."""
    _reject_conflicting_options(config)
    settings.impact_budget(config, os.environ)
    settings.percentage(table.IMPACT_MIN, config)
    hooks = ImpactHooks(config, _ImpactPlan(config))
    config.stash[LAST_WORD] = hooks.interceptor.intercept
    config.pluginmanager.register(hooks, "bctrl-impact")


def _reject_conflicting_options(config: pytest.Config) -> None:
    """Raise `SettingError` for options that an impact run excludes."""
    option = config.option
    if option.bctrl_live:
        where, hint = "--bctrl-impact, --bctrl-live", "run it without --bctrl-live"
        raise SettingError("only the mock can apply a change", where=where, hint=hint)
    for flag in ("mock", "selftest"):
        if getattr(option, f"bctrl_{flag}"):
            raise SettingError(
                "the contract suite checks the mock against the contract, and a change breaks it",
                where=f"--bctrl-impact, --bctrl-{flag}",
                hint=f"run it without --bctrl-{flag}",
            )
    if settings.record_mode(config, os.environ) != "none":
        raise SettingError(
            "changed responses must not be recorded",
            where="--bctrl-impact, --bctrl-record-mode",
            hint="run it without a record mode",
        )
    if option.usepdb:
        raise SettingError("tests are run to fail", where="--bctrl-impact, --pdb", hint="run it without --pdb")


class _ImpactPlan:
    """The changes to run, and where they come from."""

    def __init__(self, config: pytest.Config) -> None:
        self.base = contract_of_config(config)
        self.contract = load_cached(self.base)
        source = settings.impact(config, os.environ)
        if source == PUBLISHED:
            source = published_source(self.base)
        self.source = "" if source == MUTANTS else source
        self.notes: tuple[str, ...] = ()
        drift = self._changes_from_drift() if self.source else []
        self.is_source_unchanged = bool(self.source) and not drift
        self.changes = worst_first(drift or derive_changes(self.contract))

    def _changes_from_drift(self) -> list[Change]:
        """Return the changes that the drift gate finds; `notes` name the overlay actions that no longer apply."""
        old, new = read_source(str(self.base.spec)), read_source(self.source)
        overlay = self.base.overlay
        comparison = compare_contracts(old, new, overlay, Options())
        self.notes = (*comparison.notes, *comparison.not_compared)
        if overlay is not None:
            new = apply_overlay(new, overlay, [])
        new_contract = from_document(new.data, new.name)
        changes = changes_from_drift(comparison.findings, self.contract, new_contract, Secret(MOCK_KEY), SPACE_ID)
        transforms = [change.transform for change in changes if change.transform is not None]
        if len(transforms) > 1:
            message = f"{len(transforms)} changes at once"
            finding = Finding("impact-together", "error", "", message, fingerprint="impact-together")
            changes.append(Change(finding, "together", combine(transforms)))
        return changes


class ImpactHooks:
    """One impact run: observes the ordinary run, then runs the tests that use the mock once for each change."""

    def __init__(self, config: pytest.Config, plan: _ImpactPlan) -> None:
        self._config = config
        self._plan = plan
        self.interceptor = Interceptor(plan.contract)
        self._tests: list[ExercisedTest] = []
        self._exchanges_by_fixture: dict[str, list[InterceptedExchange]] = {}
        self._passed: set[str] = set()
        self._is_replaying = False
        self._results: dict[str, ChangeResult] = {}
        self._test_count = 0
        self._seconds = 0.0
        self._is_worker = hasattr(config, "workerinput")
        self._problem = ""
        writes_reports = not self._is_worker and not config.option.collectonly
        paths = settings.list_values(table.REPORT, config) if writes_reports else []
        self._files = report_files(paths, config.invocation_params.dir, config.rootpath)
        self._report_lines: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Remember the exchanges of each test in the ordinary run."""
        if self._is_replaying:
            return (yield)
        self.interceptor.start()
        start = time.perf_counter()
        result = yield
        seconds = time.perf_counter() - start
        self._tests.append(ExercisedTest(item, self.interceptor.take_exchanges(), seconds))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Remember the exchanges of fixtures that several tests share."""
        if self._is_replaying or fixturedef.scope == "function":
            return (yield)
        count = len(self.interceptor.exchanges)
        result = yield
        exchanges = self.interceptor.exchanges[count:]
        if exchanges:
            self._exchanges_by_fixture.setdefault(fixturedef.argname, []).extend(exchanges)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which tests passed."""
        if report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self._passed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run the changes after all tests have run."""
        result = yield
        option = self._config.option
        is_controller = not self._is_worker and getattr(option, "dist", "no") != "no"
        if not is_controller and not option.collectonly and not session.testsfailed:
            self._run_changes(session)
        return result

    def _run_changes(self, session: pytest.Session) -> None:
        tests = with_shared_exchanges(self._tests, self._exchanges_by_fixture)
        passed_tests = [test for test in tests if test.item.nodeid in self._passed]
        self._test_count = len(passed_tests)
        if not passed_tests:
            return
        self._is_replaying = True
        replayer = Replayer(session)
        self._config.pluginmanager.register(replayer, "bctrl-impact-replayer")
        run = ImpactRun(self.interceptor, replayer, passed_tests)
        start = time.perf_counter()
        try:
            budget = settings.impact_budget(self._config, os.environ)
            run.run_changes(self._plan.changes, budget, self._show_progress)
        finally:
            self._is_replaying = False
            self._config.pluginmanager.unregister(replayer)
            self._results = run.results
            self._seconds = time.perf_counter() - start

    def _show_progress(self, done: int, total: int, seconds_left: float) -> None:
        terminal: pytest.TerminalReporter | None = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and terminal.isatty and not self._is_worker:
            terminal.rewrite(f"bctrl impact: {done} of {total} changes, {seconds_left:.0f} s left", erase=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the results of a worker."""
        output = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT)
        if not output:
            return
        for key, data in output["results"].items():
            self._results.setdefault(key, ChangeResult()).add(data)
        self._test_count += output["test_count"]
        self._seconds = max(self._seconds, output["seconds"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass a worker's results to the controller, or write the reports and set the exit status."""
        if self._config.option.collectonly:
            return
        if self._is_worker:
            self._send_to_controller()
            return
        if session.exitstatus in _PASSED and not self._test_count:
            self._problem = _NOT_USED
        elif session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            self._problem = _NOT_PASSED
        if self._problem:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            return
        is_incomplete = self._write_reports()
        is_breaking = any(report.verdict == "fails" for report in self._reports)
        if session.exitstatus == pytest.ExitCode.OK and (is_breaking or self._shortfall or is_incomplete):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _send_to_controller(self) -> None:
        results = {key: asdict(result) for key, result in self._results.items()}
        output = {"results": results, "test_count": self._test_count, "seconds": self._seconds}
        self._config.workeroutput[_WORKER_OUTPUT] = output  # type: ignore[attr-defined]

    def _write_reports(self) -> bool:
        """Write the reports; return whether one of them could not be written, so that an old one may remain."""
        plan = self._plan
        notes = [*plan.notes, *count_lines(self._reports, plan.source)]
        if self._shortfall:
            notes.append(self._shortfall)
        title = Title("impact", shown_path(Path(plan.base.spec)), plan.source, "error", tuple(notes))
        findings, title = redact(self._config, ([report.finding for report in self._reports], title))
        written, problems = write_reports(self._files, findings, title, None)
        self._report_lines = [f"report       {path}" for path in written]
        self._report_lines += [f"bctrl: {problem}" for problem in problems]
        return bool(problems)

    @cached_property
    def _reports(self) -> list[ChangeReport]:
        has_budget = settings.impact_budget(self._config, os.environ) != float("inf")
        reason = "no time was left (--bctrl-impact-budget)" if has_budget else "the run ended before"
        return report_changes(self._plan.changes, self._results, reason)

    @property
    def _shortfall(self) -> str:
        """A sentence if tests detect too few violations of the contract; otherwise empty."""
        minimum = settings.percentage(table.IMPACT_MIN, self._config)
        percentage = detected_percentage(self._reports)
        if minimum is None or percentage is None or percentage >= minimum:
            return ""
        return (
            f"{percentage:.1f}% of the violations are detected, below the minimum of {minimum:g}% (--bctrl-impact-min)"
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict of each change, and the counts."""
        if self._config.option.collectonly or self._is_worker:
            return
        terminalreporter.section("bctrl impact")
        if self._problem:
            terminalreporter.line(escape_line(f"bctrl: {self._problem}"), red=True)
            return
        for line, markup in self._summary_lines():
            terminalreporter.line(escape_line(line), **markup)

    def _summary_lines(self) -> Iterator[tuple[str, dict[str, bool]]]:
        plan = self._plan
        if plan.is_source_unchanged:
            yield f"compared     {plan.source} has no change; ran changes derived from the contract instead", {}
        elif plan.source:
            yield f"compared     {shown_path(Path(plan.base.spec))} with {plan.source}", {}
        for note in plan.notes:
            yield f"note         {note}", {}
        changes, tests = numbered(len(self._results), "change"), numbered(self._test_count, "test")
        uses = "uses" if self._test_count == 1 else "use"
        yield f"ran          {tests} that {uses} the mock against {changes}, {self._seconds:.1f} s", {}
        yield from report_lines(self._reports, is_verbose=self._config.option.verbose > 0)
        for line in (*count_lines(self._reports, plan.source), *self._report_lines):
            yield line, {}
        if self._shortfall:
            yield f"FAIL {self._shortfall}", {"red": True}
