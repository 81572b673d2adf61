"""The report of an impact run: its files, its summary on the terminal, and the exit status."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.impact.change_report import (
    ChangeReport,
    count_lines,
    detected_percentage,
    report_changes,
    report_lines,
    unexamined_line,
)
from pytest_bctrl.impact.outcomes import ChangeResult
from pytest_bctrl.impact.plan import ImpactPlan
from pytest_bctrl.impact.run import INTERRUPTED, OUT_OF_TIME
from pytest_bctrl.impact.stored_report import remove_stored_report, stored_report_path
from pytest_bctrl.reports.verdict import Title
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.settings import lookup, table
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.suite.report.hooks import report_files, write_reports
from pytest_bctrl.suite.report.sinks import redact

_NOT_USED = (
    "no test uses the mock or a recording (bctrl_client, bctrl_mock or bctrl_recording): no change was run; "
    "--bctrl-watch applies the changes to the requests of other clients too"
)
_NOT_WATCHED = "the watch observed no request to an operation of the contract: no change was run"
_EXCLUDED = "every test that {uses} is excluded ({reasons}): no change was run"
_USES, _WATCHED_USES = ("uses the mock", "use the mock"), ("uses the API", "use the API")
_EXCLUSIONS, _WATCHED_EXCLUSIONS = "bctrl_impact, bctrl_impact_skip", "bctrl_impact, bctrl_impact_skip, bctrl_watch"
_NOT_PASSED = "the ordinary run failed, so no change was run; fix that first"
_NOT_MEASURED = "no change was run to its end, so nothing was measured"
_ENDED_EARLY = "the run ended before any change was run"
LOST_WORKER = "a worker of pytest-xdist crashed, so its tests were not run"
_MAX_UNRUN = 10
_ENDED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.TESTS_FAILED)


@dataclass(slots=True)
class RunData:
    """What an impact run measured, in this process or in its workers."""

    results: dict[str, ChangeResult] = field(default_factory=dict)
    run_counts: dict[str, int] = field(default_factory=dict)
    test_count: int = 0
    excluded_count: int = 0
    seconds: float = 0.0
    lost_workers: int = 0
    unobserved: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return plain data, for the controller of a run with workers."""
        return {
            "results": {key: result.as_data() for key, result in self.results.items()},
            "run_counts": self.run_counts,
            "test_count": self.test_count,
            "excluded_count": self.excluded_count,
            "seconds": self.seconds,
            "unobserved": self.unobserved,
        }

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the results, counts and notes of a worker process; the seconds become those of the slowest."""
        for key, result in data["results"].items():
            self.results.setdefault(key, ChangeResult()).add(result)
        self.run_counts.update(data["run_counts"])
        self.test_count += data["test_count"]
        self.excluded_count += data["excluded_count"]
        self.seconds = max(self.seconds, data["seconds"])
        self.unobserved = list(dict.fromkeys([*self.unobserved, *data["unobserved"]]))

    def add_lost_worker(self, change_keys: Iterable[str]) -> None:
        """Count a worker that ended without results, and mark the changes as not run with all tests."""
        self.lost_workers += 1
        for key in change_keys:
            self.results.setdefault(key, ChangeResult()).unfinished = LOST_WORKER


class ImpactReport:
    """Writes the report files, decides the exit status, and prints the summary."""

    def __init__(self, config: pytest.Config, plan: ImpactPlan, *, is_written: bool) -> None:
        self._config = config
        self._plan = plan
        paths = lookup.list_values(table.REPORT, config) if is_written else []
        self._files = report_files(paths, config.invocation_params.dir, config.rootpath)
        self._data = RunData()
        self._is_watching = settings.is_watching(config, os.environ)
        self._uses = _WATCHED_USES if self._is_watching else _USES
        self._exclusions = _WATCHED_EXCLUSIONS if self._is_watching else _EXCLUSIONS
        self._problem = ""
        self._lines: list[str] = []

    def finish(self, data: RunData, exit_status: pytest.ExitCode) -> pytest.ExitCode:
        """Write the reports and return the exit status of the run."""
        if exit_status != pytest.ExitCode.TESTS_FAILED:
            # Workers whose own tests passed have run the changes all the same.
            self._data = data
        self._problem = self._find_problem(exit_status)
        is_incomplete = self._write_reports()
        if self._problem:
            remove_stored_report(self._config)
            return pytest.ExitCode.INTERRUPTED if exit_status in _ENDED else exit_status
        if exit_status != pytest.ExitCode.OK:
            return exit_status
        if any(report.verdict == "fails" for report in self._reports) or self._shortfall or is_incomplete:
            return pytest.ExitCode.TESTS_FAILED
        if unexamined_line(self._reports):
            return pytest.ExitCode.INTERRUPTED
        return exit_status

    def _find_problem(self, exit_status: pytest.ExitCode) -> str:
        """Return why the run measured nothing; empty if it measured something."""
        if exit_status == pytest.ExitCode.TESTS_FAILED:
            return _NOT_PASSED
        if exit_status not in _ENDED and not self._data.results:
            return _ENDED_EARLY
        if not self._data.test_count and self._data.lost_workers:
            return LOST_WORKER
        if not self._data.test_count:
            if self._data.excluded_count:
                return _EXCLUDED.format(uses=self._uses[0], reasons=self._exclusions)
            return _NOT_WATCHED if self._is_watching else _NOT_USED
        runnable = [report for report in self._reports if report.change.transform is not None]
        is_measured = any(report.verdict != "not run" for report in runnable)
        if runnable and not is_measured and any(report.change.finding.level == "error" for report in runnable):
            return f"{_NOT_MEASURED} ({runnable[0].reason})"
        return ""

    def _write_reports(self) -> bool:
        """Write the report files and the stored report; return whether one of them could not be written."""
        plan = self._plan
        notes = [*plan.notes, *count_lines(self._reports, plan.source), *self._run_lines(), *self._unrun_lines()]
        unexamined = unexamined_line(self._reports)
        not_checked = tuple(filter(None, (self._problem, unexamined)))
        if self._shortfall:
            notes.append(self._shortfall)
        base = shown_path(Path(plan.base.spec))
        title = Title("impact", base, plan.source, "error", tuple(notes), not_checked)
        findings, title = redact(self._config, ([report.finding for report in self._reports], title))
        stored = stored_report_path(self._config)
        written, problems = write_reports(self._files, findings, title, None)
        if stored is not None and not self._problem:
            _, more_problems = write_reports([(stored, stored.name)], findings, title, None)
            problems += more_problems
        self._lines = [f"report       {path}" for path in written]
        self._lines += [f"bctrl: {problem}" for problem in problems]
        return bool(problems)

    @cached_property
    def _reports(self) -> list[ChangeReport]:
        """The report of each change, worst first."""
        has_budget = settings.impact_budget(self._config, os.environ) != float("inf")
        reason = OUT_OF_TIME if has_budget else INTERRUPTED
        return report_changes(self._plan.changes, self._data.results, self._problem or reason)

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

    def _run_lines(self) -> Iterator[str]:
        """Yield how often tests were rerun: a line per number, with its tests, the highest first."""
        data = self._data
        tests_by_count: dict[int, list[str]] = {}
        for test, count in sorted(data.run_counts.items()):
            tests_by_count.setdefault(count, []).append(test)
        for count, tests in sorted(tests_by_count.items(), reverse=True):
            yield f"{numbered(count, 'more run')}: {', '.join(tests)}"

    def _unobserved_lines(self) -> Iterator[str]:
        """Yield which libraries were not observed."""
        for reason in self._data.unobserved:
            yield f"not observed: {reason}"

    def _unrun_lines(self) -> Iterator[str]:
        """Yield which libraries were not observed, how many tests are excluded, and which prove nothing."""
        yield from self._unobserved_lines()
        excluded_count = self._data.excluded_count
        if excluded_count:
            yield f"{numbered(excluded_count, 'test')} excluded ({self._exclusions})"
        reasons = {entry["test"]: entry["why"] for report in self._reports for entry in report.not_run}
        for test, reason in sorted(reasons.items())[:_MAX_UNRUN]:
            yield f"not run: {test}: {reason}"
        if len(reasons) > _MAX_UNRUN:
            yield f"not run: {numbered(len(reasons) - _MAX_UNRUN, 'more test')}"

    def print_summary(self, terminal: pytest.TerminalReporter) -> None:
        """Print the verdict of each change, and the counts; if nothing was measured, only why and the counts."""
        if self._problem:
            terminal.line(escape_line(f"bctrl: {self._problem}"), red=True)
            unobserved = [f"note         {line}" for line in self._unobserved_lines()]
            for line in (*unobserved, *count_lines(self._reports, self._plan.source), *self._lines):
                terminal.line(escape_line(line))
            return
        for line, markup in self._summary_lines():
            terminal.line(escape_line(line), **markup)

    def _summary_lines(self) -> Iterator[tuple[str, dict[str, bool]]]:
        """Yield the lines of the summary with their markup: comparison, counts, verdicts and problems."""
        plan, data = self._plan, self._data
        is_verbose = self._config.option.verbose > 0
        if plan.is_source_unchanged:
            yield f"compared     {plan.source} has no change; ran changes derived from the contract instead", {}
        elif plan.source:
            yield f"compared     {shown_path(Path(plan.base.spec))} with {plan.source}", {}
        for note in plan.notes:
            yield f"note         {note}", {}
        changes, tests = numbered(len(data.results), "change"), numbered(data.test_count, "test")
        uses = self._uses[data.test_count != 1]
        runs = numbered(sum(data.run_counts.values()), "test run")
        yield f"ran          {tests} that {uses} against {changes}: {runs}, {data.seconds:.1f} s", {}
        run_lines = self._run_lines() if is_verbose else ()
        for line in (*run_lines, *self._unrun_lines()):
            yield f"note         {line}", {}
        yield from report_lines(self._reports, is_verbose=is_verbose)
        for line in (*count_lines(self._reports, plan.source), *self._lines):
            yield line, {}
        if unexamined := unexamined_line(self._reports):
            yield f"not checked  {unexamined}", {"red": True}
        if self._shortfall:
            yield f"FAIL {self._shortfall}", {"red": True}
