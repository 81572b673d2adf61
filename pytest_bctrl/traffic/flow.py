"""One guarded request as a generator: what to send and how long to wait, with the sockets left to a driver.

The sync and the async transport drive the same flow, so that both keep the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TypeAlias
from urllib.parse import unquote_plus

import httpx

from pytest_bctrl.contract.key_fields import BEARER, KeyField
from pytest_bctrl.contract.model import SAFE_METHODS, overrides_method
from pytest_bctrl.errors import UnsafeRequestError
from pytest_bctrl.files.limits import TooLargeError, require_unpackable
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.origin import Connection, Origin, is_loopback, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import Surplus, WatchedStream

CREDENTIAL = "bctrl_credential"
"""Request extension: header fields, name to `Secret`, to send in the key's place; an empty mapping sends none."""

AT_MOST = "bctrl_at_most"
"""Request extension: attempts that this request may have, where that is fewer than the policy allows; 0 for one that is
not made again even if a kept connection was gone."""


SECOND_LOOK = "bctrl_second_look"
"""Request extension: a function of the status that says how many seconds to wait for surplus bytes after the response.

They show that a response which does not fit may have been meant for another request."""


class TooMuchError(httpx.ReadError):
    """An answer is not read to its end, or not unpacked, because it is too large."""


FieldsFor: TypeAlias = Callable[[str, str], Sequence[KeyField]]
"""Which header fields carry the key in a request with this method and this path."""

