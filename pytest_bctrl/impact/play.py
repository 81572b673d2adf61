"""What stands between the mock, or a recording, and a test: it plays the change in force and keeps what was sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.fingerprint import shape
from pytest_bctrl.impact.change import Call, Play
from pytest_bctrl.traffic.mock.message import Answer, Request
from pytest_bctrl.traffic.mock.routes import Routes


class Exchange(NamedTuple):
    """One request, the answer as it would be without a change, and as it was sent."""

    request: Request
    given: Answer
    sent: Answer


class Player:
    """Changes answers as the change in force says; safe to use from the threads of several servers."""

    def __init__(self, contract: Contract) -> None:
        self._routes = Routes(contract)
        self._lock = Lock()
        self._play: Play | None = None
        self._exchanges: list[Exchange] = []
        self._until = float("inf")

    def answer(self, request: Request, answer: Answer) -> Answer:
        """Return an answer as it is sent, and keep both; after the time that a test has, the connection is reset."""
        sent = self.changed(self._play, request, answer)
        with self._lock:
            self._exchanges.append(Exchange(request, answer, sent))
        return replace(sent, ending="reset") if time.monotonic() > self._until else sent

    def asks(self, exchanges: Iterable[Exchange], shapes: Sequence[str]) -> bool:
        """Whether any of the requests asks an operation of one of these shapes."""
        asked = (self._routes.asked(one.request.method, one.request.target)[0] for one in exchanges)
        return any(operation is not None and shape(operation.label) in shapes for operation in asked)

    def changed(self, play: Play | None, request: Request, answer: Answer) -> Answer:
        """Return what a change makes of an answer; the same object where it does not touch it."""
        if play is None:
            return answer
        return play(Call(request, *self._routes.asked(request.method, request.target), answer))

    def begin(self, play: Play | None = None, seconds: float = float("inf")) -> None:
        """Play a change from now on, and forget what was sent."""
        self.taken()
        self._play, self._until = play, time.monotonic() + seconds

    @property
    def sent(self) -> list[Exchange]:
        """What was sent since the last call of `begin` or `taken`."""
        with self._lock:
            return self._exchanges[:]

    def taken(self) -> list[Exchange]:
        """Return what was sent since the last call."""
        with self._lock:
            taken, self._exchanges = self._exchanges, []
        return taken


def is_same(one: Answer, other: Answer) -> bool:
    """Whether a client cannot tell two answers apart."""
    return one is other or (one.status, one.headers, one.body) == (other.status, other.headers, other.body)


def digest(answers: Sequence[Answer]) -> str:
    """Return what tells sequences of answers apart."""
    made = sha256()
    for answer in answers:
        made.update(repr((answer.status, answer.headers)).encode())
        made.update(answer.body)
    return made.hexdigest()
