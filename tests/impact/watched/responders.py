"""Projects whose tests use a client and a mock of their own, as `conftest.py` files.

`bctrl_client` sends the requests of the suites in tests/impact/truth, and `bctrl_mock` only holds the data.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.impact.truth.compare import CHANGED_API, Project
from tests.impact.truth.suites import SUITES
from tests.watch.suite_parts import server

_HEAD = """
import asyncio
import json
import os
import urllib.error
import urllib.request
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode

import httpx
import pytest

SERVER = "https://api.bctrl.ai"


def body_of(mock):
    return json.dumps({"runtimes": mock.runtimes}).encode()


class Received:
    # A response of any library, with the attributes that the suites use.
    def __init__(self, status, headers, content):
        self.status_code, self.headers, self.content = status, httpx.Headers(headers), content
        self.is_success = status < 300

    @property
    def text(self):
        return self.content.decode()

    def json(self):
        return json.loads(self.content)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise httpx.HTTPStatusError(str(self.status_code), request=None, response=None)


class Client:
    # A client of any library.
    def __init__(self, base_url, headers, around=nullcontext):
        self.base_url, self.headers, self.around = base_url, headers, around

    def get(self, path, params=None):
        url = f"{self.base_url}{path}"
        if params:
            url = f"{url}?{urlencode(params)}"
        with self.around():
            return fetch(url, self.headers)
"""
_HTTPX = """
@contextmanager
def client_for(base_url, headers, around=nullcontext, transport=None):
    with httpx.Client(base_url=base_url, headers=headers, transport=transport, trust_env=False, verify=False) as client:
        get = client.get

        def get_within(*arguments, **named):
            with around():
                return get(*arguments, **named)

        client.get = get_within
        yield client
"""
_FACADE = """
@contextmanager
def client_for(base_url, headers, around=nullcontext):
    yield Client(base_url, headers, around)
"""
_REQUESTS = (
    _FACADE
    + """
import requests

class ReceivedByRequests:
    def __init__(self, received):
        self.received = received

    def __getattr__(self, name):
        return getattr(self.received, name)

    @property
    def is_success(self):
        return self.received.ok

    def raise_for_status(self):
        try:
            self.received.raise_for_status()
        except requests.HTTPError as error:
            raise httpx.HTTPStatusError(str(error), request=None, response=None) from error

def fetch(url, headers):
    return ReceivedByRequests(requests.get(url, headers=headers))
"""
)
_AIOHTTP = (
    _FACADE
    + """
import aiohttp

async def fetch_async(url, headers):
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as received:
        return Received(received.status, dict(received.headers), await received.read())

def fetch(url, headers):
    return asyncio.run(fetch_async(url, headers))
"""
)
_URLLIB = (
    _FACADE
    + """
def fetch(url, headers):
    try:
        received = urllib.request.urlopen(urllib.request.Request(url, headers=headers))
    except urllib.error.HTTPError as error:
        received = error
    with received:
        return Received(received.status, dict(received.headers), received.read())
"""
)
_CLAIMS = """

@pytest.fixture
def bctrl_client(bctrl_mock, bctrl_api_key, tmp_path_factory):
    headers = {"Authorization": f"Bearer {bctrl_api_key.reveal()}", "Accept": "application/json"}
    # A folder of its own would take longer than a test.
    folder = tmp_path_factory.getbasetemp()
    with serving(bctrl_mock, folder) as (base_url, options), client_for(base_url, headers, **options) as client:
        yield client
"""
_TRUTH = (
    CHANGED_API
    + """

@pytest.fixture
def bctrl_client(combination, changed_api, bctrl_mock, bctrl_api_key):
    changed_api.upstream = bctrl_mock.url
    headers = {"Authorization": f"Bearer {bctrl_api_key.reveal()}", "Accept": "application/json"}
    with client_for(f"{changed_api.url}/{combination}", headers) as client:
        yield client
"""
)
_RESPX = """
import respx

@contextmanager
def serving(mock, folder):
    def respond(request):
        return httpx.Response(200, headers={"Content-Type": "application/json"}, content=body_of(mock))

    with respx.mock(assert_all_called=False) as router:
        router.get(url__startswith=SERVER).mock(side_effect=respond)
        yield SERVER, {}
