"""The verdicts on changes of requests: the changed API rejects a request of the watched tests, or accepts it."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from tests.impact.watched.conftest import Impact, required_parameter, verdict_at


def test_a_rejected_request_gets_the_error_of_the_changed_api(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test of status 200 fails if its request lacks a parameter that became required."""
    impact("def test_list(): assert list_orders().status_code == 200", change=required_parameter)

    assert verdict_at(pytester, "query tenant")[0] == "fails"


def test_a_request_that_is_still_valid_passes(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that sends the parameter that became required."""
    tests = "def test_list(): assert list_orders(params={'tenant': 'a'}).status_code == 200"

    impact(tests, change=required_parameter)

    assert verdict_at(pytester, "query tenant") == ("passes", "")


def _require_colour(operation: Any) -> None:
    """Require a new property in the body of a request."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    schema["required"].append("colour")
    schema["properties"]["colour"] = {"type": "string"}


_POST = """
def parts():
    yield b'{{"qty": 1, "size": "s"}}'

class Deaf(httpx.BaseTransport):
    def handle_request(self, request):
        return httpx.Response(201, json=STORED)

def test_order():
    values = {{"headers": {{"Content-Type": "application/json"}}, "content": {content}}}
    with httpx.Client(transport={transport}) as client:
        assert client.post("https://orders.example/orders", **values).status_code == 201
"""
_MOCK = "httpx.MockTransport(lambda request: httpx.Response(201, json=STORED))"
_ORDER = {"qty": 1, "size": "s"}


@pytest.mark.parametrize(
    ("content", "transport", "verdict"),
    [
        pytest.param(repr(json.dumps(_ORDER)), _MOCK, "fails", id="text"),
        pytest.param("parts()", _MOCK, "fails", id="a stream that the mock reads"),
        pytest.param("parts()", "Deaf()", "not run", id="a stream that the mock does not read"),
        pytest.param(repr(json.dumps({**_ORDER, "colour": "red"})), _MOCK, "passes", id="still valid"),
    ],
)
def test_a_test_whose_request_body_lacks_a_new_required_property_fails(
    pytester: pytest.Pytester, impact: Impact, content: str, transport: str, verdict: str
) -> None:
    """It passes if the body has the property; a test whose mock never reads the stream is `not run`."""
    impact(_POST.format(content=content, transport=transport), change=_require_colour, method="post")

    assert verdict_at(pytester, "requestBody.colour")[0] == verdict


def _require_key(operation: Any) -> None:
    """Require a key of another kind."""
    operation["security"] = [{"key": []}]


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        pytest.param("{'Authorization': 'Bearer any'}", "fails", id="credentials of the old kind"),
        pytest.param("{'Authorization': 'Bearer any', 'X-Key': 'any'}", "passes", id="credentials of both kinds"),
        pytest.param("{}", "not run", id="no credentials"),
    ],
)
def test_new_credentials_are_required_by_their_kind(
    pytester: pytest.Pytester, impact: Impact, headers: str, verdict: str
) -> None:
    """A test passes with the new header and any value, fails with the old one alone, and is `not run` without any."""
    tests = f"def test_list(): assert list_orders(headers={headers}).status_code == 200"

    impact(tests, change=_require_key, security=True)

    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    verdicts = {finding["impact"]["verdict"] for finding in report["findings"] if "security" in finding["rule"]}
    assert verdict in verdicts
    assert verdicts <= {verdict, "not run", "passes"} - ({"passes"} if verdict == "not run" else set())


_REDIRECTED = """
import asyncio
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
import aiohttp


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'[]'
        self.send_response(302 if "limit" in self.path else 200)
        self.send_header("Location", "/orders")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/orders?limit=1"
    server.shutdown()
    thread.join()
    server.server_close()


async def require_success(received):
    assert received.status == 200


async def fetch(url, **values):
    async with aiohttp.ClientSession(**values) as session, session.get(url) as received:
        return received.status, len(received.history)


def test_history(url):
    assert asyncio.run(fetch(url)) in [(200, 1), (404, 0)]


def test_error(url):
    try:
        assert asyncio.run(fetch(url, raise_for_status=True)) == (200, 1)
    except aiohttp.ClientResponseError as error:
        assert (error.status, error.message) == (404, "Not Found")


def test_function(url):
    assert asyncio.run(fetch(url, raise_for_status=require_success)) == (200, 1)
"""


def test_a_redirect_that_the_changed_api_does_not_send_is_not_followed(
    pytester: pytest.Pytester, impact: Impact
) -> None:
    """The API rejects the request instead: of three tests, only the one that requires the redirect fails."""
    impact(_REDIRECTED, change=required_parameter)

    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    [finding] = report["findings"]
    tests = [test["test"].partition("::")[2] for test in finding["impact"]["tests"]]
    assert (tests, finding["impact"]["not_run"]) == (["test_function"], [])


_LEFT_OPEN = f"""import warnings
{_REDIRECTED}
class Connection:
    is_open = True

    def __init__(self):
        self.itself = self  # Only the garbage collector frees it.

    def __del__(self):
        if self.is_open:
            warnings.warn("unclosed connection", ResourceWarning)


def test_connection(url):
    connections = [Connection(), Connection()]
    assert asyncio.run(fetch(url)) == (200, 1)
    for connection in connections:
        connection.is_open = False
"""


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_what_a_failed_test_leaves_open_makes_no_later_run_fail(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that fails with the change leaves connections open; their warnings fail neither another run nor pytest."""
    impact(_LEFT_OPEN, "-W", "error", change=required_parameter)

    gc.collect()
    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    [finding] = report["findings"]
    tests = sorted(test["test"].partition("::")[2] for test in finding["impact"]["tests"])
    assert (tests, finding["impact"]["not_run"]) == (["test_connection", "test_function"], [])
