"""Begins an impact run inside a pytest process, and has its hooks; the plugin asks for it under `--bctrl-impact`."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl import settings
from pytest_bctrl.contract.build import contract_of
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.contract.in_force import load_once, of_config, published_source
from pytest_bctrl.drift import compare
from pytest_bctrl.drift.sources import read_source
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.finding import Finding
from pytest_bctrl.fixture_values import LAST_WORD
from pytest_bctrl.impact.answer import Judged, counts, judge, listed, noticed_percent
from pytest_bctrl.impact.cache import Cache, store
from pytest_bctrl.impact.change import Change, together
from pytest_bctrl.impact.derived import derived
from pytest_bctrl.impact.drifted import drifted
from pytest_bctrl.impact.play import Exchange, Player
from pytest_bctrl.impact.replay import Replays
from pytest_bctrl.impact.run import Met, Played, Run, shared_by, worst_first
from pytest_bctrl.reports.wording import Title, numbered
from pytest_bctrl.samples.sample import SPACE_ID
from pytest_bctrl.secret import Secret
from pytest_bctrl.suite.report_hooks import report_files, write_reports
from pytest_bctrl.suite.sinks import hide
from pytest_bctrl.traffic.mock.server import MOCK_KEY

MUTANTS, PUBLISHED = "mutants", "published"
_CARRIED = "bctrl_impact"
_NOT_MET = "no test met the mock or a recording (use bctrl_client, bctrl_mock or bctrl_recording): nothing was played"
_NOT_GREEN = "the ordinary run is not green, so nothing was played; fix that first"
_GREEN = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@settings.usage_errors()
def start(config: pytest.Config) -> None:
    """Read the changes and register the hooks; a wrong setting is a `pytest.UsageError` (exit 4)."""
    _refuse_others(config)
    settings.impact_budget(config, os.environ)
    settings.percentage(settings.IMPACT_MIN, config)
    hooks = ImpactHooks(config, _Plan(config))
    config.stash[LAST_WORD] = hooks.player.answer
    config.pluginmanager.register(hooks, "bctrl-impact")


def _refuse_others(config: pytest.Config) -> None:
    """Raise `SettingError` for what an impact run must not do: ask another than the mock, write, or wait for a user."""
    option = config.option
    if option.bctrl_live:
        where, hint = "--bctrl-impact, --bctrl-live", "run it without --bctrl-live"
        raise SettingError("nothing but the mock plays a change", where=where, hint=hint)
    for flag in ("mock", "selftest"):
        if getattr(option, f"bctrl_{flag}"):
            raise SettingError(
                "the contract suite checks the mock against the contract, and a change breaks it",
                where=f"--bctrl-impact, --bctrl-{flag}",
                hint=f"run it without --bctrl-{flag}",
            )
    if settings.record_mode(config, os.environ) != "none":
        raise SettingError(
            "changed answers must not be recorded",
            where="--bctrl-impact, --bctrl-record-mode",
            hint="run it without a record mode",
        )
    if option.usepdb:
        raise SettingError("tests are run to fail", where="--bctrl-impact, --pdb", hint="run it without --pdb")


class _Plan:
    """Which changes are played, and what they are called."""

    def __init__(self, config: pytest.Config) -> None:
        self.base = of_config(config)
        self.contract = load_once(self.base)
        source = settings.impact(config, os.environ)
        source = published_source(self.base) if source == PUBLISHED else source
        self.source = "" if source == MUTANTS else source
        drift = self._drifted() if self.source else []
        self.is_equal = bool(self.source) and not drift
        self.changes = worst_first(drift or derived(self.contract))

    def _drifted(self) -> list[Change]:
        old, new = read_source(str(self.base.spec)), read_source(self.source)
        findings = compare(old, new)
        try:
            after = contract_of(new, self.base.overlay)
        except BctrlError:
            # The overlay is about what upstream has no more: then the spec itself says what is sent.
            after = contract_of(new, None)
        found = drifted(findings, self.contract, after, Secret(MOCK_KEY), SPACE_ID)
        played = [change.play for change in found if change.play is not None]
        if len(played) > 1:
            message = f"{len(played)} changes at once"
            every = Finding("impact-together", "error", "", message, fingerprint="impact-together")
            found.append(Change(every, "together", together(played)))
        return found


class ImpactHooks:
    """One impact run: the ordinary run is watched, then each change is played to the tests that met the mock."""

    def __init__(self, config: pytest.Config, plan: _Plan) -> None:
        self._config = config
        self._plan = plan
        self.player = Player(plan.contract)
        self._tests: list[Met] = []
        self._wide: dict[str, list[Exchange]] = {}
        self._passed: set[str] = set()
        self._is_playing = False
        self._played: dict[str, Played] = {}
        self._met = 0
        self._fresh: dict[str, Any] = {}
        self._seconds = 0.0
        self._is_worker = hasattr(config, "workerinput")
        self._problem = ""
        given = [] if self._is_worker or config.option.collectonly else settings.several(settings.REPORT, config)
        self._files = report_files(given, config.invocation_params.dir, config.rootpath)
        self._written: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep what a test of the ordinary run is sent."""
        if self._is_playing:
            return (yield)
        self.player.begin()
        start = time.perf_counter()
        result = yield
        self._tests.append(Met(item, self.player.taken(), time.perf_counter() - start))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Keep what a fixture is sent that several tests share."""
        if self._is_playing or fixturedef.scope == "function":
            return (yield)
        before = len(self.player.sent)
        result = yield
        if sent := self.player.sent[before:]:
            self._wide.setdefault(fixturedef.argname, []).extend(sent)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which tests passed."""
        if report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self._passed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Play the changes once all tests have run."""
        result = yield
        option = self._config.option
        are_elsewhere = not self._is_worker and getattr(option, "dist", "no") != "no"
        if not are_elsewhere and not option.collectonly and not session.testsfailed:
            self._play(session)
        return result

    def _play(self, session: pytest.Session) -> None:
        tests = [test for test in shared_by(self._tests, self._wide) if test.item.nodeid in self._passed]
        self._met = len(tests)
        if not tests:
            return
        self._is_playing = True
        replays = Replays(session)
        self._config.pluginmanager.register(replays, "bctrl-impact-replays")
        cache = Cache(self._config, [test.item for test in tests])
        run = Run(self.player, replays, cache, tests)
        start = time.perf_counter()
        try:
            run.play(self._plan.changes, settings.impact_budget(self._config, os.environ), self._progress)
        finally:
            self._is_playing = False
            self._config.pluginmanager.unregister(replays)
            self._played, self._fresh = run.played, cache.fresh
            self._seconds = time.perf_counter() - start

    def _progress(self, done: int, total: int, left: float) -> None:
        terminal: pytest.TerminalReporter | None = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and terminal.isatty and not self._is_worker:
            terminal.rewrite(f"bctrl impact: {done} of {total} changes, {left:.0f} s left", erase=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker found out."""
        data = getattr(node, "workeroutput", {}).get(_CARRIED)
        if data:
            for key, one in data["played"].items():
                self._played.setdefault(key, Played()).add(one)
            self._met += data["met"]
            self._fresh.update(data["fresh"])
            self._seconds = max(self._seconds, data["seconds"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what a worker found out, or judge, write the reports, and say how the run ends."""
        if self._config.option.collectonly:
            return
        if self._is_worker:
            played = {key: asdict(one) for key, one in self._played.items()}
            made = {"played": played, "met": self._met, "fresh": self._fresh, "seconds": self._seconds}
            self._config.workeroutput[_CARRIED] = made  # type: ignore[attr-defined]
            return
        if session.exitstatus in _GREEN and not self._met:
            self._problem = _NOT_MET
        elif session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            self._problem = _NOT_GREEN
        if self._problem:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            return
        is_unwritten = self._write()
        is_broken = any(one.verdict == "breaks you" for one in self._judged)
        if session.exitstatus == pytest.ExitCode.OK and (is_broken or self._shortfall or is_unwritten):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._fresh:
            store(self._config, hide(self._config, self._fresh))

    def _write(self) -> bool:
        """Write the reports; return whether one of them could not be, so that an old one may be there."""
        plan, notes = self._plan, [*counts(self._judged, self._plan.source), *filter(None, [self._shortfall])]
        title = Title("impact", shown_path(Path(plan.base.spec)), plan.source, "error", tuple(notes))
        findings, title = hide(self._config, ([one.finding for one in self._judged], title))
        written, problems = write_reports(self._files, findings, title, None)
        self._written = [*(f"report       {path}" for path in written), *(f"bctrl: {one}" for one in problems)]
        return bool(problems)

    @cached_property
    def _judged(self) -> list[Judged]:
        is_limited = settings.impact_budget(self._config, os.environ) != float("inf")
        missing = "no time was left (--bctrl-impact-budget)" if is_limited else "the run ended before"
        return judge(self._plan.changes, self._played, missing)

    @property
    def _shortfall(self) -> str:
        """The sentence for a run in which too few breaks were noticed; empty where there were enough."""
        least, percent = settings.percentage(settings.IMPACT_MIN, self._config), noticed_percent(self._judged)
        if least is None or percent is None or percent >= least:
            return ""
        return f"{percent:.1f}% of the breaks are noticed, below the minimum of {least:g}% (--bctrl-impact-min)"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say, change by change, what breaks; the counts last."""
        if self._config.option.collectonly or self._is_worker:
            return
        terminalreporter.section("bctrl impact")
        if self._problem:
            terminalreporter.line(f"bctrl: {self._problem}", red=True)
            return
        for line, markup in self._lines():
            terminalreporter.line(line, **markup)

    def _lines(self) -> Iterator[tuple[str, dict[str, bool]]]:
        plan = self._plan
        if plan.is_equal:
            yield f"compared     {plan.source} has no change; what the contract itself gives is played", {}
        elif plan.source:
            yield f"compared     {shown_path(Path(plan.base.spec))} with {plan.source}", {}
        changes, tests = numbered(len(self._played), "change"), numbered(self._met, "test")
        yield f"played       {changes} to {tests} that met the mock, {self._seconds:.1f} s", {}
        yield from listed(self._judged, is_long=self._config.option.verbose > 0)
        for line in (*counts(self._judged, plan.source), *self._written):
            yield line, {}
        if self._shortfall:
            yield f"FAIL {self._shortfall}", {"red": True}
