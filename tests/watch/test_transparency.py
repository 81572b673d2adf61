"""Tests that pass or fail for a reason of their own have the same outcome, output and exchanges under the watch."""

from __future__ import annotations

import json

import pytest

from tests.watch.cases import CONTRACT
from tests.watch.conftest import OPTIONS, Run

CODE = """
import array
import asyncio
import http.client
import importlib
import io
import json
import sys
import types
import urllib.request
from unittest import mock

import aiohttp
import flask
import multidict
import requests
import urllib3
from local_server import Handler, serving

URL = "https://orders.example/orders"
JSON = {"Content-Type": "application/json"}
TEXT = '{"qty": 1, "size": "s"}'


class Orders(Handler):
    received = []

    def do_GET(self):
        Orders.received.append(self.path)
        coding = self.headers.get("X-Coding")
        if coding:
            return self.respond(200, b"?", {"Content-Encoding": coding, **JSON})
        if "limit=1" in self.path:
            return self.respond(302, b"", {"Location": "/orders?limit=1"})
        if "limit=2" in self.path and len(Orders.received) == 1:
            return self.respond(404, b"{}")
        self.respond(200, json.dumps([STORED]).encode())

    def do_POST(self):
        Orders.received.append(self.path)
        if self.headers.get("Transfer-Encoding"):
            self.read_chunks()
        else:
            self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(201, json.dumps(STORED).encode())

    def read_chunks(self):
        try:
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        except ValueError:
            self.close_connection = True

    def do_CONNECT(self):
        self.send_response(200)
        self.end_headers()
        self.close_connection = False


@pytest.fixture
def url():
    Orders.received.clear()
    with serving(Orders) as base:
        yield f"{base}/orders"


def respond(request):
    if request.method == "POST" and not request.url.query:
        return httpx.Response(307, headers={"Location": "/orders?limit=3"})
    if request.method == "POST":
        return httpx.Response(201, json=STORED)
    return httpx.Response(200, json=[STORED])


def parts():
    yield TEXT[:5].encode()
    yield TEXT[5:].encode()


async def async_parts():
    for part in parts():
        yield part


async def with_aiohttp(url, method="GET", read=True, session={}, **named):
    async with aiohttp.ClientSession(**session) as opened, opened.request(method, url, **named) as response:
        return await response.json() if read else response.status


async def with_async_httpx(**named):
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond), follow_redirects=True) as client:
        return await client.post(URL, headers=JSON, **named)


class Retrying(httpx.HTTPTransport):
    def handle_request(self, request):
        while (response := super().handle_request(request)).status_code != 200:
            response.read()
        return response


class AsyncRetrying(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        while (response := await super().handle_async_request(request)).status_code != 200:
            await response.aread()
        return response


class Sending(httpx.BaseTransport):
    \"\"\"Sends the requests of a client with another library.\"\"\"

    def __init__(self, send):
        self.send = send

    def handle_request(self, request):
        while (response := self.send(str(request.url))).status_code != 200:
            pass
        return response


def with_urllib(url):
    with urllib.request.urlopen(url) as response:
        return httpx.Response(response.status, headers=JSON, content=response.read())


def with_requests(url):
    response = requests.get(url)
    return httpx.Response(response.status_code, headers=JSON, content=response.content)


class Starting(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        self.task = asyncio.create_task(self.send_again())
        return httpx.Response(200, json=[STORED])

    async def send_again(self):
        await asyncio.sleep(0.01)
        async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
            await client.get(URL)


class Built(aiohttp.ClientResponse):
    def __init__(self, **attributes):
        headers = multidict.CIMultiDictProxy(multidict.CIMultiDict(JSON))
        values = {"status": 200, "_headers": headers, "_request_info": mock.Mock(), "_history": (), "_body": None}
        vars(self).update(values, _cache={}, **attributes)

    def __del__(self):
        pass

    async def json(self):
        return [STORED]

    def release(self):
        pass


class Signing(requests.adapters.HTTPAdapter):
    def send(self, request, **named):
        request.body = TEXT
        request.headers["Content-Length"] = str(len(TEXT))
        return super().send(request, **named)


"""
CALLS = {
    "a generator that a mock has read is sent again": (
        "with httpx.Client(transport=httpx.MockTransport(respond), follow_redirects=True) as client:\n"
        "    response = client.post(URL, content=parts(), headers=JSON)\n"
        "    assert b''.join(response.request.stream) == TEXT.encode()",
        2,
    ),
    "an asynchronous generator that a mock has read is sent again": (
        "assert asyncio.run(with_async_httpx(content=async_parts())).status_code == 201",
        2,
    ),
    "an array": (
        "assert urllib3.request('POST', url, body=array.array('B', TEXT.encode()), headers=JSON).status == 201",
        1,
    ),
    "a file of text": ("assert requests.post(url, data=io.StringIO(TEXT), headers=JSON).status_code == 201", 1),
    "a mock tests the class of a body, and reads from it": (
        "def send(adapter, request, **named):\n"
        "    assert isinstance(request.body, types.GeneratorType) and iter(request.body) is request.body\n"
        "    assert next(request.body) + next(request.body) == TEXT.encode() and not list(request.body)\n"
        "    response = requests.Response()\n"
        "    response.status_code, response.headers = 201, JSON\n"
        "    response.raw = io.BytesIO(json.dumps(STORED).encode())\n"
        "    return response\n"
        "with mock.patch('requests.adapters.HTTPAdapter.send', send):\n"
        "    assert requests.post(URL, data=parts(), headers=JSON).json() == STORED",
        1,
    ),
    "an adapter replaces the body": (
        "with requests.Session() as session:\n"
        "    session.mount('http://', Signing())\n"
        "    assert session.post(url, data=b'{}', headers=JSON).request.body == TEXT",
        1,
    ),
    "chunks with a trailer": (
        "body = b'%x\\r\\n%b\\r\\n0\\r\\nX-Sum: 1\\r\\n\\r\\n' % (len(TEXT), TEXT.encode())\n"
        "connection = http.client.HTTPConnection(url.split('/')[2])\n"
        "connection.request('POST', '/orders', body, {**JSON, 'Transfer-Encoding': 'chunked'})\n"
        "assert connection.getresponse().status == 201\n"
        "connection.close()",
        1,
    ),
    "a body that is not in chunks": (
        "connection = http.client.HTTPConnection(url.split('/')[2])\n"
        "connection.request('POST', '/orders', TEXT.encode() + b'\\r\\n', {**JSON, 'Transfer-Encoding': 'chunked'})\n"
        "assert connection.getresponse().status == 201\n"
        "connection.close()",
        1,
    ),
    "a tunnel": (
        "connection = http.client.HTTPConnection(url.split('/')[2])\n"
        "connection.set_tunnel('localhost', 1)\n"
        "connection.request('POST', '/orders', TEXT, JSON)\n"
        "assert json.loads(connection.getresponse().read()) == STORED\n"
        "connection.close()",
        1,
    ),
    "a proxy": (
        "with urllib3.ProxyManager(url.rpartition('/')[0]) as pool:\n"
        "    assert pool.request('GET', 'http://localhost:1/orders').json() == [STORED]",
        1,
    ),
    "an invalid URL": (
        "with pytest.raises(aiohttp.InvalidURL):\n    asyncio.run(with_aiohttp('http://[::1'))\nlist_orders()",
        1,
    ),
    "an error without a response": (
        "error = aiohttp.ClientResponseError(None, None, status=404)\n"
        "with mock.patch('aiohttp.ClientSession._request', mock.AsyncMock(side_effect=error)):\n"
        "    with pytest.raises(aiohttp.ClientResponseError):\n"
        "        asyncio.run(with_aiohttp(URL))\n"
        "list_orders()",
        1,
    ),
    "a task that a transport starts sends the same request": (
        "async def get():\n"
        "    async with httpx.AsyncClient(transport=Starting()) as client:\n"
        "        await client.get(URL)\n"
        "        await client._transport.task\n"
        "asyncio.run(get())",
        2,
    ),
    "a raw response that the test builds decoded": (
        "raw = urllib3.HTTPResponse(json.dumps([STORED]).encode(), {'Content-Encoding': 'gzip', **JSON}, 200)\n"
        "connection = 'urllib3.connection.HTTPConnection'\n"
        "with mock.patch(f'{connection}.getresponse', return_value=raw), mock.patch(f'{connection}.request'):\n"
        "    assert urllib3.request('GET', 'http://localhost/orders', retries=False).json() == [STORED]",
        1,
    ),
    "a response that the test builds": (
        "response = Built(_body=json.dumps([STORED]).encode())\n"
        "with mock.patch('aiohttp.ClientSession._request', mock.AsyncMock(return_value=response)):\n"
        "    assert asyncio.run(with_aiohttp(URL)) == [STORED]",
        1,
    ),
    "a response with a reader of the test": (
        "response = Built(content=type('Reader', (type(aiohttp.EMPTY_PAYLOAD),), {})())\n"
        "with mock.patch('aiohttp.ClientSession._request', mock.AsyncMock(return_value=response)):\n"
        "    assert asyncio.run(with_aiohttp(URL)) == [STORED]",
        1,
    ),
    "too many redirects": (
        "with pytest.raises(aiohttp.TooManyRedirects):\n"
        "    asyncio.run(with_aiohttp(url + '?limit=1', max_redirects=2))\n"
        "assert len(Orders.received) == 2",
        2,
    ),
    "an error of the test's own for a response": (
        "async def reject(response):\n"
        "    raise aiohttp.ClientResponseError(response.request_info, response.history, status=299)\n"
        "with pytest.raises(aiohttp.ClientResponseError):\n"
        "    asyncio.run(with_aiohttp(url, session={'raise_for_status': reject}))",
        1,
    ),
    "data are serialized once": (
        "dumps = mock.Mock(side_effect=json.dumps)\n"
        "named = {'json': json.loads(TEXT), 'session': {'json_serialize': dumps}}\n"
        "assert asyncio.run(with_aiohttp(url, 'POST', **named)) == STORED\n"
        "dumps.assert_called_once()",
        1,
    ),
    "requests is imported anew": (
        "with mock.patch.dict(sys.modules):\n"
        "    del sys.modules['requests']\n"
        "    assert importlib.import_module('requests').get(url).ok",
        1,
    ),
    "httpx is imported again": ("importlib.reload(httpx)\nassert httpx.get(url).is_success", 1),
    "urllib3 is imported anew": (
        "with mock.patch.dict(sys.modules):\n"
        "    del sys.modules['urllib3']\n"
        "    assert importlib.import_module('urllib3').request('GET', url).status == 200",
        1,
    ),
    "a transport retries by super": (
        "with httpx.Client(transport=Retrying()) as client:\n"
        "    assert client.get(url + '?limit=2').json() == [STORED]\n"
        "assert len(Orders.received) == 2",
        2,
    ),
    "an asynchronous transport retries by super": (
        "async def get():\n"
        "    async with httpx.AsyncClient(transport=AsyncRetrying()) as client:\n"
        "        return await client.get(url + '?limit=2')\n"
        "assert asyncio.run(get()).json() == [STORED]\n"
        "assert len(Orders.received) == 2",
        2,
    ),
    "a transport sends with urllib": (
        "with httpx.Client(transport=Sending(with_urllib)) as client:\n    assert client.get(url).json() == [STORED]",
        1,
    ),
    "a transport retries with requests": (
        "with httpx.Client(transport=Sending(with_requests)) as client:\n"
        "    assert client.get(url + '?limit=2').json() == [STORED]\n"
        "assert len(Orders.received) == 2",
        2,
    ),
    "a transport sends another request with urllib": (
        "with httpx.Client(transport=Sending(lambda url: with_urllib(url.replace('=4', '=3')))) as client:\n"
        "    assert client.get(url + '?limit=4').json() == [STORED]",
        2,
    ),
    "the next part of a body": (
        "application = flask.Flask('orders')\n"
        "@application.get('/orders')\n"
        "def get_orders():\n"
        "    return flask.Response(iter(['[', json.dumps(STORED), ']']), content_type='application/json')\n"
        "with application.test_client().get('/orders') as response:\n"
        "    assert next(response.response) == b'['\n"
        "    assert len(list(response.response)) == 2",
        1,
    ),
}


