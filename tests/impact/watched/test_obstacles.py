"""What prevents the change of a watched exchange, so that the outcome of its test proves nothing."""

from __future__ import annotations

import json

import pytest

from tests.impact.watched.conftest import Impact, required_parameter, verdict_at
from tests.watch.conftest import copy_local_server

_TRANSPORT = """
def respond(request):
    if request.url.params.get("cursor"):
        {unknown}
    return httpx.Response(200, json=[STORED], headers={{"Next": "/orders?cursor=2"}})

def test_pages():
    with httpx.Client(base_url="https://orders.example", transport=httpx.MockTransport(respond)) as client:
        received = client.get("/orders")
        if received.json()[0]["size"] == "xl":
            received = client.get("/orders?cursor=2")
        assert received.status_code == 200
"""


@pytest.mark.parametrize("unknown", ['raise LookupError("no such request")', "return httpx.Response(404, json={})"])
def test_a_mock_without_a_response_to_a_further_request_proves_nothing(
    pytester: pytest.Pytester, impact: Impact, unknown: str
) -> None:
    """The test's own mock raises, or returns 404, for a request sent only with the change: `not run`."""
    impact(_TRANSPORT.format(unknown=unknown))

    verdict, why = verdict_at(pytester)
    assert verdict == "not run"
    assert "no response for a request that it sends only with the change: GET /orders" in why


def test_a_request_that_fails_without_the_change_too_is_no_obstacle(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that expects a connection error and reads an order has the verdict `fails`."""
    impact(
        """
        def refuse(request):
            raise httpx.ConnectError("no connection")

        def test_label():
            with httpx.Client(transport=httpx.MockTransport(refuse)) as client, pytest.raises(httpx.ConnectError):
                client.get("https://orders.example/orders")
            assert LABELS[list_orders().json()[0]["size"]]
    """.replace("\n        ", "\n")
    )

    assert verdict_at(pytester)[0] == "fails"


def test_a_failed_request_for_no_operation_is_no_obstacle(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that sends it only with the change has the verdict `passes`."""
    impact(
        """
        def refuse(request):
            raise httpx.ConnectError("no connection")

        def test_label():
            if list_orders().json()[0]["size"] == "xl":
                with httpx.Client(transport=httpx.MockTransport(refuse)) as client, pytest.raises(httpx.ConnectError):
                    client.get("https://orders.example/refunds")
    """.replace("\n        ", "\n")
    )

    assert verdict_at(pytester)[0] == "passes"


def test_a_response_in_no_valid_coding_is_received_as_it_is(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that requests it only with the change, and reads the bytes, has the verdict `passes`."""
    impact("""
class Stream(httpx.SyncByteStream):
    def __iter__(self):
        yield b'no gzip'

def respond(request):
    if request.url.params.get("cursor"):
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return httpx.Response(200, headers=headers, stream=Stream())
    return httpx.Response(200, json=[STORED])

def test_pages():
    with httpx.Client(base_url="https://orders.example", transport=httpx.MockTransport(respond)) as client:
        if client.get("/orders").json()[0]["size"] == "xl":
            with client.stream("GET", "/orders?cursor=2") as streamed:
                assert b"".join(streamed.iter_raw()) == b"no gzip"
""")

    assert verdict_at(pytester)[0] == "passes"


@pytest.mark.parametrize(
    ("response", "reading", "why"),
    [
        pytest.param(
            "headers={'Content-Type': 'text/event-stream'}, stream=Stream()",
            "next(streamed.iter_lines())",
            "its body is a stream (text/event-stream)",
            id="a stream of events",
        ),
        pytest.param(
            "headers={'Content-Type': 'application/json'}, stream=Stream()",
            "next(streamed.iter_raw())",
            "the test does not read its body to the end",
            id="a body that is read in part",
        ),
        pytest.param(
            "headers={'Content-Type': 'application/json', 'Content-Encoding': 'gzip'}, stream=Stream()",
            "b''.join(streamed.iter_raw())",
            "incorrect header check",
            id="a coding that is not valid",
        ),
    ],
)
def test_a_response_that_cannot_be_changed_is_not_run(
    pytester: pytest.Pytester, impact: Impact, response: str, reading: str, why: str
) -> None:
    """A stream, a body that is read in part, or one that is not in its content coding: `not run`, with the reason."""
    impact(f"""
class Stream(httpx.SyncByteStream):
    def __iter__(self):
        yield b'[]'
        yield b'\\n'

def test_stream():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, {response}))
    with httpx.Client(transport=transport) as client, client.stream("GET", "https://orders.example/orders") as streamed:
        assert {reading}
