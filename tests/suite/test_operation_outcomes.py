"""A run has one outcome per operation: one that is rejected is not checked, and the others are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest

from pytest_bctrl.reports.findings_json import findings_schema
from pytest_bctrl.suite.plan.parameter_values import UNKNOWN

from ..local_server import Handler, serving
from ..variants import named
from ..variants import serve as serve_variant

ITEM = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def operation(name: str, *documented: str, **extra: Any) -> dict[str, Any]:
    """Return an operation that documents a JSON object, and further statuses without a body."""
    success = {"description": "", "content": {"application/json": {"schema": ITEM}}}
    rejections = {status: {"description": ""} for status in documented}
    return {"get": {"operationId": name, "responses": {"200": success, **rejections}, **extra}}


def write_contract(paths: dict[str, Any], **extra: Any) -> None:
    """Write a contract without security to `api.json` in the working directory."""
    data = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths, **extra}
    Path("api.json").write_text(json.dumps(data), encoding="utf-8")


authorized_paths: set[str] = set()
"""The paths of requests with an `Authorization` field, since the last `serve`."""


@contextmanager
def serve(
    statuses: dict[str, int],
    targets: Mapping[str, int] = MappingProxyType({}),
    bodies: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[str]:
    """Serve an empty response of a status, or a conforming object for 200, per path; yield the base URL.

    `targets` has the statuses of paths with a query, `bodies` the bodies of paths with others; status 0 closes the
    connection.
    """

    class Shop(Handler):
        def do_GET(self) -> None:
            if "Authorization" in self.headers:
                authorized_paths.add(self.path)
            status = targets.get(self.path, statuses.get(self.path.partition("?")[0], 404))
            if status == 0:
                self.close_connection = True
                return
            if status == 200:
                self.respond(200, json.dumps(bodies.get(self.path, {"name": "x"})).encode())
            else:
                self.respond(status, headers={})

    authorized_paths.clear()
    with serving(Shop) as url:
        yield url


@pytest.fixture
def run_live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the suite of `api.json` against a URL, and returns the result and its JSON report."""
    monkeypatch.setenv("BCTRL_API_KEY", "key_of_no_operation")

    def run(url: str, *arguments: str) -> tuple[pytest.RunResult, dict[str, Any]]:
        flags = ("--bctrl-live", "--bctrl-base-url", url, "--bctrl-contract", "api.json", "--bctrl-report", "r.json")
        result = pytester.runpytest(*flags, *arguments)
        report = json.loads(Path("r.json").read_text("utf-8"))
        jsonschema.validate(report, findings_schema())
        return result, report

    return run


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """Return the outcomes in a report by `operationId`."""
    return {entry["operation_id"]: entry["outcome"] for entry in report["operations"]}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_documented_rejection_of_one_operation_does_not_stop_the_run(run_live: Any, workers: tuple[str, ...]) -> None:
    """It is not checked, and the run exits with 2; the other operations are checked."""
    write_contract({"/a": operation("a"), "/b": operation("b", "422"), "/c": operation("c", "403")})
    with serve({"/a": 200, "/b": 422, "/c": 403}) as url:
        result, report = run_live(url, *workers)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {"a": "passed", "b": "not checked", "c": "not checked"} == outcomes(report)
    assert [] == report["findings"]
    text = result.stdout.str()
    assert 1 == text.count("GET /b: its request is rejected with 422, which the contract documents (")
    assert "not checked  GET /b: its request is rejected with 422, which the contract documents; 1 of 3" in text


def test_operations_are_checked_by_the_other_workers_if_a_worker_dies(run_live: Any, pytester: pytest.Pytester) -> None:
    """A test of the project ends its worker; the run fails, and the report has the operation as passed."""
    write_contract({"/a": operation("a")})
    pytester.makepyfile(test_project="import os\n\ndef test_exit():\n    os._exit(3)\n")
    with serve({"/a": 200}) as url:
        result, report = run_live(url, "-n", "2", "test_project.py", "bctrl::test_answer_conforms")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.re_match_lines([r".*worker 'gw\d' crashed while running 'test_project.py::test_exit'"])
    assert {"a": "passed"} == outcomes(report)


