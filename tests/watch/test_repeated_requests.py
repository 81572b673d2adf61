"""Requests that a transport, an adapter or a middleware sends again: the client has one exchange."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.watch.conftest import Run

CODE = """
import asyncio
import io
import json
import threading

import aiohttp
import requests
import urllib3
from local_server import Handler, serving

URL = "https://orders.example/orders"
BROKEN = json.dumps([{"id": 7, "qty": 1, "size": "l"}])
JSON = {"Content-Type": "application/json"}
RETRY = urllib3.Retry(3, status_forcelist=[404], backoff_factor=0, allowed_methods=None)


def mock_transport(statuses=(404, 200)):
    left = iter(statuses)
    return httpx.MockTransport(lambda request: httpx.Response(next(left), headers=JSON, text=BROKEN))  # handler


class Retrying(httpx.BaseTransport, httpx.AsyncBaseTransport):
    \"\"\"Sends a request again until it gets the status 200.\"\"\"

    def __init__(self, transport):
        self.transport = transport

    def handle_request(self, request):
        while (response := self.transport.handle_request(request)).status_code != 200:
            response.close()
        return response

    async def handle_async_request(self, request):
        while (response := await self.transport.handle_async_request(request)).status_code != 200:
            await response.aclose()
        return response

    def close(self):
        self.transport.close()

    async def aclose(self):
        await self.transport.aclose()


def with_httpx(url, transport):
    with httpx.Client(transport=transport) as client:
        return client.get(url)


async def with_async_httpx(url, transport):
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(url)


def with_requests(url, method="GET", data=None):
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=RETRY))
        return session.request(method, url, data=data, headers=JSON)


async def with_aiohttp(url):
    async def retry(request, handler):
        while (response := await handler(request)).status != 200:
            response.release()
        return response

    async with aiohttp.ClientSession(middlewares=[retry]) as session, session.get(url) as response:
        return await response.read()


@pytest.fixture
def url():
    class Orders(Handler):
        attempts = 0

        def do_GET(self):
            Orders.attempts += 1
            self.respond(200 if Orders.attempts % 2 == 0 else 404, BROKEN.encode())

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            Orders.attempts += 1
            self.respond(201 if Orders.attempts % 2 == 0 else 404, json.dumps(STORED).encode())

    with serving(Orders) as base:
        yield f"{base}/orders"
"""
REPEATING = [
    "with_httpx(URL, Retrying(mock_transport()))",
    "with_httpx(URL, Retrying(Retrying(mock_transport())))",
    "with_httpx(url, Retrying(httpx.HTTPTransport()))",
    "asyncio.run(with_async_httpx(URL, Retrying(mock_transport())))",
    "asyncio.run(with_async_httpx(url, Retrying(httpx.AsyncHTTPTransport())))",
    "with_requests(url)",
    "asyncio.run(with_aiohttp(url))",
]


@pytest.mark.parametrize("call", REPEATING)
def test_the_response_that_the_client_returns_is_checked(watch: Run, call: str) -> None:
    assert_one_response_is_checked(watch, call)


@pytest.mark.skipif(find_spec("responses") is None, reason="needs responses: tox -e watch")
def test_the_last_response_of_a_mock_library_is_checked_and_named(watch: Run, pytester: pytest.Pytester) -> None:
    call = (
        "import responses\n    with responses.RequestsMock() as mock:\n"
        "        mock.get(URL, '[]', status=404, headers=JSON)\n"
        "        mock.get(URL, BROKEN, headers=JSON)\n"
        "        with_requests(URL)"
    )
    text = assert_one_response_is_checked(watch, call)
    lines = pytester.path.joinpath("test_orders.py").read_text("utf-8").splitlines()
    line = lines.index("        mock.get(URL, BROKEN, headers=JSON)") + 1
    assert f"  mocked by responses registration at test_orders.py:{line}\n" in text


def assert_one_response_is_checked(watch: Run, call: str) -> str:
    """Check that a call has one exchange, with a break of the response 200 and none of the 404 before it."""
    result = watch(f"{CODE}\ndef test_it(url):\n    {call}\n")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "error response_schema_conformance: the value is not one of the documented values",
            "checked      1 exchange: 1 checked; 1 test,*",
        ]
    )
    text = result.stdout.str()
    assert "the value has the wrong type" not in text
    return text


def test_a_file_that_is_sent_again_is_one_body(watch: Run) -> None:
    """urllib3 rewinds the file of a request that it repeats, and sends the same body."""
    result = watch(
        f"{CODE}\ndef test_it(url, tmp_path):\n    path = tmp_path / 'order.json'\n"
        "    path.write_text(json.dumps({'qty': 1, 'size': 's'}))\n"
        "    with path.open('rb') as file:\n"
        "        assert with_requests(url, 'POST', file).status_code == 201\n",
        "-o",
        "bctrl_levels=status_code_conformance = off",
    )
    result.assert_outcomes(passed=1)
    assert "checked      1 exchange: 1 checked; 1 test," in result.stdout.str()


def test_an_impact_run_changes_the_response_that_the_client_returns(pytester: pytest.Pytester, watch: Run) -> None:
    """A test of a client that repeats a request is run with each change, and its outcome is the one with the change."""
    document = pytester.path.joinpath("orders.json").read_text("utf-8")
    pytester.path.joinpath("new.json").write_text(document.replace('"m"', '"m", "xl"'), "utf-8")
    result = watch(
        f"""{CODE.replace('"size": "l"', '"size": "s"')}
