"""Single operations of the mock: each has data, scenarios, faults and requests that no other operation shares."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import DocumentError, SettingError
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.scenarios import DATA_SCENARIOS, RESPONSE_SCENARIOS
from tests.mock.asking import ask

ITEM = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}


def response(schema: Any, media_type: str = "application/json", **further: Any) -> dict[str, Any]:
    """Return a documented response with one media type."""
    return {"description": "x", "content": {media_type: {"schema": schema, **further}}}


@cache
def shop() -> Contract:
    """Return a contract with two lists, a single item, a text and an operation without content."""
    orders = {"type": "object", "required": ["orders"], "properties": {"orders": {"type": "array", "items": ITEM}}}
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {
        "/v1/orders": {
            "get": {"operationId": "listOrders", "responses": {"200": response(orders)}},
            "post": {"operationId": "createOrder", "responses": {"201": response(ITEM)}},
        },
        "/v1/orders/{id}": {
            "parameters": [parameter],
            "get": {"operationId": "getOrder", "responses": {"200": response(ITEM)}},
            "delete": {"operationId": "deleteOrder", "responses": {"204": {"description": "x"}}},
        },
        "/v1/customers": {"get": {"responses": {"200": response({"type": "array", "items": ITEM})}}},
        "/v1/report": {"get": {"operationId": "report", "responses": {"200": response(True, "text/csv")}}},
    }
    return from_document({"openapi": "3.1.0", "info": {"title": "shop", "version": "1"}, "paths": paths}, "shop")


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """Return a running mock of the shop."""
    with MockServer(shop()) as server:
        yield server


def get(mock: MockServer, path: str) -> Any:
    """Return the body of a response, or its status if it is not 200."""
    reply = ask(mock, "GET", path, {})
    return reply.json() if reply.status == 200 else reply.status


def test_two_lists_have_separate_data(mock: MockServer) -> None:
    mock.operation("listOrders").serve([{"id": "o1"}])
    mock.operation("GET /v1/customers").serve([{"id": "c1"}, {"id": "c2"}])
    mock.operation("getOrder").serve({"id": "o9"})
    assert {"orders": [{"id": "o1"}]} == get(mock, "/v1/orders")
    assert [{"id": "c1"}, {"id": "c2"}] == get(mock, "/v1/customers")
    assert {"id": "o9"} == get(mock, "/v1/orders/any")
    mock.operation("GET /v1/customers").update("c2", name="Ada")
    assert [{"id": "c1"}, {"id": "c2", "name": "Ada"}] == get(mock, "/v1/customers")
    assert [{"id": "o1"}] == mock.operation("listOrders").items == mock.runtimes
    assert {"id": "o9"} == mock.operation("getOrder").body


def test_data_and_sequence_of_one_operation_leave_the_data_of_another(mock: MockServer) -> None:
    mock.operation("GET /v1/customers").serve([])
    mock.runtimes = [{"id": "o1"}]
    mock.operation("listOrders").sequence([], [{"id": "o2"}])
    assert [] == get(mock, "/v1/customers")


@pytest.mark.parametrize("name", ["listOrders", "GET /v1/orders"])
def test_a_fault_of_one_operation_never_affects_another(mock: MockServer, name: str) -> None:
    """Not even by being used up: the requests to other operations come first."""
    mock.operation("GET /v1/customers").serve([])
    fault = mock.operation(name).fault("status", 503, times=1)
    for path in ("/v1/customers", "/v1/orders/1", "/v1/nothing", "/v1/report"):
        ask(mock, "GET", path, {})
    ask(mock, "POST", "/v1/orders", {})
    assert 0 == fault.count
    assert [503, 200] == [ask(mock, "GET", "/v1/orders", {}).status for _ in range(2)]
    assert [fault.fault] == [active.fault for active in mock.operation(name).faults]
    assert () == mock.operation("createOrder").faults
    fault.undo()
    assert () == mock.operation(name).faults


def test_a_fault_of_the_whole_mock_affects_every_operation(mock: MockServer) -> None:
    mock.fault("status", 503)
    assert [503, 503, 503] == [
        ask(mock, "GET", path, {}).status for path in ("/v1/orders", "/v1/report", "/v1/customers")
    ]


def test_a_sequence_advances_with_the_requests_to_its_operation_alone(mock: MockServer) -> None:
    mock.operation("GET /v1/customers").sequence([], 503, [{"id": "c1"}])
    orders = get(mock, "/v1/orders")
    bodies = []
    for _ in range(4):
        assert orders == get(mock, "/v1/orders")
        bodies.append(get(mock, "/v1/customers"))
    assert [[], 503, [{"id": "c1"}], [{"id": "c1"}]] == bodies


def test_a_scenario_of_one_operation_leaves_the_others(mock: MockServer) -> None:
    """A later scenario of the mock replaces it, and those of the other operations."""
    mock.operation("GET /v1/customers").scenario("many", count=7)
    assert 7 == len(get(mock, "/v1/customers"))
    assert 7 != len(get(mock, "/v1/orders")["orders"])
    mock.scenario("empty")
    assert ([], {"orders": []}) == (get(mock, "/v1/customers"), get(mock, "/v1/orders"))


def test_an_operation_has_the_journal_of_its_requests(mock: MockServer) -> None:
    """With and without a query; clearing it keeps the other requests in the mock's journal."""
    for path in ("/v1/orders", "/v1/customers", "/v1/orders?limit=2", "/v1/orders/3"):
        ask(mock, "GET", path, {})
    requests = mock.operation("listOrders").requests
    assert ["/v1/orders", "/v1/orders?limit=2"] == [entry.path for entry in requests]
    assert (2, 4) == (len(requests), len(mock.requests))
    requests.clear()
    assert ["/v1/customers", "/v1/orders/3"] == [entry.path for entry in mock.requests]