@pytest.mark.parametrize("status", [404, 422])
def test_documented_rejection_of_an_id_names_the_setting_of_its_value(run_live: Any, status: int) -> None:
    """The example of the contract does not exist in the target: the operation is not checked."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "x"}
    write_contract({"/a": operation("a"), "/b/{id}": operation("b", str(status), parameters=[parameter])})
    with serve({"/a": 200, "/b/x": status}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {"a": "passed", "b": "not checked"} == outcomes(report)
    text = result.stdout.str()
    assert "which the contract documents; set values that exist: bctrl_values, id" in text


def test_rejection_of_the_only_operation_that_its_default_response_documents_is_not_checked(run_live: Any) -> None:
    """Without a documented success, the error conforms to the contract, but says nothing about the operation."""
    write_contract({"/a": {"get": {"operationId": "a", "responses": {"default": {"description": ""}}}}})
    with serve({"/a": 422}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {"a": "not checked"} == outcomes(report)
    assert "its request is rejected with 422, which the contract documents" in result.stdout.str()


def test_undocumented_status_of_one_operation_is_one_finding(run_live: Any) -> None:
    write_contract({"/a": operation("a"), "/b": operation("b", "422")})
    with serve({"/a": 200, "/b": 403}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {"a": "passed", "b": "failed"} == outcomes(report)
    assert [("status_code_conformance", "GET /b")] == [
        (finding["rule"], finding["operation"]) for finding in report["findings"]
    ]
    assert 1 == result.parseoutcomes()["failed"]


@pytest.mark.parametrize("status", [403, 404])
def test_target_that_rejects_every_operation_stops_the_run(run_live: Any, status: int) -> None:
    """All operations are `not checked`, and the report is incomplete."""
    names = "abcdef"
    write_contract({f"/{name}": operation(name, str(status)) for name in names})
    with serve({f"/{name}": status for name in names}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert dict.fromkeys(names, "not checked") == outcomes(report)
    assert not report["complete"]


def test_operation_without_a_response_is_a_finding_and_others_are_checked(run_live: Any) -> None:
    write_contract({"/a": operation("a"), "/b": operation("b")})
    with serve({"/a": 200, "/b": 0}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {"a": "passed", "b": "failed"} == outcomes(report)


@pytest.mark.parametrize("name", ["b", "GET /b", "GET /[b-z]*"])
def test_optional_operation_need_not_be_checked(run_live: Any, pytester: pytest.Pytester, name: str) -> None:
    """`bctrl_optional` names it by id, label or pattern: the run passes with it "not checked"."""
    pytester.makeini(f"[pytest]\nbctrl_optional = {name}")
    write_contract({"/a": operation("a"), "/b": operation("b", "404")})
    with serve({"/a": 200, "/b": 404}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.OK
    assert {"a": "passed", "b": "not checked"} == outcomes(report)
    assert [True, False] == [entry["required"] for entry in report["operations"]]
    result.stdout.fnmatch_lines(["passed *1 of 2 operations passed, 1 not checked*"])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("listItem", "did you mean listItems?"),
        ("Q7", "write an operationId, or METHOD /path, such as listItems or GET /a"),
    ],
)
def test_unknown_optional_operation_is_a_usage_error(pytester: pytest.Pytester, name: str, hint: str) -> None:
    """The message names a similar operation; without one, it says what to write."""
    pytester.makeini(f"[pytest]\nbctrl_optional = {name}")
    write_contract({"/a": operation("listItems")})
    result = pytester.runpytest("--bctrl-mock", "--bctrl-contract", "api.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    line = result.errlines[0]
    assert "bctrl_optional" in line
    assert f"no operation of the contract is '{name}'" in line
    assert line.endswith(f"({hint})")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_operation_that_cannot_be_requested_is_required(run_live: Any, workers: tuple[str, ...]) -> None:
    """A path parameter without a value makes the run exit with 2, unless its tests are deselected."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    write_contract({"/a": operation("a"), "/b/{id}": operation("b", parameters=[parameter])})
    with serve({"/a": 200}) as url:
        result, report = run_live(url, "-q")
        selected, _ = run_live(url, "bctrl::test_answer_conforms", *workers)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {"a": "passed", "b": "not checked"} == outcomes(report)
    result.stdout.fnmatch_lines(["not checked  GET /b/{id}: no value for id*1 of 2 operations passed, 1 not checked*"])
    assert selected.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(("optional", "code"), [("", 2), ("bctrl_optional = GET /b", 0)])
