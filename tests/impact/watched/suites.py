"""Suites of projects, one per client and responder: each describes the response that its client receives."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple

from tests.watch.suite_parts import ASGI, DJANGO_SETTINGS, NO_CERTIFICATES, NO_SERVER, SERVER, WSGI, server, transport

HEAD = f"""
import asyncio
import gzip
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

CASES = json.loads(Path(__file__).with_name("cases.json").read_text())
SEEN = Path(__file__).with_suffix(".seen")
SERVER = {SERVER!r}
PATH = "/orders?limit=5"


def fields_of(case):
    return {{**case["headers"], "Content-Length": str(len(content_of(case)))}}


def content_of(case):
    content = case["text"].encode()
    return gzip.compress(content, mtime=0) if case["headers"].get("Content-Encoding") == "gzip" else content


def decoded(case):
    return {{**case, "headers": {{"Content-Type": case["headers"]["Content-Type"]}}}}


def described(status, reason, headers, text, **further):
    names = ("date", "server", "connection", "transfer-encoding", "vary")
    fields = sorted((name.lower(), value) for name, value in headers if name.lower() not in names)
    if ("content-encoding", "gzip") in fields:
        # Each compressor writes other bytes.
        fields = [field for field in fields if field[0] != "content-length"]
    return {{"status": status, "reason": reason, "headers": fields, "text": text, "json": json.loads(text), **further}}


def error_of(function, *errors):
    try:
        function()
    except errors as error:
        return type(error).__name__
"""
_TEST = """

@pytest.mark.parametrize("name", CASES)
def test_description(name{fixtures}):
    case = CASES[name]
    with serving(case{fixtures}) as base:
        description = describe(base, case)
    with SEEN.open("a") as file:
        file.write(json.dumps(description) + chr(10))
"""
_HANDLER = """
protocol_version = "HTTP/1.1"

def do_GET(self):
    self.send_response(case["status"])
    for name, value in fields_of(case).items():
        self.send_header(name, value)
    self.end_headers()
    self.wfile.write(content_of(case))
"""
_SERVER = server(_HANDLER)


def _httpx(library: str, transport: str = "") -> str:
    """Return the code of `describe` and `describe_async` with clients of httpx or httpx2, on `transport` if any."""
    arguments = f"transport={transport}" if transport else NO_CERTIFICATES
    return f"""
import {library}

def of_httpx(received):
    error = error_of(received.raise_for_status, {library}.HTTPStatusError)
    values = {{"error": error, "success": received.is_success, "encoding": received.encoding}}
    values |= {{"content": received.content.decode(), "lines": list(received.iter_lines()), "data": received.json()}}
    values |= {{"elapsed": hasattr(received, "_elapsed"), "closed": received.is_closed}}
    status, reason = received.status_code, received.reason_phrase
    return described(status, reason, received.headers.multi_items(), received.text, **values)

def describe(base, case):
    with {library}.Client({arguments}) as client:
        whole = of_httpx(client.get(base + PATH))
        with client.stream("GET", base + PATH) as streamed:
            parts = b"".join(streamed.iter_bytes(3)).decode()
        return {{**whole, "streamed": parts, "closed later": streamed.is_closed}}

async def describe_async(base, case):
    async with {library}.AsyncClient({arguments}) as client:
        whole = of_httpx(await client.get(base + PATH))
        async with client.stream("GET", base + PATH) as streamed:
            parts = b"".join([chunk async for chunk in streamed.aiter_bytes(3)]).decode()
        return {{**whole, "streamed": parts, "closed later": streamed.is_closed}}
"""


_ASYNC = """
def describe(base, case):
    return asyncio.run(describe_async(base, case))
"""
_REQUESTS = """
import requests

def describe(base, case):
    received = requests.get(base + PATH)
    values = {"error": error_of(received.raise_for_status, requests.HTTPError), "ok": received.ok}
    values |= {"content": received.content.decode(), "data": received.json(), "encoding": received.encoding}
    values |= {"lines": list(received.iter_lines(decode_unicode=True)), "elapsed": received.elapsed is not None}
    values |= {"url": received.url == base + PATH, "cookies": dict(received.cookies)}
    with requests.get(base + PATH, stream=True) as streamed:
        values["streamed"] = b"".join(streamed.iter_content(3)).decode()
    with requests.get(base + PATH, stream=True) as streamed:
        values["raw"] = streamed.raw.read(decode_content=True).decode()
    return described(received.status_code, received.reason, received.headers.items(), received.text, **values)
"""
_URLLIB3 = """
import urllib3

def describe(base, case):
    with urllib3.PoolManager() as pool:
        received = pool.request("GET", base + PATH)
        streamed = pool.request("GET", base + PATH, preload_content=False)
        parts = b"".join(streamed.stream(3)).decode()
        streamed.release_conn()
    values = {"streamed": parts, "data": getattr(received, "json", lambda: None)()}
    return described(received.status, received.reason, received.headers.items(), received.data.decode(), **values)
"""
_URLLIB = """
import urllib.error
import urllib.request

