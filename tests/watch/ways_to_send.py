"""Ways to send a request in a test: a server, clients and transports that tests define, and calls of them."""

from __future__ import annotations

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
        # aiohttp leaves it open, and warns when the garbage collector finds its connection first.
        "    response.close()\n"
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
    "requests is imported again": (
        "with mock.patch.dict(sys.modules):\n"
        "    del sys.modules['requests']\n"
        "    assert importlib.import_module('requests').get(url).ok",
        1,
    ),
    "httpx is imported again": ("importlib.reload(httpx)\nassert httpx.get(url).is_success", 1),
    "urllib3 is imported again": (
        "with mock.patch.dict(sys.modules):\n"
        "    del sys.modules['urllib3']\n"
        "    assert importlib.import_module('urllib3').request('GET', url).status == 200",
        1,
    ),
    "a transport retries by super": (
        "with httpx.Client(transport=Retrying()) as client:\n"
        "    assert client.get(url + '?limit=2').json() == [STORED]\n"
        "assert len(Orders.received) == 2",
        1,
    ),
    "an asynchronous transport retries by super": (
        "async def get():\n"
        "    async with httpx.AsyncClient(transport=AsyncRetrying()) as client:\n"
        "        return await client.get(url + '?limit=2')\n"
        "assert asyncio.run(get()).json() == [STORED]\n"
        "assert len(Orders.received) == 2",
        1,
    ),
    "a transport sends with urllib": (
        "with httpx.Client(transport=Sending(with_urllib)) as client:\n    assert client.get(url).json() == [STORED]",
        1,
    ),
    "a transport retries with requests": (
        "with httpx.Client(transport=Sending(with_requests)) as client:\n"
        "    assert client.get(url + '?limit=2').json() == [STORED]\n"
        "assert len(Orders.received) == 2",
        1,
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
"""The body of a test and the number of its exchanges, by what the test does."""
