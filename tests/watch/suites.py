"""Suites as projects write them, one per client and responder: each sends the exchange of a case in a test."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest

from tests.exchanges.catalogue import CASES, ORDERS_CONTRACT, SAMPLE
from tests.watch.suite_parts import ASGI, DJANGO_SETTINGS, NO_CERTIFICATES, NO_SERVER, SERVER, WSGI, server, transport

_HEAD = f"""
import asyncio
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

CASES = json.loads(Path(__file__).with_name("cases.json").read_text())
SERVER = {SERVER!r}


def fields_of(case):
    return case["fields"]


def content_of(case):
    return case["text"].encode("utf-8", "surrogateescape")
"""
_TEST = """

@pytest.mark.parametrize("name", CASES)
def test_exchange(name{fixtures}):
    case = CASES[name]
    with serving(case{fixtures}) as base:
        send(base, case)
"""

_HANDLER = """
protocol_version = "HTTP/1.1"

def respond(self):
    self.rfile.read(int(self.headers.get("Content-Length", 0)))
    body = case["text"].encode()
    self.send_response(case["status"])
    self.send_header("Content-Type", case["media_type"])
    self.send_header("Content-Length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)

do_GET = do_POST = respond
"""
_SERVER = server(_HANDLER)


def _httpx(library: str, transport: str = "") -> str:
    """Return the code of `send` with a client of httpx or httpx2, on `transport` if there is one."""
    arguments = f"transport={transport}" if transport else NO_CERTIFICATES
    return f"""
import {library}

def send(base, case):
    with {library}.Client({arguments}) as client:
        client.request(case["method"], base + case["target"], headers=case["headers"], content=case["content"])  # sent
"""


def _async_httpx(library: str, transport: str = "") -> str:
    """Return the code of `send` with an asynchronous client of httpx or httpx2, on `transport` if there is one."""
    arguments = f"transport={transport}" if transport else NO_CERTIFICATES
    return f"""
import {library}

async def send_async(base, case):
    url = base + case["target"]
    async with {library}.AsyncClient({arguments}) as client:
        await client.request(case["method"], url, headers=case["headers"], content=case["content"])  # sent

def send(base, case):
    asyncio.run(send_async(base, case))
"""


_STREAMED = """
import httpx

def send(base, case):
    with httpx.Client(verify=False) as client:
        url = base + case["target"]
        with client.stream(case["method"], url, headers=case["headers"], content=case["content"]) as streamed:  # sent
            assert "".join(streamed.iter_text(1)) == case["text"]
"""
_REQUESTS = """
import requests

def send(base, case):
    requests.request(case["method"], base + case["target"], headers=case["headers"], data=case["content"])  # sent
"""
_STREAMED_REQUESTS = """
import requests

def send(base, case):
    values = {"headers": case["headers"], "data": case["content"], "stream": True}
    with requests.request(case["method"], base + case["target"], **values) as streamed:  # sent
        assert b"".join(streamed.iter_content(3)) == case["text"].encode()
"""
_URLLIB3 = """
import urllib3

def send(base, case):
    with urllib3.PoolManager() as pool:
        pool.request(case["method"], base + case["target"], headers=case["headers"], body=case["content"])  # sent
"""
_STREAMED_URLLIB3 = """
import urllib3

def send(base, case):
    values = {"headers": case["headers"], "body": case["content"], "preload_content": False}
    with urllib3.PoolManager() as pool:
        streamed = pool.request(case["method"], base + case["target"], **values)  # sent
        assert b"".join(streamed.stream(3)) == case["text"].encode()
        streamed.release_conn()
"""
_URLLIB = """
import urllib.error
import urllib.request

def send(base, case):
    content = case["content"] and case["content"].encode()
    request = urllib.request.Request(base + case["target"], content, case["headers"], method=case["method"])
    try:
        with urllib.request.urlopen(request) as received:  # sent
            received.read()
    except urllib.error.HTTPError as error:
        error.read()
        error.close()
"""
_HTTP_CLIENT = """
import http.client

def send(base, case):
    connection = http.client.HTTPConnection(base.removeprefix("http://"))
    connection.request(case["method"], case["target"], case["content"], case["headers"])  # sent
    for line in connection.getresponse():
        assert line
    connection.close()
"""
_AIOHTTP = """
import aiohttp

async def send_async(base, case):
    url = base + case["target"]
    async with aiohttp.ClientSession(headers=case["headers"]) as session:
        async with session.request(case["method"], url, data=case["content"]) as received:  # sent
            assert await received.text() == case["text"]

def send(base, case):
    asyncio.run(send_async(base, case))
"""
_STREAMED_AIOHTTP = """
import aiohttp

async def send_async(base, case):
    values = {"headers": case["headers"], "data": case["content"]}
    async with aiohttp.ClientSession() as session:
        async with session.request(case["method"], base + case["target"], **values) as received:  # sent
            assert b"".join([chunk async for chunk in received.content.iter_chunked(3)]) == case["text"].encode()

def send(base, case):
    asyncio.run(send_async(base, case))
"""
_FLASK = """
import flask

def send(base, case):
    application = flask.Flask("orders")

    @application.route("/orders", methods=["GET", "POST"])
    def orders():
        return flask.Response(case["text"], case["status"], content_type=case["media_type"])

    values = {"headers": case["headers"], "data": case["content"]}
    received = application.test_client().open(case["target"], method=case["method"], **values)  # sent
    assert received.text == case["text"]
"""
_DJANGO = """
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

CURRENT = {}

@csrf_exempt
def orders(request):
    case = CURRENT["case"]
    return HttpResponse(case["text"], status=case["status"], content_type=case["media_type"])

urlpatterns = [path("orders", orders)]
"""
_DJANGO_SYNC = """
from django.test import Client

def send(base, case):
    CURRENT["case"] = case
    headers = {**case["headers"]}
    media_type = headers.pop("Content-Type", "application/json")
    Client(headers=headers).generic(case["method"], case["target"], case["content"] or "", media_type)  # sent
"""
_DJANGO_ASYNC = """
from django.test import AsyncClient

def send(base, case):
    CURRENT["case"] = case
    headers = {**case["headers"]}
    media_type = headers.pop("Content-Type", "application/json")
    asyncio.run(send_async(AsyncClient(headers=headers), case, media_type))

async def send_async(client, case, media_type):
    await client.generic(case["method"], case["target"], case["content"] or "", media_type)  # sent
"""
_STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

def send(base, case):
    async def orders(request):
        return Response(case["text"], case["status"], {"Content-Type": case["media_type"]})

    client = TestClient(Starlette(routes=[Route("/orders", orders, methods=["GET", "POST"])]))
    client.request(case["method"], case["target"], headers=case["headers"], content=case["content"])  # sent
"""
_RESPX = """
import httpx
import respx

@contextmanager
def serving(case):
    with respx.mock:
        route = respx.route(method=case["method"], path=case["path"])  # registered
        route.mock(return_value=httpx.Response(case["status"], headers=fields_of(case), content=content_of(case)))
        yield SERVER
"""
_PYTEST_HTTPX = """
@contextmanager
def serving(case, httpx_mock):
    headers = {"Content-Type": case["media_type"]}
    httpx_mock.add_response(case["status"], headers=headers, text=case["text"])  # registered
    yield SERVER
"""
_RESPONSES = """
import responses

@contextmanager
def serving(case):
    with responses.RequestsMock() as mock:
        headers = {name: value for name, value in fields_of(case).items() if name != "Content-Type"}
        values = {"status": case["status"], "content_type": case["media_type"], "headers": headers}
        mock.add(case["method"], SERVER + case["path"], content_of(case), **values)  # registered
        yield SERVER
"""
_REQUESTS_MOCK = """
import requests_mock

@contextmanager
def serving(case):
    headers = {"Content-Type": case["media_type"]}
    with requests_mock.Mocker() as mock:
        values = {"text": case["text"], "status_code": case["status"], "headers": headers}
        mock.register_uri(case["method"], SERVER + "/orders", **values)  # registered
        yield SERVER
"""
_AIORESPONSES = """
import aioresponses

@contextmanager
def serving(case):
    with aioresponses.aioresponses() as mock:
        values = {"status": case["status"], "body": case["text"], "content_type": case["media_type"]}
        mock.add(SERVER + case["target"], case["method"], **values)  # registered
        yield SERVER
"""
_VCR = """
import vcr

@contextmanager
def serving(case):
    headers = {"Content-Type": [case["media_type"]]}
    content = case["content"]
    request = {"method": case["method"], "uri": SERVER + case["target"], "body": content, "headers": {}}
    status = {"code": case["status"], "message": "Status"}
    response = {"status": status, "headers": headers, "body": {"string": case["text"]}}
    interactions = [{"request": request, "response": response}]
    path = Path(__file__).with_name("cassette.json")
    path.write_text(json.dumps({"version": 1, "interactions": interactions}))
    with vcr.use_cassette(str(path), serializer="json", record_mode="none", match_on=["method", "uri"]):
        yield SERVER
"""


class Suite(NamedTuple):
    """A suite of a project: its name, the module it needs, its code, and the fixtures that its test requests."""

    name: str
    needs: str
    code: str
    fixtures: str = ""

    @property
    def text(self) -> str:
        """The test file."""
        return _HEAD + self.code + _TEST.format(fixtures=self.fixtures)

    def line(self, mark: str) -> int | None:
        """Return the number of the line that ends with a comment, or None if there is none."""
        lines = self.text.splitlines()
        return next((number for number, line in enumerate(lines, 1) if line.endswith(f"# {mark}")), None)


def _with_asgi(library: str) -> str:
    """Return the code of a suite that sends requests to an ASGI application."""
    transport = f"{library}.ASGITransport(application_for(case))"
    return NO_SERVER + ASGI + _async_httpx(library, transport)


def _with_wsgi(library: str) -> str:
    """Return the code of a suite that sends requests to a WSGI application."""
    return NO_SERVER + WSGI + _httpx(library, f"{library}.WSGITransport(application_for(case))")


CLIENTS = (
    *(
        suite
        for library in ("httpx", "httpx2")
        for suite in (
            Suite(f"{library} and a server", library, _SERVER + _httpx(library)),
            Suite(f"{library}, asynchronous, and a server", library, _SERVER + _async_httpx(library)),
            Suite(
                f"{library}.MockTransport",
                library,
                NO_SERVER + transport(library) + _httpx(library, "transport_for(case)"),
            ),
            Suite(
                f"{library}.MockTransport, asynchronous",
                library,
                NO_SERVER + transport(library) + _async_httpx(library, "transport_for(case)"),
            ),
            Suite(f"{library}.ASGITransport", library, _with_asgi(library)),
            Suite(f"{library}.WSGITransport", library, _with_wsgi(library)),
        )
    ),
    Suite("httpx, streamed", "httpx", _SERVER + _STREAMED),
    Suite("requests", "requests", _SERVER + _REQUESTS),
    Suite("requests, streamed", "requests", _SERVER + _STREAMED_REQUESTS),
    Suite("urllib3", "urllib3", _SERVER + _URLLIB3),
    Suite("urllib3, streamed", "urllib3", _SERVER + _STREAMED_URLLIB3),
    Suite("urllib", "urllib", _SERVER + _URLLIB),
    Suite("http.client", "http", _SERVER + _HTTP_CLIENT),
    Suite("aiohttp", "aiohttp", _SERVER + _AIOHTTP),
    Suite("aiohttp, streamed", "aiohttp", _SERVER + _STREAMED_AIOHTTP),
    Suite("Flask", "flask", NO_SERVER + _FLASK),
    Suite("Django", "django", NO_SERVER + _DJANGO + DJANGO_SETTINGS + _DJANGO_SYNC),
    Suite("Django, asynchronous", "django", NO_SERVER + _DJANGO + DJANGO_SETTINGS + _DJANGO_ASYNC),
    Suite("Starlette", "starlette", NO_SERVER + _STARLETTE),
)
RESPONDERS = (
    Suite("respx", "respx", _RESPX + _httpx("httpx")),
    Suite("respx, asynchronous", "respx", _RESPX + _async_httpx("httpx")),
    Suite("pytest-httpx", "pytest_httpx", _PYTEST_HTTPX + _httpx("httpx"), ", httpx_mock"),
    Suite("pytest-httpx, asynchronous", "pytest_httpx", _PYTEST_HTTPX + _async_httpx("httpx"), ", httpx_mock"),
    Suite("responses", "responses", _RESPONSES + _REQUESTS),
    Suite("requests-mock", "requests_mock", _REQUESTS_MOCK + _REQUESTS),
    Suite("aioresponses", "aioresponses", _AIORESPONSES + _AIOHTTP),
    Suite("vcrpy and httpx", "vcr", _VCR + _httpx("httpx")),
    Suite("vcrpy and httpx, asynchronous", "vcr", _VCR + _async_httpx("httpx")),
    Suite("vcrpy and requests", "vcr", _VCR + _REQUESTS),
    Suite("vcrpy and urllib3", "vcr", _VCR + _URLLIB3),
    Suite("vcrpy and urllib", "vcr", _VCR + _URLLIB),
    Suite("vcrpy and aiohttp", "vcr", _VCR + _AIOHTTP),
)


def as_parameters(suites: tuple[Suite, ...]) -> list[Any]:
    """Return the suites as parameters; one whose library is not installed is skipped, and says so."""
    return [
        pytest.param(
            suite,
            id=suite.name,
            marks=pytest.mark.skipif(find_spec(suite.needs) is None, reason=f"needs {suite.needs}: tox -e watch"),
        )
        for suite in suites
    ]


def write_suite(pytester: pytest.Pytester, suite: Suite) -> None:
    """Write the files of a suite with all cases, and the contract."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")
    pytester.path.joinpath("cases.json").write_text(
        json.dumps({name: CASES[name].as_data() for name in SAMPLE}), "utf-8"
    )
    pytester.path.joinpath("test_suite.py").write_text(suite.text, "utf-8")
