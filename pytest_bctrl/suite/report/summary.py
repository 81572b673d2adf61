"""The header and the terminal summary of a contract run."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from pytest_bctrl.escaping import escape_line
from pytest_bctrl.exchanges.coverage_text import coverage_rows, first_unchecked_parts
from pytest_bctrl.findings.finding import Finding, at_or_above
from pytest_bctrl.reports.causes import causes
from pytest_bctrl.reports.terminal import block, cause_row, listed, write_labelled
from pytest_bctrl.reports.verdict import verdict_of
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.suite.operations import lacks_path_values, requestable_operations
from pytest_bctrl.suite.plan.catalogue import MAX_COUNTED, planned_requests
from pytest_bctrl.suite.report.results import RunResults
from pytest_bctrl.suite.run import required_variables
from pytest_bctrl.suite.run_key import SELECTING_OPTIONS

_FEW = 3
"""Maximum number of operations, or of values, in a line."""


class Summary:
    """Writes the header and the summary from the results of a run.

    `shows_coverage` lists everything that no response exercised. `reports` are the paths of report files.
    """

    def __init__(self, results: RunResults) -> None:
        self._results = results
        self._run = results.run
        self.shows_coverage = False
        self.reports: list[str] = []

    def pytest_report_header(self, config: pytest.Config) -> str:
        """Return the lines after pytest's header: target, contract, failing level, and planned requests."""
        run = self._run
        contract = run.contract
        header = (
            f"bctrl: target {self._results.target_name()}, contract {contract.title} {contract.version} "
            f"({contract.short_digest})"
        )
        if run.upstream:
            header += f", upstream {run.upstream}"
        if run.no_suite:
            header += f", without its contract suite ({run.no_suite})"
        if run.fail_on != "error":
            header += f", fails on {run.fail_on}"
        notes = list(run.notes)
        if run.credentials_gap:
            notes.append(f"credentials are not checked: {run.credentials_gap}")
        lines = [header, *self._announcement(config), *(f"bctrl: note: {note}" for note in notes)]
        return "\n".join(map(escape_line, lines))

    def _announcement(self, config: pytest.Config) -> Iterator[str]:
        """Yield how many requests of which kind a live target gets; for the mock, how many of several operations."""
        run = self._run
        if run.target is None or run.no_suite:
            return
        operations = requestable_operations(run)
        number_of_operations = f"{len(operations)} of {len(run.operations)} operations"
        if run.target == "mock":
            if len(run.operations) > 1:
                yield f"bctrl: checks {number_of_operations}"
            return
        kinds = planned_requests(run, operations)
        number = numbered(sum(kinds.values()), "request")
        if self._results.is_partial or _may_deselect(config):
            number = f"up to {number}"
        elif len(operations) > MAX_COUNTED:
            number = f"about {number}"
        if len(run.operations) > 1:
            number += f" to {number_of_operations}"
        listed_kinds = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        if run.probes == "contract":
            yield f"bctrl: sends {number}: {listed_kinds} (bctrl_probes = contract)"
            return
        without_values = sum(lacks_path_values(run, operation) for operation in run.operations)
        unknown_ids = f"; and an unknown id to {without_values} without values" if without_values else ""
        yield f"bctrl: sends {number}: {listed_kinds}{unknown_ids}"

    def write(self, terminal: pytest.TerminalReporter) -> None:
        """Write the summary: details, then the verdict and what to do next.

        With `-q` only findings precede the verdict. With `-qq` the summary is omitted, as in pytest, except for the
        verdict of a run that did not check every operation.
        """
        results, verbosity = self._results, terminal.config.get_verbosity()
        if not results.tests:
            return
        if verbosity < -1:
            self._write_gaps(terminal)
            return
        findings = results.findings()
        failing = at_or_above(findings, self._run.fail_on)
        passing = [finding for finding in findings if finding not in failing]
        is_outage = results.has_stopped and not findings and not results.count("passed")
        terminal.ensure_newline()
        # If tests failed, the verdict directly follows pytest's short summary.
        if verbosity > 0 or (verbosity == 0 and not results.has_red_tests and not is_outage):
            terminal.section("bctrl contract", sep="=")
        if not is_outage:
            for label, text in self._summary_rows(passing, verbosity):
                _write_row(terminal, label, text)
        lines = [*results.figures, *(results.attribution if verbosity >= 0 else ())]
        for line in lines:
            terminal.line(escape_line(line))
        if is_outage:
            _write_row(terminal, "not checked", results.outage_reasons[0])
        else:
            self._write_verdict(terminal, findings)
        next_step = self._next_step(failing, passing)
        if next_step:
            _write_row(terminal, "next", next_step)

    def _write_verdict(self, terminal: pytest.TerminalReporter, findings: Sequence[Finding]) -> None:
        """Write the verdict of the run as one line."""
        verdict = verdict_of(findings, self._results.title(), self._results.report())
        _write_row(terminal, verdict.status, verdict.sentence)

    def _write_gaps(self, terminal: pytest.TerminalReporter) -> None:
        """Write the verdict if an operation was not checked, as no other line says so with `-qq`."""
        if any(operation.outcome == "not checked" for operation in self._results.operations()):
            terminal.ensure_newline()
            self._write_verdict(terminal, self._results.findings())

    def _summary_rows(self, passing: Sequence[Finding], verbosity: int) -> Iterator[tuple[str | None, str]]:
        """Yield labels and texts: the findings that do not fail the run, the details, and the coverage."""
        yield from _passing_rows(passing, verbosity, has_several=len(self._run.operations) > 1)
        if verbosity >= 0:
            yield from self._details(verbosity)
        if (self.shows_coverage or verbosity > 0) and self._results.coverage():
            yield from coverage_rows(self._results.observer, is_complete=self.shows_coverage)

    def _details(self, verbosity: int) -> Iterator[tuple[str, str]]:
        """Yield labels and texts: checked, switched off, not checked and accepted, and the paths of reports."""
        for text in self._checked_lines(verbosity):
            yield "checked", text
        origins = Counter(pair for operation in self._results.operations() for pair in operation.values.items())
        texts = [f"{name} from {origin} ({numbered(count, 'operation')})" for (name, origin), count in origins.items()]
        # The project knows its settings.
        if not all(origin.startswith("bctrl_") for _, origin in origins):
            yield "values", ", ".join(texts) if len(texts) <= _FEW else listed(texts, "value", verbosity)
        for entry in self._run.levels.off:
            hidden = numbered(self._results.switched_off[entry.name], "finding")
            yield "switched off", f"{entry.name}, by {entry.where}: {hidden} not shown"
        for reason in self._not_checked_lines(verbosity):
            yield "not checked", reason
        yield from self._results.baseline_notes()
        for path in self.reports:
            yield "report", path

    def _not_checked_lines(self, verbosity: int) -> Iterator[str]:
        """Yield the reasons for omissions; without `-v`, those of skipped tests share one line."""
        results = self._results
        skip_reasons = results.skip_reasons()
        for reason in results.not_checked():
            if verbosity or reason not in skip_reasons:
                yield reason
        if verbosity:
            return
        if skip_reasons and not results.has_red_tests:
            yield _skip_line(skip_reasons, results.count("skipped"))
        measured = results.coverage()
        if measured is not None and not self.shows_coverage:
            yield from first_unchecked_parts(measured)

    def _checked_lines(self, verbosity: int) -> Iterator[str]:
        """Yield a line about operations, requests and responses, and about engines and upstream."""
        run, counts = self._run, self._results.counts
        if run.target is not None:
            labels = [operation.label for operation in requestable_operations(run)]
            operations = ", ".join(labels) or "no operation"
            if len(labels) > _FEW:
                operations = listed(labels, "operation", max(0, verbosity - 1))
            measured = self._results.coverage()
            extent = f"{counts['bodies']} of {numbered(counts['responses'], 'response')} with a body"
            if measured is not None and not verbosity:
                extent = f"coverage {measured.percent:.1f}%"
            if counts["rate limited"]:
                extent += f", {counts['rate limited']} rejected by a rate limit, 429, and sent again"
            yield f"{self._results.account}; {operations}, {extent}"
            yield from self._engine_lines()
        if run.upstream is not None and not self._results.outage_reasons:
            yield f"the vendored spec against {run.upstream}"

    def _engine_lines(self) -> Iterator[str]:
        """Yield a line per other engine with the numbers of responses and bodies it checked."""
        counts = self._results.counts
        if counts["jsonschema responses"]:
            bodies = f"{counts['jsonschema bodies']} different bodies"
            if counts["jsonschema bodies"] == 1:
                bodies = "1 body"
            yield f"by jsonschema: {numbered(counts['jsonschema responses'], 'response')}, {bodies}"
        if counts["Schemathesis responses"]:
            responses = numbered(counts["Schemathesis responses"], "response")
            yield f"by Schemathesis: {responses}, {counts['Schemathesis cases']} to requests that it generated"

    @property
    def _repeat_command(self) -> str:
        """The command line that repeats the run."""
        return shlex.join(self._results.repeat_command)

    def _next_step(self, failing: Sequence[Finding], passing: Sequence[Finding]) -> str:
        """Return the next command and, in a comment, what it is for; empty if there is none or each cause has one."""
        if self._results.has_stopped:
            command = self._results.outage_command or self._repeat_command
            return f"{command}  # shows the response of the target"
        if failing:
            return self._next_step_after_failure(failing)
        if self._results.has_red_tests:
            return ""
        if any(finding.level == "warning" for finding in passing):
            return f"{self._repeat_command} --bctrl-fail-on=warning  # makes these fail the run"
        empty = self._results.empty_lists()
        if empty.operations:
            shown = ", ".join(empty.operations[:_FEW]) + ("…" if len(empty.operations) > _FEW else "")
            return f"{self._repeat_command}  # {empty.sentence}: first add data that {shown} returns"
        if self._run.target == "mock":
            variables = required_variables(replace(self._run, values={}))
            words = ["--bctrl-live" if word == "--bctrl-mock" else word for word in self._results.repeat_command]
            return f"{variables}{shlex.join(words)}  # checks the API itself"
        if self._results.is_partial:
            return f"{self._repeat_command}  # runs the whole suite"
        if self._run.target and not self.shows_coverage:
            return f"{self._repeat_command} --bctrl-coverage  # lists what no response exercised"
        return ""

    def _next_step_after_failure(self, failing: Sequence[Finding]) -> str:
        """Return the command after failures: update the spec, or repeat failed tests; empty if each cause has one."""
        if self._results.attribution and any("moved" in finding.extra for finding in failing):
            return ""
        if all("revision" in finding.extra for finding in failing):
            update = self._run.chosen.update_command(self._run.upstream)
            return f"{update}  # once you agree with it: updates your copy of the spec"
        return f'{self._repeat_command} --lf  # --bctrl-accept="why" accepts the findings until a date'