"""
_RESPONSES = """
import re
import responses

@contextmanager
def serving(mock, folder):
    def respond(request):
        return 200, {}, body_of(mock)

    with responses.RequestsMock(assert_all_requests_are_fired=False) as registered:
        url = re.compile(re.escape(SERVER))
        registered.add_callback("GET", url, callback=respond, content_type="application/json")
        yield SERVER, {}
"""
_VCR = """
import vcr

@contextmanager
def serving(mock, folder):
    @contextmanager
    def cassette():
        # The data of a test may change until it sends its request.
        path = folder / "cassette.json"
        request = {"method": "GET", "uri": f"{SERVER}/v1", "body": None, "headers": {}}
        headers = {"Content-Type": ["application/json"]}
        status = {"code": 200, "message": "OK"}
        response = {"status": status, "headers": headers, "body": {"string": body_of(mock).decode()}}
        path.write_text(json.dumps({"version": 1, "interactions": [{"request": request, "response": response}]}))
        options = {"serializer": "json", "record_mode": "none", "match_on": ["method", "host"]}
        with vcr.use_cassette(str(path), **options):
            yield

    yield SERVER, {"around": cassette}
"""
_MOCK_TRANSPORT = """
@contextmanager
def serving(mock, folder):
    def respond(request):
        return httpx.Response(200, headers={"Content-Type": "application/json"}, content=body_of(mock))

    yield SERVER, {"transport": httpx.MockTransport(respond)}
"""
_TEST_CLIENT = (
    _FACADE
    + """
CLIENTS = []

def fetch(url, headers):
    # A server takes the place of the application in the run that shows the truth.
    with nullcontext(CLIENTS[-1]) if CLIENTS else httpx.Client(trust_env=False, verify=False) as client:
        received = client.get(url, headers=headers)
    return Received(received.status_code, dict(received.headers), received.content)
"""
)
_ASGI = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

@contextmanager
def serving(mock, folder):
    async def runtimes(request):
        return Response(body_of(mock), media_type="application/json")

    application = Starlette(routes=[Route("/v1/spaces/{id}/runtimes", runtimes)])
    CLIENTS.append(TestClient(application))
    yield "http://testserver", {}
    CLIENTS.pop()
"""
_AIOHTTP_SERVER = """
from aiohttp import web

@contextmanager
def serving(mock, folder):
    async def runtimes(request):
        return web.Response(body=body_of(mock), content_type="application/json")

    async def start():
        application = web.Application()
        application.router.add_get("/v1/spaces/{id}/runtimes", runtimes)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", {}
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
"""
_HANDLER = """
def do_GET(self):
    body = body_of(mock)
    self.send_response(200)
    self.send_header("Content-Type", "application/json")
    self.send_header("Content-Length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)
"""
_FAKE_SERVER = server(_HANDLER, "mock, folder", "{url}, {{}}")


class Responder(NamedTuple):
    """A way to mock the API, the module it needs, and the code of client and mock."""

    name: str
    needs: str
    client: str
    mock: str

    @property
    def project(self) -> Project:
        """A project whose tests mock the API in this way, with the suites that it can run."""
        # They need a server, and a response of httpx.
        unsuitable = {"urllib"} if self.client == _HTTPX else {"urllib", "checks"}
        suites = {name: text for name, text in SUITES.items() if name not in unsuitable}
        code = _HEAD + self.client
        return Project(suites, code + _TRUTH, code + self.mock + _CLAIMS, ("--bctrl-watch",))


RESPONDERS = (
    Responder("respx", "respx", _HTTPX, _RESPX),
    Responder("responses", "responses", _REQUESTS, _RESPONSES),
    Responder("vcrpy", "vcr", _HTTPX, _VCR),
    Responder("httpx.MockTransport", "httpx", _HTTPX, _MOCK_TRANSPORT),
    Responder("ASGI test client", "starlette", _TEST_CLIENT, _ASGI),
    Responder("aiohttp server", "aiohttp", _AIOHTTP, _AIOHTTP_SERVER),
    Responder("urllib", "urllib", _URLLIB, _FAKE_SERVER),
)
