"""The parts of an exchange that are observed, and those that stay unchanged."""

from __future__ import annotations

import re

import pytest

from pytest_bctrl.files.limits import MOST
from pytest_bctrl.impact.rerun import free_earlier_runs
from pytest_bctrl.watch.exchange import WatchedBody
from tests.watch.conftest import Run, report_of

SERVER = """
import asyncio
import concurrent.futures
import gc
import gzip
import http.client
import io
import json
import threading
import urllib.request
import weakref

import aiohttp
import requests
import urllib3
from local_server import Handler, serving

BROKEN = json.dumps([{"id": 7, "qty": 1, "size": "l"}]).encode()
ORDER = json.dumps({"qty": 0, "size": "s"}).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def url():
    class Orders(Handler):
        attempts = 0

        def do_GET(self):
            if "limit=1" in self.path:
                return self.respond(302, b"", {"Location": "/orders"})
            if "limit=2" in self.path and not self.headers.get("Authorization"):
                return self.respond(401, b"", {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})
            if "limit=3" in self.path and Orders.attempts < 2:
                Orders.attempts += 1
                return self.respond(503, b"", {})
            if "limit=4" in self.path:
                return self.respond(200, gzip.compress(BROKEN), {"Content-Encoding": "gzip", **JSON})
            if "limit=5" in self.path:
                return self.respond_in_chunks(200, (BROKEN[:9], BROKEN[9:], b""))
            self.respond(200, BROKEN)

        def do_HEAD(self):
            self.respond(200)

        def do_POST(self):
            if self.headers.get("Transfer-Encoding"):
                while size := int(self.rfile.readline(), 16):
                    self.rfile.read(size + 2)
                self.rfile.readline()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.respond(201, json.dumps(STORED).encode())

        def respond_in_chunks(self, status, chunks):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"".join(b"%x\\r\\n%b\\r\\n" % (len(chunk), chunk) for chunk in chunks))

    with serving(Orders) as base:
        yield f"{base}/orders"


def test_it(url, tmp_path):
"""


def run(watch: Run, body: str, *arguments: str) -> str:
    """Run one test, which must pass, and return the output of the run."""
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    result = watch(f"{SERVER}{lines}\n", *arguments)
    assert {"passed": 1} == {name: count for name, count in result.parseoutcomes().items() if name == "passed"}
    return result.stdout.str()


def exchange_count(text: str) -> int:
    """Return the number of exchanges that were checked, in whole or in part, in the output of a run."""
    account = re.search("^checked .*", text, re.MULTILINE)
    assert account is not None
    return sum(map(int, re.findall(r"(\d+) (?:not )?checked", account[0])))


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("httpx.get(url + '?limit=1', follow_redirects=True)", 2),
        ("httpx.get(url + '?limit=2', auth=httpx.DigestAuth('a', 'b'))", 2),
        ("requests.get(url + '?limit=1')", 2),
        ("requests.get(url + '?limit=2', auth=requests.auth.HTTPDigestAuth('a', 'b'))", 2),
        ("urllib3.request('GET', url + '?limit=1')", 2),
        ("urllib3.request('GET', url + '?limit=3', retries=urllib3.Retry(2, status_forcelist=[503]))", 3),
        ("urllib.request.urlopen(url + '?limit=1').close()", 2),
        ("asyncio.run(with_aiohttp(url + '?limit=1'))", 2),
    ],
)
def test_each_hop_is_one_exchange(watch: Run, call: str, number: int) -> None:
    """A redirect, a digest challenge or a retry makes a further exchange of a call, with each client library."""
    with_aiohttp = (
        "async def with_aiohttp(url):\n"
        "    async with aiohttp.ClientSession() as session, session.get(url) as response:\n"
        "        return await response.read()\n"
    )
    assert number == exchange_count(run(watch, f"{with_aiohttp}{call}"))


def test_a_failed_connection_is_no_exchange(watch: Run) -> None:
    """Of three requests, two of which are refused, one exchange is counted."""
    text = run(
        watch,
        """
httpx.get(url)
with pytest.raises(httpx.ConnectError):
    httpx.get("http://127.0.0.1:1/orders")
with pytest.raises(requests.ConnectionError):
    requests.get("http://127.0.0.1:1/orders")
""",
    )
    assert 1 == exchange_count(text)


