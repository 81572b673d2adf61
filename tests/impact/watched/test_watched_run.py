"""How an impact run treats the exchanges that the watch observes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import aiohttp  # its C extension keeps the classes of its first import
import pytest

from tests.watch.cases import CONTRACT
from tests.watch.conftest import OPTIONS, ORDERS

Changed = Callable[[Any], None]
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
}
LABELS = 'LABELS = {"s": "small", "m": "medium"}'


def new_size(operation: Any) -> None:
    """Add a size to the orders of a list."""
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    schema["items"]["properties"]["size"]["enum"].append("xl")


def required_parameter(operation: Any) -> None:
    """Require a new parameter."""
    operation["parameters"].append({"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}})


class Impact(Protocol):
    """Runs tests with a change of the list of orders, and returns the result."""

    def __call__(
        self,
        tests: str,
        *arguments: str,
        change: Changed = ...,
        method: str = ...,
        security: bool = ...,
        is_watching: bool = ...,
    ) -> pytest.RunResult:
        """Write a test file, and run pytest."""
        ...


@pytest.fixture
def impact(pytester: pytest.Pytester) -> Impact:
    """Return a function that runs tests, which may import `orders`, under `--bctrl-impact` with the watch."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(CONTRACT.source), "utf-8")
    pytester.path.joinpath("orders.py").write_text(ORDERS, "utf-8")
    pytester.syspathinsert()

    def run(
        tests: str,
        *arguments: str,
        change: Changed = new_size,
        method: str = "get",
        security: bool = False,
        is_watching: bool = True,
    ) -> pytest.RunResult:
        document = json.loads(json.dumps(CONTRACT.source))
        if security:
            document["components"] = {"securitySchemes": SCHEMES}
            document["paths"]["/orders"]["get"]["security"] = [{"bearer": []}]
            pytester.path.joinpath("orders.json").write_text(json.dumps(document), "utf-8")
        change(document["paths"]["/orders"][method])
        pytester.path.joinpath("changed.json").write_text(json.dumps(document), "utf-8")
        pytester.makepyfile(test_orders=f"from orders import *\nimport pytest\n\n{LABELS}\n{tests}")
        options: tuple[str, ...] = ("--bctrl-impact=changed.json", "--bctrl-report=impact.json", *OPTIONS)
        if is_watching:
            options = ("--bctrl-watch", *options)
        return pytester.runpytest(*options, *arguments)

    return run


def outcomes(pytester: pytest.Pytester, location: str = "[*].size") -> tuple[str, str]:
    """Return the verdict and the reason for the change at a location."""
    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    [finding] = [finding for finding in report["findings"] if finding["location"] == location]
    return finding["impact"]["verdict"], finding["impact"]["why"]


CARELESS = "def test_label(): assert LABELS[list_orders().json()[0]['size']]\n"
TOLERANT = "def test_label(): assert LABELS.get(list_orders().json()[0]['size'], 'any')\n"


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        pytest.param(CARELESS, "fails", id="a test that fails"),
        pytest.param(TOLERANT, "passes", id="a test that passes"),
        pytest.param("def test_id(): assert list_orders().json()[0]['id'] == 7", "not covered", id="another location"),
        pytest.param(
            "def test_size():\n    if list_orders().json()[0]['size'] == 'xl': pytest.skip('new')",
            "skipped",
            id="a test that skips itself",
        ),
    ],
)
def test_a_test_with_a_mock_of_its_own_has_an_outcome(
    pytester: pytest.Pytester, impact: Impact, tests: str, verdict: str
) -> None:
    """A change is run through the watch: fails, passes, not covered or skipped."""
    result = impact(tests)

    assert outcomes(pytester)[0] == verdict
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["ran          1 test that uses the API against 1 change: *"])
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if verdict == "fails" else pytest.ExitCode.OK)


