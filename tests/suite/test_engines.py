"""jsonschema and Schemathesis at work in the suite: each reports every fault of a body under its own name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_bctrl.checks.response import share
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples import current_samples
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.samples.mutants import mutants
from pytest_bctrl.samples.text import encode
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan import jsonschema_engine, schemathesis_cases, schemathesis_engine
from pytest_bctrl.suite.plan.engine_faults import ENGINE_FAULTS
from pytest_bctrl.suite.plan.parameter_values import has_empty_list, invalid_parameters
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import Exchange
from pytest_bctrl.suite.sending.transport_errors import NotCheckedError
from tests.contract.documents import contract_of, document
from tests.suite.conftest import LiveRun
from tests.suite.engines import by_jsonschema, by_schemathesis, engine_findings, exchange_of
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
    assert {*ENGINES} - {engine} == {finding.get("engine") for finding in findings if finding["level"] == "error"}


def test_the_summary_shows_the_number_of_checks_per_engine(live: LiveRun) -> None:
    with serve(named("name-missing")) as server:
        result = live(server, "bctrl", "-v")
        assert len(server.log) <= 40
    result.stdout.fnmatch_lines(
        [
            "bctrl::test_jsonschema[[]runtimes-list-plain[]] FAILED *",
            "bctrl::test_jsonschema[[]runtimes-list-responses[]] FAILED *",
            "bctrl::test_schemathesis[[]runtimes-list-plain[]] FAILED *",
            "bctrl::test_schemathesis[[]runtimes-list-generated-ids[]] PASSED *",
            "bctrl::test_schemathesis[[]runtimes-list-negative[]] PASSED *",
            "bctrl::test_schemathesis[[]runtimes-list-head[]] PASSED *",
            "bctrl::test_schemathesis[[]runtimes-list-responses[]] FAILED *",
            "error response_schema_conformance: Schemathesis: the required property is missing",
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


def test_an_internal_error_of_schemathesis_is_a_gap_and_not_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise AssertionError("that is no parameter")

    monkeypatch.setattr(schemathesis_engine, "_check_named", lambda _name: crash)
    exchange = exchange_of(PACKAGED, 200, b"{}")
    assert [] == schemathesis_engine.check_response(exchange)
    (gap,) = exchange.gaps
    assert "an assertion of Schemathesis itself fails: that is no parameter" in gap


LISTS = [
    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    {"name": "sort", "in": "query", "explode": False, "schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
    {"name": "X-Locale", "in": "header", "schema": {"enum": ["de", "en"]}},
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
    """`invalid_parameters` of a query whose names may be repeated; a header with a wrong value adds its name."""
    contract = contract_of(parameters=LISTS)
    headers = (("x-locale", "fr"),)
    invalid_by_headers = [
        invalid_parameters(contract, contract.operations[0], Inputs({}, tuple(query), fields))
        for fields in ((), headers)
    ]
    assert [invalid, [*invalid, "X-Locale"]] == [
        [parameter.name for parameter in several] for several in invalid_by_headers
    ]


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


@pytest.mark.parametrize(
    ("schema", "body", "is_valid"),
    [
        ({"oneOf": [{"multipleOf": 2}, {"type": "integer"}]}, b"7", True),
        ({"oneOf": [{"multipleOf": 2}, {"type": "integer"}]}, b"8", False),
        ({"not": {"multipleOf": 5}}, b"5", False),
        ({"format": "uuid"}, b'"7"', False),
        ({"pattern": "^a"}, b'"b"', False),
        ({"$ref": "#/components/schemas/One"}, b"2", False),
        (False, b"2", False),
        (True, b"2", True),
        ({}, b"2", True),
        ({"minimum": 5}, b"1e999", True),
        ({"type": "string"}, b'"\\ud800"', True),
    ],
)
def test_jsonschema_validates_every_keyword(schema: Any, body: bytes, is_valid: bool) -> None:
    """jsonschema accepts or rejects the body as expected."""
    contract = contract_of(schema, {"One": {"const": 1}})
    assert is_valid == (not by_jsonschema(contract, 200, body))


def test_schemathesis_reports_a_body_where_the_contract_allows_none() -> None:
    """The schema `false` has no keyword that a finding could name."""
    (finding,) = by_schemathesis(contract_of(False), 200, b"2")
    assert ("response_schema_conformance", "$") == (finding.rule, finding.location)
    assert ("a value as documented", 2) == (finding.expected, finding.observed)


@pytest.mark.parametrize(
    ("schema", "body", "gap"),
    [
        ({"patternProperties": {r"^\p{L}$": {}}}, b'{"a": 1}', "Python cannot read a pattern of its schema"),
        ({"multipleOf": 0.5}, b"1e999", "Python cannot compute with"),
        ({"$ref": "#/components/schemas/Deep"}, b"[" * 600 + b"]" * 600, "nested too deep for it"),
    ],
)
def test_a_body_that_jsonschema_cannot_validate_is_a_gap(schema: Any, body: bytes, gap: str) -> None:
    contract = contract_of(schema, {"Deep": {"items": {"$ref": "#/components/schemas/Deep"}}})
    exchange = exchange_of(contract, 200, body)
    assert [] == jsonschema_engine.validate(exchange)
    assert [True] == [gap in text for text in exchange.gaps]
    assert not exchange.tally
    with pytest.raises(NotCheckedError, match="jsonschema: the body could not be validated"):
        jsonschema_engine.validate_plain(exchange)


def test_jsonschema_keeps_findings_from_before_an_error() -> None:
    """A pattern that Python cannot read does not hide the wrong type of another property."""
    schema = {"properties": {"a": {"type": "string"}, "b": {"pattern": r"^\p{L}$"}}}
    exchange = exchange_of(contract_of(schema), 200, b'{"a": 1, "b": "x"}')
    (finding,) = jsonschema_engine.validate_plain(exchange)
    assert "response_schema_conformance" == finding.rule


def test_jsonschema_raises_not_checked_without_a_documented_body() -> None:
    with pytest.raises(NotCheckedError, match="documents no JSON body"):
        jsonschema_engine.validate_plain(exchange_of(PACKAGED, 204, b""))


def test_schemathesis_raises_not_checked_for_an_unsupported_operation() -> None:
    exchange = exchange_of(contract_of({"type": "array", "prefixItems": [{}]}), 200, b"{}")
    with pytest.raises(NotCheckedError, match="Schemathesis cannot read"):
        schemathesis_engine.check_plain(exchange)
    assert [True] == ["it cannot read" in gap for gap in exchange.gaps]


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
            url = f"{run.base_url}{case.inputs.target(contract.operations[0])}"
            exchange.received.request = httpx.Request("GET", url)
            reported[is_valid] += [finding.rule for finding in schemathesis_engine.check_case(exchange, case)]
    assert [] == reported[True]
    assert {"negative_data_rejection"} == set(reported[False])


EXAMPLES: dict[str, tuple[Any, bytes, str]] = {
    '{"pattern": "^\\\\W$"} rejects "é"': ({"pattern": r"^\W$"}, '"é"'.encode(), "application/json"),
    '{"multipleOf": 0.1} rejects 10.1': ({"multipleOf": 0.1}, b"10.1", "application/json"),
    '{"format": "regex"} rejects "\\\\p{L}"': ({"format": "regex"}, rb'"\\p{L}"', "application/json"),
    "a body of 5,000 nines": (True, b"9" * 5_000, "application/json"),
    "a YAML body of =": ({"type": "string"}, b"=", "application/yaml"),
    '{"type": "string"} rejects the YAML body 12:30': ({"type": "string"}, b"12:30", "application/yaml"),
}


def contract_with(schema: Any, media_type: str) -> Any:
    """Return a contract whose operation responds with a body of the media type."""
    spec = document(schema)
    response = spec["paths"]["/v1/things/{id}"]["get"]["responses"]["200"]
    response["content"] = {media_type: response["content"]["application/json"]}
    return from_document(spec, "things.json")


@pytest.mark.parametrize("fault", ENGINE_FAULTS, ids=lambda fault: fault.what)
def test_a_listed_engine_fault_is_not_a_finding(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known fault of jsonschema or Schemathesis yields no finding, also inside `anyOf`; without the list, it does."""
    schema, body, media_type = EXAMPLES[fault.example]
    exchange = exchange_of(contract_with(schema, media_type), 200, body, {"Content-Type": media_type})
    nested_contract = contract_with({"anyOf": [schema, {"type": "null"}]}, media_type)
    nested = exchange_of(nested_contract, 200, body, {"Content-Type": media_type})
    engines: dict[str, Callable[[Exchange], list[Finding]]] = {
        "jsonschema": jsonschema_engine.validate,
        "Schemathesis": schemathesis_engine.check_response,
    }
    engine = engines[fault.engine]
    assert [] == engine(exchange)
    assert [] == engine(nested)
    module = {"jsonschema": jsonschema_engine, "Schemathesis": schemathesis_engine}[fault.engine]
    monkeypatch.setattr(module, "is_engine_fault", lambda *_: False)
    assert engine(exchange_of(contract_with(schema, media_type), 200, body, {"Content-Type": media_type}))


