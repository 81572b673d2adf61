"""The response of any client is accepted, and any other object is rejected with a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import requests
import urllib3

from pytest_bctrl.checks.response import path_values, response_from
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import from_document
from pytest_bctrl.errors import BctrlError
from tests.contract.documents import contract_of, document

from .responses import CONTRACT, JSON, SPACE, sample

BODY = json.dumps(sample()).encode()
URL = f"https://api.example.org/v1/spaces/{SPACE}/runtimes"


def of_httpx() -> Any:
    """Return a response of httpx with the sample."""
    return httpx.Response(200, headers=[JSON], content=BODY, request=httpx.Request("GET", URL))


def of_requests() -> Any:
    """Return a response of requests with the sample."""
    response = requests.Response()
    response.status_code, response._content, response.url = 200, BODY, URL
    response.headers[JSON[0]] = JSON[1]
    return response


def of_urllib3() -> Any:
    """Return a response of urllib3 with the sample."""
    return urllib3.HTTPResponse(BODY, {JSON[0]: JSON[1]}, 200, request_url=URL)


def of_werkzeug() -> Any:
    """Return a response of werkzeug with the sample, or skip the test."""
    werkzeug = pytest.importorskip("werkzeug.wrappers", reason="werkzeug is not installed")
    return werkzeug.Response(BODY, 200, [JSON])


class Slotted:
    """A response class with `__slots__` and no `__dict__`."""

    __slots__ = ("content", "headers", "status_code")

    def __init__(self) -> None:
        self.status_code, self.headers, self.content = 200, {JSON[0]: JSON[1]}, BODY


@pytest.mark.parametrize("make_response", [of_httpx, of_requests, of_urllib3, of_werkzeug, Slotted])
def test_responses_of_client_libraries_are_converted(make_response: Any) -> None:
    """`response_from` reads status, content type and body, and the path values if the response has its request."""
    response = response_from(make_response(), CONTRACT)
    assert (200, "application/json", BODY) == (response.status, response.media_type, response.body)
    assert make_response in (of_werkzeug, Slotted) or {"id": SPACE} == response.path_values


@pytest.mark.parametrize("body", [BODY, BODY.decode(), sample()], ids=["bytes", "text", "data"])
def test_a_plain_body_is_treated_as_a_successful_response(body: Any) -> None:
    response = response_from(body, CONTRACT)
    assert (200, (JSON,), sample()) == (response.status, response.headers, response.data)


def test_a_response_without_a_request_is_accepted() -> None:
    """It has no path values."""
    assert {} == response_from(httpx.Response(200, content=b"{}"), CONTRACT).path_values


def test_a_status_may_be_an_enum_member() -> None:
    assert response_from(httpx.Response(HTTPStatus.NOT_FOUND, content=b"{}"), CONTRACT).status == 404


def test_repeated_headers_are_all_kept() -> None:
    response = response_from(httpx.Response(200, headers=[JSON, JSON], content=b"{}"), CONTRACT)
    assert "application/json, application/json" == response.header("CONTENT-type")
    assert 2 == [name.lower() for name, _ in response.headers].count("content-type")


class Unread(httpx.SyncByteStream):
    """A response whose body was not read yet."""


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (None, "NoneType is not a response"),
        (1, "int is not a response"),
        (object(), "object is not a response .give a response of httpx, .* Django or Starlette, or its body as bytes"),
        ("\ud800", "not a JSON body"),
        ({"a": object()}, "not a JSON body"),
        ({"a": {1}}, "not a JSON body"),
        (httpx.Response(200, stream=Unread()), "no body that was read"),
    ],
    ids=["none", "number", "object", "surrogate", "not data", "set", "unread"],
)
def test_an_object_that_is_not_a_response_is_an_error(response: Any, problem: str) -> None:
    """`response_from` raises `BctrlError` for None, a number, an unread response and the like."""
    with pytest.raises(BctrlError, match=problem) as raised:
        response_from(response, CONTRACT)
    assert "pytest_bctrl.check" == raised.value.where
    assert "body as bytes, str" in str(raised.value.hint) or "read it first" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/v1/things/a", {"id": "a"}),
        ("https://h/v1/things/a/", {"id": "a"}),
        ("https://h/base/v1/things/a?x=/v1/things/b", {"id": "a"}),
        ("https://h/v1/things/a%2Fb%20%C3%BC", {"id": "a/b ü"}),
        ("/v1/things/a", {"id": "a"}),
        ("https://h/v1/things/", {}),
        ("https://h/v1/things/a/b", {}),
        ("https://h/v2/things/a", {}),
        ("", {}),
    ],
)
def test_path_values_are_read_from_the_url(url: str, expected: dict[str, str]) -> None:
    assert expected == path_values(contract_of().operations[0], url)


@pytest.mark.parametrize("name", ["space-id", "a.b", "1", "class", "id"])
def test_a_parameter_may_have_any_name(name: str) -> None:
    """`path_values` reads it, even if it is not a Python identifier."""
    spec = document(parameters=[{"name": name, "in": "path"}])
    spec["paths"] = {f"/v1/things/{{{name}}}": spec["paths"]["/v1/things/{id}"]}
    assert {name: "a"} == path_values(from_document(spec, "x").operations[0], "https://h/v1/things/a")


def with_two_paths() -> Contract:
    """Return a contract with a second path, which has GET and POST."""
    spec = document()
    spec["paths"]["/v1/other"] = {"get": {"operationId": "other", "responses": {}}, "post": {"responses": {}}}
    return from_document(spec, "x")


OTHER = httpx.Response(200, content=b"{}", request=httpx.Request("GET", "https://h/v1/other"))


@pytest.mark.parametrize(
    ("response", "name", "expected"), [(OTHER, None, "other"), ({}, "other", "other"), (OTHER, "things", "things")]
)
def test_the_operation_is_identified_by_name_or_url(response: Any, name: str | None, expected: str) -> None:
    """Of two operations; the name takes precedence."""
    assert expected == response_from(response, with_two_paths(), name).operation.operation_id


def test_an_ambiguous_operation_is_an_error_that_lists_the_operations() -> None:
    with pytest.raises(BctrlError, match=r"one of: things, other"):
        response_from({}, with_two_paths())


def test_a_path_without_get_is_ambiguous_if_the_method_is_not_known() -> None:
    """`response_from` cannot select one of HEAD and OPTIONS."""
    spec = document()
    (item,) = spec["paths"].values()
    item |= {"head": item["get"], "options": {**item.pop("get"), "operationId": "options"}}
    response = urllib3.HTTPResponse(b"", {}, 200, request_url=THING)
    with pytest.raises(BctrlError, match="no operation with its method and URL"):
        response_from(response, from_document(spec, "x"))


def with_get_and_head() -> Contract:
    """Return a contract in which one path has GET and HEAD."""
    spec = document()
    (item,) = spec["paths"].values()
    item["head"] = {**item["get"], "operationId": "look", "responses": {"200": {"description": "x"}}}
    return from_document(spec, "x")


THING = "https://h/v1/things/a?state=a%20b"


def httpx_response_to(method: str) -> Any:
    """Return a response of httpx to a request with a method."""
    return httpx.Response(200, headers=[JSON], content=b"1", request=httpx.Request(method, THING))


def requests_response_to(method: str) -> Any:
    """Return a response of requests to a request with a method."""
    response = requests.Response()
    response.status_code, response._content = 200, b"1"
    response.request = requests.Request(method.lower(), THING).prepare()
    return response


def flask_response_to(method: str) -> Any:
    """Return the response of Flask's test client to a request with a method, or skip the test."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("app")
    app.add_url_rule("/v1/things/<name>", view_func=lambda name: flask.Response(b"1"), methods=["GET", "HEAD"])
    return app.test_client().open("/v1/things/a?state=a+b", method=method)