def test_a_text_and_a_response_without_content_can_be_set_up(mock: MockServer) -> None:
    """CSV by `serve`, and a status fault before a 204."""
    mock.operation("report").serve("a,b\n1,2\n")
    assert b"a,b\n1,2\n" == ask(mock, "GET", "/v1/report", {}).body
    mock.operation("deleteOrder").fault("status", 409, times=1)
    assert [409, 204] == [ask(mock, "DELETE", "/v1/orders/1", {}).status for _ in range(2)]


def test_a_response_that_is_not_json_has_sequences(mock: MockServer) -> None:
    """Of statuses, faults and bytes, for a 204 response and for CSV."""
    mock.operation("deleteOrder").sequence(503, None)
    mock.operation("report").sequence(b"a", "status(429)", b"b")
    deleted = [ask(mock, "DELETE", "/v1/orders/1", {}) for _ in range(3)]
    assert [503, 204, 204] == [reply.status for reply in deleted]
    assert "content-type" not in deleted[1].headers
    reports = [ask(mock, "GET", "/v1/report", {}) for _ in range(4)]
    assert [(200, b"a"), (200, b"b"), (200, b"b")] == [
        (reply.status, reply.body) for reply in reports if reply.status == 200
    ]
    assert 429 == reports[1].status
    assert "text/csv" == reports[0].headers["content-type"]
    mock.assert_setup_used()


@pytest.mark.parametrize("step", [[], {"a": 1}, 1.5])
def test_a_step_of_an_operation_without_json_is_a_status_or_bytes(mock: MockServer, step: Any) -> None:
    """A list, a mapping or a float in its sequence is an error."""
    with pytest.raises(SettingError, match=r"sequence: step 2: .* is not a step of an operation without JSON"):
        mock.operation("report").sequence(503, step)


def test_a_text_that_is_served_is_not_a_json_body(mock: MockServer) -> None:
    """`operation.body` raises for an operation that was given a CSV text."""
    mock.operation("report").serve("a,b")
    with pytest.raises(DocumentError, match="documents no successful JSON response"):
        _ = mock.operation("report").body


@pytest.mark.parametrize("operation", ["report", "deleteOrder", "getOrder"])
@pytest.mark.parametrize("name", RESPONSE_SCENARIOS)
def test_a_scenario_of_responses_applies_to_every_operation(mock: MockServer, name: str, operation: str) -> None:
    """To one with text, without a body, or with an object: it succeeds, and the scenario counts as used."""
    arguments = {"seconds": 0} if name == "slow" else {}
    mock.operation(operation).scenario(name, **arguments)
    method, path = {"report": ("GET", "/v1/report"), "deleteOrder": ("DELETE", "/v1/orders/1")}.get(
        operation, ("GET", "/v1/orders/1")
    )
    assert ask(mock, method, path, {}).status in (200, 204)
    mock.assert_setup_used()


def test_a_scenario_of_data_needs_a_json_body(mock: MockServer) -> None:
    """Setting one for an operation that documents CSV raises `DocumentError`."""
    for name in DATA_SCENARIOS:
        with pytest.raises(DocumentError, match=r"GET /v1/report: it documents no successful JSON response"):
            mock.operation("report").scenario(name)


def test_a_contract_without_json_has_the_scenarios_of_responses() -> None:
    """`slow` is applied to its 204 response."""
    paths = {"/ping": {"get": {"responses": {"204": {"description": "x"}}}}}
    contract = from_document({"openapi": "3.1.0", "info": {"title": "a", "version": "1"}, "paths": paths}, "a")
    with MockServer(contract) as mock:
        mock.scenario("slow", seconds=0)
        assert 204 == ask(mock, "GET", "/ping", {}).status
        mock.assert_setup_used()


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("listOrdres", None, r"operation listOrdres: unknown operation \(choose one of: listOrders"),
        ("GET /v1/order", None, r"choose one of: GET /v1/orders"),
        ("listOrders", [{}], "operation listOrders: serve: it breaks the contract"),
        ("GET /v1/customers", [{"id": 1}], "operation GET /v1/customers: serve: it breaks the contract"),
        ("report", {"a": 1}, r"GET /v1/report responds with text/csv \(give its body as text or bytes\)"),
        ("deleteOrder", [], r"DELETE /v1/orders/\{id\} documents no body"),
    ],
)
def test_an_unknown_operation_or_a_nonconforming_body_is_an_error(
    mock: MockServer, name: str, body: Any, message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        mock.operation(name).serve(body)


def test_a_fault_that_does_not_apply_to_an_operation_is_an_error(mock: MockServer) -> None:
    with pytest.raises(SettingError, match="it has no pages"):
        mock.operation("getOrder").fault("lost_item")
    with pytest.raises(SettingError, match=r"unknown rule|has no"):
        mock.operation("getOrder").fault("break_rule", "orders[*].id")


def test_spaces_have_separate_operations(mock: MockServer) -> None:
    """What the server and a space serve for one operation differs; each has its own journal."""
    contract = shop()
    guarded = {**contract.source, "security": [{"key": []}]}
    guarded["components"] = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
    with MockServer(from_document(guarded, "shop")) as server, server.space() as space:
        space.operation("listOrders").serve([{"id": "s"}])
        server.operation("listOrders").serve([{"id": "m"}])
        lists = [
            ask(server, "GET", "/v1/orders", {"Authorization": f"Bearer {owner.api_key}"}).json()
            for owner in (server, space)
        ]
        assert [["m"], ["s"]] == [[order["id"] for order in body["orders"]] for body in lists]
        assert (1, 1) == (len(space.operation("listOrders").requests), len(server.operation("listOrders").requests))