ATTEMPTS = "bctrl_attempts"
"""Response extension: the tuple of `Attempt`s that led to it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a request: the answer it got, with the body as sent, or the kind of error (an httpx exception's name).

    `reused` tells that it went over a connection that an earlier request had opened, `begun` that the head of an
    answer came, over `connection`. `surplus` are the bytes that followed the response, or came before the request. An
    error is data, so that no traceback keeps the frames in which the key is on its way to the wire.
    """

    method: str = ""
    url: str = ""
    status: int | None = None
    error: str | None = None
    detail: str = ""
    seconds: float = 0.0
    reused: bool = False
    begun: bool = True
    headers: httpx.Headers = field(default_factory=httpx.Headers, repr=False)
    body: bytes = field(default=b"", repr=False)
    extensions: Mapping[str, object] = field(default_factory=dict, repr=False)
    surplus: Surplus | None = None
    connection: WatchedStream | None = field(default=None, repr=False)

    @property
    def retry_after(self) -> str | None:
        """The answer's `Retry-After`, as it was sent."""
        value: str | None = self.headers.get("Retry-After")
        return value

    def may_succeed_yet(self, retry: RetryPolicy) -> bool:
        """Whether it came to nothing by what another attempt might not meet."""
        failed = self.error not in (None, *_FINAL) or retry.tries_again(self.status, self.retry_after)
        return (failed or self.is_idle_timeout) and self.method in SAFE_METHODS

    @property
    def idle_close(self) -> bool:
        """Whether a kept connection was gone before the request reached anyone."""
        is_gone = self.error in ("ReadError", "WriteError") or _GONE in self.detail
        return self.reused and not self.begun and is_gone

    @property
    def is_idle_timeout(self) -> bool:
        """Whether a kept connection was given up with 408 while the request was on its way (RFC 9110, 15.5.9)."""
        return self.reused and self.status == 408

    @property
    def is_silent(self) -> bool:
        """Whether nothing came that is, or was to be, an answer."""
        return not self.begun and (self.error != "RemoteProtocolError" or _GONE in self.detail)

    @property
    def is_stray(self) -> bool:
        """Whether what stood on a kept connection is no answer: it may have come after the end of the one before."""
        return self.reused and not self.begun and self.error == "RemoteProtocolError" and _GONE not in self.detail

    @property
    def is_empty_line(self) -> bool:
        """Whether the empty line after the previous response arrived when the next request was already sent."""
        return self.is_stray and self.detail == _EMPTY_LINE

    @property
    def is_vain(self) -> bool:
        """Whether it is the fault of the connection that it was kept."""
        return self.idle_close or self.is_stray or self.is_idle_timeout


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """A proxy, how it is shown, and the variable that names it."""

    address: Secret
    shown: str
    variable: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a client may do: where the key goes, whether the target is live, when to try again.

    `fields` says, for a method and a path, which header fields carry the key. `proxy` is what requests go through.
    `see` is shown each request with its answer.
    """

    origin: Origin
    key: Secret | None
    live: bool
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    fields: FieldsFor = lambda method, path: (BEARER,)
    connection: Connection = field(default_factory=Connection)
    proxy: ProxyAddress | None = None
    see: Callable[[httpx.Request, httpx.Response], None] = lambda request, response: None


@dataclass(frozen=True, slots=True)
class Send:
    """Ask the driver to send `request` and read the whole answer before `deadline` (seconds, monotonic)."""

    request: httpx.Request
    deadline: float


Flow = Generator[Send | float | httpx.Response, Attempt, None]
"""Asks its driver to send a request, for which it is given an `Attempt`, or to sleep so many seconds; then answers."""


def flow(request: httpx.Request, rules: Rules) -> Flow:
    """Drive one request by `rules`; yields the answer at last, or raises the httpx error of the last attempt.

    An answer with bytes after its end is an error, too: what it says may be cut, or meant for another request.

    Raises `UnsafeRequestError` before anything is sent where the method is not safe on a live target, or the
    URL is plain http to another machine.
    """
    refuse_unsafe(request, rules)
    outgoing = _prepared(request, rules)
    patience = rules.retry.patience
    attempts: list[Attempt] = []
    if paused := rules.connection.pace.take(monotonic()):
        yield paused
    deadline = monotonic() + rules.retry.budget
    while True:
        started = monotonic()
        answered = yield Send(_timed(outgoing, deadline - started), deadline)
        seconds = monotonic() - started
        attempt = replace(_unpackable(answered), method=request.method, url=str(request.url), seconds=seconds)
        attempts.append(attempt)
        rules.connection.pace.learn(attempt.status, attempt.headers, monotonic(), datetime.now(UTC), started)
        limit = deadline + (patience if attempt.status == 429 else 0)
        wait = _wait(request, attempts, limit, rules)
        if wait is None:
            break
        wait = max(wait, rules.connection.pace.take(monotonic()))
        if attempt.status == 429:
            # What the target asks for is not a time that it takes.
            patience, deadline = patience - wait, deadline + wait
        yield wait
    response = _finish(request, attempt, tuple(attempts))
    rules.see(request, response)
    yield response


def _unpackable(attempt: Attempt) -> Attempt:
    """The attempt, or an error in its place where httpx would unpack too much from its body."""
    try:
        require_unpackable(attempt.body, attempt.headers.get("Content-Encoding", ""))
    except TooLargeError as error:
        return Attempt(error=TooMuchError.__name__, detail=str(error.strerror), reused=attempt.reused)
    return attempt


def refuse_unsafe(request: httpx.Request, rules: Rules) -> None:
    """Raise `UnsafeRequestError` for a request that must not leave."""
    override = next(_overrides(request), "")
    if rules.live and override:
        raise UnsafeRequestError(
            f"the {override} is not sent to a live target: it could turn {request.method} into another method there",
            where=str(request.url.copy_with(query=None)),
            hint="leave it out, or use the bctrl_mock fixture",
        )
    if rules.live and request.method not in SAFE_METHODS:
        raise UnsafeRequestError(
            f"{request.method} is not sent to a live target: it could create or change something there",
            where=str(request.url.copy_with(query=None)),
            hint="live clients send GET, HEAD and OPTIONS; use the bctrl_mock fixture to test other methods",
        )
    origin = origin_of(str(request.url))
    if origin.scheme == "http" and not is_loopback(origin.host) and origin.host not in rules.connection.http_hosts:
        raise UnsafeRequestError(
            "plain http to another machine is not sent",
            where=str(request.url.copy_with(query=None)),
            hint="use https, or name the host in bctrl_http_hosts",
        )


def _overrides(request: httpx.Request) -> Iterator[str]:
    """Yield what in a request asks for another method than that of its first line."""
    yield from (f"header {name}" for name in request.headers if overrides_method(name))
    target = request.extensions.get("target", request.url.raw_path).decode("latin-1")
    for pair in re.split("[?&;]", target)[1:]:
        name = unquote_plus(pair.partition("=")[0])
        if overrides_method(name):
            yield f"query parameter {name}"


def _prepared(request: httpx.Request, rules: Rules) -> httpx.Request:
    """A copy of the request with the key on it, where it may have it; the caller's request never holds the key."""
    headers = httpx.Headers(request.headers)
    own = request.extensions.get(CREDENTIAL)
    is_ours = origin_of(str(request.url)) == rules.origin
    for name, value, _ in rules.connection.headers if is_ours else ():
        # A caller's own header stands, beside those that the client itself adds.
        if name.lower() in ("accept", "user-agent") or name not in headers:
            headers[name] = value.reveal()
    if rules.key is not None:
        if not is_ours:
            for name in [name for name, value in headers.items() if rules.key.reveal() in value]:
                del headers[name]
        elif isinstance(own, Mapping):
            for name, value in own.items():
                _put(headers, name, value.reveal())
        else:
            for one in rules.fields(request.method, request.url.path):
                # A caller's own header stands, so that a test can see how a wrong one is refused.
                if one.name == "Cookie" or one.name not in headers:
                    _put(headers, one.name, one.value(rules.key.reveal()))
    extensions = {name: value for name, value in request.extensions.items() if name != CREDENTIAL}
    body = httpx.ByteStream(request.content)
    return httpx.Request(request.method, request.url, headers=headers, stream=body, extensions=extensions)


