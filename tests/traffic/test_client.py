"""The clients keep the key safe, and refuse what must not be sent: sync and async alike."""

from __future__ import annotations

import gc
import re
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pytest_bctrl.contract.key_fields import BEARER as IN_BEARER
from pytest_bctrl.contract.key_fields import KeyField
from pytest_bctrl.contract.model import Parameter
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import SettingError, UnsafeRequestError
from pytest_bctrl.files.limits import MOST
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.client import GuardedTransport, async_client, client
from pytest_bctrl.traffic.flow import CREDENTIAL, Rules, Send, flow
from pytest_bctrl.traffic.origin import Connection, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy

from .callers import KEY, ONCE, Ask, KeyAuth
from .servers import Script, close, cut, hang, response, serve

BEARER = f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, BEARER),
        ({"headers": {"Authorization": "Bearer wrong"}}, "Bearer wrong"),
        ({"extensions": {CREDENTIAL: [(IN_BEARER, Secret("Bearer wrong"))]}}, "Bearer wrong"),
        ({"extensions": {CREDENTIAL: []}}, ""),
    ],
    ids=["key", "header of the caller's own", "another credential", "no credential"],
)
def test_the_key_is_sent_to_its_origin_unless_the_caller_sets_a_credential(
    ask: Ask, options: dict[str, Any], sent: str
) -> None:
    with serve(response()) as server:
        assert (200, [sent]) == (ask(server.url, **options).status_code, server.authorizations())


@pytest.mark.parametrize("options", [{}, {"headers": {"Authorization": BEARER}}], ids=["the client's", "the caller's"])
def test_the_key_is_not_sent_to_another_port(ask: Ask, options: dict[str, Any]) -> None:
    with serve(response()) as origin, serve(response()) as another_port:
        ask(origin.url, url=f"{another_port.url}/things", **options)
        assert ([], [""]) == (origin.requests, another_port.authorizations())


def test_a_client_without_a_key_sends_the_callers_credential_to_any_origin() -> None:
    with serve(response()) as origin, serve(response()) as another_port:
        with client(origin.url, None, live=True, connection=Connection()) as http:
            http.get(f"{another_port.url}/things", headers={"Authorization": BEARER})
        assert [BEARER] == another_port.authorizations()


def test_a_key_in_a_cookie_is_added_to_the_cookies_of_the_caller() -> None:
    """The request has one `Cookie` field (RFC 6265, 5.4)."""
    with serve(response()) as server:
        auth = KeyAuth(server.url, field=KeyField("Cookie", "key="))
        with client(server.url, auth, live=True, connection=Connection()) as http:
            http.get("/things", headers={"Cookie": "theme=dark"})
        (request,) = server.requests
    assert [f"theme=dark; key={KEY}"] == re.findall("(?im)^cookie: (.*?)\\r?$", request)


def test_the_key_is_not_sent_to_another_name_of_the_same_machine(ask: Ask) -> None:
    with serve(response()) as server:
        ask(server.url, url=f"http://localhost:{server.port}/things")
        assert [""] == server.authorizations()


@pytest.mark.parametrize(
    ("headers", "sent"), [({}, "1"), ({"x-version": "2"}, "2")], ids=["it is sent", "the caller's"]
)
def test_a_header_of_the_caller_overrides_a_configured_header(ask: Ask, headers: dict[str, str], sent: str) -> None:
    with serve(response()) as server:
        ask(server.url, headers=headers, connection=Connection(headers=(("X-Version", Secret("1"), ""),)))
        assert f"x-version: {sent}" in server.requests[0].lower()


def test_a_client_without_a_key_sends_the_credential_of_the_caller() -> None:
    with serve(response()) as server, client(server.url, None, live=True, retry=ONCE) as http:
        http.get("/things")
        http.get("/things", headers={"Authorization": "Bearer other"})
        assert ["", "Bearer other"] == server.authorizations()


@pytest.mark.parametrize("size", [MOST + 1, 2 * MOST])
def test_a_response_over_64_mib_is_an_error_and_leaks_nothing(ask: Ask, size: int) -> None:
    """No resource warning appears, and the request is not sent again."""
    with serve(response(body=bytes(size))) as server, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(httpx.ReadError, match="the response is larger than 64 MiB"):
            ask(server.url)
        gc.collect()
        assert 1 == len(server.authorizations())
    assert [] == [str(warning.message) for warning in caught]