def describe(base, case):
    error = None
    try:
        received = urllib.request.urlopen(base + PATH)
    except urllib.error.HTTPError as raised:
        received, error = raised, str(raised)
    with received:
        content = received.read()
    if received.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    values = {"error": error, "url": received.url == base + PATH, "code": received.code}
    return described(received.status, received.reason, received.headers.items(), content.decode(), **values)
"""
_HTTP_CLIENT = """
import http.client

def describe(base, case):
    connection = http.client.HTTPConnection(base.removeprefix("http://"))
    texts = []
    for _ in range(2):
        connection.request("GET", PATH)
        received = connection.getresponse()
        content = b"".join(iter(lambda: received.read(5), b""))
        if received.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        texts.append(content.decode())
    connection.close()
    return described(received.status, received.reason, received.getheaders(), texts[1], first=texts[0])
"""
_AIOHTTP = """
import aiohttp

async def describe_async(base, case):
    async with aiohttp.ClientSession() as session:
        async with session.get(base + PATH) as received:
            text = await received.text()
            data = await received.json(content_type=None)
        async with session.get(base + PATH) as streamed:
            parts = b"".join([chunk async for chunk in streamed.content.iter_chunked(3)])
        error = None
        try:
            await session.get(base + PATH, raise_for_status=True)
        except aiohttp.ClientResponseError as raised:
            error = [raised.status, raised.message]
    values = {"ok": received.ok, "data": data, "streamed": parts.decode(), "error": error}
    values |= {"type": received.content_type, "charset": received.charset, "url": str(received.url) == base + PATH}
    return described(received.status, received.reason, received.headers.items(), text, **values)
"""
_FLASK = """
import flask

