"""The exchanges of the test clients of web frameworks: werkzeug, Flask and Django."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.exchanges.catalogue import ORDERS_CONTRACT
from tests.watch.conftest import OPTIONS

_WERKZEUG = """
from werkzeug.test import Client

BROKEN = b'[{"id": 7, "qty": 1, "size": "l"}]'


class Body:
    is_closed = False

    def __iter__(self):
        yield BROKEN

    def close(self):
        self.is_closed = True


def client_of(body):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return body

    return Client(application)


def test_it():
"""
_DJANGO = """
import asyncio
import django
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient
from django.urls import path


def orders(request):
    return HttpResponse("[]", content_type="application/json")


async def parts():
    yield b'[{"id": 7, '
    yield b'"qty": 1, "size": "l"}]'


async def streamed(request):
    return StreamingHttpResponse(parts(), content_type="application/json", status=299)


urlpatterns = [path("orders", VIEW)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="key")
django.setup()


def test_it():
"""

Watch = Callable[[str], pytest.RunResult]


@pytest.fixture
def watch(pytester: pytest.Pytester) -> Watch:
    """Return a function that runs a test file under `--bctrl-watch` in a process of its own: Django has settings."""
    pytester.path.joinpath("orders.json").write_text(json.dumps(ORDERS_CONTRACT.source), "utf-8")

    def run(tests: str) -> pytest.RunResult:
        """Write a test file with one test, and run pytest."""
        pytester.makepyfile(test_orders=tests)
        return pytester.runpytest_subprocess("--bctrl-watch", *OPTIONS)

    return run


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("assert client_of([BROKEN]).get('/orders', buffered=True).data == BROKEN", id="buffered"),
        pytest.param(
            "with client_of([BROKEN]).get('/orders') as response:\n        assert response.data == BROKEN", id="a list"
        ),
        pytest.param(
            "body = Body()\n"
            "    with client_of(body).get('/orders') as response:\n"
            "        assert response.data == BROKEN and not body.is_closed\n"
            "    assert body.is_closed",
            id="an iterable that is closed",
        ),
    ],
)
def test_the_content_of_a_wsgi_application_is_checked_and_closed(watch: Watch, body: str) -> None:
    """A test of werkzeug's client passes, with its body buffered, in a list, or closed later; the break is reported."""
    result = watch(f"{_WERKZEUG}    {body}\n")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["error response_schema_conformance: *", "  where     [[]*].size: *"])


def test_the_query_of_an_asgi_scope_of_django_is_checked(watch: Watch) -> None:
    """`AsyncClient.request` with a query in bytes, as in ASGI: its invalid parameter is reported."""
    body = "asyncio.run(AsyncClient().request(method='GET', path='/orders', headers=[], query_string=b'limit=101'))"

    result = watch(f"{_DJANGO.replace('VIEW', 'orders')}    {body}\n")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["error request_parameters: *", "  where     *limit*"])


def test_an_asynchronous_stream_of_django_is_left_to_the_test(watch: Watch) -> None:
    """The test reads the whole stream; its status is reported, and its body as not checked."""
    body = """
    async def read():
        response = await AsyncClient().get("/orders")
        return b"".join([part async for part in response])

    assert asyncio.run(read()).endswith(b'"size": "l"}]')
"""
    result = watch(f"{_DJANGO.replace('VIEW', 'streamed')}{body}")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "error status_code_conformance: *",
            "not checked  a response to GET /orders: it is streamed asynchronously",
        ]
    )
    assert "response_schema_conformance" not in result.stdout.str()