def _may_deselect(config: pytest.Config) -> bool:
    """Return whether options may deselect tests after the header is printed."""
    return any(config.getoption(option, None) for option in (*SELECTING_OPTIONS, "maxfail"))


def _passing_rows(
    findings: Sequence[Finding], verbosity: int, *, has_several: bool
) -> Iterator[tuple[str | None, str]]:
    """Yield the findings that do not fail the run: one line per cause, or with `-v` all details.

    If the contract `has_several` operations, each line names its operation.
    """
    for cause in causes(findings):
        if verbosity > 0:
            for row in block(cause, verbosity):
                yield None, str(row)
        else:
            yield cause_row(cause, names_operation=has_several)
            if cause.first.level == "warning" and cause.first.reproduce:
                yield "", f"reproduce {cause.first.reproduce}"


def _skip_line(reasons: Sequence[str], skipped: int) -> str:
    """Return the first reason for skipped tests, with their number."""
    if skipped == 1:
        return reasons[0]
    text = f"{numbered(skipped, 'test')}: {reasons[0]}"
    if len(reasons) > 1:
        text += f", and {numbered(len(reasons) - 1, 'more reason')}: -v shows all"
    return text


def _write_row(terminal: pytest.TerminalReporter, label: str | None, text: str) -> None:
    """Write a line, with a label if it has one."""
    if label is None:
        terminal.line(escape_line(text))
    else:
        write_labelled(terminal, label, text)
