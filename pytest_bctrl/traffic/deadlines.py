"""Deadlines of blocking requests: one thread per transport ends the requests whose time is up."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, Self
from weakref import WeakSet

from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.flow import Send


class DeadlineTimer:
    """Ends one blocking request at its deadline, even while headers arrive slowly, and collects its trace events.

    httpx's time-outs start again with every byte, so none of them limits a response as a whole. When the deadline
    passes, the connection that the request opened is shut down; if it opened none, all connections of the transport
    (`streams`) are, because httpx does not say which one the request uses. Another request that loses its connection
    this way is safe, so it is retried.
    """

    def __init__(self, step: Send, streams: WeakSet[Any], deadlines: Deadlines) -> None:
        self.events: list[str] = []
        self.fired = False
        self.deadline = step.deadline
        self._streams = streams
        self._opened: list[Any] = []
        self._deadlines = deadlines

    def __enter__(self) -> Self:
        self._deadlines.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._deadlines.discard(self)

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """Record the name of an event of httpcore's trace extension, and the connection that it opened."""
        self.events.append(name)
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._deadlines.add_stream(self._streams, info["return_value"])
            self._opened.append(info["return_value"])

    def fire(self) -> None:
        """End the request: shut down the connections that it opened, or all of the transport if it opened none."""
        self.fired = True
        for stream in self._opened or list(self._streams):
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class Deadlines:
    """Fires the timers of a transport at their deadlines, in one thread, which ends when no request is in progress.

    Starting a thread for each request takes as long as a tenth of the request.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._timers: set[DeadlineTimer] = set()
        self._thread: Thread | None = None
        self._wakes_at = 0.0

    def add(self, timer: DeadlineTimer) -> None:
        """Have the thread fire a timer at its deadline, unless it is discarded before; start the thread if needed."""
        with self._changed:
            self._timers.add(timer)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._fire_in_time, name="bctrl deadlines", daemon=True)
                self._thread.start()
            self._changed.notify(timer.deadline < self._wakes_at)

    def discard(self, timer: DeadlineTimer) -> None:
        """Do not fire a timer any more. The thread waits for the next request until the deadline has passed."""
        with self._changed:
            self._timers.discard(timer)

    def add_stream(self, streams: WeakSet[Any], stream: Any) -> None:
        """Add a connection to those of the transport; waits while a timer fires, because it iterates over them."""
        with self._changed:
            streams.add(stream)

    def close(self) -> None:
        """End the thread if no request is in progress."""
        with self._changed:
            thread = self._thread
            self._changed.notify()
            if thread is None or self._timers:
                return
        thread.join()

    def _fire_in_time(self) -> None:
        """Wait for the deadline of each timer and fire it; returns when no timer is left."""
        with self._changed:
            while self._timers:
                self._wakes_at = min(timer.deadline for timer in self._timers)
                seconds = self._wakes_at - clock.monotonic()
                if seconds > 0:
                    self._changed.wait(seconds)
                    continue
                for timer in [timer for timer in self._timers if timer.deadline <= self._wakes_at]:
                    timer.fire()
                    self._timers.remove(timer)
            self._thread = None
