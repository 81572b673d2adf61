"""Authenticated httpx clients that keep the key safe, and the sync and async transports that drive the guarded flow."""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from threading import Event, Timer
from typing import Any, TypedDict, Unpack
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx

from pytest_bctrl._version import __version__
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.files.limits import MOST, size
from pytest_bctrl.http.codings import ACCEPTED
from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret
from pytest_bctrl.settings.secret_settings import SchemeValue, is_sendable
from pytest_bctrl.traffic.auth import GUARDED, UNAUTHENTICATED, ContractAuth, TargetOperations
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.flow import RESPONSES, Attempt, ProxyAddress, Rules, Send, TooMuchError, flow, see_responses
from pytest_bctrl.traffic.origin import Connection, Origin, is_loopback, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import Surplus, find_surplus

TIMEOUT = 10.0
"""Maximum number of seconds for connecting, and for each wait for bytes."""

_SAFE: Mapping[str, Any] = {"timeout": TIMEOUT, "follow_redirects": False, "trust_env": False}
_HEADERS = {
    "Accept": "application/json, */*;q=0.5",
    "Accept-Encoding": ACCEPTED,
    "User-Agent": f"pytest-bctrl/{__version__}",
}


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of `client` and `async_client` beside the target; None means the default."""

    retry: RetryPolicy | None
    connection: Connection | None
    see: Callable[[httpx.Request, httpx.Response], None] | None
    operations: TargetOperations | None
    see_credentials: Callable[[httpx.Request, httpx.Request | None], None] | None


def client(
    base_url: str,
    auth: httpx.Auth | None,
    *,
    live: bool,
    keep_alive: bool = False,
    **options: Unpack[ClientOptions],
) -> httpx.Client:
    """Return an `httpx.Client` on `base_url` that sends credentials to that origin only.

    The client follows no redirect, rejects unsafe methods if `live`, times out after 10 s, and retries safe requests on
    408, 429, 502, 503, 504 and broken connections for up to 30 s, after the time that `Retry-After` names. `see` is
    called with each request and its response, whose body is in memory. `connection` holds the settings that all
    requests share.

    An `httpx.Auth` authenticates the requests of `operations` that need a credential. What it yields to a path that
    they do not have, such as that of a token endpoint, is sent as it is. `see_credentials` is called with each request
    that it has changed or yielded, and the request before that, if any.

    A response with bytes after its end raises `RemoteProtocolError`. Each request opens a new connection, so that bytes
    which arrive later are never read as the response to another request. With `keep_alive`, connections are reused: the
    client is then for one thread at a time, and its caller must not rely on a single response to a reused connection.

    Raises `SettingError` for a key, a certificate or a proxy that cannot be used.
    """
    rules = _rules(base_url, auth, live, options)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20 if keep_alive else 0)
    transport = GuardedTransport(rules, partial(_inner_transport, httpx.HTTPTransport, limits))
    return _Client(rules, base_url=base_url, auth=auth, transport=transport, headers=_HEADERS, **_SAFE)


def async_client(
    base_url: str, auth: httpx.Auth | None, *, live: bool, **options: Unpack[ClientOptions]
) -> httpx.AsyncClient:
    """Return an `httpx.AsyncClient` that follows the same rules as `client`.

    Each request opens a new connection and closes it with the response, so that a client whose `aclose` was never
    awaited leaves no open connection when its event loop ends.
    """
    rules = _rules(base_url, auth, live, options)
    limits = httpx.Limits(max_keepalive_connections=0)
    transport = GuardedTransport(rules, partial(_inner_transport, httpx.AsyncHTTPTransport, limits))
    return _AsyncClient(rules, base_url=base_url, auth=auth, transport=transport, headers=_HEADERS, **_SAFE)


class _Client(httpx.Client):
    """A client that tells its transport which requests an auth has changed."""

    def __init__(self, rules: Rules, **options: Any) -> None:
        super().__init__(**options)
        self._rules = rules

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request as httpx does, with the auth of the client only where its rules allow it."""
        response = super().send(request, **_prepared(request, self._rules, options))
        see_responses(request, self._rules)
        return response


