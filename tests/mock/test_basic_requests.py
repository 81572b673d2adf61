"""What any client sees of the mock, over a real socket."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.traffic.mock import MockServer
from tests.contract.documents import rooted

from .asking import ask


def errors_of(contract: Contract, status: int, body: Any) -> list[str]:
    """Return the errors of a body under the schema of its status; under that of 400 if the status is undocumented."""
    spec = contract.operations[0].response_for(status) or contract.operations[0].response_for(400)
    assert spec is not None
    schema = rooted(contract, spec.content["application/json"])
    return [error.message for error in Draft202012Validator(schema).iter_errors(body)]


def test_the_mock_lists_the_runtimes_of_its_space(mock: MockServer, path: str, bearer: dict[str, str]) -> None:
    """They are `mock.runtimes`, each with the id of the space."""
    reply = ask(mock, "GET", path, bearer)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert {runtime["spaceId"] for runtime in reply.json()["runtimes"]} == {mock.space_id}
    assert reply.json()["runtimes"] == mock.runtimes


NO_KEY = (None, "", "garbage", "Bearer", "Bearer ", "Bearer wrong")
ALMOST_ITS_OWN = ("Basic {key}", "{key}", "Bearer {key}x", "Bearer{key}", "Bearer {cut_key}")


@pytest.mark.parametrize("authorization", [*NO_KEY, *ALMOST_ITS_OWN])
def test_a_wrong_credential_is_rejected_with_401(
    mock: MockServer, path: str, contract: Contract, authorization: str | None
) -> None:
    """With a challenge and the documented error body (RFC 9110, 11.6.1)."""
    key = mock.api_key
    headers = {} if authorization is None else {"Authorization": authorization.format(key=key, cut_key=key[:-1])}
    reply = ask(mock, "GET", path, headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer realm=")
    assert errors_of(contract, 401, reply.json()) == []


def test_the_authentication_scheme_is_case_insensitive(mock: MockServer, path: str) -> None:
    """`bEARER` with the key gets 200 (RFC 9110, 11.1)."""
    assert ask(mock, "GET", path, {"Authorization": f"bEARER {mock.api_key}"}).status == 200


ODD = [
    "0b9c3f0e-0000-4000-8000-000000000000",
    "x" * 8000,
    "%F0%9F%A6%84",
    "%C3%A9",
    "%FF%FE",
    "%00",
    "%0D%0AX-Injected:%20yes",
    "%7F",
    "%2F",
    "a%2Fb",
    "%2e%2e",
    "..",
    ".",
    "%",
    "%zz",
    "",
    "'%20OR%201=1",
    "{id}",
]


@pytest.mark.parametrize("space", ODD, ids=range(len(ODD)))
def test_an_unknown_space_is_rejected_with_404(
    mock: MockServer, bearer: dict[str, str], contract: Contract, space: str
) -> None:
    """The error has the documented schema, and the space id never becomes a header."""
    reply = ask(mock, "GET", f"/v1/spaces/{space}/runtimes", bearer)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/json")
    assert errors_of(contract, 404, reply.json()) == []
    assert "x-injected" not in reply.headers


def test_a_percent_encoded_space_id_is_accepted(mock: MockServer, bearer: dict[str, str]) -> None:
    """An encoded character equals the character (RFC 3986, 6.2.2.2)."""
    spelled = "".join(f"%{ord(letter):02X}" for letter in mock.space_id)
    assert ask(mock, "GET", f"/v1/spaces/{spelled}/runtimes", bearer).status == 200


@pytest.mark.parametrize("spelling", ["/v1{}", "/v1/v1{}", "{}", "/v1{}?page=2", "http://elsewhere.test/v1{}"])
def test_the_list_is_served_with_or_without_the_version(
    mock: MockServer, bearer: dict[str, str], spelling: str
) -> None:
    """Twice too, with a query, and in the absolute form of another host (RFC 9112, 3.2.2)."""
    assert ask(mock, "GET", spelling.format(f"/spaces/{mock.space_id}/runtimes"), bearer).status == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/spaces", "/v2/spaces/x/runtimes", "/v1/spaces/x/runtimes/y"])
def test_an_undocumented_path_gets_404(mock: MockServer, bearer: dict[str, str], path: str) -> None:
    """The JSON error lists the documented paths."""
    reply = ask(mock, "GET", path, bearer)
    assert reply.status == 404
    assert "/v1/spaces/{id}/runtimes" in json.dumps(reply.json())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_an_undocumented_method_is_rejected_with_405(
    mock: MockServer, path: str, bearer: dict[str, str], method: str
) -> None:
    """`Allow` lists the documented methods (RFC 9110, 15.5.6)."""
    reply = ask(mock, method, path, bearer, None if method == "TRACE" else "{}")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_options_lists_allowed_methods_without_a_key(mock: MockServer, path: str) -> None:
    """A preflight request has no credential."""
    reply = ask(mock, "OPTIONS", path, {})
    assert (reply.status, reply.headers["allow"], reply.body) == (204, "GET, HEAD, OPTIONS", b"")


def test_head_returns_the_headers_of_get_without_a_body(mock: MockServer, path: str, bearer: dict[str, str]) -> None:
    """The same header fields, Content-Length among them (RFC 9110, 9.3.2)."""
    head, get = (ask(mock, method, path, {**bearer, "X-Request-Id": "one"}) for method in ("HEAD", "GET"))
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_a_get_with_a_json_body_returns_the_list(mock: MockServer, path: str, bearer: dict[str, str]) -> None:
    """The SDK samples of the published page send `{}`; the next request on the connection is read correctly."""
    connection = HTTPConnection(mock.url.removeprefix("http://"), timeout=60)
    for _ in range(3):
        connection.request("GET", path, body="{}", headers={**bearer, "Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, len(json.loads(response.read())["runtimes"])) == (200, len(mock.runtimes))
    connection.close()
    assert [entry.json() for entry in mock.requests] == [{}, {}, {}]


def test_the_connection_stays_open_after_success_and_errors(
    mock: MockServer, path: str, bearer: dict[str, str]
) -> None:
    """After 200, 401 and 404, the client uses the same socket."""
    connection = HTTPConnection(mock.url.removeprefix("http://"), timeout=60)
    connection.connect()
    first = connection.sock
    statuses = []
    for headers, target in ((bearer, path), ({}, path), (bearer, f"/v1/spaces/{quote('/', safe='')}/runtimes")):
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        assert connection.sock is first
    connection.close()
    assert statuses == [200, 401, 404]