@pytest.mark.parametrize(
    ("schema", "body", "rejected"),
    [
        ({"type": "object"}, b"a: 1\n---\nb: 2\n", False),
        ({"type": "object"}, b"a: !Ref name\n", False),
        ({"type": "object"}, "a: é\n".encode("utf-16"), False),
        ({"properties": {"at": {"type": "string"}}}, b"at: 1_000\n", False),
        ({"type": "object"}, b"a: [1\n", True),
        ({"type": "object"}, b"a: \xff\n", True),
        ({"type": "integer"}, b"12:30x", True),
        ({"type": "object", "required": ["a"]}, b"b: 1\n", True),
        ({"type": "string"}, b".inf", True),
    ],
)
def test_schemathesis_rejects_only_invalid_yaml(schema: Any, body: bytes, rejected: bool) -> None:
    """Valid: several documents, tags, UTF-16, and dates as text."""
    contract = contract_with(schema, "application/yaml")
    findings = by_schemathesis(contract, 200, body, headers={"Content-Type": "application/yaml"})
    assert rejected == bool(findings)


def items(count: int, **last: Any) -> bytes:
    """Return a body with `count` runtimes of one form; `last` are properties of the last one."""
    (item,) = current_samples().sample()["runtimes"][:1]
    others = [{**item, "name": f"runtime {number}", "createdAt": f"at {number}"} for number in range(count - 1)]
    return encode({"runtimes": [*others, {**item, **last}]})


