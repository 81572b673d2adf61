"""The traceback of a test that fails for a reason of its own is the same under the watch."""

from __future__ import annotations

import pytest

from tests.watch.conftest import OPTIONS, Run
from tests.watch.ways_to_send import CODE

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
