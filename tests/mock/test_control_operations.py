"""Single operations over HTTP; unknown fields are rejected, and errors read the same in every language."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.control import DOCUMENT
from tests.mock.asking import Reply, ask, connected, read_all
from tests.mock.test_operations import get, shop

TOKEN = "control-token"
CUSTOMERS = quote("GET /v1/customers", safe="")


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """Return a running mock of the shop with a control path."""
    with MockServer(shop(), control=Secret(TOKEN)) as server:
        yield server


def control(mock: MockServer, method: str, path: str, body: Any = None) -> Reply:
    """Send a control request with the token; a text is the body as it is, other data are sent as JSON."""
    data = body if isinstance(body, str | None) else json.dumps(body)
    return ask(mock, method, f"/__bctrl__{path}", {"Authorization": f"Bearer {TOKEN}"}, data)


@pytest.mark.parametrize("prefix", ["", "/spaces/{own}"])
def test_two_lists_are_controlled_separately(mock: MockServer, prefix: str) -> None:
    """Data, faults, sequences, scenarios and requests, of the server's own space and of a named one."""
    base = f"{prefix.replace('{own}', mock.space_id)}/operations"
    orders, customers = f"{base}/listOrders", f"{base}/{CUSTOMERS}"
    assert 204 == control(mock, "PUT", f"{orders}/body", {"body": [{"id": "o1"}]}).status
    assert 204 == control(mock, "PUT", f"{customers}/body", {"body": [{"id": "c1"}]}).status
    assert 204 == control(mock, "PUT", f"{base}/getOrder/body", {"body": {"id": "o9"}}).status
    assert 204 == control(mock, "PUT", f"{base}/report/body", {"body": "a,b"}).status
    assert ({"orders": [{"id": "o1"}]}, [{"id": "c1"}]) == (get(mock, "/v1/orders"), get(mock, "/v1/customers"))
    assert ({"id": "o9"}, b"a,b") == (get(mock, "/v1/orders/1"), ask(mock, "GET", "/v1/report", {}).body)
    assert {"body": {"orders": [{"id": "o1"}]}} == control(mock, "GET", f"{orders}/body").json()

    assert 204 == control(mock, "POST", f"{customers}/faults", {"fault": "status(503, times=1)"}).status
    assert [{"id": "o1"}] == get(mock, "/v1/orders")["orders"]
    assert [503, [{"id": "c1"}]] == [get(mock, "/v1/customers") for _ in range(2)]
    applied = [{"fault": "status(503, times=1)", "applied": 1}]
    assert [applied, []] == [control(mock, "GET", f"{path}/faults").json()["faults"] for path in (customers, orders)]
    assert 204 == control(mock, "DELETE", f"{customers}/faults").status
    assert {"faults": []} == control(mock, "GET", f"{customers}/faults").json()

    steps = [{"body": []}, {"fault": "status(503)"}, {"body": [{"id": "c2"}]}]
    assert 204 == control(mock, "PUT", f"{customers}/sequence", {"steps": steps}).status
    assert [{"id": "o1"}] == get(mock, "/v1/orders")["orders"]
    assert [[], 503, [{"id": "c2"}]] == [get(mock, "/v1/customers") for _ in range(3)]
    assert 204 == control(mock, "PUT", f"{customers}/scenario", {"scenario": "many(count=4)"}).status
    assert (4, 1) == (len(get(mock, "/v1/customers")), len(get(mock, "/v1/orders")["orders"]))
    journal = control(mock, "GET", f"{orders}/requests").json()["requests"]
    assert {"/v1/orders"} == {entry["path"] for entry in journal}


def test_a_sequence_of_an_object_has_whole_bodies(mock: MockServer) -> None:
    """Each GET returns the body of the next step; the last one repeats."""
    steps = [{"body": {"id": "1", "name": "new"}}, {"body": {"id": "1", "name": "paid"}}]
    assert 204 == control(mock, "PUT", "/operations/getOrder/sequence", {"steps": steps}).status
    assert ["new", "paid", "paid"] == [get(mock, "/v1/orders/1")["name"] for _ in range(3)]


def test_the_error_for_an_unknown_operation_lists_similar_names(mock: MockServer) -> None:
    """It has status 404."""
    reply = control(mock, "POST", "/operations/listOrdres/faults", {"fault": "hang"})
    assert 404 == reply.status
    assert "operation listOrdres: unknown operation (choose one of: listOrders" in reply.json()["error"]


PYTHON = re.compile(
    r"\b(None|True|False|dict|str|int|kwargs|self)\b|'|<|\w+Error\b|keyword argument|mock\.|\w+=\w*…\)|\(\)"
)
"""What an error would contain if it were written for Python alone."""