def validated(body: bytes, contract: Any = PACKAGED) -> tuple[list[Finding], Exchange]:
    """Return the findings of jsonschema in a body, and the exchange, which has its gaps."""
    exchange = exchange_of(contract, 200, body)
    return jsonschema_engine.validate(exchange), exchange


def test_jsonschema_validates_each_form_of_item_in_a_long_list() -> None:
    """Of 500 items of one form, one is validated and a gap counts the others; 100 items are all validated."""
    findings, exchange = validated(items(500))
    assert [] == findings
    (gap,) = exchange.gaps
    assert gap.startswith("jsonschema: 499 of 500 items of a list: one of each form was validated (1;")
    assert not validated(items(100))[1].gaps


@pytest.mark.parametrize(
    "last",
    [{"name": 7}, {"status": "paused"}, {"id": "7"}, {"region": None}, {"backing": {"kind": "profile"}}],
    ids=str,
)
def test_an_invalid_item_of_a_long_list_is_found(last: dict[str, Any]) -> None:
    """Of 2,000 items only the last is invalid, and jsonschema reports its property."""
    findings, _ = validated(items(2_000, **last))
    assert [f"runtimes[*].{next(iter(last))}"] == [finding.location for finding in findings]


def test_jsonschema_validates_every_item_that_our_engine_rejects() -> None:
    """The only invalid date of 301 is found, although valid strings have the same form."""
    contract = contract_of({"items": {"type": "string", "format": "date"}})
    body = encode([*["2026-01-01"] * 300, "2026-13-01"])
    findings, _ = validated(body, contract)
    assert ["[*]"] == [finding.location for finding in findings]