def run(watch: Run, body: str) -> str:
    """Run one test, which must pass and have no error, and return the output of the run."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    result = watch(f"{CODE}def test_it(url):\n{lines}\n", "-o", "bctrl_levels=status_code_conformance = off")
    result.assert_outcomes(passed=1)
    text = result.stdout.str()
    assert "the watch does not observe this version" not in text
    return text


@pytest.mark.parametrize(("body", "count"), CALLS.values(), ids=CALLS)
def test_a_test_passes_and_each_exchange_is_counted_once(watch: Run, body: str, count: int) -> None:
    """Each test passes without the watch, and its requests and responses conform."""
    exchanges = "exchange" if count == 1 else "exchanges"
    assert f"checked      {count} {exchanges} of 1 test," in run(watch, body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("assert requests.get(url, headers={'X-Coding': 'compress'}).content == b'?'", id="requests"),
        pytest.param("assert urllib3.request('GET', url, headers={'X-Coding': 'compress'}).data == b'?'", id="urllib3"),
        pytest.param(
            "with pytest.raises(ValueError):\n"
            "    asyncio.run(with_aiohttp(url, headers={'X-Coding': 'gzip, compress'}))",
            id="aiohttp",
        ),
    ],
)
def test_a_body_in_a_content_coding_that_the_client_does_not_know_is_not_checked(watch: Run, body: str) -> None:
    """The client leaves the body as it is, so it is not that of the contract."""
    assert "a response to GET /orders: the content coding 'compress' is not supported" in run(watch, body)


AUTHORIZED = {
    "a transport adds it to the request": """