def test_operation_with_an_invalid_part_is_not_checked(
    run_live: Any, pytester: pytest.Pytester, optional: str, code: int
) -> None:
    """The run exits with 2, or 0 if `bctrl_optional` has the operation."""
    pytester.makeini(f"[pytest]\n{optional}")
    reference = {"$ref": "#/components/responses/Missing"}
    broken = {"get": {"operationId": "b", "responses": {"200": reference}}}
    write_contract({"/a": operation("a"), "/b": broken})
    with serve({"/a": 200, "/b": 200}) as url:
        result, report = run_live(url)
    assert code == result.ret
    assert [("GET /a", "passed"), ("GET /b", "not checked")] == [
        (entry["operation"], entry["outcome"]) for entry in report["operations"]
    ]
    assert "#/paths/~1b/get/responses/200" in report["operations"][1]["reason"]


def test_unsafe_operation_is_listed_and_not_required(run_live: Any) -> None:
    paths = {"/a": {**operation("a"), "post": {"operationId": "create", "responses": {"201": {"description": ""}}}}}
    write_contract(paths)
    with serve({"/a": 200}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.OK
    assert {"a": "passed", "create": "not checked"} == outcomes(report)
    result.stdout.fnmatch_lines(["passed *1 of 2 operations passed, 1 not sent since the method is unsafe*"])


def test_failed_operation_takes_precedence_over_an_unchecked_one(run_live: Any) -> None:
    write_contract({"/a": operation("a", "404"), "/b": operation("b")})
    with serve({"/a": 404, "/b": 500}) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {"a": "not checked", "b": "failed"} == outcomes(report)
    result.stdout.fnmatch_lines(["failed *0 of 2 operations passed, 1 failed, 1 not checked*"])


def test_sequential_string_ids_are_not_reported(run_live: Any, pytester: pytest.Pytester) -> None:
    """A server that accepts any number as an id: `/users/10` may exist beside the configured `/users/12`."""
    pytester.makeini("[pytest]\nbctrl_values = id = 12")
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    write_contract({"/users/{id}": operation("user", "404", parameters=[parameter])})
    with serve({f"/users/{number}": 200 for number in range(200)}) as url:
        result, report = run_live(url)
    assert [] == report["findings"]
    assert result.ret == pytest.ExitCode.OK


def test_response_to_an_id_that_cannot_exist_is_a_warning(run_live: Any, pytester: pytest.Pytester) -> None:
    """The server returns 200 for an unlikely UUID, although the configured id is a number: the run passes."""
    pytester.makeini("[pytest]\nbctrl_values = id = 12")
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    write_contract({"/users/{id}": operation("user", "404", parameters=[parameter])})
    with serve({"/users/12": 200, f"/users/{UNKNOWN.value}": 200}) as url:
        result, report = run_live(url)
    assert {("status_code_conformance", "warning")} == {
        (finding["rule"], finding["level"]) for finding in report["findings"] if finding["location"] == "status"
    }
    assert result.ret == pytest.ExitCode.OK


def test_any_documented_client_error_rejects_an_invalid_value(run_live: Any) -> None:
    """The status 404 for `size=0` is not a finding: the operation documents it beside 400 and 422."""
    parameter = {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1}}
    write_contract({"/a": operation("a", "400", "404", "422", parameters=[parameter])})
    with serve({"/a": 200}, {"/a?size=0": 404}) as url:
        _, report = run_live(url)
    locations = {(finding["rule"], finding["location"]) for finding in report["findings"]}
    assert ("status_code_conformance", "status") not in locations


