"""Applies the active change to each response of the mock or of a recording, and remembers what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import NamedTuple, TypeAlias

from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.change import ResponseContext, ResponseTransform
from pytest_bctrl.traffic.clock import clock


class InterceptedExchange(NamedTuple):
    """A request, its response without a change, and the response that was sent.

    `client_library` is empty unless the watch observed the exchange. `obstacle` is the reason why the response cannot
    be changed then; empty if it can. `is_unread` is whether nothing of the body was read, so that it is not known yet.
    """

    request: Request
    original: MockResponse
    sent: MockResponse
    client_library: str = ""
    obstacle: str = ""
    is_unread: bool = False


PendingExchange: TypeAlias = Callable[[], InterceptedExchange]
"""Returns an exchange when its test has read the body."""


class Interceptor:
    """Transforms responses with the active change. Safe to use from the threads of several servers.

    While a test is rerun, `unchangeable` has the shapes of the operations whose watched responses stay as they are.
    """

    def __init__(self, contract: Contract) -> None:
        self._routes = Routes(contract)
        self.contract = contract
        self._lock = Lock()
        self._transform: ResponseTransform | None = None
        self._exchanges: list[PendingExchange] = []
        self._failures: Counter[str] = Counter()
        self._deadline = float("inf")
        self.is_rerunning = False
        self.unchangeable: frozenset[str] = frozenset()

    def intercept(self, request: Request, response: MockResponse, client_library: str = "") -> MockResponse:
        """Store the exchange, and return the response with the active change; past the deadline, one with a reset."""
        sent = self.transformed(self._transform, request, response)
        exchange = InterceptedExchange(request, response, sent, client_library)
        self.add(lambda: exchange)
        if clock.monotonic() > self._deadline:
            return replace(sent, ending="reset")
        return sent

    def add(self, exchange: PendingExchange) -> None:
        """Store an exchange, after those received before."""
        with self._lock:
            self._exchanges.append(exchange)

    def fail(self, label: str) -> None:
        """Count a request to an operation, given by its label, that got no response."""
        with self._lock:
            self._failures[label] += 1

    @property
    def failures(self) -> Counter[str]:
        """The number of requests without a response since the last call of `start`, by the label of the operation."""
        with self._lock:
            return self._failures.copy()

    def operation(self, request: Request) -> Operation | None:
        """Return the operation of a request; None if there is none."""
        return self._routes.operation_and_values(request.method, request.target)[0]

    def operation_shape(self, request: Request) -> str:
        """Return the operation's label without parameter names for a request; empty if no operation matches."""
        operation = self.operation(request)
        if operation is None:
            return ""
        return shape(operation.label)

    def is_any_for(self, exchanges: Iterable[InterceptedExchange], shapes: Sequence[str]) -> bool:
        """Return whether any of the exchanges is with an operation of one of these shapes."""
        return any(self.operation_shape(exchange.request) in shapes for exchange in exchanges)

    def transformed(
        self, transform: ResponseTransform | None, request: Request, response: MockResponse
    ) -> MockResponse:
        """Return the response with a change applied, or the same object if the change does not affect it."""
        if transform is None:
            return response
        operation, path_values = self._routes.operation_and_values(request.method, request.target)
        return transform(ResponseContext(request, operation, path_values, response))

    def start(self, transform: ResponseTransform | None = None, seconds: float = float("inf")) -> None:
        """Set the active change and its time limit, and forget earlier exchanges and failures."""
        with self._lock:
            self._exchanges, self._failures = [], Counter()
        self._transform = transform
        self._deadline = clock.monotonic() + seconds

    @property
    def exchanges(self) -> list[InterceptedExchange]:
        """The exchanges since the last call of `start` or `take_exchanges`."""
        with self._lock:
            pending = self._exchanges[:]
        return [exchange() for exchange in pending]

    def take_exchanges(self) -> list[InterceptedExchange]:
        """Return the exchanges since the last call of `start` or of this method, and forget them."""
        with self._lock:
            pending, self._exchanges = self._exchanges, []
        return [exchange() for exchange in pending]


def are_same(first: MockResponse, second: MockResponse) -> bool:
    """Return whether two responses have the same status, headers and body."""
    if first is second:
        return True
    return (first.status, first.headers, first.body) == (second.status, second.headers, second.body)


def digest_of_responses(responses: Sequence[MockResponse]) -> str:
    """Return a digest of a sequence of responses."""
    sha = sha256()
    for response in responses:
        sha.update(repr((response.status, response.headers)).encode())
        sha.update(response.body)
    return sha.hexdigest()