def _put(headers: httpx.Headers, name: str, value: str) -> None:
    """Set a field; a cookie joins those that are there (RFC 6265, 4.2.1)."""
    known = headers.get(name) if name == "Cookie" else None
    headers[name] = f"{known}; {value}" if known else value


def _timed(request: httpx.Request, left: float) -> httpx.Request:
    asked = request.extensions.get("timeout", {})
    # Silence is to end the attempt before the budget does, which would take it for an answer that is still being sent.
    # A wait may end a moment after the budget did, and no socket takes a negative time.
    left = max(left - min(_MARGIN, left / 20), 0.001)
    limits = {name: min(left, asked.get(name) or left) for name in ("connect", "read", "write", "pool")}
    request.extensions = {**request.extensions, "timeout": limits}
    return request


_MARGIN = 0.5


_GONE = "without sending a response"
"""httpcore's words for a connection that ended where an answer was to begin."""

_EMPTY_LINE = "no response line received"
"""h11's message for a response that begins with an empty line."""


def _wait(request: httpx.Request, attempts: Sequence[Attempt], deadline: float, rules: Rules) -> float | None:
    """Seconds to wait before the next attempt, or None where there is to be none."""
    made, last = len(attempts), attempts[-1]
    # A request that a closed connection never carried may have its one attempt yet, and one whose place was taken.
    carried = made - sum(attempt.is_vain for attempt in attempts)
    is_spent = made >= rules.retry.attempts or carried >= request.extensions.get(AT_MOST, made + 1)
    if is_spent or not last.may_succeed_yet(rules.retry):
        return None
    wait = rules.retry.wait(made, last.retry_after, datetime.now(UTC), last.status)
    return wait if monotonic() + wait < deadline else None


_FINAL = ("UnsupportedProtocol", "LocalProtocolError", TooMuchError.__name__)
"""Errors that another attempt would only repeat."""


def _finish(request: httpx.Request, last: Attempt, attempts: tuple[Attempt, ...]) -> httpx.Response:
    # Also where there is an answer: httpx may fail on one, such as a Location that is not a URL.
    request.extensions = {**request.extensions, ATTEMPTS: attempts}
    if last.status is None:
        times = f" ({len(attempts)} attempts)" if len(attempts) > 1 else ""
        kind: type[httpx.TransportError] = getattr(httpx, str(last.error), TooMuchError)
        raise kind(f"{request.method} {request.url}: {last.detail}{times}", request=request)
    if last.surplus is not None:
        message = f"{request.method} {request.url}: the server sent {last.surplus}"
        raise httpx.RemoteProtocolError(message, request=request)
    return httpx.Response(
        last.status,
        headers=last.headers,
        stream=httpx.ByteStream(last.body),
        request=request,
        extensions={**last.extensions, ATTEMPTS: attempts},
    )