class Authorizing(httpx.BaseTransport):
    def handle_request(self, request):
        request.headers["Authorization"] = "Bearer key"
        return httpx.MockTransport(respond).handle_request(request)

def test_it():
    with httpx.Client(transport=Authorizing()) as client:
        client.get(URL)
""",
    "a transport adds it to a copy": """
class Authorizing(httpx.MockTransport):
    def handle_request(self, request):
        return super().handle_request(httpx.Request("GET", request.url, headers={"Authorization": "Bearer key"}))

def test_it():
    with httpx.Client(transport=Authorizing(respond)) as client:
        client.get(URL)
""",
    "an asynchronous transport adds it to a copy": """
class Authorizing(httpx.MockTransport):
    async def handle_async_request(self, request):
        copy = httpx.Request("GET", request.url, headers={"Authorization": "Bearer key"})
        return await super().handle_async_request(copy)

async def get():
    async with httpx.AsyncClient(transport=Authorizing(respond)) as client:
        await client.get(URL)

def test_it():
    asyncio.run(get())
""",
    "an adapter adds it to the request": """
class Authorizing(requests.adapters.HTTPAdapter):
    def add_headers(self, request, **named):
        request.headers["Authorization"] = "Bearer key"

def test_it(url):
    with requests.Session() as session:
        session.mount("http://", Authorizing())
        session.get(url)
