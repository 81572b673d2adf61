"""The responses that clients receive while an impact run reruns a test."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from urllib3 import HTTPHeaderDict, HTTPResponse

from pytest_bctrl.http.message import Headers, MockResponse, Payload
from pytest_bctrl.watch.exchange import WatchedExchange
from pytest_bctrl.watch.libraries import aiohttp_hook, django_hook, requests_hook, urllib3_hook
from pytest_bctrl.watch.recorder import CLIENT, Recorder
from pytest_bctrl.watch.substitution import (
    ResponseChanger,
    is_stream,
    observed_response,
    original_response,
    reason_phrase,
    substitute_for,
)

OLD, NEW = b'{"size":"s"}', b'{"size":"xl"}'
JSON = ("Content-Type", "application/json")


def exchange_of(content: bytes, *fields: tuple[str, str], method: str = "GET", status: int = 200) -> WatchedExchange:
    """Return an exchange whose response has this body and further header fields."""
    exchange = WatchedExchange("httpx", method, "https://orders.example/orders", ())
    exchange.receive(status, (JSON, *fields, ("Content-Length", str(len(content)))))
    exchange.response_body.is_encoded = True
    return exchange


def substituted(exchange: WatchedExchange, content: bytes, **changes: Any) -> MockResponse:
    """Return the substitute for an observed response, which must be readable, with these changes of the original."""
    original, problem = original_response(exchange, content)
    assert problem == ""
    return substitute_for(exchange, content, original, replace(original, **changes) if changes else original)


def parts(substitute: MockResponse) -> tuple[int, Headers, bytes, bytes]:
    """Return the status, header fields, plain body and content of a substitute."""
    return substitute.status, substitute.headers, substitute.body, substitute.payload.content


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_changed_body_has_the_content_coding_of_the_original(coding: str, compress: Any) -> None:
    content = compress(OLD)
    exchange = exchange_of(content, ("Content-Encoding", coding))

    substitute = substituted(exchange, content, payload=Payload(NEW))

    assert substitute.body == NEW
    assert zlib.decompress(substitute.payload.content, 47) == NEW
    fields = (JSON, ("Content-Encoding", coding), ("Content-Length", str(len(substitute.payload.content))))
    assert substitute.headers == fields


def test_another_content_coding_is_left_out() -> None:
    """A body in `br`, which the client library decoded, gets a length and no `Content-Encoding`."""
    exchange = exchange_of(OLD, ("Content-Encoding", "br"))
    exchange.response_body.is_encoded = False

    assert substituted(exchange, OLD).headers == (JSON, ("Content-Length", str(len(OLD))))


def test_an_unchanged_response_stays_as_it_is() -> None:
    content = gzip.compress(OLD)
    exchange = exchange_of(content, ("Content-Encoding", "gzip"))

    assert parts(substituted(exchange, content)) == (200, exchange.response_headers, OLD, content)


def test_a_changed_status_leaves_the_body_as_it_was_sent() -> None:
    """Only the status is replaced: the compressed body and the header names stay."""
    content = gzip.compress(OLD)
    exchange = exchange_of(content, ("Content-Encoding", "gzip"))

    substitute = substituted(exchange, content, status=206)

    assert (substitute.status, substitute.payload.content) == (206, content)
    assert sorted(substitute.headers) == sorted(exchange.response_headers)


def test_a_response_to_head_has_the_length_without_the_body() -> None:
    """The substitute of an error has `Content-Length` of the error's body, and an empty body."""
    error = MockResponse(400, (JSON,), Payload(NEW))

    substitute = substituted(exchange_of(b"", method="HEAD"), b"", **attributes(error))

    assert parts(substitute) == (400, (JSON, ("Content-Length", str(len(NEW)))), b"", b"")


@pytest.mark.parametrize("changes", [{}, {"status": 206}])
def test_the_length_of_a_compressed_body_that_head_leaves_out_stays_as_it_is(changes: dict[str, Any]) -> None:
    """With or without a new status, `Content-Length` and the other fields of the response to HEAD are kept."""
    exchange = exchange_of(gzip.compress(OLD), ("Content-Encoding", "gzip"), method="HEAD")
    # As requests, which decodes bodies.
    exchange.response_body.is_encoded = False

    substitute = substituted(exchange, b"", **changes)

    assert sorted(substitute.headers) == sorted(exchange.response_headers)
    assert substitute.payload.content == b""


def test_a_status_without_a_body_has_no_length() -> None:
    """The substitute with 204 has no `Content-Length`."""
    substitute = substituted(exchange_of(OLD), OLD, status=204, payload=Payload(b""))

    assert parts(substitute) == (204, (JSON,), b"", b"")


def attributes(response: MockResponse) -> dict[str, Any]:
    """Return the status, headers and payload of a response, by name."""
    return {"status": response.status, "headers": response.headers, "payload": response.payload}


def test_a_status_without_a_name_has_an_empty_reason() -> None:
    """299 has one; the observed reason stays if the status does."""
    assert reason_phrase(299, 200, "OK") == ""
    assert reason_phrase(200, 200, None) is None


def test_a_recorder_without_an_impact_run_substitutes_nothing() -> None:
    """No exchange is substituted, and `substitute` raises."""
    recorder, exchange = Recorder(Path.cwd()), exchange_of(OLD)

    assert not recorder.is_substituted(exchange)
    with pytest.raises(RuntimeError):
        recorder.substitute(exchange, OLD)


class Substituting:
    """A changer that substitutes the response of every exchange."""

    def is_substituted(self, _exchange: WatchedExchange) -> bool:
        """Return true."""
        return True