def test_a_slow_response_without_a_socket_times_out() -> None:
    """A body that a transport in the process yields slowly raises `ReadTimeout`."""

    def drops() -> Iterator[bytes]:
        for _ in range(3_000):
            time.sleep(0.02)
            yield b" "

    rules = Rules(origin_of("http://127.0.0.1:1"), None, True, RetryPolicy(attempts=1, budget=0.1))
    inner = httpx.MockTransport(lambda _request: httpx.Response(200, content=drops()))
    too_late = pytest.raises(httpx.ReadTimeout, match="still being sent when the time was up")
    with httpx.Client(transport=GuardedTransport(rules, lambda *_: inner)) as client, too_late:
        client.get("http://127.0.0.1:1/")


def test_a_response_without_a_socket_is_returned() -> None:
    """There are no surplus bytes to look for in a response of a transport in the process."""
    rules = Rules(origin_of("http://127.0.0.1:1"), None, True, RetryPolicy(attempts=1))
    inner = httpx.MockTransport(lambda _request: httpx.Response(200, json={"runtimes": []}))
    with httpx.Client(transport=GuardedTransport(rules, lambda *_: inner)) as client:
        assert {"runtimes": []} == client.get("http://127.0.0.1:1/").json()


def test_a_redirect_is_returned_and_not_followed(ask: Ask) -> None:
    with serve(response()) as redirected, serve(response(302, Location=f"{redirected.url}/things")) as server:
        assert (302, []) == (ask(server.url).status_code, redirected.requests)


def test_a_followed_redirect_to_another_origin_gets_no_key(ask: Ask) -> None:
    with serve(response()) as redirected, serve(response(302, Location=f"{redirected.url}/things")) as server:
        assert (200, [""]) == (ask(server.url, follow_redirects=True).status_code, redirected.authorizations())


@pytest.mark.parametrize("url", ["http://api.example.org/x", "http://127.0.0.1.example.org/", "HTTP://example.org"])
def test_plain_http_to_another_machine_raises(ask: Ask, url: str) -> None:
    with serve(response()) as server, pytest.raises(UnsafeRequestError, match="plain http to another machine"):
        ask(server.url, url=url)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PURGE", "post"])
def test_an_unsafe_method_is_never_sent_to_a_live_target(ask: Ask, method: str) -> None:
    with serve(response()) as server:
        with pytest.raises(UnsafeRequestError, match="is not sent to a live target"):
            ask(server.url, method)
        assert [] == server.requests


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_method_is_sent_to_a_live_target(ask: Ask, method: str) -> None:
    with serve(response(body=b"")) as server:
        assert 200 == ask(server.url, method).status_code


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_any_method_is_sent_to_a_mock(ask: Ask, method: str) -> None:
    with serve(response()) as server:
        assert 200 == ask(server.url, method, live=False, json={"a": 1}).status_code


def test_the_error_for_an_unsafe_request_omits_the_query(ask: Ask) -> None:
    with pytest.raises(UnsafeRequestError) as caught:
        ask("http://127.0.0.1:1", "POST", f"/things?key={KEY}")
    assert KEY not in str(caught.value)


def test_the_response_has_the_body_and_headers_of_the_server(ask: Ask) -> None:
    with serve(response(body=b'{"a": "\xc3\xbc"}', X_Odd="v")) as server:
        received = ask(server.url)
        assert ({"a": "ü"}, "v", b'{"a": "\xc3\xbc"}') == (received.json(), received.headers["x-odd"], received.content)


FAULTS: dict[str, bytes | Script] = {"closes": close, "cuts": cut, "hangs": hang, "is no HTTP": b"nonsense\r\n\r\n"}


@pytest.mark.parametrize("name", FAULTS)
def test_no_error_shows_the_key(ask: Ask, name: str) -> None:
    """Each server fails in another way.

    Neither in its text, nor in the local variables of any frame that it went through in the package.
    """
    with serve(FAULTS[name]) as server, pytest.raises(httpx.TransportError) as caught:
        ask(server.url, retry=ONCE, timeout=0.2)
    assert KEY not in shown(caught.value)


def test_an_unreachable_target_shows_no_key(ask: Ask) -> None:
    """Nor do the local variables in the traceback of `ConnectError`."""
    with serve(response()) as server:
        url = server.url
    with pytest.raises(httpx.ConnectError) as caught:
        ask(url, retry=ONCE)
    assert KEY not in shown(caught.value)


def shown(error: BaseException) -> str:
    """Return the traceback with local variables of an error and of its causes."""
    exception = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join([repr(error), *exception.format()])


