"""An operation without values for its path gets one request, with an id that does not exist, and stays unchecked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.suite.plan.parameter_values import UNKNOWN

from .test_operation_outcomes import operation, outcomes, run_live, serve, write_contract

__all__ = ["run_live"]

TEST = "bctrl::test_unknown_id_is_rejected"


def path_parameter(name: str, **schema: Any) -> dict[str, Any]:
    """Return a required path parameter, a string with further keywords."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", **schema}}


def write_shop(*documented: str, **extra: Any) -> None:
    """Write a contract with `/a`, which has no parameter, and `/b/{id}`, which documents further statuses."""
    write_contract({"/a": operation("a"), "/b/{id}": operation("b", *documented, parameters=[path_parameter("id")])})


def rules_and_levels(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return operation, rule and level of each finding in a report."""
    return [(finding["operation"], finding["rule"], finding["level"]) for finding in report["findings"]]


@pytest.mark.parametrize(
    ("documented", "status", "findings", "outcome", "code"),
    [
        (["404"], 404, [], "not checked", 2),
        (["404", "409"], 409, [], "not checked", 2),
        (["302"], 302, [], "not checked", 2),
        (["404"], 400, [("GET /b/{id}", "status_code_conformance", "error")], "failed", 1),
        (["404"], 500, [("GET /b/{id}", "not_a_server_error", "error")], "failed", 1),
        (["404", "500"], 500, [("GET /b/{id}", "not_a_server_error", "error")], "failed", 1),
        ([], 404, [("GET /b/{id}", "status_code_conformance", "warning")], "not checked", 2),
        ([], 302, [("GET /b/{id}", "status_code_conformance", "error")], "failed", 1),
        (["404"], 200, [("GET /b/{id}", "status_code_conformance", "warning")], "not checked", 2),
        (["404"], 204, [("GET /b/{id}", "status_code_conformance", "error")], "failed", 1),
    ],
)
def test_response_to_an_unknown_id_must_be_documented(
    run_live: Any, documented: list[str], status: int, findings: list[Any], outcome: str, code: int
) -> None:
    """A documented 3xx or 4xx has no finding. An error fails the run; without an error, it exits with 2."""
    write_shop(*documented)
    with serve({"/a": 200, f"/b/{UNKNOWN.value}": status}) as url:
        result, report = run_live(url)
    assert findings == rules_and_levels(report)
    assert {"a": "passed", "b": outcome} == outcomes(report)
    assert code == result.ret
    reasons = {entry["operation_id"]: entry["reason"] for entry in report["operations"]}
    assert reasons["b"].startswith("no value for id") == (outcome == "not checked")


def test_success_for_an_unknown_id_is_validated(run_live: Any) -> None:
    """200 with an invalid body: schema, undocumented property, and status are reported, and the run fails."""
    write_shop("404")
    path = f"/b/{UNKNOWN.value}"
    with serve({"/a": 200, path: 200}, bodies={path: {"name": 1, "colour": "red"}}) as url:
        result, report = run_live(url)
    assert {"response_schema_conformance", "undocumented_property", "status_code_conformance"} == {
        rule for _, rule, _ in rules_and_levels(report)
    }
    assert "failed" == outcomes(report)["b"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_error_body_for_an_unknown_id_must_conform(run_live: Any) -> None:
    """The server sends the error without the documented body."""
    write_shop()
    data = json.loads(Path("api.json").read_text("utf-8"))
    schema = {"type": "object", "required": ["error"]}
    error = {"description": "", "content": {"application/json": {"schema": schema}}}
    data["paths"]["/b/{id}"]["get"]["responses"]["404"] = error
    Path("api.json").write_text(json.dumps(data), "utf-8")
    with serve({"/a": 200}) as url:
        _, report = run_live(url)
    assert ("GET /b/{id}", "complete_body", "error") in rules_and_levels(report)


def test_optional_operation_is_checked_for_undocumented_responses(run_live: Any, pytester: pytest.Pytester) -> None:
    """An unknown id of an optional operation: 404 passes, and 500 fails the run."""
    write_shop("404")
    pytester.makeini("[pytest]\nbctrl_optional = b")
    with serve({"/a": 200, f"/b/{UNKNOWN.value}": 404}) as url:
        conforming, _ = run_live(url)
    with serve({"/a": 200, f"/b/{UNKNOWN.value}": 500}) as url:
        failing, _ = run_live(url)
    assert [pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED] == [conforming.ret, failing.ret]


def test_known_values_are_combined_with_an_unknown_id(run_live: Any, pytester: pytest.Pytester) -> None:
    """With `owner` set and `id` not, the test of an unknown id passes."""
    parameters = [path_parameter("owner"), path_parameter("id", pattern="^[a-f]{20}$")]
    write_contract({"/a": operation("a"), "/{owner}/{id}": operation("b", "404", parameters=parameters)})
    pytester.makeini("[pytest]\nbctrl_values = owner = ann")
    with serve({"/a": 200}) as url:
        _, report = run_live(url, "-v", "--bctrl-fail-on=never")
        (test,) = [test for test in report["tests"] if test["id"].startswith(TEST)]
    assert "passed" == test["outcome"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_header_announces_unknown_ids(run_live: Any, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    write_shop("404")
    with serve({"/a": 200}) as url:
        result, report = run_live(url, *workers)
        only_contract, limited = run_live(url, "-o", "bctrl_probes=contract")
    result.stdout.fnmatch_lines(["bctrl: sends * to 1 of 2 operations: *; and an unknown id to 1 without values"])
    only_contract.stdout.no_fnmatch_line("*unknown id*")
    assert [True, False] == [any(test["id"].startswith(TEST) for test in data["tests"]) for data in (report, limited)]


def test_operations_that_no_request_can_reach_get_none(run_live: Any) -> None:
    """An operation OPTIONS, which may describe the route for any id, and one that lacks a value for its query too."""
    cursor = {
        "name": "after",
        "in": "query",
        "required": True,
        "x-bctrl-setting": "after",
        "schema": {"type": "string"},
    }
    options = {"operationId": "o", "responses": {"200": {"description": ""}}, "parameters": [path_parameter("id")]}
    queried = operation("q", "404", parameters=[path_parameter("id"), cursor])
    write_contract({"/a": operation("a"), "/o/{id}": {"options": options}, "/q/{id}": queried})
    with serve({"/a": 200}) as url:
        _, report = run_live(url)
    assert [] == [test for test in report["tests"] if test["id"].startswith(TEST)]
    assert {"a": "passed", "o": "not checked", "q": "not checked"} == outcomes(report)


def test_the_request_with_an_unknown_id_is_counted(run_live: Any) -> None:
    """The report counts one request more than a run without that test."""
    write_shop("404")
    with serve({"/a": 200}) as url:
        _, without = run_live(url, "--deselect", TEST)
        _, report = run_live(url)
    assert 1 == report["counts"]["requests"] - without["counts"]["requests"]
