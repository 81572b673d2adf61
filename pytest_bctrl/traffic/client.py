"""Authenticated httpx clients that keep the key safe."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.request import getproxies, proxy_bypass

import httpx

from pytest_bctrl._version import __version__
from pytest_bctrl.errors import SettingError
from pytest_bctrl.incoming import ACCEPTED
from pytest_bctrl.secret import Secret, secret
from pytest_bctrl.settings import is_sendable
from pytest_bctrl.traffic.flow import FieldsFor, ProxyAddress, Rules
from pytest_bctrl.traffic.origin import Connection, Origin, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.transport import AsyncGuardedTransport, GuardedTransport

TIMEOUT = 10.0
"""Seconds that connecting, and each wait for bytes, may take."""

_SAFE: Mapping[str, Any] = {"timeout": TIMEOUT, "follow_redirects": False, "trust_env": False}
_HEADERS = {"Accept": "application/json", "Accept-Encoding": ACCEPTED, "User-Agent": f"pytest-bctrl/{__version__}"}


class Options(TypedDict, total=False):
    """What a client may be given beside its target: see `client`; None is as good as nothing."""

    retry: RetryPolicy | None
    fields: FieldsFor | None
    connection: Connection | None
    see: Callable[[httpx.Request, httpx.Response], None] | None


def client(
    base_url: str,
    key: Secret | str | None,
    *,
    live: bool,
    keep_alive: bool = True,
    **options: Unpack[Options],
) -> httpx.Client:
    """Return an `httpx.Client` on `base_url` that sends `key` to that origin only.

    It follows no redirect, refuses unsafe methods where `live`, times out after 10 s, and tries safe requests
    again on 408, 429, 502, 503, 504 and broken connections within 30 s in all, as `Retry-After` asks. `see` is
    shown each request with its answer, the body of which is in memory. `fields` says which header fields carry the key,
    by method and path; without it, it is a bearer token. `connection` is what all requests have in common. Without
    `keep_alive`, each request has a connection of its own.

    Raises `SettingError` for a key, a certificate or a proxy that cannot be used.
    """
    rules = _rules(base_url, key, live, options)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20 if keep_alive else 0)
    transport = GuardedTransport(rules, _opened(httpx.HTTPTransport, rules, limits))
    return httpx.Client(base_url=base_url, transport=transport, headers=_HEADERS, **_SAFE)


def async_client(
    base_url: str,
    key: Secret | str | None,
    *,
    live: bool,
    **options: Unpack[Options],
) -> httpx.AsyncClient:
    """Return an `httpx.AsyncClient` that keeps the same rules as `client`.

    Each request has a connection of its own, closed with the answer: a client that nobody awaited the closing of
    leaves nothing open behind its event loop.
    """
    rules = _rules(base_url, key, live, options)
    limits = httpx.Limits(max_keepalive_connections=0)
    transport = AsyncGuardedTransport(rules, _opened(httpx.AsyncHTTPTransport, rules, limits))
    return httpx.AsyncClient(base_url=base_url, transport=transport, headers=_HEADERS, **_SAFE)


def _rules(base_url: str, key: Secret | str | None, live: bool, options: Options) -> Rules:
    held = None if key is None else secret(key)
    # Told apart by a function that has ended when the error is raised: a traceback shows the values of its frames.
    if held is not None and not is_sendable(held.reveal()):
        raise SettingError(
            "the key holds white space, a line end or characters that no key has",
            where="bctrl_api_key",
            hint="strip what the key was read from",
        )
    # httpx writes a host name in the form that goes on the wire (`xn--…`), and the origin is compared with that.
    origin = origin_of(str(httpx.URL(base_url)))
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return Rules(origin, held, live, proxy=_proxy(origin), **given)


Transport = TypeVar("Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def _opened(kind: type[Transport], rules: Rules, limits: httpx.Limits) -> Transport:
    """Return a transport of a kind; raises `SettingError` for a variable of the environment that cannot be used."""
    verify: ssl.SSLContext | bool = False
    if rules.origin.scheme == "https":
        # Reading the CAs takes as long as a request or two, and a run has several clients.
        contexts = rules.connection.contexts
        contexts += [] if contexts else [_context(rules.connection)]
        verify = contexts[0]
    proxy = httpx.Proxy(rules.proxy.address.reveal()) if rules.proxy else None
    try:
        return kind(verify=verify, proxy=proxy, limits=limits)
    except ImportError:
        hint = "pip install 'httpx[socks]', or give http://HOST:PORT"
        problem = "a SOCKS proxy needs the package socksio, which is not installed"
    raise SettingError(problem, where=rules.proxy.variable if rules.proxy else "", hint=hint)


def _context(connection: Connection) -> ssl.SSLContext:
    variable = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "")
    if variable == "SSL_CERT_DIR" and not Path(os.environ[variable]).is_dir():
        raise SettingError("it is no folder", where=variable, hint="name the folder of the CA certificates")
    try:
        context = httpx.create_ssl_context()
    except OSError:
        hint = "name a PEM file with the certificates of the CAs to trust"
        raise SettingError("it holds no certificates", where=variable, hint=hint) from None
    try:
        if connection.certificate:
            # A key that needs a passphrase would be asked for on the terminal.
            context.load_cert_chain(connection.certificate, password="")
    except OSError:
        hint = "name a PEM file that holds both, the key without a passphrase"
        raise SettingError("it holds no certificate with its key", where="bctrl_client_cert", hint=hint) from None
    return context


def _proxy(origin: Origin) -> ProxyAddress | None:
    """The proxy that the environment names for an origin; none for this machine, and for what `NO_PROXY` lists.

    Raises `SettingError`, which does not show it, for one that cannot be used.
    """
    if origin.is_loopback or proxy_bypass(origin.host):
        return None
    named = getproxies()
    kind = next((kind for kind in (origin.scheme, "all") if named.get(kind)), None)
    if kind is None:
        return None
    # Without a scheme it is http, as for every other program.
    address = Secret(named[kind] if "://" in named[kind] else f"http://{named[kind]}")
    variable = f"{kind.upper()}_PROXY"
    try:
        url = httpx.Proxy(address.reveal()).url
        if url.host:
            return ProxyAddress(address, f"{variable}, {url.host}:{url.port or ''}".removesuffix(":"), variable)
    except (ValueError, httpx.InvalidURL):
        pass
    hint = "give it as http://HOST:PORT"
    raise SettingError("the address of the proxy is not one that can be used", where=variable, hint=hint)
