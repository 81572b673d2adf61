"""jsonschema and Schemathesis at work in the suite: each reports every fault of a body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_bctrl.checks.response import looked
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.message import Request
from pytest_bctrl.reports.causes import causes
from pytest_bctrl.samples import current_samples
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.samples.mutants import mutants
from pytest_bctrl.samples.text import encode
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan import schemathesis_cases, schemathesis_engine
from pytest_bctrl.suite.plan.jsonschema_engine import validate_if_documented
from pytest_bctrl.suite.plan.parameter_values import has_empty_list, invalid_parameters
from pytest_bctrl.suite.run import ContractRun
from tests.contract.documents import contract_of, document
from tests.suite.conftest import LiveRun
from tests.suite.engines import by_jsonschema, by_schemathesis, exchange_of
from tests.variants import CATALOGUE, Variant, named, serve

PACKAGED = load()
BODIES = [variant for variant in CATALOGUE if variant.kind == "schema"]
ENGINES = {None: "test_answer_conforms", "jsonschema": "test_jsonschema", "Schemathesis": "test_schemathesis"}
"""The name of the engine in a finding, None for our own checks, and the test."""


def findings_in(live: LiveRun, variant: Variant, *arguments: str) -> list[dict[str, Any]]:
    """Return the findings in the report of a live run against a variant."""
    with serve(variant) as server:
        live(server, "--bctrl-report=report.json", *arguments)
    findings: list[dict[str, Any]] = json.loads(Path("report.json").read_text("utf-8"))["findings"]
    return findings


@cache
def own_locations(variant: Variant) -> frozenset[str]:
    """Return the locations of the findings of our own checks in the body of a variant."""
    exchange = exchange_of(PACKAGED, 200, encode(variant.service.document()))
    return frozenset(finding.location for finding in check_response(exchange.response))


@pytest.mark.parametrize("engine", [by_jsonschema, by_schemathesis])
@pytest.mark.parametrize("variant", BODIES, ids=str)
def test_each_engine_reports_each_schema_fault(variant: Variant, engine: Callable[..., Any]) -> None:
    """As an error of the schema rule, at the location of a finding of our own checks, or at an object around it."""
    errors: list[Finding] = engine(PACKAGED, 200, encode(variant.service.document()))
    assert {"response_schema_conformance"} == {finding.rule for finding in errors}
    assert {"error"} == {finding.level for finding in errors}
    assert all(any(location.startswith(error.location) for location in own_locations(variant)) for error in errors)
    assert all(finding.message.startswith(f"{finding.extra['engine']}: ") for finding in errors)


@pytest.mark.parametrize("engine", [by_jsonschema, by_schemathesis])
@pytest.mark.parametrize("variant", [variant for variant in CATALOGUE if variant.kind == "harmless"], ids=str)
def test_no_engine_rejects_a_conforming_body(variant: Variant, engine: Callable[..., Any]) -> None:
    """jsonschema and Schemathesis report nothing for each harmless variant."""
    assert [] == engine(PACKAGED, 200, variant.service.write(variant.service.document()))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["name-missing", "last-of-300-status-unknown", "fifth-answer-has-bad-item"])
def test_each_engine_finds_the_fault_without_the_others(
    name: str, engine: str | None, live: LiveRun, pytester: pytest.Pytester
) -> None:
    """With `-k` for the tests of one engine, all errors are of that engine."""
    selected = {None: "not jsonschema and not schemathesis", "jsonschema": "jsonschema", "Schemathesis": "schemathesis"}
    findings = findings_in(live, named(name), "-k", selected[engine])
    assert {engine} == {finding.get("engine") for finding in findings if finding["level"] == "error"}


@pytest.mark.parametrize("engine", ENGINES)
def test_deselecting_an_engine_leaves_the_findings_of_the_others(
    engine: str | None, live: LiveRun, pytester: pytest.Pytester
) -> None:
    without = {None: "jsonschema or schemathesis", "jsonschema": "not jsonschema", "Schemathesis": "not schemathesis"}
    findings = findings_in(live, named("name-missing"), "-k", without[engine])
    names = [name or "pytest-bctrl" for name in ENGINES if name != engine]
    (error,) = [finding for finding in findings if finding["level"] == "error"]
    assert names == error["engines"]


def test_the_summary_shows_the_number_of_checks_per_engine(live: LiveRun) -> None:
    with serve(named("name-missing")) as server:
        result = live(server, "bctrl", "-v")
        assert len(server.log) <= 40
    result.stdout.fnmatch_lines(
        [
            "bctrl::test_jsonschema[[]runtimes-list-plain[]] FAILED *",
            "bctrl::test_jsonschema[[]runtimes-list-responses[]] FAILED *",
            "bctrl::test_schemathesis[[]runtimes-list-plain[]] FAILED *",
            "bctrl::test_schemathesis[[]runtimes-list-negative[]] PASSED *",
            "bctrl::test_schemathesis[[]runtimes-list-head[]] PASSED *",
            "bctrl::test_schemathesis[[]runtimes-list-generated-ids[]] PASSED *",
            "bctrl::test_schemathesis[[]runtimes-list-responses[]] FAILED *",
            "error response_schema_conformance: the required property is missing",
            "  engines   pytest-bctrl, jsonschema, Schemathesis",
            "checked      by jsonschema: * responses, * different bodies",
            "checked      by Schemathesis: * responses, * to requests that it generated",
        ]
    )
    (line,) = [line for line in result.outlines if "by Schemathesis: " in line]
    responses, generated = map(int, re.findall(r"\d+", line))
    assert 0 < generated < responses <= len(server.log)


@pytest.mark.parametrize(
    ("status", "body", "rule"),
    [
        (418, b"{}", "status_code_conformance"),
        (500, b"{}", "not_a_server_error"),
        (200, b'{"runtimes": 5}', "response_schema_conformance"),
        (200, b"{", "response_schema_conformance"),
    ],
)
def test_findings_of_schemathesis_have_its_rule_names(status: int, body: bytes, rule: str) -> None:
    """For an undocumented status, 500, a schema violation and invalid JSON."""
    by_rule = {finding.rule: finding for finding in by_schemathesis(PACKAGED, status, body)}
    assert ("Schemathesis", str(status)) == (by_rule[rule].extra["engine"], by_rule[rule].extra["status"])


@pytest.mark.parametrize(
    ("status", "media_type", "body"),
    [
        (418, "application/json", b"{}"),
        (500, "application/json", b"{}"),
        (200, "text/html", b"<html></html>"),
        (404, "text/html", b"<html></html>"),
        (200, "application/json", b"{"),
        (200, "application/json", b""),
        (200, "application/json", b'{"runtimes": 5}'),
    ],
)
def test_what_several_engines_report_of_a_response_is_one_cause(status: int, media_type: str, body: bytes) -> None:
    contract = PACKAGED if status == 404 else contract_of({"properties": {"runtimes": {"type": "array"}}})
    exchange = exchange_of(contract, status, body, {"Content-Type": media_type})
    own = check_response(exchange.response, [200, 404])
    found = [*own, *validate_if_documented(exchange), *schemathesis_engine.check_response(exchange)]
    (cause,) = causes(found)
    assert own[0] == cause.first
    assert "Schemathesis" in cause.engines
    assert ("jsonschema" in cause.engines) == (exchange.response.schema is not None and bool(body))


def test_an_engine_does_not_count_as_a_check_of_ours() -> None:
    exchange = exchange_of(PACKAGED, 404, b"<html></html>", {"Content-Type": "text/html"})
    assert validate_if_documented(exchange)
    assert schemathesis_engine.check_response(exchange)
    assert {"jsonschema", "Schemathesis"} == looked(exchange.response)


def test_an_internal_error_of_schemathesis_is_a_gap_and_not_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise AssertionError("that is not a parameter")

    monkeypatch.setattr(schemathesis_engine, "_check_named", lambda _name: crash)
    exchange = exchange_of(PACKAGED, 200, b"{}")
    assert [] == schemathesis_engine.check_response(exchange)
    (gap,) = exchange.tally.gaps
    assert "an assertion of Schemathesis itself fails: that is not a parameter" in gap


LISTS = [
    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    {"name": "sort", "in": "query", "explode": False, "schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
    {"name": "X-Locale", "in": "header", "schema": {"enum": ["de", "en"]}},
    {"name": "size", "in": "cookie", "schema": {"type": "integer"}},
]


def test_negative_cases_of_schemathesis_violate_the_contract_as_sent() -> None:
    """Schemathesis joins a list in one value, and a string such as `-1024` may be of another type once sent."""
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "1"}
    responses = {"200": {"description": ""}, "400": {"description": ""}}
    contract = contract_of(parameters=[identity, *LISTS], responses=responses)
    run = ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {}, "error", 20)
    (operation,) = contract.operations

    positive = schemathesis_cases.positive_cases(run, operation, 30)
    negative = schemathesis_cases.negative_cases(run, operation, 30)
    assert 2 <= min(len(positive), len(negative))
    assert {"sort"} <= {name for case in positive for name, _ in case.inputs.query}
    assert not any(has_empty_list(contract, operation, case.inputs) for case in positive)
    assert [[]] * len(positive) == [invalid_parameters(contract, operation, case.inputs) for case in positive]
    assert all(
        "query" in {invalid_parameter.in_ for invalid_parameter in invalid_parameters(contract, operation, case.inputs)}
        for case in negative
    )


def test_a_query_with_only_undocumented_names_may_be_accepted() -> None:
    """Schemathesis reports no accepted request whose documented parameters are valid; the client adds the key."""
    parameters = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
        {"name": "order", "in": "query", "schema": {"enum": ["asc", "desc"]}},
    ]
    spec = document({}, parameters=parameters, security=[{"key": []}])
    spec["paths"] = {"/v1/things": spec["paths"]["/v1/things/{id}"]}
    spec["paths"]["/v1/things"]["get"]["responses"]["400"] = {"description": "x"}
    spec["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    contract = from_document(spec, "things.json")
    run = ContractRun("live", contract, "http://localhost", Secret("key_0123456789abcdef"))
    cases = schemathesis_cases.negative_cases(run, contract.operations[0], 60)
    valid = {"limit": {str(number) for number in range(-1_000, 101)}, "order": {"asc", "desc"}}
    reported: dict[bool, list[str]] = {True: [], False: []}
    for case in cases:
        if case.credential is None:
            is_valid = all(value in valid[name] for name, value in case.inputs.query if name in valid)
            exchange = exchange_of(contract, 200, b"{}")
            request = Request("GET", case.inputs.target(contract.operations[0]), base_url=run.base_url)
            exchange = replace(exchange, exchange=replace(exchange.exchange, request=request))
            reported[is_valid] += [finding.rule for finding in schemathesis_engine.check_case(exchange, case)]
    assert [] == reported[True]
    assert {"negative_data_rejection"} == set(reported[False])


def test_a_rejected_valid_case_is_reported_at_its_query() -> None:
    """The location of the finding names the query parameters that Schemathesis has generated."""
    order = {"name": "order", "in": "query", "required": True, "schema": {"enum": ["asc", "desc"]}}
    contract = contract_of(parameters=[order], responses={"200": {"description": ""}, "400": {"description": ""}})
    run = ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {}, "error", 20)
    (case,) = schemathesis_cases.positive_cases(run, contract.operations[0], 1)
    findings = schemathesis_engine.check_case(exchange_of(contract, 400, b"{}"), case)
    assert [("positive_data_acceptance", "query order")] == [(finding.rule, finding.location) for finding in findings]


def test_an_error_while_a_generated_case_is_read_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not reported as a failing test of Hypothesis, or as an operation that Schemathesis cannot read."""
    error = KeyError("a fault of this package")

    def fail(*_arguments: object) -> None:
        """Raise the error."""
        raise error

    monkeypatch.setattr(schemathesis_cases, "invalid_parameters", fail)
    contract = contract_of(parameters=LISTS)
    run = ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {}, "error", 20)
    with pytest.raises(KeyError) as raised:
        schemathesis_cases.positive_cases(run, contract.operations[0], 3)
    assert raised.value is error
    assert not hasattr(error, "__notes__")


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ([], 1),
        ([{"name": "sort", "in": "query", "required": True, "schema": {"type": "array", "maxItems": 0}}], 0),
    ],
)
def test_there_may_be_fewer_different_cases_than_requested(parameters: list[Any], count: int) -> None:
    """A server may read an empty list as a list with an empty text, so it is not sent. A later run gets the same."""
    contract = contract_of(parameters=parameters)
    (operation,) = contract.operations
    runs = [ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {}, "error", 20) for _ in range(2)]
    cases = [schemathesis_cases.positive_cases(run, operation, 3) for run in runs]
    assert [count, count] == list(map(len, cases))
    assert [case.inputs for case in cases[0]] == [case.inputs for case in cases[1]]
    assert [] == schemathesis_cases.positive_cases(runs[0], operation, 0)


