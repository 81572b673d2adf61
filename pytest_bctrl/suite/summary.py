"""What a person reads at the end of a contract run, and in its header."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.finding import Finding, at_or_above, from_dict
from pytest_bctrl.reports.terminal import counted, describe
from pytest_bctrl.suite.collect import NODE
from pytest_bctrl.suite.fixtures import askable, why_not_asked
from pytest_bctrl.suite.parameters import documented_refusals
from pytest_bctrl.suite.run import ContractRun


class Summary:
    """Gathers reports, also those of workers, and writes the section at the end."""

    def __init__(self, run: ContractRun) -> None:
        self._run = run
        self._found: list[Finding] = []
        self._tally: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._not_looked_at: list[str] = []
        self._figures: list[str] = []
        self._off: Counter[str] = Counter()
        self.stopped = False

    def header(self) -> str:
        """The line under pytest's own: target, contract, level that fails."""
        run = self._run
        selftest = ", self-test" if run.selftest else ""
        where = {"mock": "the bundled mock", "live": run.base_url, None: "none"}[run.target]
        drift = f", upstream {run.upstream}" if run.upstream else ""
        return (
            f"bctrl: target {where}, contract {run.contract.title} {run.contract.version} "
            f"({run.contract.short_digest}){drift}{selftest}, fails on {run.fail_on}"
        )

    def add(self, report: pytest.TestReport) -> None:
        """Take note of one test's report."""
        if not report.nodeid.startswith(f"{NODE}::"):
            return
        if report.when == "call" or report.outcome != "passed":
            self._outcomes[report.outcome] += 1
        if report.skipped and isinstance(report.longrepr, tuple):
            self._skipped[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1
        carried: dict[str, Any] = getattr(report, "bctrl", {})
        self._found.extend(from_dict(finding) for finding in carried.get("findings", ()))
        self._tally.update(carried.get("tally", {}))
        self.stopped = self.stopped or bool(carried.get("stopped"))
        self._off.update(carried.get("off", ()))
        self._figures.extend(carried.get("figures", ()))
        if carried.get("not_checked"):
            self._not_looked_at.append(carried["not_checked"])

    def write(self, terminal: pytest.TerminalReporter) -> None:
        """Write the section."""
        if not self._outcomes:
            return
        terminal.section("bctrl contract", sep="=")
        found = merge(self._found)
        failing = at_or_above(found, self._run.fail_on)
        passing = [finding for finding in found if finding not in failing]
        if passing:
            terminal.line(f"found, below the level that fails ({self._run.fail_on}):")
            for line in describe(passing):
                terminal.line(line)
            terminal.line("")
        for line in [
            *self._checked(),
            *self._switched_off(),
            *self._not_checked(),
            *self._next(failing, passing),
            *self._figures,
        ]:
            terminal.line(line)

    def _checked(self) -> list[str]:
        run, tally = self._run, self._tally
        lines = []
        if run.target is not None:
            operations = ", ".join(operation.label for operation in askable(run))
            lines.append(
                f"checked      {operations or 'no operation'}: {_times(self._outcomes.total(), 'test')}, "
                f"{_times(tally['requests'], 'request')}, "
                f"{tally['bodies']} of {_times(tally['answers'], 'answer')} with a body"
            )
        if run.upstream is not None and not self._not_looked_at:
            lines.append(f"checked      the vendored spec against {run.upstream}")
        return [*lines, f"found        {counted(merge(self._found))}"]

    def _switched_off(self) -> list[str]:
        return [
            f"switched off {entry.name}, by {entry.where}: {_times(self._off[entry.name], 'finding')} not shown"
            for entry in self._run.levels.off
        ]

    def _not_checked(self) -> list[str]:
        run = self._run
        unseen = [f"not checked  {reason}" for reason in self._not_looked_at]
        if run.target is None:
            return unseen
        asked = askable(run)
        lines = [
            f"not checked  {operation.label}: {why_not_asked(run, operation)}"
            for operation in run.contract.operations
            if operation not in asked
        ]
        lines += [
            f"not checked  {operation.label}: wrong values of its parameters, since it documents no 400 or 422"
            for operation in asked
            if operation.other_parameters and not documented_refusals(operation)
        ]
        lines += [
            f"{reason.replace('not checked: ', 'not checked  ')}" + (f" ({number} tests)" if number > 1 else "")
            for reason, number in self._skipped.items()
        ]
        if self.stopped:
            lines.append("not checked  what had not run when the target stopped answering")
        return [*lines, *unseen]

    def _next(self, failing: list[Finding], passing: list[Finding]) -> list[str]:
        if self.stopped:
            return ["next         see what the target answers, with the reproduction command above; then run again"]
        if failing:
            if all(finding.fingerprint for finding in failing):
                return [
                    "next         pytest-bctrl contract update takes the published spec over, once you agree with it"
                ]
            return ["next         pytest --lf runs the failed tests again; send the reproduction command to compare"]
        if self._outcomes["failed"]:
            return []
        if any(finding.level == "warning" for finding in passing):
            return ["next         --bctrl-fail-on=warning makes these fail the run"]
        if self._run.target == "mock":
            return ["next         BCTRL_API_KEY=… BCTRL_SPACE_ID=… pytest --bctrl-live checks the API itself"]
        return []


def _times(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
