"""The verdicts and messages of an impact run whose exchanges the watch observes."""

from __future__ import annotations

import aiohttp  # its C extension keeps the classes of its first import
import pytest

from tests.impact.watched.conftest import Impact, required_parameter, verdict_at

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

    assert verdict_at(pytester)[0] == verdict
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
    result.stdout.fnmatch_lines(
        ["bctrl: the watch observed no request to an operation of the contract: no change was run"]
    )


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


def test_workers_yield_the_same_verdicts(pytester: pytest.Pytester, impact: Impact) -> None:
    """With `-n 2`, the careless test has the verdict `fails`."""
    impact(CARELESS, "-n", "2")

    assert verdict_at(pytester)[0] == "fails"


@pytest.mark.parametrize("tests", [TOLERANT, "def test_other(): pass"])
def test_a_library_that_cannot_be_observed_is_named(
    impact: Impact, monkeypatch: pytest.MonkeyPatch, tests: str
) -> None:
    """A note names it, whether a test uses the API or none does."""
    monkeypatch.delattr(aiohttp, "StreamReader")

    result = impact(tests)

    line = "not observed: aiohttp * has no StreamReader: the watch does not observe this version, or not completely"
    result.stdout.fnmatch_lines([f"note         {line}"])


def test_tests_of_invalid_responses_are_excluded(pytester: pytest.Pytester, impact: Impact) -> None:
    """Those marked `conforming=False`: the other test decides, and a note counts them."""
    result = impact(f"@pytest.mark.bctrl_watch(conforming=False)\n{CARELESS}\n{TOLERANT.replace('label', 'other')}")

    assert verdict_at(pytester)[0] == "passes"
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

    assert verdict_at(pytester)[0] == "fails"


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


def test_a_test_of_bctrl_client_fails_with_the_change_under_the_watch(
    pytester: pytest.Pytester, impact: Impact
) -> None:
    impact("""
def test_label(bctrl_client):
    first = bctrl_client.get("/orders").json()
    assert all(order["size"] in LABELS for order in first)
""")

    assert verdict_at(pytester)[0] == "fails"


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

    assert verdict_at(pytester)[0] in ("fails", "not run")


_WERKZEUG = """
from werkzeug.test import Client

def application(environ, start_response):
    start_response("{status}", [("Content-Type", "application/json")])
    return [b"[]"]

def test_status():
    assert Client(application).get("/orders").status in ("{status}", "{rejected}")
"""


@pytest.mark.parametrize(("status", "rejected"), [("200 OK", "404 NOT FOUND"), ("200 Fine", "404 Not Found")])
def test_the_reason_that_a_client_of_werkzeug_receives_is_written_as_the_original(
    pytester: pytest.Pytester, impact: Impact, status: str, rejected: str
) -> None:
    """In capitals as those of Flask, or not: a test that compares the whole status passes."""
    impact(_WERKZEUG.format(status=status, rejected=rejected), change=required_parameter)

    assert verdict_at(pytester, "query tenant") == ("passes", "")


_EMPTY = """
import asyncio

class Empty(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __iter__(self):
        yield from ()

    async def __aiter__(self):
        for part in ():
            yield part

def respond(request):
    if "limit" not in request.url.params:
        return httpx.Response(200, json=[STORED])
    return httpx.Response(404, headers={"Content-Type": "application/json", "Content-Encoding": "zstd"}, stream=Empty())
"""
_READ_EMPTY = """
def test_label():
    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        assert client.get("https://orders.example/orders").json()[0]["size"] in ("s", "xl")
        with client.stream("GET", "https://orders.example/orders?limit=1") as streamed:
            assert list(streamed.iter_bytes()) == []
"""
_READ_EMPTY_ASYNC = """
async def read():
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        assert (await client.get("https://orders.example/orders")).json()[0]["size"] in ("s", "xl")
        async with client.stream("GET", "https://orders.example/orders?limit=1") as streamed:
            return [part async for part in streamed.aiter_bytes()]

def test_label():
    assert asyncio.run(read()) == []
"""


@pytest.mark.parametrize("tests", [_READ_EMPTY, _READ_EMPTY_ASYNC], ids=["synchronous", "asynchronous"])
def test_a_stream_without_content_stays_empty(pytester: pytest.Pytester, impact: Impact, tests: str) -> None:
    """While another response is changed, the test reads nothing of one in `zstd`, of which no data were sent."""
    impact(f"{_EMPTY}{tests}")

    assert verdict_at(pytester) == ("passes", "")
