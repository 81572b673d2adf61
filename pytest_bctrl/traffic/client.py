"""Authenticated httpx clients that keep the key safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from pytest_bctrl._version import __version__
from pytest_bctrl.errors import SettingError
from pytest_bctrl.incoming import ACCEPTED
from pytest_bctrl.secret import Secret, secret
from pytest_bctrl.traffic.flow import Attempt, FieldsFor, Rules
from pytest_bctrl.traffic.origin import Origin, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.transport import AsyncGuardedTransport, GuardedTransport

TIMEOUT = 10.0
"""Seconds that connecting, and each wait for bytes, may take."""

_SAFE: Mapping[str, Any] = {"timeout": TIMEOUT, "follow_redirects": False, "trust_env": False}
_HEADERS = {"Accept": "application/json", "Accept-Encoding": ACCEPTED, "User-Agent": f"pytest-bctrl/{__version__}"}


def client(
    base_url: str,
    key: Secret | str | None,
    *,
    live: bool,
    retry: RetryPolicy | None = None,
    observe: Callable[[Attempt], None] = lambda attempt: None,
    headers: Mapping[str, str] | None = None,
    around: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda transport: transport,
    fields: FieldsFor | None = None,
    keep_alive: bool = True,
) -> httpx.Client:
    """Return an `httpx.Client` on `base_url` that sends `key` to that origin only.

    It follows no redirect, refuses unsafe methods where `live`, times out after 10 s, and tries safe requests
    again on 408, 429, 502, 503, 504 and broken connections within 30 s in all, as `Retry-After` asks. `around` puts
    another transport around the one that does all this. `fields` says which header fields carry the key, by method and
    path; without it, it is a bearer token. Without `keep_alive`, each request has a connection of its own.
    """
    rules = _rules(base_url, key, live, retry, observe, fields)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20 if keep_alive else 0)
    inner = httpx.HTTPTransport(verify=rules.origin.scheme == "https", proxy=_proxy(rules.origin), limits=limits)
    transport = around(GuardedTransport(rules, inner))
    return httpx.Client(base_url=base_url, transport=transport, headers={**_HEADERS, **(headers or {})}, **_SAFE)


def async_client(
    base_url: str,
    key: Secret | str | None,
    *,
    live: bool,
    retry: RetryPolicy | None = None,
    observe: Callable[[Attempt], None] = lambda attempt: None,
    around: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda transport: transport,
    fields: FieldsFor | None = None,
) -> httpx.AsyncClient:
    """Return an `httpx.AsyncClient` that keeps the same rules as `client`.

    Each request has a connection of its own, closed with the answer: a client that nobody awaited the closing of
    leaves nothing open behind its event loop.
    """
    rules = _rules(base_url, key, live, retry, observe, fields)
    limits = httpx.Limits(max_keepalive_connections=0)
    inner = httpx.AsyncHTTPTransport(verify=rules.origin.scheme == "https", proxy=_proxy(rules.origin), limits=limits)
    transport = around(AsyncGuardedTransport(rules, inner))
    return httpx.AsyncClient(base_url=base_url, transport=transport, headers=_HEADERS, **_SAFE)


def _rules(
    base_url: str,
    key: Secret | str | None,
    live: bool,
    retry: RetryPolicy | None,
    observe: Callable[[Attempt], None],
    fields: FieldsFor | None,
) -> Rules:
    held = None if key is None else secret(key)
    # Told apart by a function that has ended when the error is raised: a traceback shows the values of its frames.
    if held is not None and not _is_sendable(held.reveal()):
        raise SettingError(
            "the key holds white space, a line end or characters that no key has",
            where="bctrl_api_key",
            mend="strip what the key was read from",
        )
    # httpx writes a host name in the form that goes on the wire (`xn--…`), and the origin is compared with that.
    rules = Rules(origin_of(str(httpx.URL(base_url))), held, live, retry or RetryPolicy(), observe)
    return rules if fields is None else replace(rules, fields=fields)


def _is_sendable(value: str) -> bool:
    """Whether a header can carry a key; a library that finds out that it cannot writes the key into its error."""
    return value.isascii() and value.isprintable() and value == value.strip()


def _proxy(origin: Origin) -> httpx.Proxy | None:
    """The proxy that the environment names for https; plain http goes to loopback alone, where none applies.

    Raises `SettingError`, which does not show it, for one that cannot be used.
    """
    if origin.scheme != "https" or origin.is_loopback or proxy_bypass(origin.host):
        return None
    is_named, made = _named_proxy()
    if is_named and made is None:
        raise SettingError(
            "the address of the proxy is not one that can be used",
            where="HTTPS_PROXY",
            mend="give it as http://HOST:PORT",
        )
    return made


def _named_proxy() -> tuple[bool, httpx.Proxy | None]:
    named = getproxies().get("https", "")
    try:
        # Without a scheme it is http, as for every other program.
        return bool(named), httpx.Proxy(named if "://" in named else f"http://{named}") if named else None
    except (ValueError, httpx.InvalidURL):
        return True, None
