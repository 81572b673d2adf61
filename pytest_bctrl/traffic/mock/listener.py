"""The loop that drives the connections: one thread and one selector, without an event loop of asyncio."""

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

from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.listening import base_url_of, listening_socket
from pytest_bctrl.traffic.mock.connection import READ, ClientConnection
from pytest_bctrl.traffic.mock.parse import RequestProblem, ServerLimits

_SWEEP_SECONDS, _FULL_SECONDS = 0.5, 0.05
_DROP_SECONDS = 1.0
"""How long a drop also closes new connections: it would never end if clients connected again at once."""

_STOP, _DROP, _FINISH = b"s", b"d", b"f"


class Listener:
    """Listens on one address and responds to requests, on a separate thread, from `start` to `stop`.

    `respond` returns the response to a request, `reject` the response to malformed input.
    """

    def __init__(
        self,
        respond: Callable[[Request], MockResponse],
        reject: Callable[[RequestProblem], MockResponse],
        limits: ServerLimits | None = None,
    ) -> None:
        self.respond = respond
        self.reject = reject
        self.limits = limits or ServerLimits()
        self._connections: set[ClientConnection] = set()
        self._current: ClientConnection | None = None
        self.request_cache: dict[bytes, Request] = {}
        self._timers: list[tuple[float, int, ClientConnection]] = []
        self._order = count()
        self._dropped = threading.Event()
        self._thread: threading.Thread | None = None
        self._grace = 0.0
        self._end_at: float | None = None

    def start(self, host: str, port: int) -> str:
        """Bind and listen, and return the base URL; raises `SettingError` if the address is not available."""
        self._socket = listening_socket(host, port, "the mock")
        self._alarm, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._is_accepting = False
        self._end_at = None
        self._resume()
        self._selector.register(self._alarm, READ)
        self._sweep_at = clock.monotonic()
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run_until_stopped, name="bctrl-mock", daemon=True)
        self._thread.start()
        return base_url_of(self._socket)

    def stop(self, grace: float = 0.0) -> None:
        """Close all connections, after `grace` seconds at most, and end the thread; does nothing if it is not running.

        Requests in progress are completed for at most `grace` seconds, while no further requests are accepted.
        A forked child has no such thread: it closes its copies of the sockets, and the parent continues.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._process != os.getpid():
            # Only the sockets are closed: the connections belong to the parent.
            connection_sockets = (connection.sock for connection in self._connections)
            for sock in (self._socket, self._alarm, self._wake, *connection_sockets):
                sock.close()
            self._selector.close()
            self._connections.clear()
            return
        # If the loop has already ended, nothing reads the other end.
        self._grace = grace
        with suppress(OSError):
            self._wake.send(_FINISH if grace else _STOP)
        thread.join()
        self._wake.close()

    def drop_connections(self) -> None:
        """Close all connections and return afterwards; the listener continues.

        Those that clients open more than a second later, before it has returned, stay open.
        The connection whose request calls this, over the control path, stays open for the response.
        """
        if self._thread is None or self._process != os.getpid():
            return
        if threading.current_thread() is self._thread:
            for connection in self._connections - {self._current}:
                connection.close()
            return
        self._dropped.clear()
        with suppress(OSError):
            self._wake.send(_DROP)
        # The loop sets the event at its end, too; `is_alive` covers an end just before `clear`.
        while not self._dropped.wait(1) and self._thread.is_alive():
            continue  # pragma: no cover - a loop that does not get its turn for a second

    def watch(self, connection: ClientConnection, events: int) -> None:
        """Call `connection.ready` when one of `events` is possible; 0 for never."""
        if connection.sock in self._selector.get_map():
            if events:
                self._selector.modify(connection.sock, events, connection)
            else:
                self._selector.unregister(connection.sock)
        elif events:
            self._selector.register(connection.sock, events, connection)

    def later(self, seconds: float, connection: ClientConnection) -> None:
        """Call `connection.due` after `seconds`."""
        heapq.heappush(self._timers, (clock.monotonic() + seconds, next(self._order), connection))

    def forget(self, connection: ClientConnection) -> None:
        """Stop watching a connection that is about to be closed, and accept new connections again."""
        self._connections.discard(connection)
        self.watch(connection, 0)
        self._resume()

    def _run_until_stopped(self) -> None:
        """Run the loop until it is stopped, then close all connections and sockets."""
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
        """Handle events until the stop: ready and new connections, commands of other threads, and timers."""
        while not self._is_stop_complete():
            for key, events in self._selector.select(self._select_timeout()):
                if key.data is not None:
                    self._step(key.data, key.data.ready, events)
                elif key.fileobj is self._socket:
                    # It may have been closed or paused since `select` returned.
                    if self._is_accepting:
                        self._accept()
                elif not self._handle_wakeup():
                    return
            if self._timers or self._connections:
                self._run_timers(clock.monotonic())

    def _is_stop_complete(self) -> bool:
        """Return whether the stop is complete: all requests in progress have ended, or the grace period is over."""
        return self._end_at is not None and (not self._connections or clock.monotonic() >= self._end_at)

    def _begin_stop(self) -> None:
        """Stop listening, close the connections without a request in progress, and start the grace period."""
        if self._is_accepting:
            self._accept()
        # At the limit of connections, accepting is paused, possibly by `_accept`.
        if self._is_accepting:
            self._is_accepting = False
            self._selector.unregister(self._socket)
        self._end_at = clock.monotonic() + self._grace
        self._socket.close()
        for connection in list(self._connections):
            self._step(connection, connection.finish_when_idle)

    def _run_timers(self, now: float) -> None:
        """Call `due` of connections whose timer is over, and `sweep` of all connections once per interval."""
        while self._timers and self._timers[0][0] <= now:
            connection = heapq.heappop(self._timers)[2]
            self._step(connection, connection.due)
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_SECONDS
            self._resume()
            for connection in list(self._connections):
                self._step(connection, connection.sweep, now)

    def _step(self, connection: ClientConnection, step: Callable[..., None], *arguments: float) -> None:
        """Run one step of a connection; an exception closes this connection only.

        The exception is reported as that of a thread, which pytest shows in the test during which it happened.
        """
        self._current = connection
        try:
            step(*arguments)
        except Exception as error:  # noqa: BLE001 - no error may affect the other clients
            connection.close(reset=True)
            hook = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(hook))

    def _handle_wakeup(self) -> bool:
        """Handle the commands of other threads; return False to stop the loop."""
        for command in self._alarm.recv(64):
            if command == _STOP[0]:
                return False
            if command == _FINISH[0]:
                self._begin_stop()
                continue
            # Connections in the backlog were opened before the call, too.
            if self._is_accepting:
                self._accept()
            end = clock.monotonic() + _DROP_SECONDS
            while self._connections:
                for connection in list(self._connections):
                    connection.close()
                if clock.monotonic() < end:
                    self._accept()
            self._timers.clear()
            self._dropped.set()
        return True

    def _select_timeout(self) -> float | None:
        """Return the seconds to the next timer, sweep or end of grace; None (no limit) if no connection is open."""
        if not self._connections:
            return None
        deadline = self._sweep_at
        if self._timers:
            deadline = min(deadline, self._timers[0][0])
        if self._end_at is not None:
            deadline = min(deadline, self._end_at)
        return max(0.0, deadline - clock.monotonic())

    def _accept(self) -> None:
        """Accept waiting connections; at the limit, close one that is not in use, or pause accepting."""
        # One at a time if all connections are used: the number in the backlog is not known.
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
            connection = ClientConnection(sock, self)
            self._connections.add(connection)
            self.watch(connection, READ)
            # Bytes that it sent while it waited are read now, because a silent connection is not evicted at once.
            self._step(connection, connection.ready, READ)

    def _make_room(self) -> bool:
        """Close the connection that is least in use; return False if none can be closed."""
        now = clock.monotonic()
        ranked = []
        for connection in self._connections:
            rank = connection.eviction_rank(now)
            if rank is not None:
                ranked.append((rank, next(self._order), connection))
        # If it is new or a request is arriving, no other connection is closed: this one can be evicted in a moment.
        return bool(ranked) and min(ranked)[2].try_evict(now)

    def _pause(self) -> None:
        """Accept no connection until one is closed or the next sweep; does nothing if no connection is open."""
        # Without an open connection, nothing would ever resume accepting.
        if self._connections:
            self._is_accepting = False
            self._selector.unregister(self._socket)
            self._sweep_at = min(self._sweep_at, clock.monotonic() + _FULL_SECONDS)

    def _resume(self) -> None:
        """Accept connections again, except after the start of a stop."""
        if not self._is_accepting and self._end_at is None:
            self._is_accepting = True
            self._selector.register(self._socket, READ)