def test_without_the_watch_the_reason_names_it(pytester: pytest.Pytester, impact: Impact) -> None:
    """The exit code is 2, and the message suggests `--bctrl-watch`."""
    result = impact(CARELESS, is_watching=False)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: no test uses the mock or a recording (*; --bctrl-watch applies the changes *"])


def test_a_run_without_requests_to_the_api_measures_nothing(impact: Impact) -> None:
    result = impact("def test_other(): assert list_orders(url='https://orders.example/other').status_code == 200")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: no test sent a request to an operation of the contract: no change was run"])


_OTHER_HOST = """
class Transport(httpx.BaseTransport):
    def handle_request(self, request):
        return httpx.Response(200, json=[STORED])

def test_label():
    with httpx.Client(transport=Transport()) as client:
        assert LABELS[client.get("https://other.example/orders").json()[0]["size"]]
"""


@pytest.mark.parametrize(
    ("hosts", "status"), [("other.example", pytest.ExitCode.TESTS_FAILED), ("", pytest.ExitCode.INTERRUPTED)]
)
def test_only_responses_of_watched_hosts_are_changed(impact: Impact, hosts: str, status: int) -> None:
    """With `bctrl_watch_hosts`, the test of that host fails; without it nothing is measured."""
    result = impact(_OTHER_HOST, "-o", f"bctrl_watch_hosts={hosts}")

    assert result.ret == status


def test_workers_yield_the_same_outcomes(pytester: pytest.Pytester, impact: Impact) -> None:
    """With `-n 2`, the careless test has the verdict `fails`."""
    impact(CARELESS, "-n", "2")

    assert outcomes(pytester)[0] == "fails"


@pytest.mark.parametrize("tests", [TOLERANT, "def test_other(): pass"])
def test_a_library_that_cannot_be_observed_is_named(
    impact: Impact, monkeypatch: pytest.MonkeyPatch, tests: str
) -> None:
    """The tests of the other libraries are run with the changes; without such tests, it may be the reason."""
    monkeypatch.delattr(aiohttp, "StreamReader")

    result = impact(tests)

    line = "not observed: aiohttp * has no StreamReader: the watch does not observe this version, or not completely"
    result.stdout.fnmatch_lines([f"note         {line}"])


def test_tests_of_invalid_responses_are_excluded(pytester: pytest.Pytester, impact: Impact) -> None:
    """Those marked `conforming=False`: the other test decides, and a note counts them."""
    result = impact(f"@pytest.mark.bctrl_watch(conforming=False)\n{CARELESS}\n{TOLERANT.replace('label', 'other')}")

    assert outcomes(pytester)[0] == "passes"
    result.stdout.fnmatch_lines(["note         1 test excluded (bctrl_impact, bctrl_impact_skip, bctrl_watch)"])


def test_a_run_of_excluded_tests_measures_nothing(impact: Impact) -> None:
    result = impact(f"@pytest.mark.bctrl_watch(conforming=False)\n{CARELESS}")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["bctrl: every test that uses the API is excluded (*bctrl_watch): no change was run"])


def test_a_wrong_host_is_an_error(impact: Impact) -> None:
    """A URL in `bctrl_watch_hosts` is a usage error."""
    result = impact(CARELESS, "-o", "bctrl_watch_hosts=https://a")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'https://a' is not a host*"])


