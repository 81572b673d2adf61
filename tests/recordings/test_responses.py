"""`check` and `assert_conforms` with responses of real libraries; those not installed are skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from pytest_bctrl import assert_conforms, check
from pytest_bctrl.contract.read import load
from pytest_bctrl.samples import SPACE_ID, response
from pytest_bctrl.traffic.mock import MockServer

PATH = f"/v1/spaces/{SPACE_ID}/runtimes"


def _broken() -> bytes:
    """Return a body with an undocumented status of the first runtime."""
    body = response()
    body["runtimes"][0]["status"] = "archived"
    return json.dumps(body).encode()


GOOD, BAD = json.dumps(response()).encode(), _broken()


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """Yield a running mock of the packaged contract."""
    with MockServer(load()) as server:
        yield server


def _client_response(library: str, mock: MockServer, method: str = "GET") -> Any:
    """Return the mock's response to a request of a client library, in the type of that library."""
    module = pytest.importorskip(library)
    url, headers = f"{mock.url}{PATH}", {"Authorization": f"Bearer {mock.api_key}"}
    if library == "urllib3":
        with module.PoolManager() as pool:
            return pool.request(method, url, headers=headers)
    return module.request(method, url, headers=headers)


def _flask(body: bytes, method: str = "GET") -> Any:
    """Return the response of Flask's test client to a request for the runtimes."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("app")
    app.add_url_rule(PATH, view_func=lambda: flask.Response(body, mimetype="application/json"), endpoint="list")
    return app.test_client().open(PATH, method=method)


def _django(body: bytes, method: str = "GET") -> Any:
    """Return the response of Django's test client to a request for the runtimes."""
    django = pytest.importorskip("django")
    configured = import_module("django.conf").settings
    if not configured.configured:
        configured.configure(ROOT_URLCONF=(), ALLOWED_HOSTS=["*"], SECRET_KEY="none", MIDDLEWARE=[])
        django.setup()
    testing, http, urls = (import_module(f"django.{name}") for name in ("test", "http", "urls"))
    route = urls.path(PATH[1:], lambda request: http.HttpResponse(body, content_type="application/json"))
    with testing.override_settings(ROOT_URLCONF=(route,)):
        return testing.Client().generic(method, PATH)


def _starlette(body: bytes) -> Any:
    """Return a JSON response of Starlette, which has no request."""
    responses = pytest.importorskip("starlette.responses")
    return responses.Response(body, media_type="application/json")


@pytest.mark.parametrize("library", ["httpx", "httpx2", "requests", "urllib3"])
def test_check_accepts_the_response_of_each_client_library(mock: MockServer, library: str) -> None:
    """A conforming response to GET or HEAD passes; an undocumented status in a body is a finding."""
    mock.reset()
    assert_conforms(_client_response(library, mock), fail_on="info")
    assert_conforms(_client_response(library, mock, "HEAD"), fail_on="info")
    mock.fault("break_rule", "runtimes[*].status")
    assert "runtimes[*].status" == check(_client_response(library, mock))[0].location


@pytest.mark.parametrize("make", [_flask, _django])
def test_check_accepts_an_empty_response_to_head(make: Any) -> None:
    """It returns no findings for that of Flask or Django; an empty response to GET has findings."""
    assert [] == check(make(GOOD, "HEAD"))
    assert [] != check(make(b"", "GET"))


@pytest.mark.parametrize("make", [_flask, _django, _starlette, bytes, bytes.decode, json.loads])
def test_check_accepts_test_responses_and_plain_bodies(make: Any) -> None:
    """A valid body has no finding, an invalid one an error: from Flask, Django or Starlette, as bytes, text or data."""
    assert [] == check(make(GOOD))
    with pytest.raises(AssertionError, match=r"^1 error: response_schema_conformance at runtimes\[\*\]\.status"):
        assert_conforms(make(BAD))


def test_the_space_id_is_read_from_django_and_flask_requests() -> None:
    """A body of another space has the finding `space_id_matches`."""
    body = json.dumps(response(space_id="11111111-0000-4000-8000-000000000000")).encode()
    for make in (_flask, _django):
        assert ["space_id_matches"] == [finding.rule for finding in check(make(body))]
