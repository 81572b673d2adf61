"""Parameters of query, header and cookie in every serialization of OpenAPI: those that conform are accepted."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from pytest_bctrl.contract.model import Contract, Parameter
from pytest_bctrl.contract.parameters import read_field, serialize_field, serialize_pairs
from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.samples.inputs import Inputs, exemplified, inputs, names_without_value, optional_names_without_value
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.plan.catalogue import plan
from pytest_bctrl.suite.plan.parameter_values import allowed_values, invalid_values
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.mock import MockServer
from tests.run_probes import run_probes

from ..contract.documents import contract_of
from .asking import Reply, ask


class Case(NamedTuple):
    """A parameter `p`, a value that its schema allows, how a request spells it, and a value that it does not allow."""

    parameter: dict[str, Any]
    schema: Any
    value: Any
    spelled: Any
    wrong: Any


COLOUR = {
    "type": "object",
    "properties": {"red": {"type": "integer", "maximum": 255}, "warm": {"type": "boolean"}},
    "required": ["red", "warm"],
}
EMPTY_OR_RED = {"type": "object", "properties": {"red": {"type": "integer"}}, "additionalProperties": False}
WARM, TOO_RED = {"red": 200, "warm": True}, {"red": 256, "warm": True}
QUERY, HEADER, COOKIE = {"in": "query"}, {"in": "header"}, {"in": "cookie"}
NUMBERS = {"type": "array", "items": {"type": "integer"}, "maxItems": 2}
NUMBERS_OR_ALL = {"anyOf": [{"const": "all"}, {**NUMBERS, "minItems": 2}]}
DIGITS_OR_SMALL = {"anyOf": [{"type": "string", "pattern": "^[0-9]{3}$"}, {"type": "integer", "maximum": 5}]}
ITEM_OR_PAGE = {
    "oneOf": [
        {"properties": {name: {"type": "integer"}}, "required": [name], "additionalProperties": False}
        for name in ("item", "page")
    ],
    "type": "object",
}
TIME = {"type": "string", "format": "date-time"}
NUMBER_OR_NULL = {"anyOf": [{"type": "integer"}, {"type": "null"}]}

CASES = {
    "list, name by name": Case(QUERY, NUMBERS, [1, 2], "?p=1&p=2", [1, 2, 3]),
    "list, in one": Case({**QUERY, "explode": False}, NUMBERS, [1, 2], "?p=1%2C2", [1, 2, 3]),
    "list, between bars": Case({**QUERY, "style": "pipeDelimited"}, NUMBERS, [1, 2], "?p=1%7C2", [1, 2, 3]),
    "list, between blanks": Case({**QUERY, "style": "spaceDelimited"}, NUMBERS, [1, 2], "?p=1%202", [1, 2, 3]),
    "list, empty": Case({**QUERY, "explode": False}, NUMBERS, [], "?p=", [1, 2, 3]),
    "list or word: list": Case(QUERY, NUMBERS_OR_ALL, [1, 2], "?p=1&p=2", "some"),
    "list or word: word": Case(QUERY, NUMBERS_OR_ALL, "all", "?p=all", [1, 2, 3]),
    "digits or small number": Case(QUERY, DIGITS_OR_SMALL, "100", "?p=100", "10"),
    "object of either kind": Case(QUERY, ITEM_OR_PAGE, {"item": 7}, "?item=7", {"item": 7, "page": 8}),
    "object, free-form": Case(
        QUERY,
        {**COLOUR, "additionalProperties": {"type": "integer"}},
        {**WARM, "blue": 7},
        "?red=200&warm=true&blue=7",
        {**WARM, "blue": "x"},
    ),
    "object, between bars": Case(
        {**QUERY, "style": "pipeDelimited"}, COLOUR, WARM, "?p=red%7C200%7Cwarm%7Ctrue", TOO_RED
    ),
    "time": Case(QUERY, TIME, "2026-11-26T04:00:00Z", "?p=2026-11-26T04%3A00%3A00Z", "yesterday at noon"),
    "header, time": Case(HEADER, TIME, "2026-11-26T04:00:00Z", [("p", "2026-11-26T04:00:00Z")], "yesterday at noon"),
    "object, name by name": Case(QUERY, COLOUR, WARM, "?red=200&warm=true", TOO_RED),
    "object, in one": Case({**QUERY, "explode": False}, COLOUR, WARM, "?p=red%2C200%2Cwarm%2Ctrue", TOO_RED),
    "object, deep": Case(
        {**QUERY, "style": "deepObject", "explode": True}, COLOUR, WARM, "?p%5Bred%5D=200&p%5Bwarm%5D=true", TOO_RED
    ),
    "number or null: null": Case(QUERY, NUMBER_OR_NULL, None, "?p=null", "none"),
    "number or null: number": Case(QUERY, NUMBER_OR_NULL, 7, "?p=7", "seven"),
    "header, list": Case(HEADER, NUMBERS, [1, 2], [("p", "1,2")], [1, 2, 3]),
    "header, object": Case(HEADER, COLOUR, WARM, [("p", "red,200,warm,true")], TOO_RED),
    "header, object by =": Case({**HEADER, "explode": True}, COLOUR, WARM, [("p", "red=200,warm=true")], TOO_RED),
    "cookie": Case(COOKIE, {"type": "integer"}, 7, [("Cookie", "p=7")], "seven"),
}
JSON_CASES = {
    "json in the query": Case(QUERY, COLOUR, WARM, "?p=%7B%22red%22%3A%20200%2C%20%22warm%22%3A%20true%7D", TOO_RED),
    "json in the header": Case(HEADER, COLOUR, WARM, [("p", '{"red": 200, "warm": true}')], TOO_RED),
}


RESPONSES = {
    "200": {"description": "", "content": {"application/json": {"schema": {"const": "here"}}}},
    "400": {"description": ""},
}


def contract(case: Case, *, required: bool = False) -> Contract:
    """Return a contract whose operation has the parameter `p` of a case."""
    described: dict[str, Any] = {"schema": case.schema}
    if case in JSON_CASES.values():
        described = {"content": {"application/json": described}}
    identity = {"name": "id", "in": "path", "required": True, "schema": {"const": "7"}}
    return contract_of(
        responses=RESPONSES, parameters=[identity, {"name": "p", "required": required, **case.parameter, **described}]
    )


def with_value(of: Contract, value: Any) -> Inputs:
    """Return the inputs of a request in which the parameter `p` has a value."""
    operation = of.operations[0]
    return Inputs({"id": "7"}).with_value(operation.other_parameters[0], value)


def reply(of: Contract, values: Inputs) -> Reply:
    """Return the response of a new mock to a request with these inputs."""
    with MockServer(of) as mock:
        return ask(mock, "GET", values.target(of.operations[0]), dict(values.headers))


@pytest.mark.parametrize(
    "serialization", [pytest.param(serialization, id=name) for name, serialization in {**CASES, **JSON_CASES}.items()]
)
def test_a_valid_value_is_accepted_and_an_invalid_one_rejected(serialization: Case) -> None:
    """In each serialization of a parameter, which `Inputs` writes as expected: 200, or 400 that names the parameter."""
    of = contract(serialization)
    right = with_value(of, serialization.value)

    assert serialization.spelled == (right.query_text or list(right.headers))
    assert (200, "here") == ((response := reply(of, right)).status, response.json())
    rejected = reply(of, with_value(of, serialization.wrong))
    assert 400 == rejected.status
    assert re.search(rf"{serialization.parameter['in']} p[^ ]*: the ", rejected.body.decode())


@pytest.mark.parametrize(
    "serialization", [pytest.param(serialization, id=name) for name, serialization in {**CASES, **JSON_CASES}.items()]
)
def test_a_missing_required_parameter_is_rejected(serialization: Case) -> None:
    """In every serialization, a request of the suite without it gets 400, which names it and its `in`."""
    of = contract(serialization, required=True)

    (without,) = [mistake for mistake in invalid_values(of, of.operations[0], {}) if mistake.name == "without p"]
    rejected = reply(of, without.inputs)

    assert 400 == rejected.status
    assert f"{serialization.parameter['in']} p is required and missing" in rejected.body.decode()


@pytest.mark.parametrize("name", JSON_CASES)
def test_a_malformed_json_parameter_is_rejected(name: str) -> None:
    of = contract(JSON_CASES[name])
    field = Inputs({"id": "7"}, (("p", "{red"),)) if "query" in name else Inputs({"id": "7"}, headers=(("p", "{red"),))

    rejected = reply(of, field)

    assert 400 == rejected.status
    assert f"{name.split()[-1]} p: the value has the wrong type, string" in rejected.body.decode()


@pytest.mark.parametrize(("spelled", "status"), [("7", 200), ("9", 400), ("9" * 5000, 400), ("1e999", 400)])
def test_numbers_of_any_length_are_validated(spelled: str, status: int) -> None:
    """With `maximum: 8`, 7 is accepted; 9, a number of 5,000 digits, and 1e999 get 400."""
    of = contract(Case(QUERY, {"type": "integer", "maximum": 8}, 7, "", ""))

    assert status == reply(of, with_value(of, spelled)).status


OTHERS = (("q", "1"), ("p[red]", "7"), ("q[warm]", "1"), ("p[warm]", "true"))


@pytest.mark.parametrize(
    ("serialization", "values", "status"),
    [
        (JSON_CASES["json in the query"], Inputs({"id": "7"}, (("p", "[" * 5000),)), 400),
        # Blanks around the commas of a header field (RFC 9110, 5.6.1).
        (CASES["header, list"], Inputs({"id": "7"}, headers=(("p", "1 , 2"),)), 200),
        (CASES["header, object"], Inputs({"id": "7"}, headers=(("p", "red, 200, warm ,true"),)), 200),
        # What belongs to others is passed over, and an object of which nothing is given is left out.
        (CASES["object, deep"], Inputs({"id": "7"}, OTHERS), 200),
        (CASES["object, name by name"], Inputs({"id": "7"}), 200),
        # An empty text is an empty object, which only one of the schemas allows.
        (Case({**QUERY, "explode": False}, EMPTY_OR_RED, {}, "", ""), Inputs({"id": "7"}, (("p", ""),)), 200),
        (CASES["object, in one"], Inputs({"id": "7"}, (("p", ""),)), 400),
        (Case(QUERY, EMPTY_OR_RED, {}, "", ""), Inputs({"id": "7"}, (("p", ""),)), 400),
    ],
)
def test_other_serializations_are_accepted_or_rejected(serialization: Case, values: Inputs, status: int) -> None:
    """Values written in other ways than the suite does, such as blanks in a list: the status is 200 or 400."""
    assert status == reply(contract(serialization), values).status


@pytest.mark.parametrize(
    "schema", [{"type": "string", "pattern": "^(?=a)x$"}, {"type": "array", "items": {"const": "a,b"}}]
)
def test_a_parameter_without_a_possible_value_is_reported_as_without_value(schema: dict[str, Any]) -> None:
    """`names_without_value` names it. No request is sent without it."""
    of = contract(Case(HEADER, schema, "", "", ""), required=True)
    operation = of.operations[0]

    assert ["p"] == names_without_value(of, operation, {})
    assert inputs(of, operation, {}) is None
    assert [] == [*invalid_values(of, operation, {}), *allowed_values(of, operation, {})]


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("name", "schema", "is_real"),
    [
        ("url", TEXT, True),
        ("callbackUrl", TEXT, True),
        ("X-Tenant-ID", TEXT, True),
        ("user_id", {"type": "integer"}, True),
        ("ids", {"type": "array", "items": TEXT}, True),
        ("token", {"anyOf": [TEXT, {"type": "null"}]}, True),
        ("site", {**TEXT, "format": "uri"}, True),
        ("to", {"type": "array", "items": {**TEXT, "format": "email"}}, True),
        ("customer", {**TEXT, "pattern": "^cus_[A-Za-z0-9]{14}$"}, True),
        ("object", {**TEXT, "pattern": "^[0-9a-f]{24}$"}, True),
        ("email", {**TEXT, "examples": ["a@example.com"]}, False),
        ("code", {"enum": ["a", "b"]}, False),
        ("valid", TEXT, False),
        ("since", {**TEXT, "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}, False),
        ("limit", {"type": "integer"}, False),
        ("X-Request-Id", {**TEXT, "format": "uuid"}, False),
        ("idempotencyKey", TEXT, False),
    ],
)
def test_a_required_parameter_has_no_value_if_an_invented_one_proves_nothing(
    name: str, schema: dict[str, Any], is_real: bool
) -> None:
    """A setting gives it one; an example and a listed value are not invented. The mock accepts an invented value."""
    parameter = {"name": name, "in": "query", "required": True, "schema": schema}
    get = {"parameters": [parameter], "responses": {"200": {"description": "x"}}}
    document = {"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": {"/a": {"get": get}}}
    of = from_document(document, "a.json")
    (operation,) = of.operations
    assert is_real == (names_without_value(of, operation, {}) == [name])
    if is_real and schema == TEXT:
        assert [] == names_without_value(of, operation, {name: "https://a.example.com"})
    mocked = exemplified(of, {})
    assert inputs(mocked, mocked.operations[0], {}) is not None


def test_an_optional_parameter_that_names_something_is_not_sent_without_a_value() -> None:
    """Its name alone does not say so."""
    site, url = ({"name": name, "in": "query", "schema": schema} for name, schema in SITES.items())
    of = from_document(
        {
            "openapi": "3.1.0",
            "info": {"title": "a", "version": "1"},
            "paths": {"/a": {"get": {"parameters": [site, url], "responses": {"200": {"description": "x"}}}}},
        },
        "a.json",
    )
    (operation,) = of.operations
    assert ["site"] == optional_names_without_value(of, operation, {})
    assert {"url"} == {trial.parameter.name for trial in allowed_values(of, operation, {})}
    assert {"site", "url"} == {trial.parameter.name for trial in allowed_values(of, operation, {"site": "https://a.b"})}


SITES: dict[str, dict[str, Any]] = {"site": {"type": "string", "format": "uri"}, "url": {"type": "string"}}


def test_a_setting_provides_the_value_of_a_query_parameter() -> None:
    """With `x-bctrl-setting: space_id`, `inputs` takes it from the settings."""
    of = contract(Case({**QUERY, "x-bctrl-setting": "space_id"}, {"type": "string"}, "", "", ""), required=True)
    values = inputs(of, of.operations[0], {"space_id": "mine"})

    assert values is not None
    assert "?p=mine" == values.query_text


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": ["null", "array"], "minItems": 2},
            ["p=42", "p=7", "p=7.5", "p=a string where none belo...", "p=true"],
        ),
        (
            {"type": ["null", "object"], "minProperties": 2},
            ["p=7", "p=7.5", "p=a string where none belo...", "p=true", "p=unexpected,array"],
        ),
    ],
)
def test_an_invalid_value_of_a_nullable_parameter_is_not_null(schema: dict[str, Any], expected: list[str]) -> None:
    """`invalid_values` of a parameter that may be null are of wrong types other than null."""
    of = contract(Case({**QUERY, "explode": False}, schema, None, "", ""))

    assert expected == sorted(mistake.name for mistake in invalid_values(of, of.operations[0], {}))


@pytest.mark.parametrize("style", ["deepObject", "form"])
def test_an_object_with_a_pair_per_member_has_no_invalid_value_of_another_type(style: str) -> None:
    """A server may ignore `p=null`, because no parameter has this name in the query."""
    of = contract(Case({**QUERY, "style": style, "explode": True}, COLOUR, None, "", ""))

    assert [] == [mistake.name for mistake in invalid_values(of, of.operations[0], {})]


def test_a_mock_run_sends_no_path_example_that_the_schema_rejects() -> None:
    """It sends the valid example, or a generated value if there is none; live, the example is sent as it is."""
    sent = []
    for examples in (["x"], ["x", 7]):
        schema = {"type": "integer", "minimum": 5, "examples": examples}
        parameter = {"name": "id", "in": "path", "required": True, "schema": schema}
        live = contract_of(responses=RESPONSES, parameters=[parameter])
        for of in (live, exemplified(live, {})):
            request = inputs(of, of.operations[0], {})
            sent.append(request and request.path["id"])

    assert ["x", "5", "x", "7"] == sent


PATHS: dict[str, tuple[str, bool, Any, str]] = {
    "simple": ("simple", False, [1, 2], "1,2"),
    "label": ("label", False, [1, 2], ".1,2"),
    "label, one by one": ("label", True, [1, 2], ".1.2"),
    "label, object": ("label", True, WARM, ".red=200.warm=true"),
    "matrix, single": ("matrix", False, 7, ";p=7"),
    "matrix": ("matrix", False, [1, 2], ";p=1,2"),
    "matrix, one by one": ("matrix", True, [1, 2], ";p=1;p=2"),
    "matrix, object": ("matrix", False, WARM, ";p=red,200,warm,true"),
    "matrix, object one by one": ("matrix", True, WARM, ";red=200;warm=true"),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_path_value_is_serialized_in_its_style_and_parsed_back(name: str) -> None:
    """`serialize_field` writes the expected text, and `read_field` returns the value."""
    style, explode, value, spelled = PATHS[name]
    schema = COLOUR if value is WARM else {"type": "integer"} if value == 7 else NUMBERS
    parameter = Parameter("p", "path", True, schema, style=style, explode=explode)

    assert (spelled, value) == (
        serialize_field(parameter, value),
        read_field(contract(CASES["cookie"]), parameter, spelled),
    )


def test_the_mock_accepts_the_suites_valid_values_and_rejects_its_invalid_ones() -> None:
    """In every serialization, without an example."""
    spec = contract(CASES["cookie"]).document
    cases = {**CASES, **JSON_CASES}
    paths = {}
    for number, case in enumerate(cases.values()):
        (item,) = contract(case, required=True).document["paths"].values()
        paths[f"/v1/things{number}/{{id}}"] = {"get": {**item["get"], "operationId": f"of{number}"}}
    of = from_document({**spec, "paths": paths}, "things.json")
    target = Target(with_mock(ContractRun("mock", of, "", Secret(""), {}, "error", 5)))

    findings = run_probes(target)
    target.close()

    assert [] == names_without_value(of, of.operations[0], {})
    assert [] == [(finding.operation, finding.message, finding.reproduce) for finding in findings]
    assert len(cases) == len({probe.operation.label for probe in plan(target.run, "test_wrong_value_is_refused")})


def test_cookies_are_sent_in_one_header_field() -> None:
    """`Inputs.with_value` of a cookie that is set already replaces its value."""
    first, second = (Parameter(name, "cookie", True, {"type": "integer"}) for name in ("p", "q"))
    values = Inputs().with_value(first, 7).with_value(second, 8).with_value(first, 9)

    assert (("Cookie", "q=8; p=9"),) == values.headers


def test_a_parameter_with_text_content_is_not_encoded_as_json() -> None:
    of = contract_of(parameters=[{"name": "p", "in": "query", "content": {"text/plain": {"schema": True}}}])

    assert [("p", "a b")] == serialize_pairs(of.operations[0].parameters[0], "a b")


def test_exemplified_returns_the_same_contract_if_nothing_is_missing() -> None:
    """Values derived from a contract are cached per object."""
    contract = load()
    assert exemplified(contract, {"space_id": ""}) is contract


def test_exemplified_returns_the_same_contract_each_time() -> None:
    """The mocks of several runs share what is derived from it."""
    contract = contract_of(path="/x/{id}", parameters=[{"name": "id", "in": "path", "required": True, "schema": {}}])
    with_example = exemplified(contract, {})

    assert with_example is not contract
    assert [()] == [parameter.examples for parameter in contract.operations[0].parameters]
    assert exemplified(contract, {}) is with_example
    assert exemplified(contract, {"id": "7"}) is contract