def test_a_response_its_request_and_the_client_show_no_key() -> None:
    with serve(response()) as server, client(server.url, KeyAuth(server.url), live=True) as http:
        received = http.get("/things")
        parts = [http, vars(http), received, vars(received), received.request.headers.multi_items(), http.headers]
        assert KEY not in repr(parts)


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\x00", "☃"])
@pytest.mark.parametrize("make", [client, async_client])
def test_an_invalid_key_is_an_error_that_does_not_show_it(make: type, end: str) -> None:
    secret = Secret(KEY + end)
    with pytest.raises(SettingError, match="white space, a line end") as caught:
        make("https://api.example.org", KeyAuth("https://api.example.org", secret), live=True)
    assert KEY not in shown(caught.value)


def test_the_error_for_an_invalid_header_does_not_show_the_key(ask: Ask) -> None:
    with serve(response()) as server, pytest.raises(httpx.LocalProtocolError) as caught:
        ask(server.url, headers={"X-Other": "a\nb"})
    assert (False, True) == (KEY in shown(caught.value), "line end in a header" in str(caught.value))


def test_the_key_is_sent_to_an_international_host() -> None:
    """httpx sends such a name as `xn--…`: base URL and request have the same origin."""
    with client("https://bücher.example", KeyAuth("https://bücher.example"), live=True) as http:
        transport: Any = http._transport
        step = next(flow(http.build_request("GET", "/things"), transport._rules))
    assert isinstance(step, Send)
    assert BEARER == step.request.headers["Authorization"]


def test_the_proxies_of_the_environment_are_not_used_for_loopback(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(response()) as proxy, serve(response()) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        ask(server.url)
        assert ([], 1) == (proxy.requests, len(server.requests))


@pytest.mark.parametrize("proxy", ["me:pa55-word@127.0.0.1:9", "http://me:pa55-word@127.0.0.1:9"])
def test_a_proxy_url_without_a_scheme_is_accepted(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """As is one with a scheme; the error for the unreachable proxy shows its address without the password."""
    monkeypatch.setenv("https_proxy", proxy)
    with (
        client("https://api.test", KeyAuth("https://api.test"), live=True) as http,
        pytest.raises(httpx.ProxyError) as caught,
    ):
        http.get("/things")
    assert "the proxy (HTTPS_PROXY, 127.0.0.1:9) cannot be reached" in str(caught.value)
    assert "pa55" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("proxy", ["ftp://me:pa55-word@127.0.0.1", "http://me:pa55-word@127.0.0.1:port", "http://"])
def test_an_invalid_proxy_is_an_error_that_does_not_show_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(SettingError, match=r"^HTTPS_PROXY: the address of the proxy is not one that can be") as caught:
        client("https://api.test", KeyAuth("https://api.test"), live=True)
    assert "pa55" not in f"{caught.value!r} {caught.value}"


OVERRIDES: list[dict[str, Any]] = [
    *({"headers": {name: "DELETE"}} for name in (
        "X-HTTP-Method-Override", "x-http-method-override", "X_HTTP_METHOD_OVERRIDE", "X-HTTP-Method",
        "X-Method-Override", "X-Method", "Method-Override",
    )),
    *({"url": f"/things?limit=1{query}"} for query in (
        "&_method=DELETE", "&_METHOD=delete", "&%5Fmethod=DELETE", ";_method=DELETE", "&_method", "&+_method=DELETE",
        "&X-HTTP-Method-Override=DELETE", "&x_http_method_override=PUT", "&$httpMethod=DELETE", "&%24method=DELETE",
    )),
    {"params": {"_method": "DELETE"}},
    {"extensions": {"target": b"/things?_method=DELETE"}},
]  # fmt: skip


def test_a_method_override_is_never_sent_to_a_live_target(ask: Ask) -> None:
    """By header or query, it is an error before any request; a mock gets it, and a live target similar names."""
    with serve(response()) as server:
        for override in OVERRIDES:
            with pytest.raises(UnsafeRequestError, match="could turn GET into another method there"):
                ask(server.url, **override)
        assert [] == server.requests
        ask(server.url, headers={"X-Method-Name": "a", "Method": "b"}, url="/things?method=c&methods=_method")
        ask(server.url, live=False, **OVERRIDES[0])
        assert 2 == len(server.requests)


@pytest.mark.parametrize(("name", "in_"), [("X-HTTP-Method-Override", "header"), ("_method", "query")])
def test_an_operation_with_a_method_override_parameter_is_not_safe(name: str, in_: str) -> None:
    (operation,) = load().operations
    assert operation.is_safe
    assert not replace(operation, parameters=(*operation.parameters, Parameter(name, in_, False, {}))).is_safe