@pytest.mark.parametrize(
    "call",
    [
        "httpx.post(url, content=(part for part in [ORDER[:5], ORDER[5:]]), headers=JSON)",
        "asyncio.run(post(url))",
        "requests.post(url, data=(part for part in [ORDER[:5], ORDER[5:]]), headers=JSON)",
        "requests.post(url, data=io.BytesIO(ORDER), headers=JSON)",
        "requests.post(url, data=ORDER.decode(), headers=JSON)",
        "urllib3.request('POST', url, body=io.BytesIO(ORDER), headers=JSON)",
        "urllib3.request('POST', url, body=[ORDER[:5], ORDER[5:]], headers=JSON)",
        "send_by_connection(url, iter([ORDER[:5], ORDER[5:]]))",
        "send_by_connection(url, io.BytesIO(ORDER))",
        "asyncio.run(post_with_aiohttp(url, json={'qty': 0, 'size': 's'}))",
        "asyncio.run(post_with_aiohttp(url, data=ORDER, headers=JSON))",
        "asyncio.run(post_with_aiohttp(url, data=ORDER.decode(), headers=JSON))",
    ],
)
def test_the_body_of_a_request_is_checked_while_it_is_sent(watch: Run, call: str) -> None:
    """Iterators, files, texts and JSON as bodies of each library: an invalid quantity in them is reported."""
    text = run(
        watch,
        f"""
async def post(url):
    async def parts():
        yield ORDER[:5]
        yield ORDER[5:]

    async with httpx.AsyncClient() as client:
        await client.post(url, content=parts(), headers=JSON)

async def post_with_aiohttp(url, **values):
    async with aiohttp.ClientSession() as session, session.post(url, **values) as response:
        await response.read()

def send_by_connection(url, body):
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.request("POST", "/orders", body, JSON)
    connection.getresponse().read()
    connection.close()

{call}
""",
    )
    assert "error request_body: " in text.partition("= bctrl watch =")[2], text


@pytest.mark.parametrize(
    "call",
    [
        "asyncio.run(post(url, data={'qty': 0, 'size': 's'}))",
        "asyncio.run(post(url, data={'qty': b'0'}))",
        "asyncio.run(post(url, data=io.BytesIO(ORDER), headers=JSON, auth=aiohttp.BasicAuth('a', 'b')))",
        "asyncio.run(post(url, data=ORDER, headers=[('Content-Type', 'text/plain')]))",
    ],
)
def test_a_form_or_stream_of_aiohttp_is_sent_and_observed_as_one_exchange(watch: Run, call: str) -> None:
    text = run(
        watch,
        f"""
async def post(url, **values):
    async with aiohttp.ClientSession() as session, session.post(url, **values) as response:
        assert response.status == 201
        await response.read()

{call}
""",
    )
    assert 1 == exchange_count(text)


@pytest.mark.parametrize(
    "call",
    [
        "httpx.get(url)",
        "b''.join(httpx_stream(url + '?limit=4').iter_raw())",
        "requests.get(url, stream=True).raw.read()",
        "requests.get(url + '?limit=4', stream=True).raw.read()",
        "list(requests.get(url + '?limit=5', stream=True).iter_lines())",
        "list(requests.get(url, stream=True).iter_content(7, decode_unicode=True))",
        "list(urllib3.request('GET', url + '?limit=5', preload_content=False).read_chunked())",
        "list(urllib3.request('GET', url + '?limit=5', preload_content=False).stream(4))",
        "urllib3.request('GET', url, preload_content=False).read1(1000)",
        "urllib3.request('GET', url, preload_content=False).readinto(bytearray(1000))",
        "read_by_connection(url, lambda response: response.readinto(bytearray(1000)))",
        "read_by_connection(url, lambda response: response.read1())",
        "read_by_connection(url, lambda response: response.readlines())",
        "read_by_connection(url + '?limit=5', lambda response: response.read(3) + response.read())",
        "asyncio.run(with_aiohttp(url, lambda response: response.content.readline()))",
        "asyncio.run(with_aiohttp(url + '?limit=4', lambda response: response.content.readexactly(len(BROKEN))))",
    ],
)
def test_a_body_is_checked_as_it_is_read(watch: Run, call: str) -> None:
    """Each way of reading a response of each library: a break in its body is reported."""
    text = run(
        watch,
        f"""
def httpx_stream(url):
    client = httpx.Client()
    return client.send(client.build_request("GET", url), stream=True)

def read_by_connection(url, read):
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.request("GET", "/" + url.split("/")[3])
    response = connection.getresponse()
    read(response)
    response.close()
    connection.close()

async def with_aiohttp(url, read):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await read(response)

{call}
""",
        "-W",
        "ignore::ResourceWarning",
        "-W",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    )
    # Some of the calls leave a connection open, which must not fail another test.
    free_earlier_runs()
    assert "error response_schema_conformance: " in text.partition("= bctrl watch =")[2], text


@pytest.mark.parametrize(
    "call",
    [
        "with httpx.stream('GET', url) as response: next(response.iter_bytes(3))",
        "with requests.get(url, stream=True) as response: next(response.iter_content(3))",
        "urllib3.request('GET', url, preload_content=False).close()",
        "with urllib.request.urlopen(url) as response: response.read(3)",
        "asyncio.run(with_aiohttp(url))",
    ],
)
def test_a_body_that_is_not_read_to_its_end_is_not_checked(watch: Run, call: str) -> None:
    text = run(
        watch,
        f"""
async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        pass

{call}
""",
    )
    assert "not checked  a response to GET /orders: the test did not read it" in text


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_a_response_without_a_body_has_nothing_to_read(watch: Run, library: str) -> None:
    """The response to HEAD is not reported as "not checked"."""
    assert "\nnot checked " not in run(watch, f"{library}.head(url)")


