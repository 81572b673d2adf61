"""Responses that cannot be generated or have no JSON body, and unused setup without pytest."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.change import RequestContext
from pytest_bctrl.traffic.mock.custom import mock_fault
from pytest_bctrl.traffic.mock.source import BodySource
from tests.mock.asking import ask, connected, read_all
from tests.mock.test_documented_examples import PERSON, contract, fetch
from tests.mock.test_operations import response, shop

IMPOSSIBLE = {"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}
ERROR = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}


def test_assert_setup_used_raises_for_an_unused_fault() -> None:
    """It passes once the fault was applied, and with an empty sequence."""
    with MockServer(shop()) as mock:
        mock.assert_setup_used()
        fault = mock.operation("report").fault("status", 503)
        with pytest.raises(
            AssertionError, match=r"fault status\(503\) of GET /v1/report: never applied, set at .*\.py:\d+"
        ):
            mock.assert_setup_used()
        assert 503 == ask(mock, "GET", "/v1/report", {}).status
        mock.assert_setup_used()
        assert ("<operation report of the mock>", 1) == (repr(mock.operation("report")), fault.count)
        mock.operation("listOrders").sequence()
        mock.assert_setup_used()


def test_a_required_header_field_that_cannot_be_generated_is_named() -> None:
    """The operation gets 501 with the reason, and `not_mocked` names it."""
    headers = {"X-Odd": {"required": True, "schema": IMPOSSIBLE}}
    of = contract({"responses": {"200": {**response(PERSON), "headers": headers}}})
    rejected = fetch(of)
    assert (501, "GET /x") == (rejected.status, *MockServer(of).not_mocked)
    assert "found no value" in json.loads(rejected.body)["detail"]


def test_the_request_id_conforms_to_the_documented_header_field() -> None:
    """If the field is a UUID, responses have the id of a request that is one, and otherwise a generated UUID."""
    own, other = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721", "f6e2f1c0-0f6e-4c3b-9a53-3b2e0b1f9d11"
    field = {"required": True, "schema": {"type": "string", "format": "uuid", "examples": [own]}}
    headers = {"X-Request-ID": field}
    responses = {"200": {**response(PERSON), "headers": headers}, "400": {**response(ERROR), "headers": headers}}
    parameter = {"name": "n", "in": "query", "schema": {"type": "integer"}}
    mock = MockServer(contract({"parameters": [parameter], "responses": responses}))

    def ids_for(*fields: tuple[str, str]) -> list[list[str]]:
        """Return the request ids of the response to a valid request, and of that to an invalid one."""
        replies = [mock.respond(Request("GET", target, fields)) for target in ("/x", "/x?n=no")]
        assert [200, 400] == [reply.status for reply in replies]
        return [[value for name, value in reply.headers if name.lower() == "x-request-id"] for reply in replies]

    assert [[own], [own]] == ids_for() == ids_for(("x-request-id", "no-uuid"))
    assert [[other], [other]] == ids_for(("x-request-id", other))


def test_an_error_of_the_mock_has_a_request_id_even_if_the_documented_one_is_impossible() -> None:
    headers = {"X-Request-Id": {"required": True, "schema": IMPOSSIBLE}}
    mock = MockServer(contract({"responses": {"200": {**response(PERSON), "headers": headers}}}))
    reply = mock.respond(Request("GET", "/x", (("x-request-id", "mine"),)))
    assert (501, "mine") == (reply.status, reply.header("x-request-id"))


def test_errors_of_the_mock_itself_have_the_documented_shape() -> None:
    """501 for a body that cannot be generated, and 400 for an unknown example."""
    of = contract({"responses": {"200": response(IMPOSSIBLE), "5XX": response(ERROR)}})
    rejected = fetch(of)
    assert ("application/json", 501) == (rejected.header("content-type"), rejected.status)
    assert json.loads(rejected.body)["message"].startswith("the mock cannot respond to GET /x: ")
    unknown = fetch(contract({"responses": {"200": response(PERSON), "400": response(ERROR)}}), prefer="example=a")
    assert {"message": "the response 200 has no example a; it has: none"} == json.loads(unknown.body)


def test_a_response_without_a_body_has_no_examples() -> None:
    """`Prefer: example=a` gets 400 with that reason."""
    rejected = fetch(contract({"responses": {"204": {"description": "x"}}}), prefer="example=a")
    assert (400, True) == (rejected.status, b"has no examples, because it has no body" in rejected.body)


def test_a_text_is_an_invalid_example_of_an_object() -> None:
    """JSON or not; it is listed, and a generated object is served."""
    of = contract({"responses": {"200": response(PERSON, example="{id: 1")}})
    assert 1 == len(MockServer(of).invalid_examples)
    assert "p-1" == json.loads(fetch(of).body)["id"]
    as_text = contract({"responses": {"200": response(PERSON, example='{"id": 1}')}})
    assert 1 == len(MockServer(as_text).invalid_examples)


def test_examples_that_do_not_fit_together_are_not_served() -> None:
    """Each is valid alone; the object that has both is not."""
    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "integer", "example": 1}, "b": {"type": "integer", "example": 1}},
        "not": {"properties": {"a": {"const": 1}, "b": {"const": 1}}},
    }
    served = json.loads(fetch(contract({"responses": {"200": response(schema)}})).body)
    assert (1, 1) != (served["a"], served["b"])


def test_the_example_of_a_list_is_the_whole_list() -> None:
    """A property with `example: [a, b]` has these two items in the mock's response."""
    listed = {"type": "array", "items": {"type": "string"}, "example": ["a", "b"]}
    schema = {"type": "object", "required": ["items"], "properties": {"items": listed}}
    assert {"items": ["a", "b"]} == json.loads(fetch(contract({"responses": {"200": response(schema)}})).body)


