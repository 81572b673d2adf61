"""Requests that Schemathesis generates get the response that jsonschema, an independent engine, expects."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.suite.plan.generated_values import generation_settings
from pytest_bctrl.suite.plan.jsonschema_engine import FORMATS
from pytest_bctrl.traffic.mock import MockServer

from .orders import body, contract_of_body, operation, response

ERROR = {
    "type": "object",
    "required": ["reason"],
    "properties": {"reason": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
ITEM = {
    "type": "object",
    "required": ["sku", "qty"],
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"},
        "qty": {"type": "integer", "minimum": 1, "maximum": 99},
        "price": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "gift": {"type": "boolean"},
    },
    "additionalProperties": False,
}
ORDER = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {"type": "array", "items": ITEM, "minItems": 1, "maxItems": 3},
        "delivery": {"oneOf": [{"const": "pickup"}, {"type": "string", "format": "date"}]},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
    },
}
NUMBERS = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 3}
COLOUR = {
    "type": "object",
    "required": ["red"],
    "properties": {"red": {"type": "integer"}, "warm": {"type": "boolean"}},
    "additionalProperties": False,
}
FIELDS = {
    "type": "object",
    "required": ["age"],
    "properties": {"age": {"type": "integer"}, "size": {"enum": ["s", "m"]}},
    "additionalProperties": False,
}


def parameter(name: str, in_: str, schema: Any, **members: Any) -> dict[str, Any]:
    """Return a required parameter."""
    return {"name": name, "in": in_, "required": True, "schema": schema, **members}


PATHS: dict[str, Any] = {
    "/orders": {"post": body(ORDER)},
    "/form": {"post": body(FIELDS, "application/x-www-form-urlencoded")},
    "/upload": {"post": body(FIELDS, "multipart/form-data")},
    "/search/{id}": {
        "get": operation(
            parameters=[
                parameter("id", "path", {"type": "integer", "minimum": 1}),
                parameter("spread", "query", NUMBERS),
                parameter("comma", "query", NUMBERS, explode=False),
                parameter("pipe", "query", NUMBERS, style="pipeDelimited", explode=False),
                parameter("colour", "query", COLOUR, style="deepObject", explode=True),
                parameter("X-Size", "header", {"enum": ["s", "m"]}),
                parameter("session", "cookie", {"type": "string", "pattern": "^[a-z]{1,8}$"}),
            ]
        )
    },
}
for item in PATHS.values():
    for documented in item.values():
        documented["responses"]["4XX"] = response(ERROR)
DOCUMENT = {"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": PATHS}
MOCK = MockServer(from_document(DOCUMENT, "orders"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [("/orders", "POST"), ("/form", "POST"), ("/upload", "POST"), ("/search/{id}", "GET")]


def is_valid(schema: Any, value: Any) -> bool:
    """Return whether jsonschema accepts a value, formats included."""
    return Draft202012Validator(schema, format_checker=FORMATS).is_valid(value)


def mock_response(case: Any) -> MockResponse:
    """Return the response of the mock to the request that Schemathesis would send."""
    arguments = case.as_transport_kwargs(base_url="http://orders.test")
    names = ("method", "url", "headers", "params", "data", "json", "files", "cookies")
    prepared = requests.Request(**{name: arguments[name] for name in names if name in arguments}).prepare()
    content = prepared.body or b""
    headers = tuple((name.lower(), _text(value)) for name, value in prepared.headers.items())
    encoded = content.encode() if isinstance(content, str) else content
    assert isinstance(encoded, bytes)
    return MOCK.respond(Request(str(prepared.method), prepared.path_url, headers, encoded))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def assert_documented(response: MockResponse) -> None:
    """Raise `AssertionError` unless the body conforms to the documented schema of its status, by jsonschema."""
    schema: Any = {"type": "object"} if response.status == 200 else ERROR
    assert is_valid(schema, json.loads(response.body)), response


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_valid_requests_are_accepted(path: str, method: str) -> None:
    """The mock responds with 200 to each request that Schemathesis generates as valid."""
    count = 0

    @generation_settings(25)
    @given(SCHEMA[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: Any) -> None:
        nonlocal count
        count += 1
        response = mock_response(case)
        assert 200 == response.status, response.why
        assert_documented(response)

    check()
    assert count > 5


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_invalid_requests_are_rejected(path: str, method: str) -> None:
    """The mock rejects each JSON body that jsonschema rejects, and some other requests generated as invalid.

    Other invalid values may be valid when they are sent as text.
    """
    rejected = 0

    @generation_settings(40)
    @given(SCHEMA[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def check(case: Any) -> None:
        nonlocal rejected
        response = mock_response(case)
        assert response.status == 200 or 400 <= response.status < 500
        rejected += response.status != 200
        assert_documented(response)
        if case.media_type == "application/json" and not is_valid(ORDER, case.body):
            assert response.status != 200

    check()
    assert rejected > 5


SCALARS = st.sampled_from(
    [
        {"type": "integer", "minimum": -5, "maximum": 5},
        {"type": "number", "exclusiveMaximum": 1},
        {"type": "string", "maxLength": 3},
        {"type": "boolean"},
        {"enum": ["a", 1, None]},
        {"type": ["string", "null"], "minLength": 1},
    ]
)
ARRAYS = st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, SCALARS, st.integers(0, 2))
OBJECTS = st.builds(
    lambda properties, required, is_open: {
        "type": "object",
        "properties": properties,
        "required": sorted(required & {*properties}),
        "additionalProperties": is_open,
    },
    st.dictionaries(st.sampled_from("abc"), SCALARS | ARRAYS),
    st.frozensets(st.sampled_from("abc")),
    st.booleans(),
)
SCHEMAS = OBJECTS | ARRAYS | st.builds(lambda a, b: {"anyOf": [a, b]}, OBJECTS, SCALARS)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["", "a", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


def likely(schema: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values that a schema of `SCHEMAS` probably allows."""
    if "anyOf" in schema:
        return st.one_of(*map(likely, schema["anyOf"]))
    if schema.get("type") == "array":
        return st.lists(likely(schema["items"]), max_size=schema["maxItems"])
    if schema.get("type") == "object":
        required = {name: likely(schema["properties"].get(name, {})) for name in schema["required"]}
        return st.fixed_dictionaries(required)
    return st.sampled_from([0, 0.5, 1, "a", "abc", True, None])


@given(st.data(), SCHEMAS)
def test_a_json_body_is_accepted_exactly_if_jsonschema_accepts_it(data: st.DataObject, schema: Any) -> None:
    value = data.draw(VALUES | likely(schema))
    mock = MockServer(contract_of_body(schema))
    headers = (("content-type", "application/json"),)
    response = mock.respond(Request("POST", "/orders", headers, json.dumps(value).encode()))
    assert is_valid(schema, value) == (response.status == 200)
    assert response.status in (200, 400)
    assert bool(response.findings) == (response.status == 400)