@pytest.mark.parametrize(
    ("call", "has_line"),
    [
        ("asyncio.run(gathered(url))  # here", True),
        ("thread = threading.Thread(target=send, args=(url,)); thread.start(); thread.join()", True),
        ("thread = threading.Thread(target=httpx.get, args=(url,)); thread.start(); thread.join()", False),
        ("concurrent.futures.ThreadPoolExecutor().submit(httpx.get, url).result()", False),
        ("asyncio.run(in_thread(url))", False),
    ],
)
def test_the_innermost_line_on_the_call_stack_is_named(watch: Run, call: str, has_line: bool) -> None:
    """A thread that runs a function of a library has no line of the project, and its request is one of the test."""
    body = f"""
def send(url):
    httpx.get(url){"" if "# here" in call else "  # here"}

async def gathered(url):
    async with httpx.AsyncClient() as client:
        await asyncio.gather(client.get(url), client.get(url))

async def in_thread(url):
    await asyncio.to_thread(httpx.get, url)

{call}
"""
    text = run(watch, body)
    file = f"from orders import *\nimport pytest\n\n{SERVER}{body.lstrip()}".splitlines()
    line = next((number for number, text_line in enumerate(file, 1) if text_line.endswith("# here")), 0)
    sent_at = [f"  sent at   test_orders.py:{line}"] if has_line else []
    assert sent_at == re.findall("^  sent at .*", text.partition("= bctrl watch =")[2], re.MULTILINE)
    assert "  tests     test_orders.py::test_it\n" in text


def test_a_request_without_a_line_is_reported_with_its_test(watch: Run, pytester: pytest.Pytester) -> None:
    text = run(
        watch,
        """
with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=[7]))) as client:
    for path in ("orders", "other"):
        asyncio.run(asyncio.to_thread(client.get, f"https://orders.example/{path}"))
""",
        "--bctrl-report=report.json",
    )
    assert "your code sends GET /other, which the contract does not have (test_orders.py::test_it)" in text
    (finding,) = report_of(pytester)["findings"]
    assert finding["why"].startswith("sent in test_orders.py::test_it, mocked by MockTransport handler at ")


def test_an_application_in_the_process_has_exchanges_of_its_own(watch: Run) -> None:
    """A request to it and the request that it sends itself are two exchanges."""
    text = run(
        watch,
        """
def application(environ, start_response):
    body = urllib.request.urlopen(url).read()
    start_response("200 OK", list(JSON.items()))
    return [body]

with httpx.Client(transport=httpx.WSGITransport(application)) as client:
    client.get("http://testserver/orders")
""",
    )
    assert 2 == exchange_count(text)


def test_an_adapter_of_the_project_is_observed(watch: Run) -> None:
    """An adapter of requests that returns a broken body three times: the finding counts three."""
    text = run(
        watch,
        """
class Adapter(requests.adapters.BaseAdapter):
    def send(self, request, **values):
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers.update(JSON)
        response.raw = io.BytesIO(BROKEN)
        if "limit" in request.url:
            response._content = BROKEN
        return response

    def close(self):
        pass

with requests.Session() as session:
    session.mount("https://orders.example", Adapter())
    assert session.get("https://orders.example/orders").content == BROKEN
    assert session.get("https://orders.example/orders?limit=9").content == BROKEN
    unread = session.get("https://orders.example/orders", stream=True)
    assert list(unread.iter_content(5, decode_unicode=True))
""",
    )
    assert 3 == exchange_count(text)
    assert "[*].size, 3 of 3" in text


def test_nothing_keeps_a_response_alive(watch: Run) -> None:
    """A response of each library is freed by a garbage collection after its last reference."""
    run(
        watch,
        """
gc.disable()
for get in (httpx.get, requests.get, lambda url: urllib3.request("GET", url)):
    response = get(url)
    reference = weakref.ref(response)
    del response
    gc.collect()
    assert reference() is None, get
gc.enable()
""",
    )


def test_a_stream_keeps_its_attributes(watch: Run) -> None:
    """The stream of a watched response of httpx still has those of the mock's stream."""
    run(
        watch,
        """
class Stream(httpx.SyncByteStream):
    name = "a stream"

    def __iter__(self):
        yield b"[]"

transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Stream(), headers=JSON))
with httpx.Client(transport=transport) as client:
    with client.stream("GET", "https://orders.example/orders") as response:
        assert response.stream._stream.name == "a stream"
        assert response.read() == b"[]"
""",
    )


def test_a_body_above_the_limit_is_not_kept() -> None:
    """`WatchedBody` drops its content and says that it is larger than 64 MiB."""
    body = WatchedBody()
    body.add(b"x")
    body.add(bytes(MOST))
    body.finish()
    assert b"" == body.content
    assert "it is larger than 64 MiB" == body.unread


def test_an_error_that_aiohttp_raises_for_a_status_is_observed(watch: Run) -> None:
    """It is one exchange, whose body was not checked."""
    text = run(
        watch,
        """
async def get():
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        await session.get(url + "?limit=2")

with pytest.raises(aiohttp.ClientResponseError):
    asyncio.run(get())
""",
    )
    assert 1 == exchange_count(text)
    assert "the client library raised an error before it was read" in text
