"""Authenticated httpx clients that keep the key safe, and what drives the guarded flow for them, sync and async."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any, Self, TypedDict, Unpack
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import anyio
import httpx

from pytest_bctrl._version import __version__
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.files.limits import ACCEPTED, MOST, size
from pytest_bctrl.secrets.secret import Secret, secret
from pytest_bctrl.settings.resolve import is_sendable
from pytest_bctrl.traffic.flow import SECOND_LOOK, Attempt, FieldsFor, ProxyAddress, Rules, Send, TooMuchError, flow
from pytest_bctrl.traffic.origin import Connection, Origin, is_loopback, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import Surplus, WatchedBackend, WatchedStream, find_nested, find_surplus

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
    backend: WatchedBackend | None = None,
    **options: Unpack[Options],
) -> httpx.Client:
    """Return an `httpx.Client` on `base_url` that sends `key` to that origin only.

    It follows no redirect, refuses unsafe methods where `live`, times out after 10 s, and tries safe requests
    again on 408, 429, 502, 503, 504 and broken connections within 30 s in all, as `Retry-After` asks. `see` is
    shown each request with its answer, the body of which is in memory. `fields` says which header fields carry the key,
    by method and path; without it, it is a bearer token. `connection` is what all requests have in common. Without
    `keep_alive`, each request has a connection of its own.

    A response with bytes after its end is a `RemoteProtocolError`. Those that a server sends later,
    before the next request, close their connection; `backend` opens the connections, and says who is shown such bytes.

    Raises `SettingError` for a key, a certificate or a proxy that cannot be used.
    """
    rules = _rules(base_url, key, live, options)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20 if keep_alive else 0)
    inner = _opened(httpx.HTTPTransport, rules, limits)
    # httpx takes no network backend, which is httpcore's name for what opens connections.
    inner._pool._network_backend = backend or WatchedBackend()
    transport = GuardedTransport(rules, inner)
    return httpx.Client(base_url=base_url, transport=transport, headers=_HEADERS, **_SAFE)


def async_client(
    base_url: str, key: Secret | str | None, *, live: bool, **options: Unpack[Options]
) -> httpx.AsyncClient:
    """Return an `httpx.AsyncClient` that keeps the same rules as `client`.

    Each request has a connection of its own, closed with the answer: a client that nobody awaited the closing of
    leaves nothing open behind its event loop.
    """
    rules = _rules(base_url, key, live, options)
    limits = httpx.Limits(max_keepalive_connections=0)
    transport = GuardedTransport(rules, _opened(httpx.AsyncHTTPTransport, rules, limits))
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


def _opened(kind: type[Any], rules: Rules, limits: httpx.Limits) -> Any:
    """Return a transport of httpx; raises `SettingError` for a variable of the environment that cannot be used."""
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
        raise SettingError("it is not a folder", where=variable, hint="name the folder of the CA certificates")
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
    if is_loopback(origin.host) or proxy_bypass(origin.host):
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


class GuardedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends requests by `Rules` over `inner`, an ordinary httpx transport; an async one under asyncio or trio."""

    def __init__(self, rules: Rules, inner: Any) -> None:
        self._rules = rules
        self._inner = inner
        self._streams: WeakSet[Any] = WeakSet()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's own errors, and `UnsafeRequestError` before anything is sent."""
        request.read()
        running = flow(request, self._rules)
        step = next(running)
        while not isinstance(step, httpx.Response):
            if isinstance(step, Send):
                step = running.send(self._send(step))
            else:
                time.sleep(step)
                step = next(running)
        return step

    def _send(self, step: Send) -> Attempt:
        with _Watch(step, self._streams) as watch:
            step.request.extensions["trace"] = watch.trace
            begun = False
            body = bytearray()
            try:
                with closing(self._inner.handle_request(step.request)) as response:
                    begun = True
                    for chunk in response.stream:
                        body += chunk
                        if len(body) > MOST:
                            raise TooMuchError(_TOO_LARGE)
                        if time.monotonic() > step.deadline:
                            raise httpx.ReadTimeout(_LATE)
                    second_look = step.request.extensions.get(SECOND_LOOK, lambda status: 0.0)
                    surplus = find_surplus(response, bytes(body), step.request, second_look(response.status_code))
            except httpx.TransportError as error:
                # A name for the error would keep it, its traceback and with that the body, in a cycle.
                attempt = _failed(httpx.ReadTimeout(_LATE) if watch.fired else error, watch.events, self._rules, begun)
                # Late bytes that are the beginning of a response wait for more than the response after them has.
                nested = find_nested(bytes(body)) if attempt.reused else b""
                return replace(attempt, surplus=Surplus(nested, step.request.method)) if nested else attempt
        return _answered(response, body, watch.events, surplus)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's own errors, and `UnsafeRequestError` before anything is sent."""
        await request.aread()
        running = flow(request, self._rules)
        step = next(running)
        while not isinstance(step, httpx.Response):
            if isinstance(step, Send):
                step = running.send(await self._asend(step))
            else:
                await anyio.sleep(step)
                step = next(running)
        return step

    async def _asend(self, step: Send) -> Attempt:
        events: list[str] = []

        async def trace(name: str, info: object) -> None:
            events.append(name)

        step.request.extensions["trace"] = trace
        body = bytearray()
        response: httpx.Response | None = None
        surplus: Surplus | None = None
        try:
            with anyio.move_on_after(step.deadline - time.monotonic()) as scope:
                received = await self._inner.handle_async_request(step.request)
                async with aclosing(received) as response:
                    async for chunk in received.stream:
                        body += chunk
                        if len(body) > MOST:
                            # Cancelled where they wait, the generators under it end; left amid the loop, they do not.
                            scope.cancel()
                    surplus = find_surplus(received, bytes(body), step.request, 0.0)
        except httpx.TransportError as error:
            return _failed(error, events, self._rules, begun=response is not None)
        if len(body) > MOST:
            return _failed(TooMuchError(_TOO_LARGE), events, self._rules)
        if scope.cancelled_caught or response is None:
            return _failed(httpx.ReadTimeout(_LATE), events, self._rules)
        return _answered(response, body, events, surplus)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


