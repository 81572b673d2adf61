"""The failures of contract tests on a terminal: each cause once, however many tests met it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above, from_dict
from pytest_bctrl.reports.terminal import MARKUP, Row, block, cause_of, causes, headline
from pytest_bctrl.reports.wording import is_change
from pytest_bctrl.suite.report.summary import Summary


@dataclass(frozen=True)
class Shown:
    """What stands for a report's failure on the terminal: rows, and the line of pytest's short summary."""

    rows: tuple[Row, ...]
    reprcrash: SimpleNamespace

    def toterminal(self, terminal: Any) -> None:
        """Write the rows with pytest's own markup."""
        for row in self.rows:
            indent, label, text = str(row).partition(row.label)
            terminal.write(indent)
            terminal.write(label, **MARKUP.get(label, {}))
            terminal.line(text)


class Failures:
    """Stands around the hooks of `-r`, `--tb` and `-v`: pytest prints the failures and the short summary as ever.

    Reports themselves stay whole, for JUnit and every other plugin: only what is printed is another.
    """

    def __init__(self, summary: Summary, fail_on: FailOn) -> None:
        self._summary = summary
        self._fail_on: FailOn = fail_on
        self._short: list[Any] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> Generator[None, None, None]:
        """Fold the failures while they are printed; behind all, say what the run comes to."""
        stats = terminalreporter.stats
        whole, verbosity = stats.get("failed", []), config.get_verbosity()
        if whole and config.option.tbstyle != "line":
            stats["failed"], self._short = self._folded(whole, verbosity)
        try:
            yield
        finally:
            if whole:
                stats["failed"] = whole
        self._summary.write(terminalreporter)

    @pytest.hookimpl(specname="pytest_terminal_summary", tryfirst=True)
    def pytest_failures_printed(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Between the failures and the short summary, which names every test."""
        if self._short:
            terminalreporter.stats["failed"] = self._short

    def _folded(self, reports: list[Any], verbosity: int) -> tuple[list[Any], list[Any]]:
        """Return the reports whose failure is printed, and all of them for the short summary; `-vv` folds none."""
        found = {id(report): list(self._failing(report)) for report in reports}
        whole = _by_cause(finding for some in found.values() for finding in some)
        first_of: dict[tuple[str, ...], str] = {}
        printed, short = [], []
        for report in reports:
            mine, name = _by_cause(found[id(report)]), str(report.nodeid).removeprefix("bctrl::")
            fresh = [key for key in mine if key not in first_of or verbosity > 1]
            if mine and not fresh:
                seen = dict.fromkeys(_beside(name, first_of[key]) for key in mine)
                short.append(_as(report, (), f"see {', '.join(seen)}"))
                continue
            first_of |= dict.fromkeys(fresh, name)
            if fresh:
                shown, often = mine if verbosity > 1 else whole, report.bctrl["often"]
                rows = (row for key in fresh for row in block(shown[key], verbosity, often))
                report = _as(report, tuple(rows), headline(found[id(report)]))
            printed.append(report)
            short.append(report)
        return printed, short

    def _failing(self, report: Any) -> Iterator[Finding]:
        carried: Mapping[str, Any] = getattr(report, "bctrl", {})
        if carried and not carried["not_checked"]:
            found = list(map(from_dict, carried["findings"]))
            # What stops a run fails at any level.
            failing = found if carried["stopped"] else at_or_above(found, self._fail_on)
            # What changed between two documents has words of its own.
            yield from failing if not any(map(is_change, failing)) else ()


def _by_cause(findings: Iterable[Finding]) -> dict[tuple[str, ...], list[Finding]]:
    """Findings by cause; of equal ones, as several tests meet them, the first."""
    given = list(findings)
    once = {(*cause_of(finding), finding.fingerprint): finding for finding in reversed(given)}
    return causes(reversed(once.values()))


def _beside(name: str, other: str) -> str:
    """How another test is called beside one: by its function, or of the same function by its parameters."""
    function, _, parameters = other.partition("[")
    return f"[{parameters}" if name.partition("[")[0] == function else function


def _as(report: Any, rows: tuple[Row, ...], line: str) -> Any:
    made = copy(report)
    made.longrepr = Shown(rows, SimpleNamespace(message=line, path="", lineno=0))
    return made
