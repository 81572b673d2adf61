"""A minimum of coverage that cannot be measured: the run ends as not checked, neither passed nor failed."""

from __future__ import annotations

import json

import pytest

from tests.contract.documents import document

ONE_TEST = """
def test_lists(bctrl_client):
    assert bctrl_client.get("/v1/things/x").status_code == 200
"""


@pytest.fixture
def unmeasurable_project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Write a project whose coverage cannot be measured: its contract has eleven pairs of alternatives."""
    pairs = [
        {"oneOf": [{"properties": {f"p{n}": {"const": tag}}, "required": [f"p{n}"]} for tag in "xy"]} for n in range(11)
    ]
    example = {f"p{n}": "x" for n in range(11)}
    schema = {"type": "object", "allOf": pairs, "examples": [example]}
    text = document(schema)
    text["paths"]["/v1/things/{id}"]["get"]["responses"]["404"] = {"description": "no such thing"}
    pytester.path.joinpath("mine.json").write_text(json.dumps(text))
    pytester.makepyfile(ONE_TEST)
    return pytester


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one-process", "two-workers"])
def test_unmeasurable_minimum_coverage_exits_with_2_and_the_reason(
    unmeasurable_project: pytest.Pytester, workers: list[str]
) -> None:
    """The tests pass; the coverage of an operation cannot be determined."""
    result = unmeasurable_project.runpytest("--bctrl-contract=mine.json", "--bctrl-min-coverage=1", *workers)
    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*not checked: whether the minimum of 1% is covered (--bctrl-min-coverage) is not decided: coverage of GET *"]
    )
    assert "below the minimum" not in result.stdout.str()


def test_without_a_minimum_the_run_passes_and_reports_unmeasured_coverage(
    unmeasurable_project: pytest.Pytester,
) -> None:
    result = unmeasurable_project.runpytest("--bctrl-contract=mine.json", "--bctrl-coverage")
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["not checked  coverage of GET *alternatives are not distinguished*"])


def test_a_run_that_failed_keeps_its_exit_code(unmeasurable_project: pytest.Pytester) -> None:
    """A failed test takes precedence over a minimum coverage that cannot be measured."""
    unmeasurable_project.makepyfile(test_fails="def test_it(bctrl_client):\n    assert False")
    result = unmeasurable_project.runpytest("--bctrl-contract=mine.json", "--bctrl-min-coverage=1")
    assert pytest.ExitCode.TESTS_FAILED == result.ret


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one-process", "two-workers"])
def test_a_report_has_the_verdict_not_checked(unmeasurable_project: pytest.Pytester, workers: list[str]) -> None:
    """The run is complete and exits with 2, because the minimum coverage cannot be measured."""
    arguments = ("--bctrl-contract=mine.json", "--bctrl-mock", "--bctrl-min-coverage=1", "--bctrl-report=r.json")
    assert pytest.ExitCode.INTERRUPTED == unmeasurable_project.runpytest(*arguments, *workers).ret
    report = json.loads(unmeasurable_project.path.joinpath("r.json").read_text())
    assert report["complete"]
    assert "not checked" == report["verdict"]["status"]
    assert report["verdict"]["sentence"].startswith("Whether the minimum of 1% is covered (--bctrl-min-co")