_TOO_LARGE = f"the answer is larger than {size(MOST)}"
_LATE = "the answer was still being sent when the time was up"


def _answered(response: httpx.Response, body: bytearray, events: Sequence[str], surplus: Surplus | None) -> Attempt:
    # Of the extensions, those that still mean something once the connection was given back.
    names = ("http_version", "reason_phrase")
    stream = response.extensions.get("network_stream")
    kept = {name: response.extensions[name] for name in names if name in response.extensions}
    return Attempt(
        status=response.status_code,
        headers=response.headers,
        body=bytes(body),
        extensions=kept,
        reused=not any(name.endswith(_STEPS[0]) for name in events),
        surplus=surplus,
        connection=stream if isinstance(stream, WatchedStream) else None,
    )


def _failed(error: httpx.TransportError, events: Sequence[str], rules: Rules, begun: bool = True) -> Attempt:
    detail = _DETAILS.get(type(error)) or _in_words(str(error)) or type(error).__name__
    started, connected, secured = (any(name.endswith(end) for name in events) for end in _STEPS)
    if rules.proxy is None or not started or (connected and (secured or rules.origin.scheme == "http")):
        surplus = getattr(error.__cause__, "surplus", None)
        return Attempt(error=type(error).__name__, detail=detail, reused=not started, begun=begun, surplus=surplus)
    # What the request goes through is not there, or does not let it pass: nothing is known of the target.
    words = "does not let the request pass" if connected else "cannot be reached"
    detail = f"the proxy ({rules.proxy.shown}) {words}: {detail}"
    return Attempt(error="ProxyError", detail=detail, begun=False)


def _in_words(text: str) -> str:
    """Return what h11 says, escaped, without Python's notation of bytes and with the right name for a first line."""
    said = re.sub(r"bytearray\(b(.*)\)", r"\1", text).replace("illegal request line", "illegal status line")
    return escape_line(said.replace("Receive buffer too long", "the head of the answer does not end"))


_DETAILS: dict[type[httpx.TransportError], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    # Its own words repeat the header that is wrong, and that may be the one with the key.
    httpx.LocalProtocolError: "the request cannot be written as HTTP/1.1: is there a line end in a header?",
}


_STEPS = ("connect_tcp.started", "connect_tcp.complete", "start_tls.started")
"""How the names of httpcore's trace events end that tell of a new connection."""


class _Watch:
    """One blocking request: what happens on the wire, and an end at its deadline, also while headers drip in.

    httpx's time-outs start again with every byte, so none of them bounds an answer as a whole. A deadline that passes
    ends the connection that the request opened, else all of the transport (`streams`): which one it is on cannot be
    told from outside, and a request that loses its connection to another's deadline is safe, so it is tried again.
    """

    def __init__(self, step: Send, streams: WeakSet[Any]) -> None:
        self.events: list[str] = []
        self.fired = False
        self._streams = streams
        self._own: list[Any] = []
        self._timer = Timer(max(0.0, step.deadline - time.monotonic()), self._fire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """Take httpcore's word for what happens on the wire (its trace extension)."""
        self.events.append(name)
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._streams.add(info["return_value"])
            self._own.append(info["return_value"])

    def _fire(self) -> None:
        """Shut the connections down, which wakes the thread that waits on one."""
        self.fired = True
        for stream in self._own or list(self._streams):
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
