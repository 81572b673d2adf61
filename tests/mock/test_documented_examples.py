"""Documented examples are served before generated data, and any document can be mocked."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.traffic.mock import MockServer
from tests.mock.asking import ask
from tests.mock.test_operations import response

PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "string", "example": "p-1"},
        "name": {"type": "string", "examples": ["Ada", "Grace"]},
        "age": {"type": "integer", "minimum": 0, "example": 36},
        "role": {"enum": ["admin", "user"], "example": "user"},
        "broken": {"type": "string", "maxLength": 3, "example": "too long"},
    },
}


def contract(operation: dict[str, Any], version: str = "3.1.0", path: str = "/x", **further: Any) -> Contract:
    """Return a contract with one GET."""
    paths = {path: {"get": operation}}
    return from_document({"openapi": version, "info": {"title": "x", "version": "1"}, "paths": paths, **further}, "x")


def fetch(of: Contract, target: str = "/x", prefer: str = "") -> MockResponse:
    """Return the response of a new mock to a GET, which has `Prefer` if that is not empty."""
    fields = (("prefer", prefer),) if prefer else ()
    return MockServer(of).respond(Request("GET", target, fields))


def body(of: Contract, target: str = "/x", prefer: str = "") -> Any:
    """Return the body of the response of `fetch` as JSON data."""
    return json.loads(fetch(of, target, prefer).body)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("is_list", [False, True], ids=["object", "list"])
def test_a_mock_returns_every_documented_property_unless_a_scenario_omits_them(method: str, is_list: bool) -> None:
    key = {"type": "object", "properties": {"id": {"type": "string"}, "owner": PERSON, "tags": {"type": "array"}}}
    operation = {"responses": {"201": response({"type": "array", "items": key, "minItems": 1} if is_list else key)}}
    document = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/keys": {method: operation}}}
    with MockServer(from_document(document, "x")) as mock:
        complete = ask(mock, method.upper(), "/keys", {}).json()
        minimal = ask(mock.scenario("minimal"), method.upper(), "/keys", {}).json()
    for item in complete if is_list else [complete]:
        assert ({"id", "owner", "tags"}, PERSON["properties"].keys()) == (item.keys(), item["owner"].keys())
    assert all(item == {} for item in (minimal if is_list else [minimal]))


NAMED = {"small": {"value": [{"id": "s", "name": "S"}]}, "two": {"value": [{"id": "a", "name": "A"}] * 2}}


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ({"example": [{"id": "e", "name": "E"}]}, [{"id": "e", "name": "E"}]),
        ({"examples": NAMED}, NAMED["small"]["value"]),
        ({"examples": {"bad": {"value": 7}, **NAMED}}, NAMED["small"]["value"]),
        ({"examples": {"elsewhere": {"externalValue": "http://x.test"}, **NAMED}}, NAMED["small"]["value"]),
        ({"example": json.dumps([{"id": "text", "name": "T"}])}, [{"id": "text", "name": "T"}]),
    ],
)
def test_the_first_example_that_conforms_is_served(example: dict[str, Any], expected: Any) -> None:
    of = contract({"responses": {"200": response({"type": "array", "items": PERSON}, **example)}})
    assert expected == body(of)


def test_an_example_that_does_not_conform_is_named_and_not_served() -> None:
    """A generated body is served, and `invalid_examples` and the first response's reason name the example."""
    of = contract({"responses": {"200": response({"type": "array", "items": PERSON}, example=[{"id": 1}])}})
    assert [] == list(Draft202012Validator({"type": "array", "items": PERSON}).iter_errors(body(of)))
    (problem,) = MockServer(of).invalid_examples
    assert problem.startswith("GET /x: the example of 200 application/json does not conform: [0]")
    with MockServer(of) as mock:
        whys = [mock.respond(Request("GET", "/x")).why for _ in range(2)]
        assert [problem.removeprefix("GET /x: "), ""] == whys


def test_a_selected_example_that_does_not_conform_is_not_served() -> None:
    """`Prefer: example=bad` gets a generated body, and the reason is in the response's `why`."""
    of = contract({"responses": {"200": response(PERSON, examples={"bad": {"value": {"id": 1, "name": "A"}}})}})
    selected = fetch(of, prefer="example=bad")
    assert Draft202012Validator(PERSON).is_valid(json.loads(selected.body))
    assert selected.why.startswith("the example bad of 200 application/json does not conform: id")


@pytest.mark.parametrize("schema", [{"examples": [{"id": "s", "name": "S"}]}, {"example": {"id": "s", "name": "S"}}])
def test_the_example_of_a_schema_is_served(schema: dict[str, Any]) -> None:
    of = contract({"responses": {"200": response({**PERSON, **schema})}})
    assert {"id": "s", "name": "S"} == body(of)