def test_a_response_that_a_transport_gets_with_another_client_is_substituted_once() -> None:
    """While a request is sent, the same request of an inner client is not substituted, but that to another host is."""
    recorder = Recorder(Path.cwd())
    recorder.changer = cast(ResponseChanger, Substituting())
    outer, inner = exchange_of(OLD), exchange_of(OLD)
    of_application = replace(inner, url="https://stock.example/orders")

    with recorder.sending(outer, CLIENT):
        are_substituted = [recorder.is_substituted(exchange) for exchange in (inner, of_application)]

    assert are_substituted == [False, True]
    assert recorder.is_substituted(outer)


class Recorded:
    """A response as vcrpy has it."""

    def __init__(self, recorded_response: dict[str, Any]) -> None:
        self.recorded_response = recorded_response
        self.status = recorded_response["status"]["code"]
        self.reason = recorded_response["status"]["message"]


def test_a_recorded_response_is_replaced_by_one_of_its_class() -> None:
    """A response of vcrpy has the new body and length in its recorded form."""
    headers = {"Content-Type": ["application/json"]}
    status = {"code": 200, "message": "OK"}
    recorded = Recorded({"status": status, "headers": headers, "body": {"string": OLD}})
    exchange = exchange_of(OLD)

    content = urllib3_hook._read_body(recorded, exchange.response_body)
    substitute = substituted(exchange, content, payload=Payload(NEW))
    response = urllib3_hook.substituted_response(recorded, substitute, "GET")

    assert content == OLD
    assert response.recorded_response == {
        "status": status,
        "headers": {**headers, "Content-Length": [str(len(NEW))]},
        "body": {"string": NEW},
    }


class ResponseWithBody:
    """A response of aiohttp as older versions of vcrpy have it."""

    status, reason = 200, "OK"

    @property
    def content(self) -> bytes:
        """The body."""
        return bytes(vars(self)["_body"])


def test_the_whole_body_of_a_response_of_aiohttp_is_replaced() -> None:
    substitute = substituted(exchange_of(OLD), OLD, payload=Payload(NEW))

    response = aiohttp_hook.substituted_response(ResponseWithBody(), substitute, is_decoded=True, is_whole=True)

    assert response.content == NEW


@pytest.mark.parametrize(("value", "values"), [("a=1, b=2", ["a=1", "b=2"]), ("c=3", ["c=3"])])
def test_several_header_fields_of_one_name_stay_several_in_a_raw_response(value: str, values: list[str]) -> None:
    fields = HTTPHeaderDict([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    observed = requests.Response()
    observed.request = requests.Request("GET", "https://orders.example/orders").prepare()
    observed.raw = HTTPResponse(BytesIO(OLD), headers=fields, preload_content=False, request_url="/orders")

    response = requests_hook.substituted_response(
        observed, MockResponse(200, (("Set-Cookie", value),), Payload(NEW)), "GET"
    )

    assert response.raw.headers.getlist("Set-Cookie") == values
    assert response.headers["Set-Cookie"] == value
    assert response.raw.geturl() == "/orders"
    assert response.content == NEW


def test_a_response_of_requests_with_another_content_type_has_its_encoding() -> None:
    """A page in ISO 8859-1 is replaced by JSON in UTF-8: its text is decoded as such."""
    observed = requests.Response()
    observed.request = requests.Request("GET", "https://orders.example/orders").prepare()
    observed.headers["Content-Type"] = "text/html; charset=iso-8859-1"
    observed.encoding = "iso-8859-1"
    content = '{"size":"\u00e9"}'.encode()

    response = requests_hook.substituted_response(observed, MockResponse(404, (JSON,), Payload(content)), "GET")

    assert (response.encoding, response.json()) == ("utf-8", {"size": "\u00e9"})
    assert response.text == content.decode()


def test_a_header_field_of_aiohttp_that_is_not_utf_8_keeps_its_bytes() -> None:
    value = b"caf\xe9"
    exchange = exchange_of(OLD, ("X-Name", value.decode("utf-8", "surrogateescape")))

    response = aiohttp_hook.substituted_response(
        ResponseWithBody(), substituted(exchange, OLD), is_decoded=True, is_whole=True
    )

    assert dict(response._raw_headers)[b"X-Name"] == value


@pytest.mark.parametrize("observed", [OLD, NEW], ids=["changed", "unchanged"])
def test_the_data_of_a_response_of_django_rest_framework_are_those_of_its_body(observed: bytes) -> None:
    """Its test client returns a response with the data of the body, which tests read instead of it."""
    django_http = pytest.importorskip("django.http")
    response = django_http.HttpResponse(observed, content_type="application/json; charset=utf-8")
    response.json = partial(json.loads, observed)
    own = response.data = object()

    copy = django_hook.substituted_response(response, MockResponse(200, (JSON,), Payload(NEW)))

    assert copy.content == NEW
    assert copy.data == (json.loads(NEW) if observed == OLD else own)
    assert response.data is own


def test_the_data_of_a_response_of_django_that_is_no_json_stay() -> None:
    django_http = pytest.importorskip("django.http")
    response = django_http.HttpResponse(OLD, content_type="text/plain; charset=utf-8")
    response.json = partial(json.loads, OLD)
    response.data = "text"

    assert django_hook.substituted_response(response, MockResponse(200, (), Payload(b"other"))).data == "text"


def test_a_response_that_switches_protocols_is_a_stream() -> None:
    """The client and the server exchange messages of a WebSocket in place of its body, which cannot be read."""
    exchange = WatchedExchange("aiohttp", "GET", "https://orders.example/orders", ())
    exchange.receive(101, [("Upgrade", "websocket")])
    assert is_stream(exchange)
    assert observed_response(exchange)[1] == "its body is a stream (websocket)"