def test_items_that_must_differ_have_an_example_once() -> None:
    """With `uniqueItems`, the first item is the example and the others differ."""
    schema = {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "string", "example": "a"}}
    served = json.loads(fetch(contract({"responses": {"200": response(schema)}})).body)
    assert ("a", True, len(served)) == (served[0], len(served) >= 3, len(set(served)))


@mock_fault("sampled")
def sampled(context: RequestContext) -> MockResponse:
    """Replace the body with a sample."""
    return replace(context.response, payload=Payload(json.dumps(context.samples.sample()).encode()))


def test_a_custom_fault_has_no_samples_of_a_text() -> None:
    """A custom fault that reads the samples gets 500 with the reason from an operation that returns CSV."""
    with MockServer(shop()).extend(faults=[sampled]) as mock:
        mock.fault("sampled")
        assert 200 == ask(mock, "GET", "/v1/orders", {}).status
        rejected = ask(mock, "GET", "/v1/report", {})
    assert (500, True) == (rejected.status, "documents no successful JSON response" in rejected.body.decode())


def test_a_fault_of_json_bodies_leaves_a_text() -> None:
    """A response in text has its own body although the fault is set."""
    with MockServer(shop()) as mock:
        mock.operation("report").serve("a,b")
        mock.fault("malformed_json")
        assert b"a,b" == ask(mock, "GET", "/v1/report", {}).body


def test_a_slow_body_waits_for_its_client() -> None:
    """A large body at a high speed arrives complete at a client that reads late; others are served meanwhile."""
    big = json.dumps(["x" * 1000] * 12_000).encode()
    of = contract({"responses": {"200": response({"type": "array", "items": {"type": "string"}})}})
    with MockServer(of, source=BodySource(lambda: [big])) as mock:
        mock.fault("slow_body", 160_000_000)
        with connected(mock) as sock:
            sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            mock.requests.wait_for()
            # Until the second part of the body is due, while the first one fills the buffers of the system.
            time.sleep(0.2)
            assert 200 == ask(mock, "GET", "/__bctrl__/health", {}).status
            received = read_all(sock)
    assert big == received.partition(b"\r\n\r\n")[2]


def test_a_value_that_is_not_json_is_shown_as_it_is() -> None:
    """The error for a set as a count contains `{1}`."""
    mock = MockServer(shop())
    with pytest.raises(SettingError, match=r"count=\{1\} is not a whole number"):
        mock.scenario("many", count={1})


def test_samples_of_the_other_operations_are_those_with_a_json_response() -> None:
    """`mock.others` has an entry for each of them."""
    mock = MockServer(shop())
    assert {"POST /v1/orders", "GET /v1/orders/{id}", "GET /v1/customers"} == {*mock.others}
    assert all(isinstance(samples, Samples) for samples in mock.others.values())


def test_a_scenario_of_data_for_a_document_without_json_is_an_error() -> None:
    """The scenario `empty`; a space can be opened even so, and the DELETE of the document gets 204."""
    paths: dict[str, Any] = {"/x": {"delete": {"responses": {"204": {"description": "x"}}}}}
    of = from_document({"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": paths}, "x")
    mock = MockServer(of)
    with pytest.raises(Exception, match="it documents no successful JSON response"):
        mock.scenario("empty")
    space = mock.space()
    assert ("space-1", 204) == (space.space_id, mock.respond(Request("DELETE", "/x")).status)