WRONG = [
    ("POST", "/faults", {"fault": "status"}),
    ("POST", "/faults", {"fault": "status(503, tmies=2)"}),
    ("POST", "/faults", {"fault": "status(503, times=true)"}),
    ("POST", "/faults", {"fault": "status('503')"}),
    ("POST", "/faults", {"fault": "status(null)"}),
    ("POST", "/faults", {"fault": "status(1, 2, 3, 4)"}),
    ("POST", "/faults", {"fault": "delay([1])"}),
    ("POST", "/faults", {"fault": "delay({'a': 1})"}),
    ("POST", "/faults", {"fault": "slow_body(0)"}),
    ("POST", "/faults", {"fault": "redirect(url=7)"}),
    ("POST", "/faults", {"fault": "import os"}),
    ("POST", "/faults", {"fault": "nothing"}),
    ("POST", "/faults", {"fault": "break_rule('nothing')"}),
    ("POST", "/faults", {"fault": "status(7)"}),
    ("POST", "/faults", {"fault": 503}),
    ("POST", "/faults", {"fault": "hang", "times": 2}),
    ("POST", "/faults", {}),
    ("POST", "/faults", []),
    ("POST", "/faults", "{"),
    ("POST", "/faults", "[" * 100_000),
    ("PUT", "/scenario", {"scenario": "many(count='x')"}),
    ("PUT", "/scenario", {"scenario": "many(cuont=1)"}),
    ("PUT", "/scenario", {"scenario": "many", "count": 5}),
    ("PUT", "/scenario", {"scenario": "nothing"}),
    ("PUT", "/scenario", {"scenario": "lifecycle"}),
    ("PUT", "/sequence", {"steps": [{"body": [], "anwers": 2}]}),
    ("PUT", "/sequence", {"steps": [{"body": 7}]}),
    ("PUT", "/sequence", {"steps": [{"body": [7]}]}),
    ("PUT", "/sequence", {"steps": [{"update": {"none": {"name": "x"}}}]}),
    ("PUT", "/sequence", {"steps": [{"fault": "status(1000)"}]}),
    ("PUT", "/sequence", {"steps": [{"answers": -1}]}),
    ("PUT", "/sequence", {"steps": [{"seconds": -1}]}),
    ("PUT", "/sequence", {"steps": 7}),
    ("PUT", "/body", {"body": [{"id": 7}]}),
    ("PUT", "/body", {"body": {}}),
    ("PUT", "/body", {"body": None}),
    ("PUT", "/body", {"body": [], "conformin": False}),
    ("PUT", "/body", {"runtimes": []}),
]
OF_A_SPACE = [
    ("PUT", "/runtimes", {"runtimes": [{"id": None}]}),
    ("PUT", "/runtimes", {"runtimes": [], "nonconforming": True}),
    ("PATCH", "/runtimes/none", {"name": "x"}),
    ("PATCH", "/runtimes/none", {"self": 1, "runtime_id": 2, "conforming": 3}),
    ("PATCH", "/runtimes/none", {"not an identifier": 1}),
    ("POST", "/clock", {"seconds": -1}),
    ("POST", "/clock", {"seconds": 1, "minutes": 1}),
    ("POST", "/reset", {"all": True}),
    ("PUT", "/snapshot", {"runtimes": [], "faults": ["nothing"]}),
    ("PUT", "/snapshot", {"runtimes": [], "faults": [], "x": 1}),
]