SIZES = {{"s": "small", "m": "medium"}}

def test_httpx(url):
    assert [SIZES[order["size"]] for order in with_httpx(url, Retrying(httpx.HTTPTransport())).json()]

def test_requests(url):
    assert [SIZES[order["size"]] for order in with_requests(url).json()]
""",
        "--bctrl-impact=new.json",
    )
    assert pytest.ExitCode.TESTS_FAILED == result.ret
    text = result.stdout.str()
    assert "test_orders.py::test_httpx: KeyError: 'xl'" in text
    assert "test_orders.py::test_requests: KeyError: 'xl'" in text
    assert "not run" not in text


def test_a_transport_without_a_client_is_not_observed(watch: Run) -> None:
    """Code that calls a transport itself gets its response, and the summary counts the exchanges of clients only."""
    result = watch(
        f"""{CODE}
def test_it():
    response = mock_transport([404]).handle_request(httpx.Request("GET", URL))
    assert response.status_code == 404

def test_asynchronous():
    response = asyncio.run(mock_transport([404]).handle_async_request(httpx.Request("GET", URL)))
    assert response.status_code == 404

def test_conforming():
    list_orders()
"""
    )
    result.assert_outcomes(passed=3)
    assert "checked      1 exchange: 1 checked; 1 test," in result.stdout.str()


def test_the_rest_of_a_decoded_body_that_urllib3_discards_is_not_recorded(watch: Run) -> None:
    """The test decodes a part of a compressed body; urllib3 discards the rest without decoding it."""
    result = watch(
        f"""{CODE}
import gzip
import random

def test_it():
    text = "".join(random.Random(1).choices("abcdefgh", k=100_000))
    body = gzip.compress(json.dumps([text]).encode())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Encoding", "gzip")])
        return [body]

    from wsgiref.simple_server import WSGIRequestHandler, make_server
    with make_server("127.0.0.1", 0, application, handler_class=WSGIRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{{server.server_port}}/orders"
        with urllib3.PoolManager() as pool:
            response = pool.request("GET", url, preload_content=False)
            assert response.read(5, decode_content=True) == json.dumps([text])[:5].encode()
            response.drain_conn()
            response.close()
        thread.join()
"""
    )
    result.assert_outcomes(passed=1)
    assert "a response to GET /orders: the test did not read it" in result.stdout.str()


def test_a_task_that_goes_on_after_its_request_gets_its_response(watch: Run) -> None:
    """A middleware of aiohttp begins a request in a task that ends after the response was returned."""
    result = watch(
        f"""{CODE}
async def send(url):
    tasks = []

    async def middleware(request, handler):
        response = await handler(request)
        async def again():
            await asyncio.sleep(0.05)
            return await handler(request)
        tasks.append(asyncio.create_task(again()))
        return response

    async with aiohttp.ClientSession(middlewares=[middleware]) as session, session.get(url) as response:
        await response.read()
        further = await tasks[0]
        await further.read()
        return further.status

def test_it(url):
    assert asyncio.run(send(url)) == 200
"""
    )
    result.assert_outcomes(passed=1, errors=1)


@pytest.mark.skipif(find_spec("responses") is None, reason="needs responses: tox -e watch")
def test_a_response_of_a_mock_library_that_no_client_requested_is_no_exchange(watch: Run) -> None:
    """The test calls `get_response` of the response that it registers."""
    result = watch(
        f"""{CODE}
import responses

def test_it():
    request = requests.Request("GET", URL).prepare()
    assert responses.Response("GET", URL, json=[STORED]).get_response(request).status == 200
"""
    )
    result.assert_outcomes(passed=1)
    assert "exchange of " not in result.stdout.str()


def test_requests_of_an_older_urllib3_are_observed_in_http_client(watch: Run) -> None:
    """Its connections return responses of http.client, which has a hook of its own."""
    result = watch(
        f"""{CODE}
def test_it(url, monkeypatch):
    monkeypatch.delattr(urllib3.response, "BaseHTTPResponse")
    assert urllib3.request("GET", url).status == 404
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*1 exchange: 1 checked; 1 test*"])
