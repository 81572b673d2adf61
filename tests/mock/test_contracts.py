"""The mock of contracts with other errors and other bodies than the packaged one."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from tests.contract.documents import contract_of, document

from .asking import Reply, ask

KEY = "a-key-of-the-test"
LISTED_ERRORS = {"properties": {"code": {"enum": ["E1", "E2"]}, "message": {"enum": ["no"]}}, "required": ["code"]}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def fetch(contract: Contract, target: str = "/v1/things/1", **headers: str) -> Reply:
    """Return the response of a new mock of a contract to a GET."""
    with MockServer(contract, api_key=Secret(KEY)) as mock:
        return ask(mock, "GET", target, headers)


@pytest.mark.parametrize(
    ("content", "media", "body"),
    [
        (
            {"text/plain": {"schema": {"type": "string"}}, "application/problem+json": {"schema": OBJECT}},
            "application/problem+json",
            dict,
        ),
        ({"application/json": {"schema": {"type": "string"}}}, "application/json", str),
        ({"application/json": {"schema": LISTED_ERRORS}}, "application/json", dict),
        ({"application/json": {"schema": {"properties": {"a": True}, "required": ["a"]}}}, "application/json", dict),
    ],
)
def test_an_error_response_conforms_to_its_documented_schema(content: Any, media: str, body: type) -> None:
    """A 404 has the preferred media type of those documented, and a body that its schema accepts."""
    contract = from_document(
        document(
            OBJECT,
            responses={
                "200": {"description": "x", "content": {"application/json": {"schema": OBJECT}}},
                "404": {"description": "x", "content": content},
            },
        ),
        "things.json",
    )
    reply = fetch(contract, Prefer="code=404")
    assert (404, media) == (reply.status, reply.headers["content-type"])
    assert isinstance(reply.json(), body)
    assert accepts(contract, content[media]["schema"], reply.json())


def test_an_error_whose_body_cannot_be_generated_has_problem_details() -> None:
    """The mock starts; `response_errors`, which a contract run calls, has an error that names the schema."""
    listed = {"type": "object", "properties": {"code": {"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}}}
    schemas = {"200": OBJECT, "404": {**listed, "required": ["code"]}}
    contents = {status: {"application/json": {"schema": schema}} for status, schema in schemas.items()}
    contract = contract_of(responses={status: {"description": "x", "content": contents[status]} for status in contents})
    with MockServer(contract) as mock:
        reply = ask(mock, "GET", "/v1/things/1", {"Prefer": "code=404"})
        expected = {"type": "about:blank", "title": "Not Found", "status": 404}
        assert expected.items() <= reply.json().items()
        assert (404, "application/problem+json") == (reply.status, reply.headers["content-type"])
    (error,) = mock.response_errors().values()
    assert "404/content/application~1json/schema/properties/code: found no value" in str(error)


def test_a_body_of_an_unsafe_operation_that_cannot_be_generated_has_an_error() -> None:
    impossible = {"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}
    content = {"application/json": {"schema": impossible}}
    spec = document(OBJECT)
    spec["paths"]["/v1/things"] = {"post": {"responses": {"201": {"description": "x", "content": content}}}}
    errors = MockServer(from_document(spec, "things.json"), is_exhaustive=True).response_errors()
    assert ["POST /v1/things"] == list(errors)


def test_a_body_that_contradicts_its_invariants_has_an_error() -> None:
    """`response_errors` names the operation: no value of the schema has equal properties."""
    rule = {"rule": "r", "level": "error", "because": "x", "each": "", "same": ["a", "b"]}
    schema = {"properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["a", "b"]}
    mock = MockServer(contract_of(schema, None, **{"x-bctrl-invariants": [rule]}), is_exhaustive=True)
    ((label, error),) = mock.response_errors().items()
    assert ("GET /v1/things/{id}", True) == (label, "invariant" in str(error))


def test_a_list_without_enough_different_items_has_an_error() -> None:
    """`response_errors` names its schema: it requires three different items, and there are two."""
    schema = {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"enum": ["a", "b"]}}
    (error,) = MockServer(contract_of(schema), is_exhaustive=True).response_errors().values()
    assert "200/content/application~1json/schema: found no value that the schema allows (make its" in str(error)


@pytest.mark.parametrize(("required", "count"), [(True, 1), (False, 0)], ids=["required", "optional"])
def test_a_required_header_field_without_a_value_has_an_error(required: bool, count: int) -> None:
    """`response_errors` names the schema of the field, in any response; a contract run sends no optional field."""
    field = {"required": required, "schema": {"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}}
    spec = document(OBJECT)
    responses = spec["paths"]["/v1/things/{id}"]["get"]["responses"]
    responses["404"] = {"description": "x", "headers": {"X-Reason": field}}
    errors = MockServer(from_document(spec, "things.json"), is_exhaustive=True).response_errors()
    assert count == len(errors)
    assert all("404/headers/X-Reason/schema: found no value" in str(error) for error in errors.values())


def test_a_scenario_does_not_change_operations_without_a_list() -> None:
    """With `empty` or `slow`, an operation that returns an object has the same body as before."""
    spec = document({"type": "array", "items": OBJECT})
    documented = {"description": "x", "content": {"application/json": {"schema": OBJECT}}}
    spec["paths"]["/v1/thing"] = {"get": {"operationId": "thing", "responses": {"200": documented}}}
    with MockServer(from_document(spec, "things.json")) as mock:
        usual = ask(mock, "GET", "/v1/thing", {}).json()
        for scenario in ("empty", "slow"):
            mock.scenario(scenario)
            assert usual == ask(mock, "GET", "/v1/thing", {}).json()
        assert [] == mock.scenario("empty").runtimes


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"const": 12}, "malformed_json"),
    ],
)
def test_a_fault_without_effect_on_the_body_is_not_applied(schema: Any, name: str) -> None:
    """The body stays, and the message says what the fault needs."""
    contract = from_document(document(schema), "things.json")
    with MockServer(contract) as mock:
        plain = ask(mock, "GET", "/v1/things/1", {}).body
        with mock.fault(name) as fault:
            assert plain == ask(mock, "GET", "/v1/things/1", {}).body
            assert "never applied: it needs a successful response with a JSON body that" in fault.remaining()