ROWS = [
    *((method, f"/operations/listOrders{path}", body) for method, path, body in WRONG),
    *((method, f"/spaces/{{own}}{path}", body) for method, path, body in OF_A_SPACE),
    *((method, f"/spaces/{{own}}{path}", body) for method, path, body in WRONG if path != "/body"),
    ("POST", "/spaces", {"id": 7}),
    ("POST", "/spaces", {"name": "x"}),
    ("DELETE", "/operations/listOrders/faults", {"x": 1}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROWS)
def test_an_invalid_control_request_gets_400_without_words_of_python(
    mock: MockServer, method: str, path: str, body: Any
) -> None:
    reply = control(mock, method, path.replace("{own}", mock.space_id), body)
    message = reply.json()["error"]
    assert 400 == reply.status, message
    assert None is PYTHON.search(message), message


def test_the_error_for_an_unknown_field_names_the_field_and_its_location(mock: MockServer) -> None:
    reply = control(mock, "PUT", "/operations/listOrders/sequence", {"steps": [{"body": [], "anwers": 2}]})
    assert reply.json()["error"].startswith("the body at steps[0]: unknown field anwers (GET /__bctrl__/openapi.json")


def test_every_body_rejects_unknown_fields() -> None:
    """In the OpenAPI document of the control path, except for `update_runtime`, whose fields are of the contract."""
    document = read_yaml(DOCUMENT.read_text("utf-8"), DOCUMENT.name)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters" or "requestBody" not in operation or operation["operationId"] == "update_runtime":
                continue
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            name = schema.get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"].get(name, schema)
            assert False is schema["additionalProperties"], f"{method} {path}"


HOSTILE: list[Any] = [
    "{",
    "\xff",
    "NaN",
    '{"seconds": 1e400}',
    *(None, 5, [], {}),
    *({"seconds": seconds} for seconds in (-1, 1e308, 10**400)),
    *({"fault": text} for text in ("slow(" * 200, "a" * 50_000, "\ud800", "__import__('os')", "delay(seconds=1e400)")),
    *({"scenario": text} for text in ("many(count=-1)", "many(count=True)", "many(" + "(" * 3000, "\ud800")),
    *({"id": text} for text in ("../../x", "a" * 50_000, "\ud800", "", "x\r\ny")),
    *({"steps": [step]} for step in ({}, {"fault": "x"}, {"answers": -1, "body": 1}, {"seconds": 10**400, "body": 1})),
    {"body": "\ud800", "conforming": False},
    {"runtimes": [{"id": "\ud800"}, 1], "conforming": False},
]


def test_no_control_request_gets_a_server_error(mock: MockServer) -> None:
    """Hostile bodies get 2xx, 400 or 404. An exception in the mock's thread would fail the test, too."""
    document = read_yaml(DOCUMENT.read_text("utf-8"), DOCUMENT.name)
    statuses = set()
    for path, item in document["paths"].items():
        own_path = path.replace("{space}", mock.space_id).replace("{operation}", "listOrders").replace("{id}", "o1")
        for method in item.keys() - {"parameters"}:
            for body in HOSTILE:
                statuses.add(control(mock, method.upper(), own_path, body).status)
    assert statuses <= {200, 201, 204, 400, 404}
    assert 200 == ask(mock, "GET", "/__bctrl__/health", {}).status


@pytest.mark.parametrize(
    "target",
    [
        "/%5f_bctrl__/spaces",
        "//__bctrl__/spaces",
        "/v1/../__bctrl__/spaces",
        "/__BCTRL__/spaces",
        "/__bctrl__//spaces",
        "/__bctrl__/spaces;x",
        "/__bctrl__/operations//body",
        "/__bctrl__/operations/%2e%2e/body",
        "/__bctrl__/operations/%ff/body",
        f"/__bctrl__/operations/{'a' * 50_000}/body",
    ],
)
def test_another_spelling_of_a_control_path_is_not_found(mock: MockServer, target: str) -> None:
    """It gets 404: a proxy in front of the mock may have checked the path as it was sent."""
    assert 404 == ask(mock, "GET", target, {"Authorization": f"Bearer {TOKEN}"}).status


@pytest.mark.parametrize("path", ["/spaces", "/operations/listOrders/body", "/openapi.json"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "evil.example."])
def test_no_control_path_is_served_to_a_foreign_host(mock: MockServer, path: str, host: str) -> None:
    """With the right token but another `Host`, the status is 421."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": host}
    assert 421 == ask(mock, "GET", f"/__bctrl__{path}", headers).status


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://localhost\\@evil.example",
        "file://",
        "moz-extension://127.0.0.1",
    ],
)
def test_no_page_of_another_site_can_control_the_mock(mock: MockServer, origin: str) -> None:
    """A preflight request with its `Origin` gets 401 and no `Access-Control-Allow-Origin`."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    response = ask(mock, "OPTIONS", "/__bctrl__/spaces", headers)
    assert (401, None) == (response.status, response.headers.get("access-control-allow-origin"))


def test_a_reset_over_the_control_path_closes_the_other_connections(mock: MockServer) -> None:
    """A delayed request ends without a response; the connection of the reset gets 204."""
    mock.fault("delay(30)")
    with connected(mock) as waiting:
        waiting.sendall(b"GET /v1/orders HTTP/1.1\r\nHost: mock.test\r\n\r\n")
        while not mock.requests:
            time.sleep(0.01)
        for _ in range(2):
            assert 204 == control(mock, "POST", f"/spaces/{mock.space_id}/reset").status
        assert b"" == read_all(waiting)
    assert ([], 200) == (list(mock.requests), ask(mock, "GET", "/v1/orders", {}).status)


def test_a_control_request_without_a_host_gets_the_url_of_the_server(mock: MockServer) -> None:
    """A client of HTTP/1.0 opens a space: its URL is that at which the mock listens."""
    with connected(mock) as sock:
        sock.sendall(f"POST /__bctrl__/spaces HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    assert b"201" in head.splitlines()[0]
    assert mock.url == json.loads(body)["url"]