def test_no_key_is_required_for_a_contract_without_security_and_none_is_sent(
    run_live: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with a key says that it sends none, and how to send it."""
    pytester.makepyfile("def test_a(bctrl_client):\n    assert 200 == bctrl_client.get('/a').status_code")
    write_contract({"/a": operation("a"), "/b": operation("b")})
    monkeypatch.delenv("BCTRL_API_KEY")
    with serve({"/a": 200, "/b": 200}) as url:
        result, report = run_live(url)
        assert set() == authorized_paths
        monkeypatch.setenv("BCTRL_API_KEY", "a_key_that_is_set")
        with_key, _ = run_live(url)
        assert set() == authorized_paths
        run_live(url, "-o", "bctrl_key_prefix=Bearer")
        assert {"/a", "/b"} == authorized_paths
    gap = "the document documents no security, so BCTRL_API_KEY is not sent unless bctrl_key_prefix = Bearer is set"
    assert result.ret == with_key.ret == pytest.ExitCode.OK
    assert "credentials" not in result.stdout.str()
    with_key.stdout.fnmatch_lines(
        [f"bctrl: note: credentials are not checked: {gap}", f"not checked  credentials: {gap}"]
    )
    assert result.ret == pytest.ExitCode.OK
    assert {"a": "passed", "b": "passed"} == outcomes(report)


def test_key_is_required_if_one_operation_is_secured(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BCTRL_API_KEY", raising=False)
    schemes = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
    write_contract({"/a": operation("a"), "/b": operation("b", security=[{"key": []}])}, components=schemes)
    with serve({"/a": 200, "/b": 401}) as url:
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", url, "--bctrl-contract=api.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*no API key is set, and the target rejects GET /b with 401*"])


@pytest.mark.parametrize("verbosity", ["-qq", "-q", "-v"])
def test_number_of_checked_operations_is_shown_at_every_verbosity(run_live: Any, verbosity: str) -> None:
    paths = {"/a": {**operation("a"), "post": {"operationId": "create", "responses": {"201": {"description": ""}}}}}
    write_contract(paths)
    with serve({"/a": 200}) as url:
        result, _ = run_live(url, verbosity)
    result.stdout.fnmatch_lines(["passed *1 of 2 operations passed, 1 not sent since the method is unsafe*"])


LIST = {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": ITEM}}}


@pytest.mark.parametrize(
    ("bodies", "sentence"),
    [
        ({"/a": {"items": []}, "/b": {"items": []}}, "No findings, but no item was seen;"),
        ({"/a": {"items": [{"name": "x"}]}, "/b": {"items": []}}, "No findings, but no item was seen in 1 of 2 lists;"),
        ({"/a": {"items": [{"name": "x"}]}, "/b": {"items": [{"name": "x"}]}}, "No findings;"),
    ],
)
def test_empty_lists_are_part_of_the_verdict(run_live: Any, bodies: dict[str, Any], sentence: str) -> None:
    """The run passes; verdict, gaps and next step say in how many lists no item was seen."""
    success = {"description": "", "content": {"application/json": {"schema": LIST}}}
    write_contract({path: {"get": {"operationId": path[1:], "responses": {"200": success}}} for path in bodies})
    with serve(dict.fromkeys(bodies, 200), bodies=bodies) as url:
        result, report = run_live(url)
    assert result.ret == pytest.ExitCode.OK
    assert report["verdict"]["sentence"].startswith(sentence)
    is_empty = "no item was seen" in sentence
    gaps = [reason for reason in report["not_checked"] if reason.endswith("its items are not covered")]
    assert is_empty == any("GET /b: items: every list was empty" in reason for reason in gaps)
    assert is_empty == ("  # no item was seen" in result.stdout.str())


def test_verdict_names_the_items_of_the_packaged_contract(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For an empty list, the verdict says that no runtime was seen, and the next step is to add data."""
    with serve_variant(named("empty-list")) as server:
        monkeypatch.setenv("BCTRL_API_KEY", server.api_key)
        monkeypatch.setenv("BCTRL_SPACE_ID", server.space_id)
        result = pytester.runpytest("--bctrl-live", "--bctrl-base-url", server.url)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["passed *but no runtime was seen;*", "next         pytest *  # no runtime was seen: first add data that GET *"]
    )
