"""The proxy server: listens on one address, and forwards to one target, in an event loop on a separate thread."""

from __future__ import annotations

import asyncio
import errno
import re
import ssl
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, combinations
from queue import SimpleQueue
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl.contract.model import SAFE_METHODS, overrides_method
from pytest_bctrl.http.message import Request
from pytest_bctrl.traffic.hosts import is_allowed
from pytest_bctrl.traffic.listening import base_url_of, listening_socket
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.traffic.proxy.connection import ProxyConnection, RejectionError, TargetConnection
from pytest_bctrl.traffic.proxy.exchange import SMALL, BodyBudget, ProxiedExchange, TransportError

_CONNECT_SECONDS = 10.0
_STEP_SECONDS, _FULL_SECONDS = 0.02, 0.05
_MAX_CONNECTIONS = 1024
_SPARE_DESCRIPTORS = 60
"""Descriptors of the process that are not used for connections: those of files, modules and the event loop."""
_BODY_BYTES, _RESERVED_BYTES = 48 * 1024 * 1024, 16 * 1024 * 1024
"""Bytes of bodies that are received or wait for their checks, unless `body_limit` is larger; and more of small ones."""
_MAX_QUEUED = 1_000
"""Number of events that wait for the checks, beyond which no client is read."""
_UPGRADE_FIELDS = frozenset({"upgrade", "http2-settings"})
_NEVER = "the proxy is a reverse proxy: use its URL as the base URL of the client, not as HTTP_PROXY"


@dataclass(frozen=True, slots=True)
class ProxyEvents:
    """What the proxy calls for what it sees, one event after the other in a thread of its own.

    `finished` gets each exchange that has ended, `surplus` bytes that belong to no response, with the exchange before
    them, `unreachable` each failure to connect to the target, and `rejected` a request that was not forwarded, as
    method and path, with the reason. `warn` gets a line for the log, in the thread of the connections.
    """

    finished: Callable[[ProxiedExchange], None]
    surplus: Callable[[ProxiedExchange, bytes], None]
    unreachable: Callable[[TransportError], None]
    rejected: Callable[[str, str], None]
    warn: Callable[[str], None] = field(default=lambda line: None)