class _AsyncClient(httpx.AsyncClient):
    """An async client that tells its transport which requests an auth has changed."""

    def __init__(self, rules: Rules, **options: Any) -> None:
        super().__init__(**options)
        self._rules = rules

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request as httpx does, with the auth of the client only where its rules allow it."""
        response = await super().send(request, **_prepared(request, self._rules, options))
        see_responses(request, self._rules)
        return response


def _prepared(request: httpx.Request, rules: Rules, options: dict[str, Any]) -> dict[str, Any]:
    """Mark a request for its transport, and return the options to send it with."""
    if rules.auth is None or rules.contract_auth is not None:
        request.extensions = {**request.extensions, GUARDED: True}
        return options
    original = httpx.Request(request.method, request.url, headers=request.headers, extensions={RESPONSES: []})
    request.extensions = {**request.extensions, UNAUTHENTICATED: original}
    is_of_client = options.get("auth", httpx.USE_CLIENT_DEFAULT) is httpx.USE_CLIENT_DEFAULT
    if is_of_client and not rules.authenticates(request):
        return {**options, "auth": None}
    return options


def _rules(base_url: str, auth: httpx.Auth | None, live: bool, options: ClientOptions) -> Rules:
    """Return the rules of a client, with the environment's proxy; raises `SettingError` for a wrong key or proxy."""
    if isinstance(auth, ContractAuth):
        for value in auth.values.values():
            _require_sendable(value)
    # httpx writes a host name in the form that goes on the wire (`xn--…`), and the origin is compared with that.
    origin = origin_of(str(httpx.URL(base_url)))
    keywords: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return Rules(origin, auth, live, proxy=_proxy_for(origin), **keywords)


def _require_sendable(value: SchemeValue) -> None:
    """Raise `SettingError` for a credential that no request can carry."""
    # `is_sendable` has returned when the error is raised: a traceback shows the values of its frames.
    if not is_sendable(value.secret.reveal()):
        raise SettingError(
            "the key contains white space, a line end or characters that no key has",
            where="bctrl_api_key" if value.source == KEY_VARIABLE else value.source,
            hint="strip what the key was read from",
        )


def _inner_transport(
    transport_type: type[Any],
    limits: httpx.Limits,
    origin: Origin,
    connection: Connection,
    through: ProxyAddress | None,
) -> Any:
    """Return an httpx transport for an origin and its proxy; raises `SettingError` for a wrong file or proxy."""
    verify = _unused_tls_context()
    if origin.scheme == "https":
        # Reading the CAs takes as long as a request or two, and a run has several clients.
        if not connection.contexts:
            connection.contexts.append(tls_context(connection))
        verify = connection.contexts[0]
    proxy, variable = None, ""
    if through:
        proxy, variable = httpx.Proxy(through.address.reveal()), through.variable
    try:
        return transport_type(verify=verify, proxy=proxy, limits=limits)
    except ImportError:
        hint = "pip install 'httpx[socks]', or give http://HOST:PORT"
        problem = "a SOCKS proxy needs the package socksio, which is not installed"
    raise SettingError(problem, where=variable, hint=hint)


@cache
def _unused_tls_context() -> ssl.SSLContext:
    """Return the TLS context that all transports of plain http share; httpx would create one for each transport."""
    return httpx.create_ssl_context(verify=False)


def tls_context(connection: Connection) -> ssl.SSLContext:
    """Return a TLS context with the trusted CAs and the client certificate; raises `SettingError` for a wrong file."""
    variable = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "")
    if variable == "SSL_CERT_DIR" and not Path(os.environ[variable]).is_dir():
        raise SettingError("it is not a folder", where=variable, hint="name the folder of the CA certificates")
    try:
        context = httpx.create_ssl_context()
    except OSError:
        hint = "name a PEM file with the certificates of the CAs to trust"
        raise SettingError("it contains no certificates", where=variable, hint=hint) from None
    try:
        if connection.certificate:
            # Without an explicit password, OpenSSL would prompt for the passphrase of a key on the terminal.
            context.load_cert_chain(connection.certificate, password="")
    except OSError:
        hint = "name a PEM file with both, the key without a passphrase"
        raise SettingError("it contains no certificate with its key", where="bctrl_client_cert", hint=hint) from None
    return context


