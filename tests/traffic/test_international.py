"""International host names: the key is sent to one host, in whatever form it is written, and never to a proxy."""

from __future__ import annotations

from itertools import product
from typing import Any

import httpx
import pytest

from pytest_bctrl.errors import UnsafeRequestError
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.flow import Send, flow
from pytest_bctrl.traffic.origin import Connection
from tests.traffic.callers import KEY, ONCE, Ask, KeyAuth
from tests.traffic.servers import Server, response, serve

HOSTS = [
    "bücher.example",
    "BÜCHER.example",
    "xn--bcher-kva.example",
    "XN--BCHER-KVA.EXAMPLE",
    "bu\u0308cher.example",
    "bucher.example",
    "bücher.example.",
    "bücher.example.evil.example",
    "b\u00fccher\u3002example",
    "straße.example",
    "strasse.example",
    "xn--strae-oqa.example",
    "例え.example",
    "xn--r8jz45g.example",
    # Cyrillic letters that look like it.
    "\u0430\u0440\u0440\u04cf\u0435.example",
    "apple.example",
    "faß.example",
    "fass.example",
    "παράδειγμα.example",
    "ΠΑΡΆΔΕΙΓΜΑ.example",
    "ﬁsh.example",
    "fish.example",
    "a\u200db.example",
    "ab.example",
]


def on_the_wire(url: str) -> str | None:
    """Return the host to which a request is sent; None if the name is invalid."""
    try:
        return httpx.URL(url).raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, UnicodeError):
        return None


def prepared(http: httpx.Client, url: str) -> httpx.Request:
    """Return the request as the client sends it."""
    transport: Any = http._transport
    step = next(flow(http.build_request("GET", url), transport._rules))
    assert isinstance(step, Send)
    return step.request


def test_the_key_is_sent_only_to_names_of_the_same_host() -> None:
    """Of base URL and request, for each pair of names: httpx sends both to one host, or the request has no key."""
    urls = [f"https://{host}/things" for host in HOSTS]
    valid = [url for url in urls if on_the_wire(url) is not None]
    assert len(valid) > len(HOSTS) // 2
    shared = Connection()
    clients = {base: client(base, KeyAuth(base), live=True, connection=shared) for base in valid}
    for base, url in product(valid, valid):
        is_same = on_the_wire(base) == on_the_wire(url)
        assert is_same == (KEY in repr(prepared(clients[base], url).headers.raw)), (base, url)
    for http in clients.values():
        http.close()


@pytest.mark.parametrize("host", [host for host in HOSTS if on_the_wire(f"https://{host}") is None])
def test_an_invalid_host_name_raises_invalid_url(host: str) -> None:
    with pytest.raises(httpx.InvalidURL):
        client(f"https://{host}", KeyAuth(f"https://{host}"), live=True)


VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set a proxy for all requests in the environment, and yield it."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    with serve(response(502)) as proxy:
        for name in VARIABLES:
            monkeypatch.setenv(name, proxy.url)
        yield proxy


def test_a_tunnel_request_to_a_proxy_does_not_contain_the_key(ask: Ask, proxied: Server) -> None:
    with pytest.raises(httpx.ProxyError):
        ask("https://bücher.example", retry=ONCE)
    (head,) = proxied.requests
    assert head.startswith("CONNECT xn--bcher-kva.example:443 HTTP/1.1\r\n")
    assert KEY not in head
    assert "authorization" not in head.lower()


def test_plain_http_through_a_proxy_requires_an_allowed_host(ask: Ask, proxied: Server) -> None:
    """The host is listed in `bctrl_http_hosts`; otherwise no request is sent."""
    allowed = Connection(http_hosts=frozenset({"xn--bcher-kva.example"}))
    assert 502 == ask("http://bücher.example", retry=ONCE, connection=allowed).status_code
    with pytest.raises(UnsafeRequestError, match="plain http to another machine"):
        ask("http://bücher.example", retry=ONCE)
    (head,) = proxied.requests
    assert head.startswith("GET http://xn--bcher-kva.example/things HTTP/1.1\r\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "app.localhost", "[::1]"])
def test_no_proxy_is_used_for_loopback(ask: Ask, proxied: Server, host: str) -> None:
    """The environment names a proxy for all hosts, which receives nothing; the connection itself is refused."""
    with pytest.raises(httpx.ConnectError):
        ask(f"http://{host}:9", retry=ONCE)
    assert [] == proxied.requests