""")

    assert verdict_at(pytester)[0] == "not run"
    assert why in verdict_at(pytester)[1]


def test_a_body_that_nothing_reads_is_not_covered(pytester: pytest.Pytester, impact: Impact) -> None:
    """A streamed response of which the test reads only the status."""
    impact("""
class Stream(httpx.SyncByteStream):
    def __iter__(self):
        yield b'[{"id": 7, "qty": 1, "size": "s"}]'

def test_status():
    values = {"headers": {"Content-Type": "application/json"}, "stream": Stream()}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, **values))
    with httpx.Client(transport=transport) as client, client.stream("GET", "https://orders.example/orders") as streamed:
        assert streamed.status_code == 200
""")

    assert verdict_at(pytester)[0] == "not covered"


_EVENTS = """
def test_stream():
    def respond(request):
        return httpx.Response(200, headers={{"Content-Type": "text/event-stream"}}, content=b"data: 1")

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        assert client.get("https://orders.example/orders{query}").text
"""


@pytest.mark.parametrize(("query", "verdict"), [("", "not run"), ("?tenant=a", "passes")])
def test_whether_a_request_is_valid_does_not_depend_on_its_response(
    pytester: pytest.Pytester, impact: Impact, query: str, verdict: str
) -> None:
    """A stream of events without the new parameter is `not run`; with it, the test passes."""
    impact(_EVENTS.format(query=query), change=required_parameter)

    assert verdict_at(pytester, "query tenant")[0] == verdict


def test_a_violation_of_a_stream_is_not_run(pytester: pytest.Pytester, impact: Impact) -> None:
    """With `--bctrl-impact=mutants`, all changes of a stream of events are `not run`."""
    impact(_EVENTS.format(query=""), "--bctrl-impact=mutants")

    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    verdicts = {finding["impact"]["verdict"] for finding in report["findings"] if finding["operation"] == "GET /orders"}
    assert verdicts == {"not run"}


_SERVER = """
import http.client
import json
import urllib.request
from local_server import Handler, serving

class Orders(Handler):
    def do_GET(self):
        if "cursor" in self.path:
            self.close_connection = True
        else:
            self.respond(200, json.dumps([STORED]).encode())

def with_http_client(url, target):
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    try:
        connection.request("GET", target)
        return connection.getresponse().read()
    finally:
        connection.close()

def with_urllib(url, target):
    with urllib.request.urlopen(url + target) as response:
        return response.read()

def test_pages():
    with serving(Orders) as url:
        if json.loads({library}(url, "/orders"))[0]["size"] == "xl":
            {library}(url, "/orders?cursor=2")
"""


@pytest.mark.parametrize("library", ["with_http_client", "with_urllib"])
def test_a_server_without_a_response_to_a_further_request_proves_nothing(
    pytester: pytest.Pytester, impact: Impact, library: str
) -> None:
    """The test's own server closes the connection after a request sent only with the change: `not run`."""
    copy_local_server(pytester.path)
    impact(_SERVER.replace("{library}", library))

    verdict, why = verdict_at(pytester)
    assert verdict == "not run"
    assert "no response for a request that it sends only with the change: GET /orders" in why


_BUILT = """
import json
from unittest import mock
import requests

def test_label():
    response = requests.Response()
    response.status_code, response._content = 200, json.dumps([STORED]).encode()
    response.headers["Content-Type"] = "application/json"
    with mock.patch("requests.adapters.HTTPAdapter.send", return_value=response):
        assert LABELS[requests.get("https://orders.example/orders").json()[0]["size"]]
"""


def test_a_response_of_requests_that_a_test_builds_is_changed(pytester: pytest.Pytester, impact: Impact) -> None:
    """It has neither a request nor a raw response: the test fails with the change, and passes without it."""
    impact(_BUILT)

    assert verdict_at(pytester)[0] == "fails"