def _proxy_for(origin: Origin) -> ProxyAddress | None:
    """Return the proxy that the environment sets for an origin; None without one, on this machine, or by `NO_PROXY`.

    Raises `SettingError`, which does not show the address, if the proxy cannot be used.
    """
    if is_loopback(origin.host) or proxy_bypass(origin.host):
        return None
    proxies = getproxies()
    scheme = next((scheme for scheme in (origin.scheme, "all") if proxies.get(scheme)), None)
    if scheme is None:
        return None
    # An address without a scheme means http, as it does for other programs.
    has_scheme = "://" in proxies[scheme]
    address = Secret(proxies[scheme])
    if not has_scheme:
        address = Secret(f"http://{proxies[scheme]}")
    variable = f"{scheme.upper()}_PROXY"
    try:
        url = httpx.Proxy(address.reveal()).url
        if url.host:
            return ProxyAddress(address, f"{variable}, {url.host}:{url.port or ''}".removesuffix(":"), variable)
    except (ValueError, httpx.InvalidURL):
        pass
    hint = "give it as http://HOST:PORT"
    raise SettingError("the address of the proxy is not one that can be used", where=variable, hint=hint)


class GuardedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends requests according to `Rules` over an httpx transport; async requests run under asyncio or trio."""

    def __init__(self, rules: Rules, open_transport: Callable[[Origin, Connection, ProxyAddress | None], Any]) -> None:
        self._rules = rules
        self._open_transport = open_transport
        self._inner = open_transport(rules.origin, rules.connection, rules.proxy)
        self._elsewhere: dict[Origin, Any] = {}
        self._last_stream: Any = None

    def _transport_for(self, request: httpx.Request) -> Any:
        """Return the transport for the origin of a request: another one has its own TLS and proxy."""
        origin = origin_of(str(request.url))
        if origin == self._rules.origin:
            return self._inner
        if origin not in self._elsewhere:
            # The client certificate is for the client's origin.
            connection = replace(self._rules.connection, certificate="", contexts=[])
            self._elsewhere[origin] = self._open_transport(origin, connection, _proxy_for(origin))
        return self._elsewhere[origin]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request, after retries; raises httpx's errors, and `UnsafeRequestError` first."""
        request.read()
        steps = flow(request, self._rules)
        step = next(steps)
        while not isinstance(step, httpx.Response):
            if isinstance(step, Send):
                step = steps.send(self._send(step))
            else:
                time.sleep(step)
                step = next(steps)
        return step

    def _send(self, step: Send) -> Attempt:
        """Send one attempt and return its outcome: the response read to its end, or the error, such as a time-out."""
        events: list[str] = []
        streams = [self._last_stream]

        def trace(name: str, info: dict[str, Any]) -> None:
            """Record the name of an event of httpcore's trace extension, and the connection that it opened."""
            events.append(name)
            if name.endswith(("connect_tcp.complete", "start_tls.complete")):
                self._last_stream = streams[0] = info["return_value"]

        step.request.extensions["trace"] = trace
        has_begun = False
        body = bytearray()
        with _shut_down_at(step.deadline, streams) as is_late:
            try:
                with closing(self._transport_for(step.request).handle_request(step.request)) as response:
                    has_begun = True
                    for chunk in response.stream:
                        body += chunk
                        if len(body) > MOST:
                            raise TooMuchError(_TOO_LARGE)
                        if clock.monotonic() > step.deadline:
                            raise httpx.ReadTimeout(_LATE)
                    surplus = find_surplus(response, bytes(body), step.request, is_reused=_is_reused(events))
            except httpx.TransportError as error:
                # No other name may refer to the error: it would keep the traceback, and the body, in a cycle.
                return _failed_attempt(
                    httpx.ReadTimeout(_LATE) if is_late.is_set() else error, events, self._rules, has_begun
                )
        return _successful_attempt(response, body, events, surplus)

    def close(self) -> None:
        """Close the connections."""
        for transport in (self._inner, *self._elsewhere.values()):
            transport.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request, after retries; raises httpx's errors, and `UnsafeRequestError` first."""
        await request.aread()
        steps = flow(request, self._rules)
        step = next(steps)
        while not isinstance(step, httpx.Response):
            if isinstance(step, Send):
                step = steps.send(await self._asend(step))
            else:
                await anyio.sleep(step)
                step = next(steps)
        return step

    async def _asend(self, step: Send) -> Attempt:
        """Send one attempt asynchronously and return its outcome: the response read to its end, or the error."""
        events: list[str] = []

        async def trace(name: str, info: object) -> None:
            """Record the name of an event of httpcore's trace extension."""
            events.append(name)

        step.request.extensions["trace"] = trace
        body = bytearray()
        response: httpx.Response | None = None
        surplus: Surplus | None = None
        try:
            with anyio.move_on_after(step.deadline - clock.monotonic()) as scope:
                received = await self._transport_for(step.request).handle_async_request(step.request)
                async with aclosing(received) as response:
                    async for chunk in received.stream:
                        body += chunk
                        if len(body) > MOST:
                            # Cancellation ends the generators below; leaving the loop would not.
                            scope.cancel()
                    surplus = find_surplus(received, bytes(body), step.request, is_reused=False)
        except httpx.TransportError as error:
            return _failed_attempt(error, events, self._rules, has_begun=response is not None)
        if len(body) > MOST:
            return _failed_attempt(TooMuchError(_TOO_LARGE), events, self._rules)
        if scope.cancelled_caught or response is None:
            return _failed_attempt(httpx.ReadTimeout(_LATE), events, self._rules)
        return _successful_attempt(response, body, events, surplus)

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in (self._inner, *self._elsewhere.values()):
            await transport.aclose()


