"""The loop that drives the connections: one thread, one selector, no event loop that could meet a test's own."""

from __future__ import annotations

import errno
import heapq
import os
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from time import monotonic

from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.traffic.mock.connection import READ, Connection
from pytest_bctrl.traffic.mock.parse import ParsedRequest, Problem, ServerLimits

_BACKLOG = 4096
_LAST_PORT = 65_535
_SWEEP_SECONDS, _FULL_SECONDS = 0.5, 0.05
_STOP, _DROP = b"s", b"d"


class Listener:
    """Listens on one address and answers what comes, on a thread of its own, from `start` to `stop`.

    `respond` answers a whole request, `refuse` what is none.
    """

    def __init__(
        self,
        respond: Callable[[Request], MockResponse],
        refuse: Callable[[Problem], MockResponse],
        limits: ServerLimits | None = None,
    ) -> None:
        self.respond = respond
        self.refuse = refuse
        self.limits = limits or ServerLimits()
        self._connections: set[Connection] = set()
        self.known: dict[bytes, ParsedRequest] = {}
        self._timers: list[tuple[float, int, Connection]] = []
        self._order = count()
        self._dropped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, host: str, port: int) -> str:
        """Bind and listen, and return the base URL; raises `SettingError` where the address cannot be had."""
        self._socket = _listening(host, port)
        self._alarm, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._is_accepting = False
        self._resume()
        self._selector.register(self._alarm, READ)
        self._sweep_at = monotonic()
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="bctrl-mock", daemon=True)
        self._thread.start()
        name, number = self._socket.getsockname()[:2]
        return f"http://[{name}]:{number}" if ":" in name else f"http://{name}:{number}"

    def stop(self) -> None:
        """Close every connection and end the thread, at once; nothing happens where it is not running.

        In a forked child, where there is no such thread, what the child has of it is closed; the parent goes on.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._process != os.getpid():
            # The connections as they are: each is the parent's to end.
            for sock in (self._socket, self._alarm, self._wake, *(one.sock for one in self._connections)):
                sock.close()
            self._selector.close()
            self._connections.clear()
            return
        # Where the loop has ended by itself, nobody is left to hear it.
        with suppress(OSError):
            self._wake.send(_STOP)
        thread.join()
        self._wake.close()

    def drop_connections(self) -> None:
        """Close every connection and return once that is done; the listener goes on."""
        if self._thread is None or self._process != os.getpid():
            return
        self._dropped.clear()
        with suppress(OSError):
            self._wake.send(_DROP)
        # The loop sets it at its own end, too; alive is asked for in case that was a moment ago.
        while not self._dropped.wait(1) and self._thread.is_alive():
            continue  # pragma: no cover - a loop that does not get its turn for a second

    def watch(self, connection: Connection, events: int) -> None:
        """Call `connection.ready` when one of `events` is possible; 0 for never."""
        if connection.sock in self._selector.get_map():
            if events:
                self._selector.modify(connection.sock, events, connection)
            else:
                self._selector.unregister(connection.sock)
        elif events:
            self._selector.register(connection.sock, events, connection)

    def later(self, seconds: float, connection: Connection) -> None:
        """Call `connection.due` after `seconds`."""
        heapq.heappush(self._timers, (monotonic() + seconds, next(self._order), connection))

    def forget(self, connection: Connection) -> None:
        """Watch the connection no longer: it is about to be closed."""
        self._connections.discard(connection)
        self.watch(connection, 0)
        self._resume()

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            for connection in list(self._connections):
                connection.close()
            self._timers.clear()
            self._dropped.set()
            self._selector.close()
            self._socket.close()
            self._alarm.close()

    def _serve(self) -> None:
        while True:
            for key, events in self._selector.select(self._patience()):
                if key.data is not None:
                    self._step(key.data, key.data.ready, events)
                elif key.fileobj is self._socket:
                    self._accept()
                elif not self._obey():
                    return
            if self._timers or self._connections:
                now = monotonic()
                while self._timers and self._timers[0][0] <= now:
                    connection = heapq.heappop(self._timers)[2]
                    self._step(connection, connection.due)
                if now >= self._sweep_at:
                    self._sweep_at = now + _SWEEP_SECONDS
                    self._resume()
                    for connection in list(self._connections):
                        self._step(connection, connection.sweep, now)

    @staticmethod
    def _step(connection: Connection, step: Callable[..., None], *arguments: float) -> None:
        """Let a mistake in one step cost its own connection, not the server with all the others.

        It is reported as that of a thread, which pytest shows in the test during which it happened.
        """
        try:
            step(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other clients have no part in it
            connection.close(reset=True)
            hook = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(hook))

    def _obey(self) -> bool:
        for order in self._alarm.recv(64):
            if order == _STOP[0]:
                return False
            # What waits in the backlog was sent before the call, too.
            if self._is_accepting:
                self._accept()
            while self._connections:
                for connection in list(self._connections):
                    connection.close()
                self._accept()
            self._timers.clear()
            self._dropped.set()
        return True

    def _patience(self) -> float | None:
        if not self._connections:
            return None
        until = min(self._sweep_at, self._timers[0][0]) if self._timers else self._sweep_at
        return max(0.0, until - monotonic())

    def _accept(self) -> None:
        # One at a time where there is no room: how many wait is not known.
        room = max(1, min(64, self.limits.connections - len(self._connections)))
        for _ in range(room):
            if len(self._connections) >= self.limits.connections and not self._make_room():
                self._pause()
                return
            try:
                sock, _address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    if not self._make_room():
                        self._pause()
                    return
                continue  # pragma: no cover - a client that was gone before it was accepted, on systems that say so
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self)
            self._connections.add(connection)
            self.watch(connection, READ)
            # What it has sent while it waited is read now: one that says nothing yet keeps the next one waiting.
            self._step(connection, connection.ready, READ)

    def _make_room(self) -> bool:
        """Close the connection that can best be spared; false where each is in use."""
        now = monotonic()
        ranked = [(rank, next(self._order), one) for one in self._connections if (rank := one.spare(now))]
        # Where it is new, or has just been sent something, none goes in its place: it can be spared in a moment.
        return bool(ranked) and min(ranked)[2].give_up(now)

    def _pause(self) -> None:
        # With none open nothing would ever wake it again.
        if self._connections:
            self._is_accepting = False
            self._selector.unregister(self._socket)
            self._sweep_at = min(self._sweep_at, monotonic() + _FULL_SECONDS)

    def _resume(self) -> None:
        if not self._is_accepting:
            self._is_accepting = True
            self._selector.register(self._socket, READ)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        # The resolver would take it modulo 65,536.
        raise SettingError(f"there is no port {port}", where=f"{host}:{port}", hint=f"take one from 0 to {_LAST_PORT}")
    try:
        family, address = socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port)
        if ":" not in host and not host.replace(".", "").isdigit():
            # The resolver loads the IDNA codec, whose tables are much to load for an address that needs none.
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]  # type: ignore[assignment]
        is_dual = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        sock = socket.create_server(address, family=family, backlog=_BACKLOG, dualstack_ipv6=is_dual)
    except (OSError, ValueError) as error:
        where = f"{host}:{port}"
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            hint = "stop what listens there, or take --port 0"
            raise SettingError(f"port {port} is in use", where=where, hint=hint) from None
        reason = (getattr(error, "strerror", None) or "no host has such a name").partition(" (while")[0]
        raise SettingError(f"the mock cannot listen there: {reason}", where=where, hint="take 127.0.0.1") from None
    sock.setblocking(False)
    return sock