def describe(base, case):
    application = flask.Flask("orders")

    @application.route("/orders")
    def orders():
        return flask.Response(content_of(case), case["status"], fields_of(case))

    received = application.test_client().get(PATH)
    content = received.data
    if received.headers.get("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    status, reason = received.status.split(" ", 1)
    values = {"data": received.get_json(silent=True, force=not case["headers"].get("Content-Encoding"))}
    return described(int(status), reason, received.headers.items(), content.decode(), **values)
"""
_DJANGO = """
import django
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

CURRENT = {}

def orders(request):
    case = CURRENT["case"]
    values = {"status": case["status"], "headers": fields_of(case)}
    if CURRENT["streams"]:
        return StreamingHttpResponse(iter([content_of(case)]), **values)
    return HttpResponse(content_of(case), **values)

urlpatterns = [path("orders", orders)]

def text_of(received):
    content = received.getvalue()
    return (gzip.decompress(content) if received.headers.get("Content-Encoding") == "gzip" else content).decode()

def describe(base, case):
    CURRENT.update(case=case, streams=False)
    received = Client().get(PATH)
    later = asyncio.run(AsyncClient().get(PATH))
    data = received.json() if "json" in case["headers"]["Content-Type"] and len(case["headers"]) == 1 else None
    values = {"later": [later.status_code, text_of(later)], "data": data}
    CURRENT["streams"] = True
    values |= {"streamed": text_of(Client().get(PATH)), "charset": received.charset}
    return described(
        received.status_code, received.reason_phrase, received.headers.items(), text_of(received), **values
    )
"""
_STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

def describe(base, case):
    async def orders(request):
        return Response(content_of(case), case["status"], fields_of(case))

    received = TestClient(Starlette(routes=[Route("/orders", orders)])).get(PATH)
    values = {"data": received.json()}
    return described(received.status_code, received.reason_phrase, received.headers.items(), received.text, **values)
"""
_RESPX = """
import httpx
import respx

@contextmanager
def serving(case):
    with respx.mock:
        response = httpx.Response(case["status"], headers=fields_of(case), content=content_of(case))
        respx.get(path="/orders").mock(return_value=response)
        yield SERVER
"""
_PYTEST_HTTPX = """
@contextmanager
def serving(case, httpx_mock):
    # Its responses cannot be read twice if they are compressed.
    case = decoded(case)
    values = {"headers": fields_of(case), "content": content_of(case), "is_reusable": True}
    httpx_mock.add_response(case["status"], **values)
    yield SERVER
"""
_RESPONSES = """
import responses

@contextmanager
def serving(case):
    with responses.RequestsMock() as mock:
        headers = fields_of(case)
        values = {"status": case["status"], "content_type": headers.pop("Content-Type"), "headers": headers}
        mock.add("GET", SERVER + "/orders", content_of(case), **values, auto_calculate_content_length=False)
        yield SERVER
"""
_REQUESTS_MOCK = """
from http import HTTPStatus
import requests_mock

@contextmanager
def serving(case):
    with requests_mock.Mocker() as mock:
        values = {"content": content_of(case), "status_code": case["status"], "headers": fields_of(case)}
        values["reason"] = HTTPStatus(case["status"]).phrase
        mock.register_uri("GET", SERVER + "/orders", **values)
        yield SERVER
"""
_AIORESPONSES = """
import aioresponses

@contextmanager
def serving(case):
    with aioresponses.aioresponses() as mock:
        # It decodes nothing.
        case = decoded(case)
        values = {"status": case["status"], "body": case["text"], "headers": fields_of(case), "repeat": True}
        mock.add(SERVER + PATH, "GET", **values, content_type=case["headers"]["Content-Type"])
        yield SERVER
"""
_VCR = """
from http import HTTPStatus
import vcr

@contextmanager
def serving(case):
    # A cassette in JSON has text.
    case = decoded(case)
    headers = {name: [value] for name, value in fields_of(case).items()}
    request = {"method": "GET", "uri": SERVER + PATH, "body": None, "headers": {}}
    status = {"code": case["status"], "message": HTTPStatus(case["status"]).phrase}
    response = {"status": status, "headers": headers, "body": {"string": case["text"]}}
    interactions = [{"request": request, "response": response}]
    path = Path(__file__).with_suffix(".cassette")
    path.write_text(json.dumps({"version": 1, "interactions": interactions}))
    options = {"serializer": "json", "record_mode": "none", "match_on": ["method", "uri"]}
    with vcr.use_cassette(str(path), **options, allow_playback_repeats=True):
        yield SERVER
"""


class Suite(NamedTuple):
    """A suite of a project: its name, the module it needs, its code, and the fixture that its test requests."""

    name: str
    needs: str
    code: str
    fixtures: str = ""

    @property
    def text(self) -> str:
        """The test file."""
        return HEAD + self.code + _TEST.format(fixtures=self.fixtures)


def _of_httpx(library: str) -> list[Suite]:
    """Return the suites of httpx or httpx2: with a server, a mock transport and an application, sync and async."""
    in_process = {
        "mock transport": transport(library) + _httpx(library, "transport_for(case)"),
        "wsgi": WSGI + _httpx(library, f"{library}.WSGITransport(application_for(case))"),
    }
    in_process_async = {
        "mock transport": in_process["mock transport"],
        "asgi": ASGI + _httpx(library, f"{library}.ASGITransport(application_for(case))"),
    }
    return [
        Suite(f"{library}_server", library, _SERVER + _httpx(library)),
        Suite(f"{library}_async_server", library, _SERVER + _httpx(library) + _ASYNC),
        *(Suite(f"{library}_{name}".replace(" ", "_"), library, NO_SERVER + code) for name, code in in_process.items()),
        *(
            Suite(f"{library}_async_{name}".replace(" ", "_"), library, NO_SERVER + code + _ASYNC)
            for name, code in in_process_async.items()
        ),
    ]


_ON_AIOHTTP = Suite("aiohttp_server", "aiohttp", _SERVER + _AIOHTTP + _ASYNC)
CLIENTS = (
    *_of_httpx("httpx"),
    *_of_httpx("httpx2"),
    Suite("requests_server", "requests", _SERVER + _REQUESTS),
    Suite("urllib3_server", "urllib3", _SERVER + _URLLIB3),
    Suite("urllib_server", "urllib", _SERVER + _URLLIB),
    Suite("http_client_server", "http", _SERVER + _HTTP_CLIENT),
    _ON_AIOHTTP,
    Suite("flask", "flask", NO_SERVER + _FLASK),
    Suite("django", "django", NO_SERVER + _DJANGO + DJANGO_SETTINGS),
    Suite("starlette", "starlette", NO_SERVER + _STARLETTE),
)
"""Suites without a mock library."""

RESPONDERS = (
    Suite("respx", "respx", _RESPX + _httpx("httpx")),
    Suite("respx_async", "respx", _RESPX + _httpx("httpx") + _ASYNC),
    Suite("pytest_httpx", "pytest_httpx", _PYTEST_HTTPX + _httpx("httpx"), ", httpx_mock"),
    Suite("responses", "responses", _RESPONSES + _REQUESTS),
    Suite("requests_mock", "requests_mock", _REQUESTS_MOCK + _REQUESTS),
    Suite("aioresponses", "aioresponses", _AIORESPONSES + _AIOHTTP + _ASYNC),
    Suite("vcr_httpx", "vcr", _VCR + _httpx("httpx")),
    Suite("vcr_async_httpx", "vcr", _VCR + _httpx("httpx") + _ASYNC),
    Suite("vcr_requests", "vcr", _VCR + _REQUESTS),
    Suite("vcr_urllib3", "vcr", _VCR + _URLLIB3),
    Suite("vcr_urllib", "vcr", _VCR + _URLLIB),
    Suite("vcr_aiohttp", "vcr", _VCR + _AIOHTTP + _ASYNC),
)
"""Suites that use a mock library."""

MOCK_LIBRARIES = (*RESPONDERS, _ON_AIOHTTP)
"""Suites for `tox -e watch`: those of `RESPONDERS`, and one with the older aiohttp that aioresponses supports."""


def installed(suites: tuple[Suite, ...]) -> list[Suite]:
    """Return the suites whose libraries are installed."""
    return [suite for suite in suites if find_spec(suite.needs) is not None]
