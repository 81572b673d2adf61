"""Changes of responses, from which scenarios and faults are built, and the times at which faults apply."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.errors import SettingError
from pytest_bctrl.http.message import MockResponse, Payload, Request, with_headers
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.call_syntax import shown
from pytest_bctrl.traffic.mock.error_responses import ErrorResponses

if TYPE_CHECKING:
    from pytest_bctrl.findings.finding import Level


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The input of a change: the request, the response so far, and the means to build another response.

    `operation_samples` are the samples of the requested operation, None if its responses are not JSON. `granted`
    returns the success response to a target, for any credential and space, and `error` an error response of the
    operation. `number` counts the requests from one.
    """

    request: Request
    response: MockResponse
    error_responses: ErrorResponses
    operation_samples: Samples | None
    granted: Callable[[str], MockResponse]
    error: Callable[[int, str, Mapping[str, str] | None], MockResponse]
    number: int

    @property
    def samples(self) -> Samples:
        """The samples of the requested operation; raises `SettingError` if its responses are not JSON."""
        if self.operation_samples is None:
            raise SettingError(
                "the operation documents no successful JSON response",
                where=f"{self.request.method} {self.request.target}",
                hint="use the samples of another operation",
            )
        return self.operation_samples

    @property
    def request_id(self) -> str:
        """The request id in the response so far; empty if it has none."""
        return self.response.header("x-request-id") or ""

    @property
    def is_success(self) -> bool:
        """Whether the response so far is a success with a body."""
        return 200 <= self.response.status < 300 and bool(self.response.body)

    @property
    def is_json_success(self) -> bool:
        """Whether the response so far is a success with a body and the content type of JSON."""
        return self.is_success and is_json((self.response.header("content-type") or "").lower())

    @property
    def has_parsable_body(self) -> bool:
        """Whether the response so far is a success with a body that is JSON in UTF-8, also after earlier faults."""
        return self.is_json_success and _is_json(self.response.body)

    def error_response(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> MockResponse:
        """Return an error response in the documented shape, with the same request id."""
        return self.error(status, message, headers)

    def json(self) -> Any:
        """Return a copy of the response's body as JSON data."""
        return json.loads(self.response.body)


Change: TypeAlias = Callable[[RequestContext], MockResponse]


def headers(changes: Mapping[str, str | None]) -> Change:
    """Return a change that sets header fields, and removes those whose value is None."""
    return lambda context: with_headers(context.response, changes)


def _is_json(body: bytes) -> bool:
    """Return whether a body is JSON in UTF-8, NaN allowed."""
    try:
        json.loads(body.decode())
    except (ValueError, RecursionError):
        return False
    return True


class BodyChange:
    """Replaces the body of a response by the result of a function, computed once per original body.

    The function returns None for a body that it leaves as it is.
    """

    def __init__(self, new_body: Callable[[RequestContext], bytes | None]) -> None:
        self._new_body = new_body
        self._payloads: dict[Payload, Payload | None] = {}

    def affects(self, context: RequestContext) -> bool:
        """Return whether the function returns a new body for the response so far."""
        return self._new_payload(context) is not None

    def __call__(self, context: RequestContext) -> MockResponse:
        """Return the response with the new body; the response so far if the function returns None."""
        return replace(context.response, payload=self._new_payload(context) or context.response.payload)

    def _new_payload(self, context: RequestContext) -> Payload | None:
        """Return the new body, computed or from the cache; None if the function returns None."""
        payload = context.response.payload
        with suppress(KeyError):
            return self._payloads[payload]
        body = self._new_body(context)
        new_payload = None if body is None else Payload(body)
        if len(self._payloads) >= _CACHED_BODIES:
            self._payloads.clear()
        self._payloads[payload] = new_payload
        return new_payload


_CACHED_BODIES = 64


def status(code: int, message: str, extra: Mapping[str, str] | None = None) -> Change:
    """Return a change to an error response with a status, in the documented shape; below 400, to an empty response."""
    if code >= 400:
        return lambda context: context.error_response(code, message, extra)
    return lambda context: replace(
        context.response,
        status=code,
        headers=tuple({**(extra or {}), "X-Request-Id": context.request_id}.items()),
        payload=Payload(b""),
        why=message,
    )


def delay(seconds: float) -> Change:
    """Return a change that adds `seconds` to the delay before the first byte."""
    return lambda context: replace(context.response, delay=context.response.delay + seconds)


@dataclass(frozen=True, slots=True)
class Fault:
    """A deliberate misbehaviour of the mock.

    It applies to the responses from the `after`th on (0: from the first), to every `every`th of those, at most `times`
    times (None: without limit); responses for which `meets` is false, such as rejections, are not counted. `check` is
    the rule that reports the fault in a contract suite, at `level`; empty if it breaks no contract, such as a delay.
    `hinders` returns why the fault has no effect on an operation; empty if it has one. `needs` describes the responses
    for which `meets` is true, for the message about a fault that was never applied; empty if it applies to all.
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
    needs: str = ""

    def when(self, *, times: int | None = None, every: int = 1, after: int = 0) -> Fault:
        """Return a copy of the fault that applies at these times instead; raises `SettingError` for invalid numbers."""
        for word, number, least in (("times", times, 1), ("every", every, 1), ("after", after, 0)):
            if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < least):
                raise SettingError(
                    f"{word}={shown(number)} is not a number of requests",
                    where=f"fault {self.name}",
                    hint=f"give a whole number from {least} on",
                )
        return replace(self, times=times, every=every, after=after)


def timed_name(fault: Fault) -> str:
    """Return a fault as the call that creates it: `status(503, times=2)`."""
    name, _, arguments = fault.name.partition("(")
    defaults = {"times": None, "every": 1, "after": 0}
    timing = [f"{word}={getattr(fault, word)}" for word, value in defaults.items() if getattr(fault, word) != value]
    return f"{name}({', '.join(filter(None, [arguments.removesuffix(')'), *timing]))})"


class FaultInPlay:
    """An active fault and how often it was applied; a `with` block removes it at its end.

    `operation` is the only operation that it affects; None for all of them.
    """

    def __init__(self, fault: Fault, undo: Callable[[FaultInPlay], None], operation: Operation | None = None) -> None:
        self.fault = fault
        self.operation = operation
        self._undo = undo
        self._lock = Lock()
        self._met = 0
        self._count = 0

    @property
    def count(self) -> int:
        """The number of responses to which the fault was applied."""
        return self._count

    def remaining(self) -> str:
        """Return how far the fault was not used, as text; empty once it was applied `times` times (None: once)."""
        if self.fault.times is not None and 0 < self._count < self.fault.times:
            return f"applied {self._count} of {self.fault.times} times"
        if self._count > 0:
            return ""
        if self.fault.needs:
            return f"never applied: it needs {self.fault.needs}"
        return "never applied"

    def undo(self) -> None:
        """Remove the fault; a second call does nothing."""
        self._undo(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<fault {self.fault.name}, applied {self._count} times>"

    def apply(self, context: RequestContext) -> MockResponse:
        """Return the changed response, and count it; the response so far if the fault does not apply to it."""
        fault = self.fault
        if not fault.meets(context):
            return context.response
        with self._lock:
            self._met += 1
            since = self._met - fault.after
            if since < 1 or since % fault.every or (fault.times is not None and self._count >= fault.times):
                return context.response
            self._count += 1
        response = fault.change(context)
        return replace(response, faults=(*context.response.faults, fault.name))
