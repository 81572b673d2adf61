"""Applies the active change to each response of the mock or of a recording, and remembers what was sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.change import ResponseContext, ResponseTransform


class InterceptedExchange(NamedTuple):
    """A request, its response without a change, and the response that was sent."""

    request: Request
    original: MockResponse
    sent: MockResponse


class Interceptor:
    """Transforms responses with the active change. Safe to use from the threads of several servers."""

    def __init__(self, contract: Contract) -> None:
        self._routes = Routes(contract)
        self._lock = Lock()
        self._transform: ResponseTransform | None = None
        self._exchanges: list[InterceptedExchange] = []
        self._deadline = float("inf")

    def intercept(self, request: Request, response: MockResponse) -> MockResponse:
        """Return the response to send, and remember both; past the deadline of a test, the connection is reset."""
        sent = self.transformed(self._transform, request, response)
        with self._lock:
            self._exchanges.append(InterceptedExchange(request, response, sent))
        if time.monotonic() > self._deadline:
            return replace(sent, ending="reset")
        return sent

    def is_any_for(self, exchanges: Iterable[InterceptedExchange], shapes: Sequence[str]) -> bool:
        """Return whether any of the requests is for an operation with one of these shapes."""
        for exchange in exchanges:
            operation, _ = self._routes.operation_and_values(exchange.request.method, exchange.request.target)
            if operation is not None and shape(operation.label) in shapes:
                return True
        return False

    def transformed(
        self, transform: ResponseTransform | None, request: Request, response: MockResponse
    ) -> MockResponse:
        """Return the response with a change applied, or the same object if the change does not affect it."""
        if transform is None:
            return response
        operation, path_values = self._routes.operation_and_values(request.method, request.target)
        return transform(ResponseContext(request, operation, path_values, response))

    def start(self, transform: ResponseTransform | None = None, seconds: float = float("inf")) -> None:
        """Apply a change from now on, for at most this long, and forget earlier exchanges."""
        self.take_exchanges()
        self._transform = transform
        self._deadline = time.monotonic() + seconds

    @property
    def exchanges(self) -> list[InterceptedExchange]:
        """The exchanges since the last call of `start` or `take_exchanges`."""
        with self._lock:
            return self._exchanges[:]

    def take_exchanges(self) -> list[InterceptedExchange]:
        """Return the exchanges since the last call, and forget them."""
        with self._lock:
            exchanges, self._exchanges = self._exchanges, []
        return exchanges


def is_same(first: MockResponse, second: MockResponse) -> bool:
    """Return whether two responses are the same for a client."""
    if first is second:
        return True
    return (first.status, first.headers, first.body) == (second.status, second.headers, second.body)


def digest(responses: Sequence[MockResponse]) -> str:
    """Return a digest of a sequence of responses."""
    sha = sha256()
    for response in responses:
        sha.update(repr((response.status, response.headers)).encode())
        sha.update(response.body)
    return sha.hexdigest()