class ProxyServer:
    """A reverse proxy in front of `target`, a base URL; a context manager.

    Only `host`, the names of this machine and `hosts` are accepted in `Host`. With `only_safe`, requests with other
    methods than GET, HEAD and OPTIONS are rejected. Up to `body_limit` bytes of each body are passed to `events`, if
    all bodies together fit into the memory for them. An event that takes long delays the events after it, and no
    client, unless too many wait: then no client is read until the events are handled.
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
        self.body_budget = BodyBudget(max(_BODY_BYTES, body_limit), _RESERVED_BYTES)
        self._max_connections = _connection_limit()
        self._connections: set[ProxyConnection] = set()
        self._has_evicted = False
        self._is_full = False
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
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="bctrl-proxy", daemon=True)
        self._events_thread = threading.Thread(target=self._handle_events, name="bctrl-proxy-events", daemon=True)
        self._thread.start()
        self._events_thread.start()

    def stop(self, grace: float = 0.0) -> None:
        """Accept no further connection, complete the exchanges in progress for at most `grace` seconds, and end.

        Returns when all events are handled.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._grace = grace
        # The loop may have ended by itself, by an error that its thread reports.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join()
        self._queue.put(None)
        self._events_thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        """Run the event loop of the server until it is stopped."""
        self._loop.run_until_complete(self._serve())

    def _handle_events(self) -> None:
        """Call the functions of the queue, one after the other, until the server is stopped."""
        while (handle := self._queue.get()) is not None:
            try:
                handle()
            except Exception as error:  # noqa: BLE001 - the other events are handled
                hook = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(hook))
            if self._is_full and self._queue.qsize() <= _MAX_QUEUED // 2:
                self._call_in_loop(self._resume_clients)

    async def _serve(self) -> None:
        """Accept connections until `stop` is called, then let exchanges in progress end, and close all connections."""
        accepting = self._loop.create_task(self._accept())
        await self._stopping.wait()
        await self._stop_accepting(accepting)
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

    async def _accept(self) -> None:
        """Accept connections; at the limit, or without a descriptor, close one that is not in use or wait."""
        while True:
            if len(self._connections) >= self._max_connections:
                await self._make_room()
                continue
            try:
                sock, _ = await self._loop.sock_accept(self._socket)
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    await self._make_room()
                else:  # pragma: no cover - a client that was gone before it was accepted, on systems that say so
                    await asyncio.sleep(_STEP_SECONDS)
                continue
            await self._loop.connect_accepted_socket(lambda: ProxyConnection(self), sock)

    async def _make_room(self) -> None:
        """Close the connection that is least in use; wait if all are in use. Only the first call writes to the log."""
        if not self._has_evicted:
            self._has_evicted = True
            text = f"{len(self._connections)} connections are open, the maximum: new ones replace those that are idle"
            self._events.warn(text)
        now = self._loop.time()
        ranks = {connection: connection.eviction_rank(now) for connection in self._connections}
        evictable = {connection: rank for connection, rank in ranks.items() if rank is not None}
        if not evictable:
            await asyncio.sleep(_FULL_SECONDS)
            return
        min(evictable, key=evictable.__getitem__).evict()
        # The connection is removed in the next step of the loop, and that to the target in the one after it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _stop_accepting(self, accepting: asyncio.Task[None]) -> None:
        """Close the listening socket once the connections that were accepted are added."""
        # On Windows, only the task itself can stop accepting.
        with suppress(NotImplementedError):
            self._loop.remove_reader(self._socket)
        # The first step creates the transport of a connection, the second one adds the connection.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        accepting.cancel()
        await asyncio.wait([accepting])
        self._socket.close()

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
        if self._is_full:
            connection.pause("events")

    def remove(self, connection: ProxyConnection) -> None:
        """Remove a client's connection from those that are open."""
        self._connections.discard(connection)

    def finished(self, exchange: ProxiedExchange, connection: ProxyConnection) -> None:
        """Pass on an exchange that has ended; if it is large, its client is not read until it is handled."""
        exchange.close_bodies()
        is_large = exchange.size > SMALL

        def handle() -> None:
            """Pass on the exchange, and give the memory of its bodies back."""
            try:
                self._events.finished(exchange)
            finally:
                exchange.drop_bodies()
                if is_large:
                    self._call_in_loop(partial(connection.resume, "checks"))

        if is_large:
            connection.pause("checks")
        self._post(handle)

    def surplus(self, exchange: ProxiedExchange, data: bytes) -> None:
        """Pass on bytes that belong to no response."""
        self._post(partial(self._events.surplus, exchange, data))

    def unreachable(self, error: TransportError) -> None:
        """Pass on that the target cannot be reached."""
        self._post(partial(self._events.unreachable, error))

    def rejected(self, request: str, reason: str) -> None:
        """Pass on that a request was not forwarded."""
        self._post(partial(self._events.rejected, request, reason))

    def _post(self, handle: Callable[[], None]) -> None:
        """Let the thread of the events call a function; if too many wait, read from no client."""
        self._queue.put(handle)
        if not self._is_full and self._queue.qsize() >= _MAX_QUEUED:
            self._is_full = True
            for connection in self._connections:
                connection.pause("events")

    def _resume_clients(self) -> None:
        """Read from all clients again, as few events wait."""
        self._is_full = False
        for connection in self._connections:
            connection.resume("events")

    def _call_in_loop(self, function: Callable[[], None]) -> None:
        """Call a function in the thread of the connections, unless it has ended."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

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

    def forwarded_head(self, request: Request) -> Request:
        """Return the head of a request as the target receives it; raises `RejectionError` if it is not forwarded."""
        if request.method == "CONNECT" or not (request.target.startswith("/") or request.target == "*"):
            raise RejectionError(400, _NEVER)
        if self._base_path and _leaves_base(request.target):
            raise RejectionError(400, f"its path leaves {self._base_path}, the path of TARGET")
        host_fields = _values(request, "host")
        if len(host_fields) > 1:
            raise RejectionError(400, "the request has several Host fields")
        if host_fields and not is_allowed(host_fields[0], self._hosts):
            raise RejectionError(421, "the Host of the request is not allowed; --allow-host allows it")
        upgrades = [value for value in _values(request, "upgrade") if value.strip().lower() != "h2c"]
        if upgrades:
            raise RejectionError(501, f"the proxy forwards HTTP/1.1 only, and cannot upgrade to {upgrades[0][:40]}")
        if self._only_safe:
            self._require_safe(request)
        return self._rewritten(request)

    def _require_safe(self, request: Request) -> None:
        """Raise `RejectionError`, with status 405, for a method that is not safe or that is overridden."""
        names = [name for name, _ in request.headers]
        names += [name for name, _ in parse_qsl(urlsplit(request.target).query, keep_blank_values=True)]
        if request.method in SAFE_METHODS and not any(map(overrides_method, names)):
            return
        reason = f"{request.method} is not a safe method, and --only-safe is set"
        if request.method in SAFE_METHODS:
            reason = "the request overrides its method, and --only-safe is set"
        raise RejectionError(405, reason, (("Allow", ", ".join(sorted(SAFE_METHODS))),))

    def _rewritten(self, request: Request) -> Request:
        """Return a request with the target's `Host` and base path, and without an upgrade to HTTP/2."""
        headers = []
        has_upgrade = request.header("upgrade") is not None
        for name, value in request.headers:
            lower_name = name.lower()
            if lower_name == "host":
                headers.append((name, self._authority))
            elif lower_name == "connection" and has_upgrade:
                tokens = (token.strip() for token in value.split(","))
                kept = [token for token in tokens if token.lower() not in _UPGRADE_FIELDS]
                headers += [(name, ", ".join(kept))] if kept else []
            elif lower_name not in _UPGRADE_FIELDS:
                headers.append((name, value))
        if request.header("host") is None:
            headers.insert(0, ("Host", self._authority))
        target = request.target if request.target == "*" else self._base_path + request.target
        return replace(request, target=target, headers=tuple(headers))