@contextmanager
def _shut_down_at(deadline: float, streams: Sequence[Any]) -> Iterator[Event]:
    """Shut down the connections in `streams` at the deadline; yield whether that happened during the block.

    httpx's time-outs start again with every byte, so none of them ends a head that arrives byte by byte.
    """
    is_late = Event()

    def shut_down() -> None:
        """End the wait of the request for further bytes."""
        is_late.set()
        for stream in streams:
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    timer = Timer(deadline - clock.monotonic(), shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()


_TOO_LARGE = f"the response is larger than {size(MOST)}"
_LATE = "the response was still being sent when the time was up"


def _successful_attempt(
    response: httpx.Response, body: bytearray, events: Sequence[str], surplus: Surplus | None
) -> Attempt:
    """Return the attempt for a response that was read to its end, with any status."""
    # The other extensions mean nothing once the connection was released.
    names = ("http_version", "reason_phrase")
    return Attempt(
        status=response.status_code,
        headers=response.headers,
        body=bytes(body),
        extensions={name: response.extensions[name] for name in names if name in response.extensions},
        reused=_is_reused(events),
        surplus=surplus,
    )


def _is_reused(events: Sequence[str]) -> bool:
    """Return whether a request used the connection of an earlier one."""
    return not any(name.endswith(_CONNECTION_EVENTS[0]) for name in events)


def _failed_attempt(
    error: httpx.TransportError, events: Sequence[str], rules: Rules, has_begun: bool = True
) -> Attempt:
    """Return the attempt that failed with an error, which is named `ProxyError` if the proxy is its cause."""
    detail = _DETAILS.get(type(error)) or _readable_h11_message(str(error)) or type(error).__name__
    started, connected, secured = (any(name.endswith(suffix) for name in events) for suffix in _CONNECTION_EVENTS)
    if rules.proxy is None or not started or (connected and (secured or rules.origin.scheme == "http")):
        return Attempt(error=type(error).__name__, detail=detail, reused=not started, begun=has_begun)
    # The proxy is down or blocks the request, which says nothing about the target.
    problem = "cannot be reached"
    if connected:
        problem = "rejects the request"
    detail = f"the proxy ({rules.proxy.shown}) {problem}: {detail}"
    return Attempt(error="ProxyError", detail=detail, begun=False)


def _readable_h11_message(message: str) -> str:
    """Escape an error message of h11, without Python byte notation and with the right name for a status line."""
    message = re.sub(r"bytearray\(b(.*)\)", r"\1", message).replace("illegal request line", "illegal status line")
    return escape_line(message.replace("Receive buffer too long", "the head of the response does not end"))


_DETAILS: dict[type[httpx.TransportError], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    # The original message repeats the wrong header, which may be the one with the key.
    httpx.LocalProtocolError: "the request cannot be written as HTTP/1.1: is there a line end in a header?",
}


_CONNECTION_EVENTS = ("connect_tcp.started", "connect_tcp.complete", "start_tls.started")
"""Suffixes of the httpcore trace events of a new connection."""