def test_formats_that_jsonschema_cannot_check_are_reported() -> None:
    """As a gap, with the package to install."""
    contract = contract_of({"anyOf": [{"format": "date-time"}, {"format": "uuid"}, {"format": "int32"}]})
    _, exchange = validated(b"7", contract)
    assert ["jsonschema: format date-time: pip install 'jsonschema[format-nongpl]' to check it"] == [*exchange.gaps]


def test_unique_items_of_a_long_list_are_not_compared() -> None:
    """jsonschema notes a gap for 501 items, and reports a duplicate among 100."""
    contract = contract_of({"uniqueItems": True})
    findings, exchange = validated(encode([*range(500), 1]), contract)
    assert ([], ["jsonschema: uniqueItems of a list of 501 items"]) == (findings, [*exchange.gaps])
    assert validated(encode([1, 1, *[0] * 98]), contract)[0]
    assert not validated(encode([1] * 500), contract_of({"uniqueItems": False}))[1].gaps


def test_items_after_prefix_items_are_all_validated() -> None:
    """jsonschema reports the last of 502 items, and notes no gap."""
    contract = contract_of({"prefixItems": [True], "items": {"type": "integer"}})
    findings, exchange = validated(encode(["a", *range(500), "b"]), contract)
    assert (1, {}) == (len(findings), exchange.gaps)


def test_an_identical_body_is_validated_once() -> None:
    """The tally of jsonschema counts no second body if two responses share it."""
    first, second = exchange_of(PACKAGED, 200, items(3)), exchange_of(PACKAGED, 200, items(3))
    share(second.response, first.response)
    for exchange in (first, second):
        jsonschema_engine.validate(exchange)
    assert (1, 0) == (first.tally["jsonschema bodies"], second.tally["jsonschema bodies"])
    assert second.response.body is first.response.body


@pytest.mark.parametrize(
    ("siblings", "target", "body"),
    [
        ({"else": False}, {"if": False}, b"1"),
        ({"not": False, "else": False}, {"if": False}, b"1"),
        ({"then": False}, {"if": True}, b"1"),
        ({"if": False}, {"else": False}, b"1"),
        ({"minContains": 2}, {"contains": True}, b"[1]"),
        ({"maxContains": 1}, {"contains": True}, b"[1, 2]"),
        ({"allOf": [{"type": "integer"}], "else": False}, {"if": False}, b"1"),
    ],
)
def test_a_conforming_body_passes_with_keywords_next_to_a_reference(
    siblings: dict[str, Any], target: dict[str, Any], body: bytes
) -> None:
    """Schemathesis reads the keywords of the target as if they were siblings of the others."""
    contract = contract_of({"$ref": "#/components/schemas/B", **siblings}, {"B": target})
    assert [] == engine_findings(contract, 200, body)


def test_schemathesis_checks_keywords_next_to_a_reference() -> None:
    siblings = {"allOf": [{"minimum": 3}], "maximum": 5}
    contract = contract_of({"$ref": "#/components/schemas/B", **siblings}, {"B": {"type": "integer"}})
    assert [b"2", b"6", b'"a"'] == [body for body in (b"2", b"4", b"6", b'"a"') if by_schemathesis(contract, 200, body)]
