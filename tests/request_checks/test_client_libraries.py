"""Requests of client libraries are checked; a stream is not consumed, and is reported as not checked."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import Request as UrllibRequest

import aiohttp
import httpx
import httpx2
import pytest
import requests
from yarl import URL

from pytest_bctrl import BctrlError, Request, check_request

from .orders import ORDER, body, contract_of_paths, operation

URL_TEXT = "http://orders.test/orders"
FORM = {"type": "object", "required": ["qty"], "properties": {"qty": {"type": "integer"}, "file": {"type": "string"}}}
CONTENT = {
    "application/json": {"schema": ORDER},
    "application/x-www-form-urlencoded": {"schema": FORM},
    "multipart/form-data": {"schema": FORM},
}
CONTRACT = contract_of_paths(
    {"/orders": {"post": operation(requestBody={"required": True, "content": CONTENT}), "get": operation()}},
    servers=[{"url": "http://orders.test"}],
)
UNREAD = ["warning request_not_checked body: the body was not checked: it is a stream, and reading it would consume it"]


def finding_lines(request: Any, *arguments: Any, **named: Any) -> list[str]:
    """Return a line per finding of a request: its level, rule, location and message."""
    findings = check_request(request, *arguments, contract=CONTRACT, **named)
    return [f"{finding.level} {finding.rule} {finding.location}: {finding.message}" for finding in findings]


def aiohttp_request(method: str, url: str, **named: Any) -> Any:
    """Return the request of aiohttp for some arguments, without sending it."""
    loop = asyncio.new_event_loop()
    try:
        return aiohttp.ClientRequest(method, URL(url), loop=loop, **named)
    finally:
        loop.close()


JSON = {"Content-Type": "application/json"}
CLIENTS: dict[str, Callable[[int], Any]] = {
    "httpx": lambda qty: httpx.Request("POST", URL_TEXT, json={"qty": qty, "size": "s"}),
    "httpx2": lambda qty: httpx2.Request("POST", URL_TEXT, json={"qty": qty, "size": "s"}),
    "requests": lambda qty: requests.Request("POST", URL_TEXT, json={"qty": qty, "size": "s"}),
    "requests, prepared": lambda qty: requests.Request("POST", URL_TEXT, json={"qty": qty, "size": "s"}).prepare(),
    "aiohttp": lambda qty: aiohttp_request("POST", URL_TEXT, data=json.dumps({"qty": qty, "size": "s"}), headers=JSON),
    "pytest_bctrl": lambda qty: Request(
        "POST", "/orders", (("content-type", "application/json"),), json.dumps({"qty": qty, "size": "s"}).encode()
    ),
    "urllib": lambda qty: UrllibRequest(
        URL_TEXT, json.dumps({"qty": qty, "size": "s"}).encode(), {"Content-Type": "application/json"}
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_request_of_a_library_is_checked(client: str) -> None:
    """`check_request` of a request object has no finding for a valid body, and an error for an invalid one."""
    assert [] == finding_lines(CLIENTS[client](1))
    assert ["error request_body body.qty: the value breaks 'minimum'"] == finding_lines(CLIENTS[client](0))


def test_forms_of_libraries_are_checked() -> None:
    """Forms of httpx, requests and urllib, also with a file: a wrong field is an error."""
    wrong = ["error request_body body.qty: the value has the wrong type, string"]
    for qty, expected in (("1", []), ("x", wrong)):
        assert expected == finding_lines(httpx.Request("POST", URL_TEXT, data={"qty": qty}))
        assert expected == finding_lines(requests.Request("POST", URL_TEXT, data={"qty": qty}))
        assert expected == finding_lines(requests.Request("POST", URL_TEXT, data={"qty": qty}, files={"file": b"x"}))
        assert expected == finding_lines(UrllibRequest(URL_TEXT, f"qty={qty}".encode()))


def test_check_request_takes_a_method_a_url_headers_and_a_body() -> None:
    assert [] == finding_lines("GET", URL_TEXT)
    assert [] == finding_lines("get", httpx.URL(URL_TEXT))
    assert [] == finding_lines("POST", URL_TEXT, body={"qty": 1, "size": "s"})
    assert [] == finding_lines(
        "POST", URL_TEXT, body='{"qty": 1, "size": "s"}', headers=[("content-type", "application/json")]
    )
    assert [] == finding_lines(
        "POST", URL_TEXT, body=b"qty=1", headers=httpx.Headers({"Content-Type": "application/x-www-form-urlencoded"})
    )
    assert ["error request_media_type header Content-Type: the media type is not documented"] == finding_lines(
        "POST", URL_TEXT, body={"qty": 1}, headers={"Content-Type": "text/plain"}
    )


def generated() -> Iterator[bytes]:
    """Yield the bytes of a body, which cannot be read twice."""
    yield b"{}"


class File(io.BytesIO):
    """A file that must not be read."""

    def read(self, *arguments: Any) -> bytes:
        raise AssertionError("the file was read")


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("POST", URL_TEXT, content=generated(), headers=JSON),
        httpx.Request("POST", URL_TEXT, files={"file": File(b"x")}),
        requests.Request("POST", URL_TEXT, data=generated(), headers=JSON),
        requests.Request("POST", URL_TEXT, data={"qty": 1}, files={"file": File(b"x")}, headers=JSON),
        requests.Request("POST", URL_TEXT, files=[("file", ("a.txt", File(b"x")))], headers=JSON),
        UrllibRequest(URL_TEXT, File(b"x"), JSON),
        aiohttp_request("POST", URL_TEXT, data=File(b"x"), headers=JSON),
    ],
    ids=lambda request: type(request).__module__,
)
def test_a_stream_is_not_consumed(request_: Any) -> None:
    """A generator or a file as the body is reported as not checked; reading the file would raise."""
    assert UNREAD == finding_lines(request_)


def test_what_can_be_checked_without_the_body_is_checked() -> None:
    """A wrong media type of a generator is an error; without a media type, only its body is not checked."""
    request = httpx.Request("POST", URL_TEXT, content=generated(), headers={"Content-Type": "text/csv"})
    assert ["error request_media_type header Content-Type: the media type is not documented"] == finding_lines(request)
    without = httpx.Request("POST", URL_TEXT, content=generated())
    assert UNREAD == finding_lines(without)


def test_the_request_info_of_aiohttp_has_no_body() -> None:
    """For POST, the body was not checked; for GET, there are no findings."""
    info = aiohttp.RequestInfo(URL(URL_TEXT), "POST", CLIENTS["aiohttp"](1).headers, URL(URL_TEXT))
    assert [
        "warning request_not_checked body: the body was not checked: the client library does not keep it"
    ] == finding_lines(info)
    assert [] == finding_lines(aiohttp.RequestInfo(URL(URL_TEXT), "GET", info.headers, URL(URL_TEXT)))


def test_the_operation_may_be_named() -> None:
    """`operation=…` is checked with any text before its path; another path or method is a finding."""
    contract = contract_of_paths(
        {"/orders/{id}": {"get": {**operation(), "operationId": "order"}, "put": body(ORDER)}},
    )
    prefixed = "http://gateway.test/shop/orders/a%20b"
    assert ["request_target"] == [finding.rule for finding in check_request("GET", prefixed, contract=contract)]
    assert [] == check_request("GET", prefixed, contract=contract, operation="order")
    assert ["path"] == [
        finding.location
        for finding in check_request("GET", "http://gateway.test/shop", contract=contract, operation="order")
    ]
    assert ["method"] == [
        finding.location for finding in check_request("PUT", prefixed, contract=contract, operation="order")
    ]


def test_the_contract_in_force_is_the_default() -> None:
    """Without `contract`, the target `/nowhere` is a finding of the packaged contract."""
    assert ["request_target"] == [finding.rule for finding in check_request("GET", "/nowhere")]


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((object(),), {}, "object is not a request"),
        (("POST",), {}, "the URL is missing"),
        ((httpx.Request("GET", URL_TEXT), URL_TEXT), {}, "url, headers and body belong to a method, not to a Request"),
        (("GET", URL_TEXT), {"headers": 7}, "int is not a set of header fields"),
        (("POST", URL_TEXT), {"body": {"a": object()}}, "the dict is not a JSON body"),
        ((requests.Request("GET", "no URL"),), {}, "requests cannot prepare this request"),
    ],
)
def test_an_object_that_is_not_a_request_is_an_error_that_says_what_to_give(
    arguments: Any, named: Any, message: str
) -> None:
    with pytest.raises(BctrlError, match=message) as error:
        check_request(*arguments, contract=CONTRACT, **named)
    assert "pytest_bctrl.check_request" in str(error.value)
