"""What a person reads at the end of a contract run, and in its header."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_bctrl.checks.credentials import as_one
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.errors import BctrlError, DocumentError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import LEVELS, Finding, at_or_above, from_dict
from pytest_bctrl.observed.coverage import Coverage
from pytest_bctrl.observed.facts import as_data
from pytest_bctrl.reports.terminal import MARKUP, block, causes
from pytest_bctrl.reports.wording import Outcome, RanTest, RunReport, Title, accepted, numbered, told, verdict_of
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table
from pytest_bctrl.suite.plan.catalogue import announced, askable, left_out, why_not_asked
from pytest_bctrl.suite.report.observing import Observer, coverage_rows, not_seen, observer, remarks
from pytest_bctrl.suite.run import NODE, ContractRun


class Summary:
    """Gathers reports, also those of workers, and writes the section at the end."""

    def __init__(self, run: ContractRun) -> None:
        self._run = run
        self._started, self._clock = datetime.now(UTC), time.perf_counter()
        self._found: list[Finding] = []
        self._tally: Counter[str] = Counter()
        self._not_looked_at: list[str] = []
        self._tests: list[RanTest] = []
        self._figures: list[str] = []
        self._gaps: dict[str, None] = {}
        self._off: Counter[str] = Counter()
        self.again = ["pytest"]
        self._stopped = False
        self._has_failed = False
        self._ask = ""
        self.is_partial = False
        self._seen = Observer(run.contract)
        self._upstream: Mapping[str, Any] | None = None
        self._moved: list[str] = []
        self._written: list[str] = []
        self.shows_coverage = False
        self._planned = 0
        self._is_complete = True
        self.reports: list[str] = []

    def pytest_report_header(self) -> str:
        """The line under pytest's own: target, contract, level that fails."""
        run = self._run
        selftest = ", self-test" if run.selftest else ""
        level = "" if run.fail_on == "error" else f", fails on {run.fail_on}"
        drift = f", upstream {run.upstream}" if run.upstream else ""
        drift += f", without its contract suite ({run.no_suite})" if run.no_suite else ""
        header = escape_line(
            f"bctrl: target {self._where()}, contract {run.contract.title} {run.contract.version} "
            f"({run.contract.short_digest}){drift}{selftest}{level}"
        )
        return "\n".join([header, *map(escape_line, self._announcement())])

    def _announcement(self) -> Iterator[str]:
        """How many requests a whole run sends to a live target, and of which kind: they look odd in its log."""
        run = self._run
        if run.target != "live" or run.no_suite:
            return
        kinds = announced(run)
        number = numbered(sum(kinds.values()), "request")
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        more = "" if run.probes == "all" else " (bctrl_probes = contract)"
        yield f"bctrl: sends {number}: {told}{more}"

    def pytest_deselected(self) -> None:
        """Know that the run does not look at everything."""
        self.is_partial = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know how many tests are to run."""
        self._planned = sum(item.nodeid.startswith(f"{NODE}::") for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The same where workers of pytest-xdist run them."""
        self._planned = sum(one.startswith(f"{NODE}::") for one in ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of one test's report, also of one that a worker ran."""
        self._has_failed |= report.failed and not is_unchecked(report)
        if not report.nodeid.startswith(f"{NODE}::"):
            return
        if report.when == "call" or report.outcome != "passed":
            self._tests.append(_outcome(report))
        carried: dict[str, Any] = getattr(report, "bctrl", {})
        self._found.extend(from_dict(finding) for finding in carried.get("findings", ()))
        self._tally.update(carried.get("tally", {}))
        self._stopped = self._stopped or bool(carried.get("stopped"))
        self._off.update(carried.get("off", ()))
        self._figures.extend(carried.get("figures", ()))
        self._gaps.update(dict.fromkeys(carried.get("gaps", ())))
        self._upstream = carried.get("upstream") or self._upstream
        if carried.get("not_checked") and carried["not_checked"] not in self._not_looked_at:
            self._not_looked_at.append(carried["not_checked"])
            self._ask = carried["reproduce"]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what is accepted, and set the exit code: 2 where the target could not be asked and nothing failed."""
        has_ended = session.exitstatus in _RAN or observer(session.config).is_cause
        self._is_complete = has_ended and not session.shouldstop and not session.shouldfail
        if hasattr(session.config, "workerinput"):
            return
        # What was seen is told here where contract tests ran.
        self._seen = observer(session.config)
        self._seen.is_told = bool(self._tests)
        paths = (given.value for given in settings.list_values(table.REPORT, session.config))
        self._ask_who_moved(next((path for path in paths if path.endswith(".json")), ""))
        if not self._accept():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if (self._stopped or self._not_looked_at) and session.exitstatus in _ENDS:
            # A run that stopped itself is a failure for pytest, and an interruption for xdist.
            failed, ended = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED
            session.exitstatus = failed if self._has_failed else ended

    def _number_of(self, *outcomes: Outcome) -> int:
        return sum(test.outcome in outcomes for test in self._tests)

    @property
    def _is_red(self) -> bool:
        """Whether pytest's short summary names a contract test that failed."""
        return self._number_of("failed", "error", "not checked") > 0

    def write(self, terminal: pytest.TerminalReporter) -> None:
        """Write the section: what is to be known of the run, then the verdict, and what to type next.

        With `-q` only what was found stands before the last two, with `-qq` there is nothing, as of pytest's own.
        """
        verbosity = terminal.config.get_verbosity()
        if not self._tests or verbosity < -1:
            return
        found = self.findings()
        failing = at_or_above(found, self._run.fail_on)
        mild = [finding for finding in found if finding not in failing]
        is_silent = self._stopped and not found and not self._number_of("passed")
        terminal.ensure_newline()
        # Where tests failed, pytest's short summary stands above, and the verdict below.
        if verbosity > 0 or (verbosity == 0 and not self._is_red and not is_silent):
            terminal.section("bctrl contract", sep="=")
        rows: list[tuple[str | None, str]] = [
            *_mild(mild, verbosity),
            *(self._known(verbosity) if verbosity >= 0 else ()),
        ]
        if self.shows_coverage or verbosity > 0:
            rows += coverage_rows(self._seen, is_whole=self.shows_coverage) if self._coverage() else ()
        for label, text in () if is_silent else rows:
            _line(terminal, label, text)
        for line in (*self._figures, *(self._moved if verbosity >= 0 else ())):
            terminal.line(escape_line(line))
        verdict = verdict_of(found, self.title(), self.report())
        if is_silent:
            _line(terminal, "not checked", self._not_looked_at[0])
        else:
            _line(terminal, verdict.status, verdict.sentence)
        for text in self._next(failing, mild):
            _line(terminal, "next", text)

    def _known(self, verbosity: int) -> Iterator[tuple[str, str]]:
        """What is to be known beside findings and verdict."""
        yield from (("checked", text) for text in self._checked(verbosity))
        yield from (
            ("switched off", f"{entry.name}, by {entry.where}: {numbered(self._off[entry.name], 'finding')} not shown")
            for entry in self._run.levels.off
        )
        skipped = self._nothing_to_look_at()
        reasons = [reason for reason in self.not_checked() if verbosity or reason not in skipped]
        if not verbosity and skipped and not self._is_red:
            number = self._number_of("skipped")
            more = f", and {len(skipped) - 1} more reasons: -v shows all" if len(skipped) > 1 else ""
            reasons.append(skipped[0] if number == 1 else f"{numbered(number, 'test')}: {skipped[0]}{more}")
        yield from (("not checked", reason) for reason in reasons)
        measured = self._coverage()
        if measured is not None and not verbosity and not self.shows_coverage:
            yield from (("not checked", reason) for reason in not_seen(measured))
        yield from self._accepted()
        yield from (("report", path) for path in self.reports)

    def _checked(self, verbosity: int) -> Iterator[str]:
        run, tally, measured = self._run, self._tally, self._coverage()
        if run.target is not None:
            operations = ", ".join(operation.label for operation in askable(run)) or "no operation"
            bodies = f"{tally['bodies']} of {numbered(tally['responses'], 'response')} with a body"
            seen = bodies if verbosity or measured is None else f"coverage {measured.percent:.1f}%"
            yield f"{operations}: {numbered(tally['requests'], 'request')}, {seen}"
            yield from self._engines()
        if run.upstream is not None and not self._not_looked_at:
            yield f"the vendored spec against {run.upstream}"

    def _engines(self) -> Iterator[str]:
        """What the other engines did."""
        tally = self._tally
        if tally["jsonschema responses"]:
            bodies = "1 body" if tally["jsonschema bodies"] == 1 else f"{tally['jsonschema bodies']} different bodies"
            yield f"by jsonschema: {numbered(tally['jsonschema responses'], 'response')}, {bodies}"
        if tally["Schemathesis responses"]:
            cases = numbered(tally["Schemathesis cases"], "generated request")
            yield f"by Schemathesis: {numbered(tally['Schemathesis responses'], 'response')}, {cases}"

    def _nothing_to_look_at(self) -> list[str]:
        reasons = Counter(test.reason for test in self._tests if test.outcome == "skipped")
        return [
            reason.removeprefix("not checked: ") + (f" ({number} tests)" if number > 1 else "")
            for reason, number in reasons.items()
        ]

    def not_checked(self) -> list[str]:
        """What was not looked at, one reason each."""
        run = self._run
        if run.target is None:
            return list(self._not_looked_at)
        asked = askable(run)
        lines = [
            f"{operation.label}: {why_not_asked(run, operation)}"
            for operation in run.operations
            if operation not in asked
        ]
        lines += [
            f"{operation.label}: wrong values of its parameters, since it documents no 400 or 422"
            for operation in asked
            if operation.other_parameters and not documented_rejections(operation)
        ]
        lines += [
            f"{operation.label}: {left} values of its parameters, since {run.most_requests} requests are the most "
            "that are sent; --bctrl-max-examples=N has more sent"
            for operation in asked
            if (left := left_out(run, operation))
        ]
        if run.chosen.is_published:
            lines.append("credentials and refusals, which the published spec does not describe")
        lines += [f"by {gap}" for gap in self._gaps]
        lines += self._nothing_to_look_at()
        if self._stopped:
            lines.append("remaining tests skipped: the target cannot be asked")
        return [*self._not_looked_at, *lines]

    def findings(self) -> list[Finding]:
        """All that was found, worst level first; equal findings of several tests, and those of one cause, as one."""
        return sorted(as_one(merge(self._found)), key=lambda finding: LEVELS.index(finding.level))

    def title(self) -> Title:
        """What the reports say of themselves."""
        run = self._run
        contract = run.contract
        base = f"{contract.title} {contract.version} ({contract.short_digest}), {contract.described}"
        notes = (*self._figures, *(f"{label}: {note}" for label, note in self._accepted()))
        seen = self._where() if run.target else run.upstream or "the bundled mock"
        measured, lacking = self._coverage(), tuple(self.not_checked())
        if measured is not None:
            notes, lacking = (*notes, *remarks(self._seen)), (*lacking, *not_seen(measured))
        return Title("contract run", base, seen, run.fail_on, notes, lacking)

    def _coverage(self) -> Coverage | None:
        """How much of the contract was covered; None where nothing was asked."""
        return self._seen.measured if self._run.target or self._seen.everything.statuses else None

    def report(self) -> RunReport:
        """Everything else that the reports tell."""
        run = self._run
        return RunReport(
            run.contract,
            target=run.target or "",
            base_url=run.base_url,
            upstream=run.upstream or "",
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - self._clock,
            is_complete=self._is_complete and not self._stopped,
            planned=self._planned,
            tests=tuple(self._tests),
            counts={
                "requests": self._tally["requests"],
                "answers": self._tally["responses"],
                "bodies": self._tally["bodies"],
            },
            coverage=self._coverage(),
            shortfall=self._seen.shortfall,
            undecided=self._seen.undecided,
            observation=as_data(self._seen.everything),
        )

    def _where(self) -> str:
        run = self._run
        return {"mock": "the bundled mock", "live": run.base_url, None: "none"}[run.target]

    def _ask_who_moved(self, report: str) -> None:
        """Place what was found by three witnesses, where there are three; the mock, which keeps the contract, is none.

        `report` is the JSON report that the run writes, if it writes one.
        """
        if self._upstream is None or self._run.target != "live":
            return
        from pytest_bctrl.suite.report.attribution import commands_of, moved

        try:
            commands = commands_of(self._run, self.again, report)
            found = merge(self._found)
            self._found, self._moved = moved(self._run, self._upstream, self._seen.judged, found, commands)
        except DocumentError as error:
            self._not_looked_at.append(f"who moved: {error}")

    def _accepted(self) -> list[tuple[str, str]]:
        """What the list of accepted findings did, and what of it is past or of no use any more, each with a label."""
        baseline, found = self._run.baseline, self.findings()
        suppressed = sum(bool(finding.extra.get("accepted")) for finding in found)
        lines = [f"{suppressed} of {len(found)} findings, by {baseline.allow_list.path}"] if suppressed else []
        # The mock has none of the API's known troubles.
        is_whole = self._run.target == "live" and not (self.is_partial or self._stopped or self._not_looked_at)
        notes = baseline.notes(self._found, is_whole=is_whole)
        return [*(("accepted", line) for line in (*lines, *self._written)), *(("allow list", note) for note in notes)]

    def _accept(self) -> bool:
        """Write to the list what this run was told to accept; False for an error, which is said at the end."""
        baseline = self._run.baseline
        if baseline.reason is not None:
            try:
                written = baseline.write(merge(self._found))
            except BctrlError as error:
                self._written = [f"nothing: {error}"]
                return False
            self._written = [f"{len(written)} until {baseline.until}, written to {baseline.allow_list.path}"]
        return True

    def _next(self, failing: list[Finding], passing: list[Finding]) -> list[str]:
        if self._stopped:
            return [f"see what the target answers, then run again: {self._ask or _ABOVE}"]
        if failing:
            if self._moved and any("moved" in finding.extra for finding in failing):
                return ["see who moved, above: each name has its command"]
            if all("revision" in finding.extra for finding in failing):
                update = self._run.chosen.update_command(self._run.upstream)
                return [f"{update} updates your copy of the spec, once you agree with it"]
            again = shlex.join([*self.again, "--lf"])
            return [f'{again}  (--bctrl-accept="why" ignores them until a date)']
        if self._is_red:
            return []
        if any(finding.level == "warning" for finding in passing):
            return ["--bctrl-fail-on=warning makes these fail the run"]
        if self._run.target == "mock":
            return ["BCTRL_API_KEY=… BCTRL_SPACE_ID=… pytest --bctrl-live checks the API itself"]
        if self.is_partial:
            return [f"{shlex.join(self.again)} runs the whole suite"]
        if self._run.target and not self.shows_coverage:
            return ["--bctrl-coverage lists what of the contract was never seen"]
        return []


_ABOVE = "the reproduction command above"
_RAN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_ENDS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


def is_unchecked(report: pytest.TestReport) -> bool:
    """Whether a contract test could not look at what it was to look at."""
    return bool(getattr(report, "bctrl", {}).get("not_checked"))


_COLOURS: Mapping[str, Mapping[str, bool]] = {
    **MARKUP,
    "failed": {"red": True, "bold": True},
    "passed": {"green": True, "bold": True},
    "not checked": {"yellow": True},
    "allow list": {"yellow": True},
}


def _mild(findings: Sequence[Finding], verbosity: int) -> Iterator[tuple[str | None, str]]:
    """The findings that do not fail the run: a line a cause, or with `-v` all of it."""
    for cause in causes(findings).values():
        first = cause[0]
        if verbosity > 0:
            yield from ((None, str(row)) for row in block(cause, verbosity))
            continue
        times = f" ({first.count} of {first.total})" if first.total else ""
        more = f"; and {len(cause) - 1} more, -v shows all" if len(cause) > 1 else ""
        why = accepted(first).removeprefix("accepted")
        label = "accepted" if why else first.level
        yield label, f"{first.rule} at {first.location}: {told(first, times)}{f',{why}' if why else ''}{more}"


def _line(terminal: pytest.TerminalReporter, label: str | None, text: str) -> None:
    """Write a line with its label, or as it is."""
    if label is not None:
        terminal.write(f"{label:<12} ", **_COLOURS.get(label, {}))
    terminal.line(escape_line(text))


def _outcome(report: pytest.TestReport) -> RanTest:
    """One test's outcome; a failure of its setup or teardown is an error, as pytest has it."""
    if is_unchecked(report):
        return RanTest(report.nodeid, "not checked", report.duration, _reason(report))
    if hasattr(report, "wasxfail"):
        return RanTest(report.nodeid, "accepted", report.duration, str(report.wasxfail))
    outcome: Outcome = "error" if report.failed and report.when != "call" else report.outcome
    return RanTest(report.nodeid, outcome, report.duration, "" if report.passed else _reason(report))


def _reason(report: pytest.TestReport) -> str:
    """The first line of why a test did not pass."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else str(report.longrepr)
    return next((line for line in text.splitlines() if line.strip()), "")[:300]
