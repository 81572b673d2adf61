"""A contract with many operations: reasons and findings are grouped, operations are named, the time is estimated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.reports.causes import causes
from pytest_bctrl.reports.terminal import block
from pytest_bctrl.reports.verdict import RanTest
from pytest_bctrl.reports.wording import duration
from pytest_bctrl.suite.plan import catalogue
from pytest_bctrl.suite.plan.catalogue import MAX_COUNTED, planned_requests
from pytest_bctrl.suite.report.grouping import grouped_reasons
from pytest_bctrl.suite.report.progress import Progress
from pytest_bctrl.suite.report.results import RunResults
from pytest_bctrl.suite.run import ContractRun

from .test_operation_outcomes import operation, run_live, serve, write_contract

__all__ = ["run_live"]


def finding(label: str, location: str = "status", **fields: Any) -> Finding:
    """Return an error of an operation with a fingerprint; by default, an undocumented status."""
    rule, message = fields.pop("rule", "status_code_conformance"), fields.pop("message", "the status is not documented")
    return with_fingerprint(Finding(rule, "error", location, message, operation=label, **fields))


def run_of(paths: dict[str, Any]) -> ContractRun:
    """Return a live run of a contract with these paths."""
    data = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths}
    return ContractRun("live", from_document(data, "api.json"))


def test_reasons_are_grouped_with_the_lines_to_add() -> None:
    """Five operations without a value are one line that names three, with lines for `bctrl_values`."""
    missing = "no value for id, and no example in the contract; add to bctrl_values: "
    reasons = [(f"GET /{name}/{{id}}", f"{missing}{name}.id = VALUE") for name in "abcde"]
    assert [
        "5 operations: GET /a/{id}, GET /b/{id}, GET /c/{id}, …: no value for id, and no example in the contract; "
        "add to bctrl_values: a.id = VALUE, b.id = VALUE, c.id = VALUE, and 2 more lines",
        "GET /f: it is not sent",
    ] == grouped_reasons([*reasons, ("GET /f", "it is not sent")])


def with_status(label: str, status: int, **fields: Any) -> Finding:
    """Return an error of an operation about a response with this status."""
    return finding(label, observed=status, extra={"status": str(status)}, **fields)


def test_each_undocumented_status_is_one_cause_in_all_operations() -> None:
    """Two operations that document different statuses get 418, and one of them 420 too."""
    first, second = causes(
        [
            with_status("GET /a", 418, expected=["200"]),
            with_status("GET /b", 418, expected=["200", "404"]),
            with_status("GET /b", 420, expected=["200", "404"]),
        ]
    )
    rows = [str(row) for row in block(first)]
    assert "  in        2 operations: GET /a, GET /b" in rows
    assert not [row for row in rows if row.startswith("  also")]
    assert ["GET /b"] == [finding.operation for finding in second.findings]


def test_responses_with_different_statuses_have_different_causes() -> None:
    """The same property is missing in a 200 and in a 404."""
    findings = [with_status("GET /a", status, location="id", message="it is missing") for status in (200, 404)]
    assert 2 == len(causes(findings))


def test_violations_at_different_locations_are_different_causes() -> None:
    findings = [finding(label, f"items[*].{name}", rule="a") for label, name in (("GET /a", "id"), ("GET /b", "name"))]
    assert 2 == len(causes(findings))


def test_server_error_is_one_cause_whichever_engine_reports_it() -> None:
    """Findings of `not_a_server_error` by the kit and by Schemathesis are grouped into one cause."""
    kit = finding("GET /a", rule="not_a_server_error", message="the server failed")
    engine = finding("GET /a", rule="not_a_server_error", message="Schemathesis: Server error")
    assert 1 == len(causes([kit, engine]))


def test_server_errors_of_a_parameter_are_one_block_that_lists_the_tests(run_live: Any) -> None:
    """Two operations fail for an invalid value: one block, and the verdict counts errors and causes."""
    size = {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1}}
    paths = {f"/{name}": operation(name, "400", parameters=[size]) for name in "ab"}
    write_contract(paths)
    with serve(dict.fromkeys(paths, 200), {f"{path}?size=0": 500 for path in paths}) as url:
        result, report = run_live(url)
    text = result.stdout.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert 1 == text.count("error not_a_server_error: ")
    assert "2 operations: GET /a, GET /b" in text
    assert "tests: bctrl::test_wrong_value_is_refused[a-size=0], bctrl::test_wrong_value_is_refused[b-size=0], " in text
    number_of_causes = text.count("\nerror ")
    errors, failed = report["summary"]["failing"], result.parseoutcomes()["failed"]
    sentence = f"{errors} errors with {number_of_causes} causes fail the run; {failed} of "
    assert report["verdict"]["sentence"].startswith(sentence)
    assert number_of_causes == len(report["causes"]) < failed


def test_warnings_name_their_operation(run_live: Any) -> None:
    """In a run of two operations, of which one sends an undocumented property."""
    write_contract({"/a": operation("a"), "/b": operation("b")})
    with serve({"/a": 200, "/b": 200}, bodies={"/b": {"name": "x", "more": 1}}) as url:
        result, _ = run_live(url, "-k", "not schemathesis")
    result.stdout.fnmatch_lines(["warning *GET /b: * at more: *"])


def test_unchecked_operations_are_one_line(run_live: Any) -> None:
    """Four operations rejected with 403: one line with their number, three names and the reason."""
    write_contract({"/z": operation("z"), **{f"/{name}": operation(name, "403") for name in "abcd"}})
    with serve({"/z": 200, **{f"/{name}": 403 for name in "abcd"}}) as url:
        result, _ = run_live(url, "-v")
    (line,) = [line for line in result.stdout.lines if line.startswith("not checked  4 operations")]
    assert line.startswith(
        "not checked  4 operations: GET /a, GET /b, GET /c, …: its request is rejected with 403, which the contract"
    )


def test_requests_of_many_operations_are_extrapolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times `MAX_COUNTED` operations get four times the requests, although only `MAX_COUNTED` are counted."""
    counted: list[int] = []
    count_requests = catalogue._counted_requests

    def counting(run: ContractRun, operations: Sequence[Operation]) -> Counter[str]:
        counted.append(len(operations))
        return count_requests(run, operations)

    monkeypatch.setattr(catalogue, "_counted_requests", counting)
    run = run_of({f"/{number}": operation(f"o{number}") for number in range(4 * MAX_COUNTED)})
    few = planned_requests(run, run.operations[:MAX_COUNTED])
    assert 4 * few.total() == planned_requests(run, run.operations).total()
    assert [MAX_COUNTED, MAX_COUNTED] == counted


