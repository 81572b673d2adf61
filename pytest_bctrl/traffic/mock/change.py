"""Ways to change an answer, what scenarios are made of; and faults: named ways to misbehave, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Payload, Request, with_headers
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.refusal import Refusals

if TYPE_CHECKING:
    from pytest_bctrl.findings.finding import Level


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a change sees: the request, the answer so far, and what it needs to make another.

    `granted` gives the successful answer to a target, whatever the request's credential and space are. `number` counts
    the requests from one, `turn` the answers that a fault was applied to before.
    """

    request: Request
    response: MockResponse
    refusals: Refusals
    samples: Samples
    granted: Callable[[str], MockResponse]
    number: int
    turn: int = 0

    @property
    def request_id(self) -> str:
        """The id that the answer carries."""
        return self.response.header("x-request-id") or ""

    @property
    def is_success(self) -> bool:
        """Whether the answer so far is a successful one with a body."""
        return 200 <= self.response.status < 300 and bool(self.response.body)

    def refused(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> MockResponse:
        """Return an error answer in the documented shape, with the same request id."""
        return self.refusals.response(status, message, self.request_id, headers=headers)

    def json(self) -> Any:
        """Return the answer's body as JSON data of its own."""
        return json.loads(self.response.body)


Change: TypeAlias = Callable[[RequestContext], MockResponse]


def headers(changes: Mapping[str, str | None]) -> Change:
    """Set header fields, or drop those whose value is None."""
    return lambda context: with_headers(context.response, changes)


def body(make: Callable[[RequestContext], bytes]) -> Change:
    """Put other bytes in place of a successful body, made once for each body that is replaced."""
    made: dict[Payload, Payload] = {}

    def change(context: RequestContext) -> MockResponse:
        if not context.is_success:
            return context.response
        known = made.get(context.response.payload)
        if known is None:
            if len(made) >= 64:
                made.clear()
            known = made[context.response.payload] = Payload(make(context))
        return replace(context.response, payload=known)

    return change


def status(code: int, message: str, extra: Mapping[str, str] | None = None) -> Change:
    """Answer with an error status, in the documented shape; below 400, with the status and no body."""
    if code >= 400:
        return lambda context: context.refused(code, message, extra)
    return lambda context: replace(
        context.response,
        status=code,
        headers=tuple({**(extra or {}), "X-Request-Id": context.request_id}.items()),
        payload=Payload(b""),
        why=message,
    )


def delay(seconds: float) -> Change:
    """Wait before the first byte."""
    return lambda context: replace(context.response, delay=context.response.delay + seconds)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    It is applied to the answers from the `after`th on (0: from the first), to every `every`th of those, at most
    `times` times (None: without end); answers that it does not meet, such as refusals, are not counted.
    `check` is the rule by which a contract suite has to find it at `level`; empty where it breaks no contract, such
    as a delay. `hinders` says why it cannot be played on an operation; empty where it can.
    """

    name: str
    change: Change
    check: str = ""
    level: Level = "error"
    times: int | None = None
    every: int = 1
    after: int = 0
    meets: Callable[[RequestContext], bool] = lambda _context: True
    hinders: Callable[[Samples], str] = lambda _samples: ""

    def when(self, *, times: int | None = None, every: int = 1, after: int = 0) -> Fault:
        """Return the same fault, applied at other times; raises `SettingError` for what is no such number."""
        for word, number, least in (("times", times, 1), ("every", every, 1), ("after", after, 0)):
            if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < least):
                raise SettingError(
                    f"{word}={number!r} is not a number of requests",
                    where=f"fault {self.name}",
                    hint=f"give a whole number from {least} on",
                )
        return replace(self, times=times, every=every, after=after)


class FaultInPlay:
    """A fault on stage, and how often it was applied; in a `with` block it is undone at the end."""

    def __init__(self, fault: Fault, undo: Callable[[FaultInPlay], None]) -> None:
        self.fault = fault
        self._undo = undo
        self._lock = Lock()
        self._met = 0
        self._count = 0

    @property
    def count(self) -> int:
        """How many answers it was applied to."""
        return self._count

    def undo(self) -> None:
        """Take it off the stage; a second call does nothing."""
        self._undo(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<fault {self.fault.name}, applied {self._count} times>"

    def apply(self, context: RequestContext) -> MockResponse:
        """Return the answer as the fault leaves it, or as it was where it is not the fault's turn."""
        fault = self.fault
        if not fault.meets(context):
            return context.response
        with self._lock:
            self._met += 1
            since = self._met - fault.after
            if since < 1 or since % fault.every or (fault.times is not None and self._count >= fault.times):
                return context.response
            turn, self._count = self._count, self._count + 1
        response = fault.change(replace(context, turn=turn))
        return replace(response, faults=(*context.response.faults, fault.name))