def test_the_examples_of_properties_are_served() -> None:
    """In the first item; names and ages are always examples, ids stay distinct, and every role occurs."""
    of = contract({"responses": {"200": response({"type": "array", "items": PERSON})}})
    items = body(of)
    first = items[0]
    assert ("p-1", "Ada", 36, "user") == (first["id"], first["name"], first["age"], first["role"])
    assert {"Ada", "Grace"} == {item["name"] for item in items}
    assert len(items) == len({item["id"] for item in items})
    assert {"admin", "user"} == {item["role"] for item in items if "role" in item}
    assert all(item.get("age", 36) == 36 for item in items)


def test_a_request_selects_an_example() -> None:
    """By name in the `Prefer` header, also of another status; an unknown name gets 400 with the names that exist."""
    ada, bob = ({"value": {"id": number, "name": name}} for number, name in (("1", "Ada"), ("2", "Bob")))
    gone, never = ({"value": {"why": why}} for why in ("gone", "never"))
    people = response(PERSON, examples={"ada": ada, "bob smith": bob})
    missing = response({"type": "object"}, examples={"gone": gone, "never": never})
    of = contract({"responses": {"200": people, "404": missing}})
    assert "Bob" == body(of, prefer='example="bob smith"')["name"]
    selected = fetch(of, prefer="example=ada")
    assert ("Ada", 'example="ada"') == (json.loads(selected.body)["name"], selected.header("preference-applied"))
    other = fetch(of, prefer="code=404, example=never")
    assert (404, {"why": "never"}) == (other.status, json.loads(other.body))
    assert {"why": "gone"} == body(of, prefer="code=404")
    for prefer in ("example=eve", "code=404, example=ada", "code=409, example=ada"):
        unknown = fetch(of, prefer=prefer)
        assert 400 == unknown.status
    assert "the response 200 has no example eve; it has: ada, bob smith" == body(of, prefer="example=eve")["detail"]


def test_a_fault_has_the_documented_example_of_its_status() -> None:
    of = contract(
        {"responses": {"200": response(PERSON), "503": response({"type": "object"}, example={"try": "later"})}}
    )
    with MockServer(of) as mock:
        mock.fault("status", 503)
        assert {"try": "later"} == ask(mock, "GET", "/x", {}).json()


def test_a_fault_of_a_status_that_is_documented_as_text_says_what_the_mock_plays() -> None:
    """It has the documented media type; only examples in JSON are served for a fault."""
    tea = {"description": "", "content": {"text/plain": {"schema": {"type": "string"}, "example": "short and stout"}}}
    of = contract({"responses": {"200": response(PERSON), "418": tea}})
    mock = MockServer(of)
    mock.fault("status", 418)
    served = mock.respond(Request("GET", "/x", ()))
    assert (418, b"the mock plays the status 418") == (served.status, served.body)
    assert ("Content-Type", "text/plain") in served.headers


def test_an_error_has_the_same_generated_body_for_each_example_that_does_not_conform() -> None:
    error = response(PERSON, examples={"first": {"value": 7}, "second": {"value": 8}})
    mock = MockServer(contract({"responses": {"200": response(PERSON), "404": error}}))
    prefers = [f"code=404, example={name}" for name in ("first", "second")]
    first, second = (mock.respond(Request("GET", "/x", (("prefer", prefer),))) for prefer in prefers)
    assert (404, 404) == (first.status, second.status)
    assert first.body == second.body
    assert Draft202012Validator(PERSON).is_valid(json.loads(first.body))


def test_header_fields_have_their_examples_and_a_redirect_its_location() -> None:
    """Examples that do not conform are not sent; `Content-Length` is that of the body."""
    headers = {
        "Location": {"schema": {"type": "string", "format": "uri"}},
        "X-Limit": {"schema": {"type": "integer"}, "example": 100},
        "X-Bad": {"schema": {"type": "integer"}, "example": "many"},
        "X-Silent": {"schema": {"type": "integer"}},
        "X-Required": {"required": True, "schema": {"const": "yes"}},
        "Content-Length": {"required": True, "schema": {"type": "integer"}, "example": 7},
    }
    sent = fetch(contract({"responses": {"302": {"description": "x", "headers": headers}}}))
    assert ("100", None, None, "yes", None) == tuple(
        sent.header(name) for name in ("X-Limit", "X-Bad", "X-Silent", "X-Required", "Content-Length")
    )
    assert "://" in (sent.header("Location") or "")
    located = {"Location": {"schema": {"type": "string"}, "example": "https://shop.test/login"}}
    redirect = fetch(contract({"responses": {"302": {"description": "x", "headers": located}}}))
    assert (302, "https://shop.test/login") == (redirect.status, redirect.header("Location"))


@pytest.mark.parametrize(
    ("media_type", "example", "expected"),
    [("text/csv", "a,b\n", b"a,b\n"), ("application/xml", "<a/>", b"<a/>"), ("text/plain", 7, b"7")],
)
def test_a_body_that_is_not_json_is_its_documented_example(media_type: str, example: Any, expected: bytes) -> None:
    sent = fetch(contract({"responses": {"200": response(True, media_type, example=example)}}))
    assert (expected, media_type) == (sent.body, sent.header("content-type"))