def test_the_exchanges_of_shared_fixtures_are_changed(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test of a module's fixture fails with the change."""
    fixture = "@pytest.fixture(scope='module')\ndef orders(): return list_orders().json()\n"

    impact(f"{fixture}def test_label(orders): assert LABELS[orders[0]['size']]")

    assert outcomes(pytester)[0] == "fails"


def test_a_rejected_request_gets_the_error_of_the_changed_api(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test of status 200 fails if its request lacks a parameter that became required."""
    impact("def test_list(): assert list_orders().status_code == 200", change=required_parameter)

    assert outcomes(pytester, "query tenant")[0] == "fails"


KEY, COOKIE = "sk9fQ2xZ7LmT4vB8nW3rY6pK1dH5jC0aE", "8fKq3ZpT1xWv7RmB2nYc9LdG4hJs6QaE"
_WITH_CREDENTIALS = f"""
def respond(request):
    return httpx.Response(200, json=[STORED], headers={{"Set-Cookie": "session={COOKIE}; Path=/"}})


def test_list():
    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        response = client.get("https://orders.example/orders", params={{"api_key": "{KEY}"}})
    assert response.json()[0]["size"] in LABELS, f"{{response.url}} {{response.cookies['session']}}"
"""


def test_credentials_in_the_error_of_a_test_are_redacted(pytester: pytest.Pytester, impact: Impact) -> None:
    result = impact(_WITH_CREDENTIALS)

    report = pytester.path.joinpath("impact.json").read_text("utf-8")
    for text in (result.stdout.str(), report):
        assert "orders?api_key=[redacted] [redacted]" in text
        assert KEY not in text
        assert COOKIE not in text


def test_a_request_that_is_still_valid_passes(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that sends the parameter that became required."""
    tests = "def test_list(): assert list_orders(params={'tenant': 'a'}).status_code == 200"

    impact(tests, change=required_parameter)

    assert outcomes(pytester, "query tenant") == ("passes", "")


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

    verdict, why = outcomes(pytester)
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

    assert outcomes(pytester)[0] == "fails"


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
    """A stream or a body in an unknown coding: `not run`, with the reason."""
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

    assert outcomes(pytester)[0] == "not run"
    assert why in outcomes(pytester)[1]


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

    assert outcomes(pytester)[0] == "not covered"


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
    """If the body can be read; a stream that the mock never reads is `not run`."""
    impact(_POST.format(content=content, transport=transport), change=_require_colour, method="post")

    assert outcomes(pytester, "requestBody.colour")[0] == verdict


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
    """A test passes if it sends the new header with any value; the old credentials fail."""
    tests = f"def test_list(): assert list_orders(headers={headers}).status_code == 200"

    impact(tests, change=_require_key, security=True)

    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    verdicts = {finding["impact"]["verdict"] for finding in report["findings"] if "security" in finding["rule"]}
    assert verdict in verdicts
    assert verdicts <= {verdict, "not run", "passes"} - ({"passes"} if verdict == "not run" else set())


def test_a_test_of_bctrl_client_fails_with_the_change_under_the_watch(
    pytester: pytest.Pytester, impact: Impact
) -> None:
    impact("""
def test_label(bctrl_client):
    first = bctrl_client.get("/orders").json()
    assert all(order["size"] in LABELS for order in first)
""")

    assert outcomes(pytester)[0] == "fails"


def test_a_client_that_repeats_its_request_for_ever_is_stopped(pytester: pytest.Pytester, impact: Impact) -> None:
    """A test that polls until a known size appears gets the verdict `fails` or `not run`."""
    impact("""
import threading

def poll(sizes):
    while True:
        size = list_orders().json()[0]["size"]
        if size in LABELS:
            sizes.append(size)
            return

def test_poll():
    sizes = []
    thread = threading.Thread(target=poll, args=(sizes,))
    thread.start()
    thread.join()
    assert sizes
""")

    assert outcomes(pytester)[0] in ("fails", "not run")


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
    """The API rejects the request instead, so that the test with the redirect fails."""
    impact(_REDIRECTED, change=required_parameter)

    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    [finding] = report["findings"]
    tests = [test["test"].partition("::")[2] for test in finding["impact"]["tests"]]
    assert (tests, finding["impact"]["not_run"]) == (["test_function"], [])


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

    assert outcomes(pytester, "query tenant")[0] == verdict


def test_a_violation_of_a_stream_is_not_run(pytester: pytest.Pytester, impact: Impact) -> None:
    """With `--bctrl-impact=mutants`, a stream of events."""
    impact(_EVENTS.format(query=""), "--bctrl-impact=mutants")

    report = json.loads(pytester.path.joinpath("impact.json").read_text("utf-8"))
    verdicts = {finding["impact"]["verdict"] for finding in report["findings"] if finding["operation"] == "GET /orders"}
    assert verdicts == {"not run"}