""",
    "an adapter adds it to a copy": """
class Authorizing(requests.adapters.HTTPAdapter):
    def send(self, request, **named):
        copy = request.copy()
        copy.headers["Authorization"] = "Bearer key"
        return super().send(copy, **named)

def test_it(url):
    with requests.Session() as session:
        session.mount("http://", Authorizing())
        session.get(url)
""",
}


@pytest.mark.parametrize("test", AUTHORIZED.values(), ids=AUTHORIZED)
def test_a_credential_that_is_added_while_a_request_is_sent_is_known(
    pytester: pytest.Pytester, watch: Run, test: str
) -> None:
    """The contract requires a bearer token: the request has one when it is sent, so there is no finding."""
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    document = {**CONTRACT.source, "components": {"securitySchemes": schemes}, "security": [{"bearer": []}]}
    pytester.path.joinpath("orders.json").write_text(json.dumps(document), "utf-8")

    result = watch(f"{CODE}{test}\ndef test_none():\n    list_orders()\n")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["ERROR test_orders.py::test_none - *"])


FAILING = """
CLOSED = "http://127.0.0.1:1/orders"


class Broken(httpx.SyncByteStream):
    def __iter__(self):
        raise httpx.ReadError("it is broken")


def test_requests():
    requests.get(CLOSED)


def test_urllib3():
    urllib3.request("GET", CLOSED, retries=False)


def test_urllib():
    urllib.request.urlopen(CLOSED)


def test_aiohttp():
    asyncio.run(with_aiohttp(CLOSED))


def test_httpx():
    httpx.get(CLOSED)


def test_stream():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))
    with httpx.Client(transport=transport) as client:
        client.get(URL)


def test_generator():
    def broken():
        yield b"{"
        raise ValueError("it is broken")

    requests.post(CLOSED.replace(":1/", ":2/"), data=broken())


def test_attribute():
    httpx.Client().no_such_attribute


def test_content():
    application = flask.Flask("orders")

    @application.get("/orders")
    def get_orders():
        def broken():
            yield "["
            raise ValueError("it is broken")

        return flask.Response(broken(), content_type="application/json")

    application.test_client().get("/orders", buffered=False).data
"""


def test_the_traceback_of_a_failed_test_is_the_same(pytester: pytest.Pytester, watch: Run) -> None:
    """Tests that fail in a client library show the lines that they show without the watch."""
    watched = watch(f"{CODE}{FAILING}", "--tb=short")
    ordinary = pytester.runpytest(*OPTIONS, "--tb=short")
    assert {"failed": 9} == ordinary.parseoutcomes()
    assert _failures(ordinary.outlines) == _failures(watched.outlines)


def _failures(lines: list[str]) -> list[str]:
    """Return the lines of the failures of a run."""
    start = next(number for number, line in enumerate(lines) if line.startswith("=") and " FAILURES " in line)
    end = next(number for number, line in enumerate(lines[start:], start) if line.startswith("=") and number > start)
    return lines[start:end]