def test_a_run_may_need_more_cases_than_those_generated_for_an_earlier_run() -> None:
    """A run continues with the same cases, and omits the one with its real id; it ends with the last one it sends."""

    def sent_ids(key: str, real_id: str) -> list[str]:
        """Return the generated ids that a run with this id sends; runs of one contract share the cases."""
        identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        contract = contracts.setdefault(key, contract_of(parameters=[identity]))
        (operation,) = contract.operations
        run = ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {"id": real_id}, "error", 20)
        return [case.inputs.path["id"] for case in schemathesis_cases.cases_with_paths(run, operation, 3)]

    contracts: dict[str, Contract] = {}
    first, second, third = sent_ids("shared", "1")
    continued = sent_ids("shared", second)
    assert [first, third] == continued[:2]
    assert continued[2] not in (first, second, third)
    assert [first, second, third] == sent_ids("shared", "2")
    assert continued == sent_ids("another", second)


@pytest.mark.parametrize(
    ("query", "invalid"),
    [
        ([("page", "2"), ("sort", "a,b"), ("other", "x")], []),
        ([("page", "0")], ["page"]),
        ([("page", "two"), ("page", "2")], []),
        ([("page", "two"), ("page", "0")], ["page"]),
        ([("sort", "a,c")], ["sort"]),
        ([("sort", "")], []),
    ],
)
def test_a_parameter_is_invalid_if_no_parsed_value_is_valid(query: list[tuple[str, str]], invalid: list[str]) -> None:
    """`invalid_parameters` of a query whose names may be repeated; a wrong header field or cookie adds its name."""
    contract = contract_of(parameters=LISTS)
    headers = (("x-locale", "fr"), ("Cookie", "theme=dark; size=big"))
    invalid_by_headers = [
        invalid_parameters(contract, contract.operations[0], Inputs({}, tuple(query), fields))
        for fields in ((), headers)
    ]
    assert [invalid, [*invalid, "X-Locale", "size"]] == [
        [parameter.name for parameter in several] for several in invalid_by_headers
    ]


