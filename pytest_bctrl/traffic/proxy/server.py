"""The proxy server: listens on one address, and forwards to one target, in an event loop on a separate thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.contract.model import SAFE_METHODS, overrides_method
from pytest_bctrl.traffic.hosts import is_allowed
from pytest_bctrl.traffic.listening import base_url_of, listening_socket
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.traffic.proxy.connection import ProxyConnection, RejectionError, TargetConnection
from pytest_bctrl.traffic.proxy.exchange import ProxiedExchange, TransportError
from pytest_bctrl.traffic.proxy.request_reader import RequestHead

_CONNECT_SECONDS = 10.0
_STEP_SECONDS = 0.02
_UPGRADE_FIELDS = frozenset({"upgrade", "http2-settings"})
_NEVER = "the proxy is a reverse proxy: use its URL as the base URL of the client, not as HTTP_PROXY"


@dataclass(frozen=True, slots=True)
class ProxyEvents:
    """What the proxy calls, in its own thread, for what it sees.

    `finished` gets each exchange that has ended, `surplus` bytes that belong to no response, with the exchange before
    them, `unreachable` each failure to connect to the target, and `rejected` a request that was not forwarded, as
    method and path, with the reason.
    """

    finished: Callable[[ProxiedExchange], None]
    surplus: Callable[[ProxiedExchange, bytes], None]
    unreachable: Callable[[TransportError], None]
    rejected: Callable[[str, str], None]


class ProxyServer:
    """A reverse proxy in front of `target`, a base URL; a context manager.

    Only `host`, the names of this machine and `hosts` are accepted in `Host`. With `only_safe`, requests with other
    methods than GET, HEAD and OPTIONS are rejected. Up to `body_limit` bytes of each body are passed to `events`.
    """

    def __init__(
        self,
        target: str,
        events: ProxyEvents,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        hosts: Collection[str] = (),
        only_safe: bool = False,
        body_limit: int,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = origin_of(target)
        parts = urlsplit(target)
        self._authority, self._base_path = parts.netloc, parts.path.rstrip("/")
        self._events = events
        self._host, self._port = host, port
        self._hosts = (host, *hosts)
        self._only_safe = only_safe
        self._context = context
        self.body_limit = body_limit
        self._connections: set[ProxyConnection] = set()
        self._thread: threading.Thread | None = None
        self.url = ""
        """The base URL of the proxy, once it was started."""

    def start(self) -> None:
        """Listen, and forward on a separate thread; raises `SettingError` if the address is not available."""
        self._socket = listening_socket(self._host, self._port, "the proxy")
        self.url = base_url_of(self._socket)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._grace = 0.0
        self._thread = threading.Thread(target=self._run, name="bctrl-proxy", daemon=True)
        self._thread.start()

    def stop(self, grace: float = 0.0) -> None:
        """Accept no further connection, complete the exchanges in progress for at most `grace` seconds, and end."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._grace = grace
        # The loop may have ended by itself, by an error that its thread reports.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        """Run the event loop of the server until it is stopped, and close the loop."""
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        """Accept connections until `stop` is called, then let exchanges in progress end, and close all connections."""
        server = await self._loop.create_server(lambda: ProxyConnection(self), sock=self._socket, backlog=4096)
        await self._stopping.wait()
        await self._stop_accepting(server)
        end = self._loop.time() + self._grace
        while self._loop.time() < end and any(not connection.is_idle for connection in self._connections):
            await asyncio.sleep(_STEP_SECONDS)
        for connection in list(self._connections):
            connection.stop()
        # The last exchanges are passed on, and the transports closed, in later steps of the loop.
        while self._connections:
            await asyncio.sleep(0)
        await self._end_connecting()
        await asyncio.sleep(0)

    async def _stop_accepting(self, server: asyncio.Server) -> None:
        """Close the server once the connections that it has accepted are added.

        When a server is closed, asyncio loses a connection that it has accepted and not yet added.
        """
        # On Windows, only the server itself can stop accepting.
        with suppress(NotImplementedError):
            self._loop.remove_reader(self._socket)
        # The first step creates the transport of a connection, the second one adds the connection.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        server.close()

    async def _end_connecting(self) -> None:
        """Wait for the attempts to connect to the target for clients that have gone; cancel those that take long."""
        connecting = asyncio.all_tasks() - {asyncio.current_task()}
        if connecting:
            _, unfinished = await asyncio.wait(connecting, timeout=_STEP_SECONDS)
            for task in unfinished:
                task.cancel()
            # asyncio closes the sockets of cancelled attempts in tasks of its own.
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)

    # The connections call the following methods.

    def add(self, connection: ProxyConnection) -> None:
        """Add a client's connection to those that are open."""
        self._connections.add(connection)

    def remove(self, connection: ProxyConnection) -> None:
        """Remove a client's connection from those that are open."""
        self._connections.discard(connection)

    def finished(self, exchange: ProxiedExchange) -> None:
        """Pass on an exchange that has ended, in a later step of the event loop."""
        self._loop.call_soon(self._events.finished, exchange)

    def surplus(self, exchange: ProxiedExchange, data: bytes) -> None:
        """Pass on bytes that belong to no response, in a later step of the event loop."""
        self._loop.call_soon(self._events.surplus, exchange, data)

    def unreachable(self, error: TransportError) -> None:
        """Pass on that the target cannot be reached."""
        self._events.unreachable(error)

    def rejected(self, request: str, reason: str) -> None:
        """Pass on that a request was not forwarded."""
        self._events.rejected(request, reason)

    async def connect(self, connection: TargetConnection) -> None:
        """Connect to the target; raises `OSError`."""
        origin = self._origin
        server_hostname = origin.host if self._context is not None else None
        async with asyncio.timeout(_CONNECT_SECONDS):
            await self._loop.create_connection(
                lambda: connection,
                origin.host,
                origin.port,
                ssl=self._context,
                server_hostname=server_hostname,
                happy_eyeballs_delay=0.25,
            )

    def forwarded_head(self, head: RequestHead) -> RequestHead:
        """Return the head as the target receives it; raises `RejectionError` if the request is not forwarded."""
        if head.method == "CONNECT" or not head.target.startswith(("/", "*")):
            raise RejectionError(400, _NEVER)
        host_fields = head.values("host")
        if len(host_fields) > 1:
            raise RejectionError(400, "the request has several Host fields")
        if host_fields and not is_allowed(host_fields[0], self._hosts):
            raise RejectionError(421, "the Host of the request is not allowed; --allow-host allows it")
        upgrades = [value for value in head.values("upgrade") if value.strip().lower() != "h2c"]
        if upgrades:
            raise RejectionError(501, f"the proxy forwards HTTP/1.1 only, and cannot upgrade to {upgrades[0][:40]}")
        if self._only_safe:
            self._require_safe(head)
        return self._rewritten(head)

    def _require_safe(self, head: RequestHead) -> None:
        """Raise `RejectionError`, with status 405, for a method that is not safe or that is overridden."""
        names = [name for name, _ in head.headers]
        names += [name for name, _ in parse_qsl(urlsplit(head.target).query, keep_blank_values=True)]
        if head.method in SAFE_METHODS and not any(map(overrides_method, names)):
            return
        reason = f"{head.method} is not a safe method, and --only-safe is set"
        if head.method in SAFE_METHODS:
            reason = "the request overrides its method, and --only-safe is set"
        raise RejectionError(405, reason, (("Allow", ", ".join(sorted(SAFE_METHODS))),))

    def _rewritten(self, head: RequestHead) -> RequestHead:
        """Return the head with the target's `Host` and base path, and without an upgrade to HTTP/2."""
        headers = []
        for name, value in head.headers:
            lower_name = name.lower()
            if lower_name == "host":
                headers.append((name, self._authority))
            elif lower_name == "connection" and head.values("upgrade"):
                tokens = (token.strip() for token in value.split(","))
                kept = [token for token in tokens if token.lower() not in _UPGRADE_FIELDS]
                headers += [(name, ", ".join(kept))] if kept else []
            elif lower_name not in _UPGRADE_FIELDS:
                headers.append((name, value))
        if not head.values("host"):
            headers.insert(0, ("Host", self._authority))
        target = head.target if head.target == "*" else self._base_path + head.target
        return head._replace(target=target, headers=tuple(headers))