def django_response_to(method: str) -> Any:
    """Return a response as Django's test client does for a request with a method, or skip the test."""
    http = pytest.importorskip("django.http")
    settings = pytest.importorskip("django.conf").settings
    if not settings.configured:
        settings.configure(ROOT_URLCONF=(), ALLOWED_HOSTS=["*"], SECRET_KEY="none", MIDDLEWARE=[])
    response = http.HttpResponse(b"1")
    # As Django's test client leaves it: the WSGI environment of the request.
    response.request = {"PATH_INFO": "/v1/things/a", "QUERY_STRING": "state=a%20b", "REQUEST_METHOD": method}
    return response


@pytest.mark.parametrize(
    "make_response", [httpx_response_to, requests_response_to, flask_response_to, django_response_to]
)
@pytest.mark.parametrize(("method", "operation"), [("GET", "things"), ("HEAD", "look"), ("OPTIONS", "")])
def test_a_response_has_the_operation_and_query_of_its_request(make_response: Any, method: str, operation: str) -> None:
    """An undocumented method is an error."""
    with nullcontext() if operation else pytest.raises(BctrlError, match=f"{method} .*no operation with its method"):
        response = response_from(make_response(method), with_get_and_head())
        assert (operation, {"id": "a"}) == (response.operation.operation_id, response.path_values)
        assert (("state", "a b"),) == response.query


def test_the_only_operation_of_a_contract_is_not_that_of_another_url() -> None:
    response = httpx.Response(200, json={}, request=httpx.Request("POST", "http://h/v9/totally/other"))
    with pytest.raises(BctrlError, match="POST http://h/v9/totally/other: the contract has no operation"):
        response_from(response, contract_of())


def test_a_response_without_a_method_belongs_to_get() -> None:
    response = urllib3.HTTPResponse(b"1", {JSON[0]: JSON[1]}, 200, request_url=THING)
    assert "things" == response_from(response, with_get_and_head()).operation.operation_id


def without_path() -> Any:
    """Return a response of Django whose request has no path."""
    response = django_response_to("GET")
    response.request = {}
    return response


def elsewhere() -> Any:
    """Return a response of httpx to a URL of no operation."""
    return httpx.Response(200, content=b"1", request=httpx.Request("GET", "https://h/elsewhere"))


@pytest.mark.parametrize(
    ("make_response", "where"), [(without_path, "pytest_bctrl.check"), (elsewhere, "GET https://h/elsewhere")]
)
def test_a_url_without_an_operation_is_an_error(make_response: Any, where: str) -> None:
    with pytest.raises(BctrlError) as caught:
        response_from(make_response(), with_get_and_head())
    assert where == caught.value.where


class _Streamed:
    """A response whose `content` raises, but whose body can be read."""

    status = 200
    headers: Mapping[str, str] = {}
    body = b"1"

    @property
    def content(self) -> bytes:
        raise RuntimeError("not read")


def test_a_body_is_read_from_another_attribute_if_the_first_fails() -> None:
    """Of a streamed response whose `content` raises."""
    assert b"1" == response_from(_Streamed(), contract_of()).body


def test_a_plain_body_has_the_first_documented_media_type() -> None:
    content: dict[str, Any] = {"application/json": {}, "application/problem+json": {}}
    contract = contract_of(responses={"200": {"description": "x", "content": content}})
    assert "application/json" == response_from({"a": 1}, contract).header("content-type")