def _values(request: Request, name: str) -> list[str]:
    """Return the values of all header fields whose name in lower case is `name`."""
    return [value for field_name, value in request.headers if field_name.lower() == name]


def _connection_limit() -> int:
    """Return the maximum number of connections of clients: each may need two descriptors of the process."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no such limit
        return _MAX_CONNECTIONS
    import resource

    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(1, min(_MAX_CONNECTIONS, (descriptors - _SPARE_DESCRIPTORS) // 2))


_SEPARATORS = (re.escape("\\"), "%2f", "%5c")
"""What some servers take for a slash in a path, besides the slash."""
_SEPARATIONS = [
    re.compile("|".join(("/", *separators)), re.IGNORECASE)
    for separators in chain.from_iterable(combinations(_SEPARATORS, count) for count in range(len(_SEPARATORS) + 1))
]
_ENCODED_DOT = re.compile("%2e", re.IGNORECASE)
_PARAMETERS = re.compile("(?:[;#]|%3b|%23|%00).*", re.DOTALL | re.IGNORECASE)


def _leaves_base(target: str) -> bool:
    """Return whether any server would take the path of a target for one outside the base path in front of it.

    Servers differ in what separates segments, in whether `..;x` and `%2e%2e` are dot segments, and in whether empty
    segments count.
    """
    path = target.partition("?")[0]
    return any(_is_outside(separation.split(path)) for separation in _SEPARATIONS)


def _is_outside(segments: Sequence[str]) -> bool:
    """Return whether dot segments lead out of the folder in which the first of the segments is."""
    depth = 0
    for segment in segments:
        name = _ENCODED_DOT.sub(".", _PARAMETERS.sub("", segment))
        if name == "..":
            depth -= 1
        elif name not in ("", "."):
            depth += 1
        if depth < 0:
            return True
    return False
