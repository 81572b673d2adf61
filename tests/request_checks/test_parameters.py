"""Parameters of requests in every style, those that are missing, and those that the contract does not document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl import check_request
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.parameters import serialize_field, serialize_pairs
from pytest_bctrl.samples.inputs import Inputs

from .orders import contract_of_paths, lines, operation

LIST = {"type": "array", "items": {"type": "integer"}}
TEXTS = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}


def contract_of_get(*parameters: dict[str, Any], path: str = "/orders") -> Contract:
    """Return the contract of a GET with these parameters."""
    return contract_of_paths({path: {"get": operation(parameters=list(parameters))}})


def parameter_p(in_: str, schema: Any, **members: Any) -> dict[str, Any]:
    """Return a parameter with the name `p`, required in a path, with further members."""
    return {"name": "p", "in": in_, "required": in_ == "path", "schema": schema, **members}


PATH_CASES = [
    ({}, {"type": "integer"}, "7", "seven"),
    ({}, {"type": "number"}, "7.5", "NaN"),
    ({}, {"type": "boolean"}, "true", "True"),
    ({}, {"type": "string", "format": "uuid"}, "4fd4d9f5-3c7f-4b8c-9dc1-3b0e3a8a7d10", "7"),
    ({}, {"type": "string", "enum": ["a"]}, "a", "b"),
    ({}, LIST, "1,2", "1,x"),
    ({"explode": True}, LIST, "1,2", "1,x"),
    ({"style": "label"}, {"type": "integer"}, ".7", ".x"),
    ({"style": "label"}, LIST, ".1,2", ".1,x"),
    ({"style": "label", "explode": True}, LIST, ".1.2", ".1.x"),
    ({"style": "matrix"}, {"type": "integer"}, ";p=7", ";p=x"),
    ({"style": "matrix"}, LIST, ";p=1,2", ";p=1,x"),
    ({"style": "matrix", "explode": True}, LIST, ";p=1;p=2", ";p=1;p=x"),
    ({}, OBJECT, "a,1,b,true", "a,x,b,true"),
    ({"explode": True}, OBJECT, "a=1,b=true", "a=x"),
    ({"style": "label"}, OBJECT, ".a,1,b,true", ".a,x"),
    ({"style": "label", "explode": True}, OBJECT, ".a=1.b=true", ".a=x"),
    ({"style": "matrix"}, OBJECT, ";p=a,1,b,true", ";p=a,x"),
    ({}, {"type": "object"}, "a,1", "a,1,b"),
    ({"style": "matrix", "explode": True}, OBJECT, ";a=1;b=true", ";a=x"),
]
QUERY_CASES = [
    ({}, {"type": "integer"}, "p=7", "p=x"),
    ({}, {"type": "integer"}, "p=7", "p=7&p=8"),
    ({}, {"type": "integer"}, "p=7", "p="),
    ({}, LIST, "p=1&p=2", "p=1&p=x"),
    ({"explode": False}, LIST, "p=1,2", "p=1,x"),
    ({"style": "spaceDelimited", "explode": False}, LIST, "p=1%202", "p=1%20x"),
    ({"style": "pipeDelimited", "explode": False}, LIST, "p=1|2", "p=1|x"),
    ({}, OBJECT, "a=1&b=true", "a=x&b=true"),
    ({}, OBJECT, "a=1&b=true", "a=1&a=2"),
    ({}, {"type": "object", "properties": {"a": LIST}}, "a=1&a=2", "a=1&a=x"),
    ({}, {"type": "object", "properties": {"a": LIST}}, "a=1", "a=x"),
    ({"explode": False}, OBJECT, "p=a,1,b,true", "p=a,x"),
    ({"style": "deepObject", "explode": True}, OBJECT, "p[a]=1&p[b]=true", "p[a]=x"),
    ({"style": "deepObject", "explode": True}, OBJECT, "p%5Ba%5D=1", "p%5Bb%5D=true"),
    ({"style": "deepObject"}, {"type": "object", "properties": {"a": OBJECT}}, "p[a][a]=1", "p[a][a]=x"),
    ({"style": "deepObject"}, {"type": "object", "properties": {"a": LIST}}, "p[a][]=1&p[a][]=2", "p[a][]=x"),
    ({"style": "deepObject"}, {"type": "object", "properties": {"a": LIST}}, "p[a]=1&p[a]=2", "p[a]=x"),
    (
        {"style": "deepObject"},
        {"type": "object", "properties": {"a": {"type": "array", "items": OBJECT}}},
        "p[a][0][a]=1",
        "p[a][0][a]=x",
    ),
    ({}, OBJECT, "a=1", "a=1&a=2"),
    ({}, OBJECT, "a=1", "a=1&p=2"),
    ({}, OBJECT, "a=1", "p=2"),
    ({}, {"type": "object", "properties": {"p": {"type": "integer"}}}, "p=1", "p=x"),
    ({}, {"type": "object", "properties": {"a": LIST}}, "a=1&a=2", "a=1&a=x"),
    ({"explode": False}, OBJECT, "p=a,1", "p=a,1&p=a,2"),
    ({"explode": False}, OBJECT, "p=a,1", "p=a,1,b"),
    ({"explode": False}, LIST, "p=1,2", "p=1,2&p=3"),
    ({"explode": False}, TEXTS, "p=a,b", "p=a&p=b"),
    ({"style": "pipeDelimited", "explode": False}, TEXTS, "p=a|b", "p=a|b&p=c"),
    ({"style": "deepObject"}, OBJECT, "p[a]=1", "p[a]=1&p=2"),
    ({"style": "deepObject"}, OBJECT, "p[a]=1", "p=2"),
    ({"style": "deepObject"}, {"type": "object", "properties": {"a": OBJECT}}, "p[a][a]=1", "p[a]=1&p[a][a]=1"),
    ({"allowEmptyValue": True}, {"type": "integer"}, "p=", "p=x"),
    ({"allowReserved": True}, {"type": "string", "const": "a/b:c"}, "p=a/b:c", "p=a"),
]


@pytest.mark.parametrize(("members", "schema", "valid", "invalid"), PATH_CASES)
def test_a_path_parameter_is_validated_in_its_style(
    members: dict[str, Any], schema: Any, valid: str, invalid: str
) -> None:
    contract = contract_of_get(parameter_p("path", schema, **members), path="/orders/{p}")
    assert [] == lines(contract, "GET", f"/orders/{valid}")
    assert lines(contract, "GET", f"/orders/{invalid}")[0].startswith("error request_parameters path p")


@pytest.mark.parametrize(("members", "schema", "valid", "invalid"), QUERY_CASES)
def test_a_query_parameter_is_validated_in_its_style(
    members: dict[str, Any], schema: Any, valid: str, invalid: str
) -> None:
    contract = contract_of_get(parameter_p("query", schema, **members))
    assert [] == lines(contract, "GET", f"/orders?{valid}")
    assert lines(contract, "GET", f"/orders?{invalid}")[0].startswith("error request_parameters query p")


@pytest.mark.parametrize(
    ("in_", "field", "valid", "invalid"),
    [("header", "P", "1, 2", "1,x"), ("cookie", "Cookie", "other=1; p=1,2", "p=1,x; other=1")],
)
def test_a_header_or_cookie_is_validated(in_: str, field: str, valid: str, invalid: str) -> None:
    contract = contract_of_get(parameter_p(in_, LIST, explode=False))
    assert [] == lines(contract, "GET", "/orders", {field: valid})
    message = "the value has the wrong type, string"
    assert [f"error request_parameters {in_} p[*]: {message}"] == lines(contract, "GET", "/orders", {field: invalid})


def test_a_parameter_with_content_is_json() -> None:
    """A valid object passes; a missing property, or text that is not JSON, is an error."""
    contract = contract_of_get({"name": "p", "in": "query", "content": {"application/json": {"schema": OBJECT}}})
    assert [] == lines(contract, "GET", '/orders?p={"a":1}')
    assert ["error request_parameters query p.a: the required property is missing"] == lines(
        contract, "GET", "/orders?p={}"
    )
    assert ["error request_parameters query p: the value has the wrong type, string"] == lines(
        contract, "GET", '/orders?p={"a"'
    )


@pytest.mark.parametrize(
    ("schema", "value", "location"), [({"type": "object"}, "{}", "p"), (LIST, "[1]", "p[*]"), (LIST, "1", "p[*]")]
)
def test_a_parameter_with_content_has_one_value(schema: Any, value: str, location: str) -> None:
    """Given twice, its value is an array, or an array in an array, which is an error."""
    contract = contract_of_get({"name": "p", "in": "query", "content": {"application/json": {"schema": schema}}})
    assert [f"error request_parameters query {location}: the value has the wrong type, array"] == lines(
        contract, "GET", f"/orders?p={value}&p={value}"
    )


@pytest.mark.parametrize("name", ["p[a", "p[a]b", "p[", "p[a]["])
def test_a_name_with_wrong_brackets_belongs_to_no_parameter(name: str) -> None:
    contract = contract_of_get(parameter_p("query", OBJECT, style="deepObject"))
    assert [f"info undocumented_parameter query {name}: the contract does not document this parameter"] == lines(
        contract, "GET", f"/orders?{name}=1"
    )


@pytest.mark.parametrize("in_", ["query", "header", "cookie"])
def test_a_missing_required_parameter_is_an_error(in_: str) -> None:
    contract = contract_of_get(parameter_p(in_, {"type": "string"}) | {"required": True})
    assert [f"error request_parameters {in_} p: the parameter is required and missing"] == lines(
        contract, "GET", "/orders"
    )


def test_an_undocumented_name_in_the_query_is_info() -> None:
    """Names of keys, deep objects and exploded objects are documented."""
    schemes = {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}
    parameters = [
        parameter_p("query", {"type": "integer"}),
        {**parameter_p("query", OBJECT, style="deepObject"), "name": "deep"},
    ]
    get = operation(
        parameters=[*parameters, {**parameter_p("query", OBJECT), "name": "spread"}], security=[{"key": []}]
    )
    contract = contract_of_paths({"/orders": {"get": get}}, components={"securitySchemes": schemes})
    assert [] == lines(contract, "GET", "/orders?p=1&api_key=k&a=1&deep[a]=1")
    assert ["info undocumented_parameter query q: the contract does not document this parameter"] == lines(
        contract, "GET", "/orders?q=1&q=2&api_key=k"
    )


def test_a_credential_in_a_parameter_is_not_shown() -> None:
    """The finding about an invalid `X-Api-Key` does not contain it."""
    contract = contract_of_get({**parameter_p("header", {"type": "integer"}), "name": "X-Api-Key"})
    (finding,) = check_request("GET", "/orders", headers={"X-Api-Key": "t0ps3cret"}, contract=contract)
    assert "t0ps3cret" not in repr(finding)


SCALARS = [{"type": "integer"}, {"type": "boolean"}, {"type": "string", "pattern": "^[a-z]+$"}]
STYLES = {
    "path": ["simple", "label", "matrix"],
    "query": ["form", "spaceDelimited", "pipeDelimited", "deepObject"],
    "header": ["simple"],
    "cookie": ["form"],
}


@st.composite
def parameters_and_values(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """Return a drawn parameter of any style, and a drawn value that its schema allows and its style can carry."""
    in_ = draw(st.sampled_from(sorted(STYLES)))
    style = draw(st.sampled_from(STYLES[in_]))
    scalar = draw(st.sampled_from(SCALARS))
    values = {
        "integer": st.integers(-99, 99),
        "boolean": st.booleans(),
        "string": st.from_regex("^[a-z]+$", fullmatch=True),
    }
    value = values[str(scalar["type"])]
    kinds = {"deepObject": ["object"], "spaceDelimited": ["array"], "pipeDelimited": ["array"]}
    kind = draw(st.sampled_from(kinds.get(style, ["scalar", "array", "object"])))
    schema: dict[str, Any] = scalar
    drawn = value
    if kind == "array":
        schema, drawn = {"type": "array", "items": scalar}, st.lists(value, min_size=1, max_size=3)
    elif kind == "object":
        schema = {"type": "object", "properties": {"k": scalar, "l": scalar}, "additionalProperties": False}
        drawn = st.dictionaries(st.sampled_from(["k", "l"]), value, min_size=1)
    explode = style == "deepObject" or draw(st.booleans())
    if in_ == "cookie" and kind != "scalar":
        explode = False
    return parameter_p(in_, schema, style=style, explode=explode), draw(drawn)


@given(parameters_and_values())
def test_a_valid_value_in_any_style_is_accepted(case: tuple[dict[str, Any], Any]) -> None:
    """What this kit serialises, it reads; the styles above are checked against texts of the specification."""
    parameter, value = case
    path = "/orders/{p}" if parameter["in"] == "path" else "/orders"
    contract = contract_of_get(parameter, path=path)
    (documented,) = contract.operations[0].parameters
    inputs = Inputs({"p": serialize_field(documented, value)})
    if parameter["in"] == "query":
        inputs = Inputs(query=tuple(serialize_pairs(documented, value)))
    elif parameter["in"] != "path":
        inputs = Inputs().with_value(documented, value)
    assert [] == lines(contract, "GET", inputs.target(contract.operations[0]), inputs.headers)


def test_many_undocumented_names_are_not_all_listed() -> None:
    """Of 5,000 names, 20 have findings; none has if the schema of a parameter allows any name."""
    query = "&".join(f"n{number}=1" for number in range(5_000))
    assert 20 == len(lines(contract_of_get(parameter_p("query", OBJECT)), "GET", f"/orders?a=1&{query}"))
    assert [] == lines(
        contract_of_get(parameter_p("query", {**OBJECT, "additionalProperties": True})), "GET", f"/orders?a=1&{query}"
    )


MISSING = "error request_parameters query p: the parameter is required and missing"


@pytest.mark.parametrize("style", [{}, {"style": "deepObject"}], ids=["form", "deepObject"])
@pytest.mark.parametrize(
    ("schema", "is_missing"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, False),
        ({**OBJECT}, True),
        ({"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}}, True),
        ({"type": "integer"}, True),
        (LIST, True),
    ],
    ids=["optional members", "required member", "minProperties", "number", "list"],
)
def test_a_required_object_without_members_is_sent_by_sending_nothing(
    schema: dict[str, Any], is_missing: bool, style: dict[str, Any]
) -> None:
    """If its members would be pairs of the query and the schema allows an empty object; other values are missing."""
    contract = contract_of_get({**parameter_p("query", schema, **style), "required": True})
    assert ([MISSING] if is_missing else []) == lines(contract, "GET", "/orders")


@pytest.mark.parametrize(
    "members",
    [
        {"schema": {"type": "object"}, "explode": False},
        {"content": {"application/json": {"schema": {"type": "object"}}}},
    ],
)
def test_a_required_object_in_one_pair_is_missing_without_it(members: dict[str, Any]) -> None:
    contract = contract_of_get({"name": "p", "in": "query", "required": True, **members})
    assert [MISSING] == lines(contract, "GET", "/orders")
