"""Tests that replace the response of a client library by an object of their own, such as one of `unittest.mock`."""

from __future__ import annotations

import pytest

from tests.watch.conftest import Run

PATCHED = """
import asyncio
import http.client
import io
import json
from unittest import mock

import aiohttp
import requests
import urllib3

URL = "https://orders.example/orders"
BROKEN = [{"id": 7, "qty": 1, "size": "l"}]


def sent_by_requests(response):
    with mock.patch("requests.adapters.HTTPAdapter.send", return_value=response):
        return requests.get(URL, allow_redirects=False)


def received_by_requests(raw):
    with mock.patch("urllib3.connectionpool.HTTPConnectionPool.urlopen", return_value=raw):
        return requests.get(URL).json()


def sent_by_urllib3(response):
    with mock.patch("urllib3.connection.HTTPConnection.getresponse", return_value=response), mock.patch(
        "urllib3.connection.HTTPConnection.request"
    ):
        return urllib3.PoolManager().urlopen("GET", "http://localhost/orders", redirect=False, retries=False)


def sent_by_httpx(response):
    with mock.patch("httpx.Client._send_single_request", return_value=response), httpx.Client() as client:
        return client.get(URL)


async def sent_by_async_httpx(response):
    with mock.patch("httpx.AsyncClient._send_single_request", mock.AsyncMock(return_value=response)):
        async with httpx.AsyncClient() as client:
            return await client.get(URL)


async def sent_by_aiohttp(response):
    with mock.patch("aiohttp.ClientSession._request", mock.AsyncMock(return_value=response)):
        async with aiohttp.ClientSession() as session:
            return await session.get(URL)


def sent_by_http_client(response):
    connection = http.client.HTTPConnection("localhost")
    connection.response_class = lambda *arguments, **named: response
    connection.sock = mock.Mock()
    connection.request("GET", "/orders")
    return connection.getresponse()


def fake(**attributes):
    return mock.MagicMock(status=200, status_code=200, history=[], url=URL, is_redirect=False, headers={}, **attributes)
"""


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (
            "response = fake(raw=io.BytesIO())\n    assert sent_by_requests(response) is response",
            "its response is of class MagicMock, not a response of requests",
        ),
        (
            "response = mock.Mock(requests.Response, status_code=200, raw=None, headers={}, content=b'')\n"
            "    response.history, response.is_redirect = [], False\n"
            "    assert sent_by_requests(response) is response",
            "its response is of class Mock, not a response of requests",
        ),
        (
            "response = requests.Response()\n    response.raw = None\n"
            "    assert sent_by_requests(response) is response",
            "its response has the status None",
        ),
        (
            "response = fake()\n    response.get_redirect_location.return_value = None\n"
            "    assert sent_by_urllib3(response) is response",
            "its response is of class MagicMock, not a response of urllib3",
        ),
        (
            "response = fake(has_redirect_location=False)\n    assert sent_by_httpx(response) is response",
            "its response is of class MagicMock, not a response of httpx",
        ),
        (
            "response = mock.AsyncMock(status_code=200, has_redirect_location=False)\n"
            "    assert asyncio.run(sent_by_async_httpx(response)) is response",
            "its response is of class AsyncMock, not a response of httpx",
        ),
        (
            "response = fake(will_close=True)\n    assert sent_by_http_client(response) is response",
            "its response is of class MagicMock, not a response of http.client",
        ),
        (
            "response = mock.AsyncMock(status=200)\n    assert asyncio.run(sent_by_aiohttp(response)) is response",
            "its response is of class AsyncMock, not a response of aiohttp",
        ),
        (
            "response = mock.Mock(status=200)\n    assert asyncio.run(sent_by_aiohttp(response)) is response",
            "its response is of class Mock, not a response of aiohttp",
        ),
    ],
    ids=[
        "requests",
        "a specification",
        "no status",
        "urllib3",
        "httpx",
        "httpx, asynchronous",
        "http.client",
        "aiohttp",
        "aiohttp, not iterable",
    ],
)
def test_an_object_in_place_of_a_response_is_not_checked(watch: Run, test: str, reason: str) -> None:
    """The test passes as without the watch, and the summary says why its exchange is not checked."""
    result = watch(f"{PATCHED}\ndef test_it():\n    {test}\n\ndef test_conforming():\n    list_orders()\n")
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    assert "checked      2 exchanges: 1 checked, 1 not checked; 1 test," in text
    assert f"not checked  an exchange of GET /orders: {reason}\n" in text


def test_the_body_of_a_raw_response_of_a_test_is_checked(watch: Run) -> None:
    """The raw response of requests is a mock object, whose content is read through requests."""
    result = watch(
        f"""{PATCHED}
def test_it():
    raw = mock.Mock(status=200, headers={{"Content-Type": "application/json"}}, reason="OK", version=11)
    raw._original_response = None
    raw.stream.return_value = iter([json.dumps(BROKEN).encode()])
    assert received_by_requests(raw) == BROKEN
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["error response_schema_conformance: the value is not one of the documented values"])


def test_an_impact_run_does_not_change_an_object_in_place_of_a_response(pytester: pytest.Pytester, watch: Run) -> None:
    """The test is not run with a change, and the report says why."""
    document = pytester.path.joinpath("orders.json").read_text("utf-8")
    pytester.path.joinpath("new.json").write_text(document.replace('"m"', '"m", "xl"'), "utf-8")
    result = watch(
        f"{PATCHED}\ndef test_it():\n    response = mock.AsyncMock(status=200)\n"
        "    assert asyncio.run(sent_by_aiohttp(response)) is response\n",
        "--bctrl-impact=new.json",
    )
    assert pytest.ExitCode.INTERRUPTED == result.ret
    result.stdout.fnmatch_lines(
        [
            "note * not run: test_orders.py::test_it: the response of GET /orders cannot be changed: "
            "its response is of class AsyncMock, not a response of aiohttp"
        ]
    )
