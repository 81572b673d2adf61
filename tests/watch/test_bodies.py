"""Bodies that are sent or read in unusual ways pass the watch unchanged, and are checked as far as they are known."""

from __future__ import annotations

import inspect

import aiohttp
import pytest

from tests.watch.conftest import Run
from tests.watch.test_observation import exchange_count, run


def test_a_body_that_http_client_reads_from_a_file_is_not_checked(watch: Run) -> None:
    """`HTTPConnection.send` with a file: the request is valid but for its body, of which nothing is reported."""
    text = run(
        watch,
        """
connection = http.client.HTTPConnection(url.split("/")[2])
connection.putrequest("POST", "/orders")
connection.putheader("Content-Type", "application/json")
connection.putheader("Content-Length", str(len(ORDER)))
connection.endheaders()
connection.send(io.BytesIO(ORDER))
assert json.loads(connection.getresponse().read()) == STORED
connection.close()
""",
    )
    assert 1 == exchange_count(text)
    assert "request_body" not in text


def test_a_response_that_the_test_parses_itself_is_no_exchange(watch: Run) -> None:
    """`HTTPResponse` of `http.client` on bytes in memory is read into a buffer; only the other exchange counts."""
    text = run(
        watch,
        """
class Socket:
    def makefile(self, mode):
        return io.BytesIO(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")

response = http.client.HTTPResponse(Socket())
response.begin()
buffer = bytearray(2)
assert response.readinto(buffer) == 2
assert buffer == b"{}"
httpx.post(url, content=json.dumps({"qty": 1, "size": "s"}), headers=JSON)
""",
    )
    assert 1 == exchange_count(text)
    assert "\nnot checked " not in text


_ADAPTER = """
class Adapter(requests.adapters.BaseAdapter):
    def send(self, request, **values):
        response = requests.Response()
        response.status_code, response.url, response.request = 201, request.url, request
        response.headers.update(JSON)
        response.encoding = "utf-8"
        response.raw = io.BytesIO(json.dumps({**STORED, "size": "\\u00e9"}).encode())
        response.sent = sent(request.body)
        return response

    def close(self):
        pass

session = requests.Session()
session.mount("https://orders.example", Adapter())
"""


def test_a_file_that_an_adapter_of_requests_iterates_is_checked(watch: Run) -> None:
    """The adapter gets both lines of the file, in which the invalid quantity is reported."""
    text = run(
        watch,
        f"""
sent = list
{_ADAPTER}
lines = [b'{{"qty": 0,\\n', b'"size": "s"}}']
response = session.post("https://orders.example/orders", data=io.BytesIO(b"".join(lines)), headers=JSON)
assert response.sent == lines
""",
    )
    assert "error request_body: " in text.partition("= bctrl watch =")[2]


def test_text_that_an_adapter_of_requests_yields_is_checked(watch: Run) -> None:
    """A body that is read as decoded text, with an encoding of the response: its invalid size is reported."""
    text = run(
        watch,
        f"""
sent = list
{_ADAPTER}
response = session.post("https://orders.example/orders", data=[("qty", "1")], stream=True)
assert json.loads("".join(response.iter_content(5, decode_unicode=True)))["size"] == "\\u00e9"
""",
    )
    assert "error response_schema_conformance: " in text.partition("= bctrl watch =")[2]


def test_a_body_of_another_type_raises_the_error_of_the_library(watch: Run) -> None:
    """An integer as the body of urllib3 is a `TypeError` that names it, and no exchange."""
    text = run(
        watch,
        """
with pytest.raises(TypeError, match="Instead was 5"):
    urllib3.request("POST", url, body=5)
urllib3.request("GET", url)
""",
    )
    assert 1 == exchange_count(text)


def test_an_asynchronous_stream_of_httpx_keeps_its_attributes(watch: Run) -> None:
    """The stream of a watched response still has those of the mock's stream."""
    run(
        watch,
        """
class Stream(httpx.AsyncByteStream):
    name = "a stream"

    async def __aiter__(self):
        yield b"[]"

async def get():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Stream(), headers=JSON))
    async with httpx.AsyncClient(transport=transport) as client:
        async with client.stream("GET", "https://orders.example/orders") as response:
            assert response.stream._stream.name == "a stream"
            assert await response.aread() == b"[]"

asyncio.run(get())
""",
    )


def test_a_body_that_a_trace_of_aiohttp_reads_is_checked(watch: Run) -> None:
    """A callback for the end of requests has read the body before the session returns the response."""
    text = run(
        watch,
        """
async def read(session, context, values):
    await values.response.read()

async def get():
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(read)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session, session.get(url) as response:
        assert response.status == 200

asyncio.run(get())
""",
    )
    assert "error response_schema_conformance: " in text.partition("= bctrl watch =")[2]


def test_a_body_of_aiohttp_whose_end_arrives_after_the_last_read_is_checked(watch: Run) -> None:
    """The test reads all data of a chunked body, and then waits for its end without a further read."""
    text = run(
        watch,
        """
class Slow(Handler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\\r\\n%b\\r\\n" % (len(BROKEN), BROKEN))
        was_read.wait(60)
        self.wfile.write(b"0\\r\\n\\r\\n")

was_read = threading.Event()

async def get(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert await response.content.readexactly(len(BROKEN)) == BROKEN
        was_read.set()
        while not response.content.at_eof():
            await asyncio.sleep(0.01)

with serving(Slow) as base:
    asyncio.run(get(f"{base}/orders"))
""",
    )
    assert "error response_schema_conformance: " in text.partition("= bctrl watch =")[2]


@pytest.mark.skipif(
    "json_serialize_bytes" not in inspect.signature(aiohttp.ClientSession).parameters, reason="needs aiohttp 3.14"
)
def test_json_that_aiohttp_serializes_to_bytes_is_checked(watch: Run) -> None:
    """A session that serializes a fraction, which `json` cannot: the request is sent, and its quantity reported."""
    text = run(
        watch,
        """
from fractions import Fraction

def serialize(data):
    return json.dumps(data, default=float).encode()

async def post():
    async with aiohttp.ClientSession(json_serialize_bytes=serialize) as session:
        async with session.post(url, json={"qty": Fraction(1, 2), "size": "s"}) as response:
            assert await response.json() == STORED

asyncio.run(post())
""",
    )
    assert "error request_body: " in text.partition("= bctrl watch =")[2]