def test_no_case_has_a_header_field_whose_name_cannot_be_sent() -> None:
    """Schemathesis generates values for a header parameter whose name has a space."""
    texts = [{"name": name, "in": "header", "schema": {"type": "string"}} for name in ("a b", "X-Fine")]
    contract = contract_of(parameters=texts)
    run = ContractRun("live", contract, "http://127.0.0.1:1", Secret("k"), {}, "error", 20)
    cases = schemathesis_cases.positive_cases(run, contract.operations[0], 30)
    assert {"x-fine"} == {name.lower() for case in cases for name, _ in case.inputs.headers}


@pytest.mark.parametrize(
    ("query", "is_ambiguous"),
    [
        ([("sort", "")], True),
        ([("sort", "a")], False),
        ([("sort", ""), ("sort", "a")], False),
        ([("page", "2")], False),
    ],
)
def test_a_list_without_items_has_no_form_that_every_server_reads(
    query: list[tuple[str, str]], is_ambiguous: bool
) -> None:
    """`has_empty_list` of a query: `sort=` may be an empty list, or a text that the schema does not allow."""
    contract = contract_of(parameters=LISTS)
    assert is_ambiguous == has_empty_list(contract, contract.operations[0], Inputs({}, tuple(query)))


@pytest.mark.parametrize("status", [500, 501])
def test_a_server_error_for_head_is_a_finding_except_501(status: int) -> None:
    findings = by_schemathesis(PACKAGED, status, b"", method="HEAD")
    assert [finding.rule for finding in findings] == ([] if status == 501 else ["not_a_server_error"])


def test_every_engine_rejects_the_same_mutants() -> None:
    """The kit, jsonschema and Schemathesis agree on every sample and mutant of the packaged contract."""
    samples = current_samples()
    for text in map(encode, [*samples.bodies(), *(mutant.body for mutant in mutants(samples))]):
        is_valid = exchange_of(PACKAGED, 200, text).response.conforms
        assert is_valid == (not by_jsonschema(PACKAGED, 200, text)), text
        assert is_valid == (not by_schemathesis(PACKAGED, 200, text)), text