def test_the_header_of_a_run_with_many_operations_says_about_how_many_requests_it_sends(
    pytester: pytest.Pytester,
) -> None:
    """For `MAX_COUNTED` + 1 operations, the number is extrapolated."""
    count = MAX_COUNTED + 1
    write_contract({f"/{number}": operation(f"o{number}") for number in range(count)})
    result = pytester.runpytest(
        "--bctrl-live", "--bctrl-base-url=http://127.0.0.1:1", "--bctrl-contract=api.json", "--collect-only"
    )
    result.stdout.fnmatch_lines([f"bctrl: sends about * requests to {count} of {count} operations: *"])


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (61.4, "61 s"), (120, "2 min"), (7200, "2.0 h")])
def test_duration_has_a_fitting_unit(seconds: float, text: str) -> None:
    """Seconds are formatted as s, min or h."""
    assert text == duration(seconds)


class Clock:
    """A clock that advances by a configurable number of seconds per call."""

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def progress_with_clock(step: float) -> tuple[Progress, RunResults, Clock, list[str]]:
    """Return a progress with its results, its clock, and the list of the lines that it prints."""
    clock, lines, results = Clock(step), list[str](), RunResults(run_of({"/a": operation("a")}))
    return Progress(results, lines.append, clock), results, clock, lines


def test_long_run_says_how_long_it_takes_and_corrects_it() -> None:
    """After 20 tests, and again when the tests become slower."""
    estimates, _, clock, _ = progress_with_clock(1.0)
    lines = [estimates.estimate(done, 1000) for done in range(1, 101)]
    assert ["bctrl: takes about 17 min, estimated from the first 20 of 1000 tests"] == list(filter(None, lines))
    clock.step = 10.0
    lines = [estimates.estimate(done, 1000) for done in range(101, 201)]
    assert "and not 17 min" in next(filter(None, lines))


def test_slow_first_tests_are_no_basis_for_an_estimate() -> None:
    """Three tests of ten seconds, and then 16 quick ones, print no estimate."""
    estimates, _, clock, _ = progress_with_clock(10.0)
    lines = [estimates.estimate(done, 1000) for done in (1, 2, 3)]
    clock.step = 0.1
    lines += [estimates.estimate(done, 1000) for done in range(4, 22)]
    assert [""] * 19 == lines[:19]


def test_a_run_of_less_than_a_minute_has_no_estimate() -> None:
    estimates, *_ = progress_with_clock(1.0)
    assert {""} == {estimates.estimate(done, 40) for done in range(1, 41)}


def test_estimate_is_printed_after_a_test() -> None:
    """`pytest_runtest_logreport` writes it as soon as two tests took long enough."""
    estimates, results, _, lines = progress_with_clock(1000.0)
    results.planned_tests = 10
    for _ in range(3):
        results.tests.append(RanTest("bctrl::a", "passed", 1.0))
        estimates.pytest_runtest_logreport()
    assert ["bctrl: takes about 2.5 h, estimated from the first 2 of 10 tests"] == lines


@pytest.mark.parametrize(("verbosity", "is_printed"), [("-v", True), ("-q", False), ("-pno:terminal", False)])
def test_estimate_is_a_line_of_its_own(
    run_live: Any, pytester: pytest.Pytester, verbosity: str, is_printed: bool
) -> None:
    """With `-v`; with `-q`, or without a terminal, no estimate is printed. The clock of the run is fast."""
    pytester.makeconftest("""
        import itertools

        def pytest_collection_finish(session):
            progress = session.config.pluginmanager.get_plugin("bctrl-progress")
            if progress is not None:
                progress._clock = itertools.count(0, 100).__next__
    """)
    write_contract({"/a": operation("a")})
    with serve({"/a": 200}) as url:
        result, _ = run_live(url, verbosity)
    lines = [line for line in result.stdout.lines if line.startswith("bctrl: takes about ")]
    assert is_printed == bool(lines)