@pytest.mark.parametrize("example", [{"example": "known"}, {"schema": {"type": "string", "example": "known"}}, {}])
@pytest.mark.parametrize("documented", [{"403": {"description": "x"}}, {"404": {"description": "x"}}, {}])
def test_an_example_is_not_the_only_valid_id(example: dict[str, Any], documented: dict[str, Any]) -> None:
    """With or without an example, or a documented 404, any other id in the path gets 200 too."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, **example}
    of = contract({"parameters": [parameter], "responses": {"200": response(PERSON), **documented}}, path="/x/{id}")
    assert [200, 200] == [fetch(of, f"/x/{name}").status for name in ("known", "another")]


def test_an_exhaustive_mock_accepts_only_the_ids_of_the_contract() -> None:
    """Other ids get 404: a contract run checks that an API rejects unknown ids."""
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "known"}
    of = contract({"parameters": [parameter], "responses": {"200": response(PERSON)}}, path="/x/{id}")
    mock = MockServer(of, is_exhaustive=True)
    assert [200, 404] == [mock.respond(Request("GET", f"/x/{name}")).status for name in ("known", "another")]


@pytest.mark.parametrize("further", [{}, {"allOf": [{"maxLength": 9}]}])
def test_a_nullable_enum_that_does_not_list_null_is_never_null(further: dict[str, Any]) -> None:
    state = {"type": "string", "nullable": True, "enum": ["a", "b"], **further}
    item = {"type": "object", "required": ["state"], "properties": {"state": state}}
    of = contract({"responses": {"200": response({"type": "array", "items": item})}}, "3.0.3")
    with MockServer(of) as mock:
        for _ in range(2):
            states = [thing["state"] for thing in ask(mock, "GET", "/x", {}).json()]
            assert {"a", "b"} == set(states)
            mock.scenario("many", count=30)


def test_a_nullable_enum_that_lists_null_is_null_in_some_items() -> None:
    item = {"type": "object", "required": ["a"], "properties": {"a": {"nullable": True, "enum": ["a", None]}}}
    of = contract({"responses": {"200": response({"type": "array", "items": item})}}, "3.0.3")
    assert {"a", None} == {thing["a"] for thing in body(of)}


def test_an_invalid_operation_gets_501_with_the_reason_and_the_others_are_mocked() -> None:
    paths = {
        "/good/{id}": {"get": {"responses": {"200": response(PERSON)}}},
        "/bad/{id}": {"get": {"responses": {"200": response({"type": "strnig"})}}},
    }
    of = from_document({"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths}, "x")
    with MockServer(of) as mock:
        good, bad = (ask(mock, "GET", path, {}) for path in ("/good/1", "/bad/1"))
        other = ask(mock, "PUT", "/bad/1", {})
    assert (200, 501, 405) == (good.status, bad.status, other.status)
    assert bad.json()["detail"].startswith("the mock cannot respond to GET /bad/{id}: ")
    assert "strnig" in bad.json()["detail"]


def test_templates_that_differ_in_their_names_share_their_methods() -> None:
    """GET of `/files/{file}` and POST of `/files/{folder}` are both served for `/files/1`."""

    def parameter(name: str) -> list[dict[str, Any]]:
        return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}]

    paths = {
        "/files/{file}": {"get": {"parameters": parameter("file"), "responses": {"200": response(PERSON)}}},
        "/files/{folder}": {"post": {"parameters": parameter("folder"), "responses": {"201": response(PERSON)}}},
    }
    of = from_document({"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths}, "x")
    with MockServer(of) as mock:
        assert [200, 201] == [ask(mock, method, "/files/1", {}).status for method in ("GET", "POST")]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
SCHEMAS = st.sampled_from(
    [
        {"type": "array", "items": {"type": "string", "maxLength": 2}},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "null"]}}},
        {"type": ["string", "null"]},
        {"enum": [1, "a", None]},
        True,
    ]
)


@given(SCHEMAS, VALUES)
def test_an_example_is_served_if_and_only_if_an_independent_engine_accepts_it(schema: Any, example: Any) -> None:
    of = contract({"responses": {"200": response(schema, example=example)}})
    served = body(of)
    validator = Draft202012Validator(schema)
    assert validator.is_valid(served)
    as_text = isinstance(example, str) and not validator.is_valid(example)
    if not as_text:
        assert validator.is_valid(example) == (not MockServer(of).invalid_examples)
    if validator.is_valid(example):
        assert (example, type(example)) == (served, type(served))


def test_the_command_starts_with_the_published_spec(python: list[str]) -> None:
    """Its path parameter has no example; the command prints a curl command and exits with 0 after a signal."""
    command = [*python, "-m", "pytest_bctrl", "mock", "--port", "0", "--contract", "contracts/runtimes.openapi.yaml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = next((line for line in process.stdout if "try: curl" in line), "")
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert (0, "") == (process.returncode, errors)
    assert "/v1/spaces/" in shown
