"""Credentials of requests, which the operation requires, and findings about the operation itself."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import httpx
import pytest

from pytest_bctrl import check_request
from pytest_bctrl.contract.model import Contract

from .orders import contract_of_paths, lines, operation

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "digest": {"type": "http", "scheme": "digest"},
    "oauth": {"type": "oauth2", "flows": {}},
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "certificate": {"type": "mutualTLS"},
}
BASIC = f"Basic {b64encode(b'user:password').decode()}"


def secured(*requirements: dict[str, list[str]]) -> Contract:
    """Return the contract of `GET /orders` with these alternative requirements."""
    get = operation(security=list(requirements))
    return contract_of_paths({"/orders": {"get": get}}, components={"securitySchemes": SCHEMES})


@pytest.mark.parametrize(
    ("scheme", "url", "headers"),
    [
        ("bearer", "/orders", {"Authorization": "Bearer t"}),
        ("bearer", "/orders", {"Authorization": "bearer t"}),
        ("oauth", "/orders", {"Authorization": "Bearer t"}),
        ("basic", "/orders", {"Authorization": BASIC}),
        ("digest", "/orders", {"Authorization": 'Digest username="u"'}),
        ("header", "/orders", {"x-key": "k"}),
        ("query", "/orders?key=k", {}),
        ("cookie", "/orders", {"Cookie": "a=1; sid=s"}),
    ],
)
def test_a_credential_of_the_required_kind_is_enough(scheme: str, url: str, headers: dict[str, str]) -> None:
    """Any value passes; a request without it has an error."""
    assert [] == lines(secured({scheme: []}), "GET", url, headers)
    assert ["error request_credentials"] == [line[:25] for line in lines(secured({scheme: []}), "GET", "/orders")]


@pytest.mark.parametrize(
    ("scheme", "headers", "expected"),
    [
        ("bearer", {"Authorization": BASIC}, "header Authorization: the credential is not a bearer token"),
        ("bearer", {"Authorization": "t0ken"}, "header Authorization: the credential is not a bearer token"),
        ("bearer", {"Authorization": "Bearer "}, "header Authorization: the credential is not a bearer token"),
        ("basic", {"Authorization": "Bearer t"}, "header Authorization: the credential is not a user and password"),
        ("basic", {"Authorization": "Basic ???"}, "header Authorization: the credential is not a user and password"),
        ("digest", {}, "header Authorization: the credential of the scheme digest is missing"),
        ("header", {"X-Key": ""}, "header X-Key: the key in header X-Key is missing"),
        ("query", {"key": "k"}, "query key: the key in query key is missing"),
        ("cookie", {"sid": "s"}, "cookie sid: the key in cookie sid is missing"),
    ],
)
def test_a_missing_or_different_kind_of_credential_is_an_error(
    scheme: str, headers: dict[str, str], expected: str
) -> None:
    assert [f"error request_credentials {expected}"] == lines(secured({scheme: []}), "GET", "/orders", headers)


@pytest.mark.parametrize(
    ("authorization", "observed"),
    [
        (BASIC, "the scheme Basic"),
        ("Bearer ", "the scheme Bearer without a value"),
        ("bearer", "the scheme bearer without a value"),
        ("t0ken", "a value without a scheme"),
    ],
)
def test_the_finding_says_what_the_authorization_field_has(authorization: str, observed: str) -> None:
    request = httpx.Request("GET", "https://orders.example/orders", headers={"Authorization": authorization})
    (finding,) = check_request(request, contract=secured({"bearer": []}))
    assert observed == finding.observed


def test_one_of_several_alternatives_or_all_combined_credentials_are_required() -> None:
    either, both = secured({"header": []}, {"bearer": []}), secured({"header": [], "cookie": []})
    assert [] == lines(either, "GET", "/orders", {"Authorization": "Bearer t"})
    assert [] == lines(both, "GET", "/orders", {"X-Key": "k", "Cookie": "sid=s"})
    assert ["error request_credentials cookie sid: the key in cookie sid is missing"] == lines(
        both, "GET", "/orders", {"X-Key": "k"}
    )
    assert [] == lines(secured({"header": []}, {}), "GET", "/orders")


def test_a_certificate_is_not_checked() -> None:
    """A warning says so; the other required credential is checked."""
    contract = secured({"certificate": [], "header": []})
    message = "a client certificate is required, which a request does not show"
    assert [f"warning request_not_checked connection: {message}"] == lines(contract, "GET", "/orders", {"X-Key": "k"})
    assert ["error request_credentials"] == [line[:25] for line in lines(contract, "GET", "/orders")]


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", "/orders", []),
        ("HEAD", "/orders", []),
        ("get", "https://api.test/v2/orders/", ["path: the contract documents no operation at this path"]),
        ("GET", "https://api.test/v2/orders", []),
        ("DELETE", "/orders", ["method: the contract does not document this method"]),
        ("GET", "/v3/orders", ["path: the contract documents no operation at this path"]),
    ],
)
def test_an_undocumented_path_or_method_is_an_error(method: str, url: str, expected: list[str]) -> None:
    contract = contract_of_paths({"/orders": {"get": operation()}}, servers=[{"url": "https://api.test/v2"}])
    assert [f"error request_target {line}" for line in expected] == lines(contract, method, url)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", []),
        ("text/html, */*;q=0.1", []),
        ("text/html", ["the documented response is in none of the accepted media types"]),
        ("application/json;q=0", ["the documented response is in none of the accepted media types"]),
    ],
)
def test_an_accept_header_that_excludes_the_documented_response_is_a_warning(accept: str, expected: list[str]) -> None:
    contract = contract_of_paths({"/orders": {"get": operation()}})
    found: list[Any] = lines(contract, "GET", "/orders", {"Accept": accept})
    assert [f"warning request_accept header Accept: {line}" for line in expected] == found


@pytest.mark.parametrize("response", [{"description": ""}, {"description": "", "content": {"text/*": {}}}])
def test_any_accept_is_allowed_if_the_media_type_of_the_response_is_not_documented(response: dict[str, Any]) -> None:
    contract = contract_of_paths({"/orders": {"get": {"responses": {"200": response}}}})
    assert [] == lines(contract, "GET", "/orders", {"Accept": "text/html"})


def test_a_request_to_an_invalid_operation_is_not_checked() -> None:
    """A warning says why; other operations are checked, and an unknown path is an error."""
    invalid = {"parameters": [{"name": "q", "in": "query", "schema": {"type": "x"}}], "responses": {}}
    contract = contract_of_paths({"/orders": {"get": operation()}, "/items/{id}": {"get": invalid}})
    (line,) = lines(contract, "GET", "/items/7")
    assert line.startswith("warning request_not_checked path: the operation is invalid in the document: ")
    assert [] == lines(contract, "GET", "/orders")
    assert ["error request_target path: the contract documents no operation at this path"] == lines(
        contract, "GET", "/nowhere"
    )
