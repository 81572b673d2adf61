"""Uses of client libraries that no ordinary request has, and versions of them that are not installed."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.watch.exchange import WatchedBody
from pytest_bctrl.watch.libraries import aiohttp_hook
from tests.watch.conftest import CONFORMING, Run

_WITHOUT_REQUESTS = """
import aiohttp
import http.client
import requests

def test_a_response_is_read_before_a_request():
    with pytest.raises(http.client.ResponseNotReady):
        http.client.HTTPConnection("127.0.0.1").getresponse()

def test_a_payload_is_created():
    assert aiohttp.JsonPayload({"a": 1}).size

class Adapter(requests.adapters.BaseAdapter):
    def send(self, request, **_):
        request.body = None
        response = requests.Response()
        response.status_code, response.url, response.request, response._content = 204, request.url, request, b""
        return response

    def close(self):
        pass

def test_an_adapter_removes_the_body():
    with requests.Session() as session:
        session.mount("https://elsewhere.example", Adapter())
        assert session.post("https://elsewhere.example/other", data=iter([b"a"])).request.body is None
"""


def test_uses_without_an_exchange_end_as_without_the_watch(watch: Run) -> None:
    result = watch(_WITHOUT_REQUESTS + CONFORMING)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["checked      2 exchanges: 1 checked, 1 foreign; 1 test, *"])


@pytest.mark.parametrize("serialized", ["[1]", b"[1]"])
def test_an_aiohttp_session_may_serialize_json_to_text_or_bytes(serialized: Any) -> None:
    """With `json_serialize`, or `json_serialize_bytes` since aiohttp 3.14."""
    session = SimpleNamespace(json_serialize=lambda _: serialized)
    assert b"[1]" == aiohttp_hook._serialized(session, [1])


def test_an_aiohttp_response_that_was_read_or_has_no_body_is_complete() -> None:
    """Of a version that cannot decode zstd, which is not installed."""
    module: Any = ModuleType("aiohttp_without_zstd")
    empty = SimpleNamespace()
    vars(module).update(
        ClientResponse=SimpleNamespace(raise_for_status=test_uses_without_an_exchange_end_as_without_the_watch),
        ClientResponseError=Exception,
        RequestInfo=object,
        EMPTY_PAYLOAD=empty,
    )
    recorder: Any = SimpleNamespace(at_end_of_test=lambda _: None)
    hook = aiohttp_hook._AiohttpHook(module, recorder)
    assert frozenset({"gzip", "deflate", "br"}) == hook._decoded
    for response, content in (
        (SimpleNamespace(content=None, _body=b"[]"), b"[]"),
        (SimpleNamespace(content=empty, _body=None), b""),
    ):
        body = WatchedBody()
        hook._observe_body(response, body)
        assert (content, True) == (body.content, body.is_complete)
