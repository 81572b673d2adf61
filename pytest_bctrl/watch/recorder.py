"""Records exchanges: each is counted once, however many layers of libraries it passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from pytest_bctrl.files.limits import MOST
from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.exchange import WatchedBody, WatchedExchange
from pytest_bctrl.watch.lines import ProjectLines
from pytest_bctrl.watch.substitution import ResponseChanger

HTTP_CLIENT, URLLIB3, CLIENT = 1, 2, 3
"""The ranks of layers: an exchange of a layer is not recorded again by a lower one.

A client that is not built on a lower layer has the lowest rank while it sends: a request of another library is an
exchange of its own.
"""

APPLICATION = 0
"""The rank of an application in the process: each request that it sends is a separate exchange."""


class _Sending(NamedTuple):
    """The layer that is sending a request, and the exchange."""

    rank: int
    exchange: WatchedExchange


_SENDING: ContextVar[_Sending | None] = ContextVar("bctrl_watch_sending", default=None)


def _current_sending() -> _Sending | None:
    """Return the layer and the exchange that are being sent; None in a task that goes on after its request."""
    sending = _SENDING.get()
    if sending is None or sending.exchange.has_ended:
        return None
    return sending


_CHECKED_EARLY = 16 * 1024 * 1024
"""Bytes of all bodies, beyond which complete exchanges are checked before their test has ended."""
_MAX_KEPT = MOST + _CHECKED_EARLY
"""Bytes of all bodies, beyond which the oldest ones are dropped: one body of any accepted size always fits."""
_OMITTED = "it did not fit into memory next to other bodies"


def _is_same_request(exchange: WatchedExchange, inner: WatchedExchange) -> bool:
    """Return whether two exchanges have the same method and URL."""
    return (exchange.method, exchange.url) == (inner.method, inner.url)


class Recorder:
    """The exchanges of a test process. Safe to use from several threads.

    `root` is the folder of the project, and `test` the node id of the running test. In an impact run, `changer`
    receives the exchanges too, and may change their responses. `check_early` receives the exchanges with a complete
    response when the bodies of all exchanges take much memory, and drops the bodies.
    """

    def __init__(self, root: Path) -> None:
        self.lines = ProjectLines(root)
        self._lock = Lock()
        self._exchanges: list[WatchedExchange] = []
        self._unchecked: list[WatchedExchange] = []
        self._kept_bytes = 0
        self.check_early: Callable[[list[WatchedExchange]], None] | None = None
        self._at_end: list[Callable[[], None]] = []
        self.changer: ResponseChanger | None = None
        self.is_active = True
        self.test = ""

    def records(self, rank: int) -> bool:
        """Return whether a layer of this rank records an exchange: recording is active, no higher layer is sending."""
        if not self.is_active:
            return False
        sending = _current_sending()
        return sending is None or rank >= sending.rank

    @contextmanager
    def sending(self, exchange: WatchedExchange, rank: int) -> Iterator[None]:
        """Make an exchange current for the block, so that inner layers do not record it; record one that fails."""
        token = _SENDING.set(_Sending(rank, exchange))
        try:
            try:
                yield
            finally:
                exchange.has_ended = True
                _SENDING.reset(token)
        except Exception as error:
            self.add_failed(exchange, error)
            raise

    def current(self, library: str) -> WatchedExchange | None:
        """Return the exchange that a client library is sending; None if there is none, or recording is off."""
        sending = _current_sending()
        if not self.is_active or sending is None or sending.exchange.client_library != library:
            return None
        return sending.exchange

    def is_substituted(self, exchange: WatchedExchange) -> bool:
        """Return whether the client is to receive a substitute for the response, as only in a rerun of an impact run.

        Its whole body is then read at once. A transport that sends the same request with another client returns that
        response, which is substituted once.
        """
        if self.changer is None:
            return False
        outer = _current_sending()
        if outer is not None and _is_same_request(outer.exchange, exchange):
            return False
        return self.changer.is_substituted(exchange)

    def substitute(self, exchange: WatchedExchange, content: bytes) -> MockResponse:
        """Return the substitute for a response with the body `content`; raises `RuntimeError` outside an impact run."""
        if self.changer is None:
            raise RuntimeError("no impact run is rerunning a test")
        return self.changer.substitute(exchange, content)

    def add(self, exchange: WatchedExchange) -> None:
        """Record an exchange that has a response, as one of the running test, and pass it to `changer`."""
        sending = _current_sending()
        if sending is not None and sending.rank != APPLICATION and _is_same_request(sending.exchange, exchange):
            # A transport sends the client's request with another client: it is the exchange of the first.
            return
        self.add_unchanged(exchange)
        if self.changer is not None:
            self.changer.add(exchange)

    def add_unchanged(self, exchange: WatchedExchange) -> None:
        """Record an exchange as one of the running test; no impact run changes its response.

        The bytes of its bodies are counted from now on, if exchanges can be checked early.
        """
        exchange.test = self.test
        exchange.called_at = self.lines.line_of_test(self.test)
        with self._lock:
            self._exchanges.append(exchange)
        if self.check_early is None:
            return
        bodies = (exchange.request_body, exchange.response_body)
        with self._lock:
            self._unchecked.append(exchange)
        for body in bodies:
            body.notify = self._count_bytes
        self._count_bytes(sum(body.kept_bytes for body in bodies))
        self._count_bytes(0)

    def _count_bytes(self, count: int) -> None:
        """Count kept bytes; at the end of a body, pass complete exchanges on; beyond the limit, drop the oldest bodies.

        An exchange whose response is complete is not changed any more.
        """
        with self._lock:
            self._kept_bytes += count
            is_much = self._kept_bytes > (_MAX_KEPT if count else _CHECKED_EARLY)
            if count < 0 or not is_much or self.check_early is None:
                return
            complete = [exchange for exchange in self._unchecked if exchange.response_body.is_complete]
            self._unchecked = [exchange for exchange in self._unchecked if not exchange.response_body.is_complete]
        self.check_early(complete)
        for body in self._oldest_bodies():
            body.drop(_OMITTED)

    def _oldest_bodies(self) -> Iterator[WatchedBody]:
        """Yield the bodies of exchanges, the oldest first, as long as the kept bytes exceed the limit."""
        with self._lock:
            exchanges = list(self._exchanges)
        for exchange in exchanges:
            for body in (exchange.response_body, exchange.request_body):
                if self._kept_bytes <= _MAX_KEPT:
                    return
                if body.kept_bytes:
                    yield body

    def add_failed(self, exchange: WatchedExchange, error: Exception) -> None:
        """Record an exchange that ended with an error, unless it has a response, and report it to `changer`."""
        if not exchange.status:
            exchange.unanswered = type(error).__name__
            self.add_unchanged(exchange)
        if self.changer is not None:
            self.changer.fail(exchange)

    def at_end_of_test(self, function: Callable[[], None]) -> None:
        """Call a function whenever a test has ended, before its exchanges are checked."""
        self._at_end.append(function)

    def take(self) -> list[WatchedExchange]:
        """Call the functions of `at_end_of_test`, return the exchanges since the last call, and forget them."""
        for function in self._at_end:
            function()
        with self._lock:
            exchanges, self._exchanges = self._exchanges, []
            self._unchecked, self._kept_bytes = [], 0
        for exchange in exchanges:
            exchange.request_body.notify = exchange.response_body.notify = None
        return exchanges

    def set_registered(self, text: str, *, is_recorded: bool = False) -> None:
        """Record where the response of the current exchange was registered with a mock library, if that is known.

        `is_recorded` is whether a server sent it once, as a cassette has it.
        """
        sending = _current_sending()
        if sending is not None:
            sending.exchange.registered = text or sending.exchange.registered
            sending.exchange.is_mocked = not is_recorded
