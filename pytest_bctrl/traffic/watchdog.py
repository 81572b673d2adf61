"""Ends a blocking request at its deadline, also while a server drips its headers byte by byte.

httpx's time-outs start anew with every byte, so none of them bounds an answer as a whole.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from time import monotonic
from typing import Any
from weakref import WeakSet

from pytest_bctrl.traffic.flow import Send

CONNECTING = frozenset({"connection.connect_tcp.started", "connection.connect_unix_socket.started"})
"""httpcore's trace events that tell of a new connection."""


class Watch:
    """One request being watched: whether it opened a connection, and whether its time ran out."""

    def __init__(self, streams: WeakSet[Any]) -> None:
        self.connected = False
        self.fired = False
        self._streams = streams

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """Take httpcore's word for what happens on the wire (its trace extension)."""
        if name in CONNECTING:
            self.connected = True
        elif name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.add(info["return_value"])

    def fire(self) -> None:
        """Shut the connections down, which wakes the thread that waits on one."""
        self.fired = True
        for stream in list(self._streams):
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Watches the connections of one transport.

    A deadline that passes ends all of them: which one a request is on cannot be told from outside, and a request
    that loses its connection to another's deadline is safe, so it is tried again.
    """

    def __init__(self) -> None:
        self._streams: WeakSet[Any] = WeakSet()

    @contextmanager
    def over(self, step: Send) -> Iterator[Watch]:
        """Watch while the block sends one request and reads its answer."""
        watch = Watch(self._streams)
        timer = Timer(max(0.0, step.deadline - monotonic()), watch.fire)
        timer.daemon = True
        timer.start()
        try:
            yield watch
        finally:
            timer.cancel()
