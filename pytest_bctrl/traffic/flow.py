"""Sends one guarded request, as a generator that says what to send and how long to wait.

A driver does the input and output. The sync and the async transport drive the same generator, so both follow the same
rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import unquote_plus

import httpx

from pytest_bctrl.contract.model import SAFE_METHODS, overrides_method
from pytest_bctrl.contract.scheme_values import Credentials
from pytest_bctrl.errors import UnsafeRequestError
from pytest_bctrl.files.limits import TooLargeError
from pytest_bctrl.http.codings import require_unpackable
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.auth import (
    GUARDED,
    UNAUTHENTICATED,
    ContractAuth,
    TargetOperations,
    add_credentials,
    set_credential,
    without_added,
)
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.origin import Connection, Origin, is_loopback, origin_of
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import Surplus

CREDENTIAL = "bctrl_credential"
"""Request extension: the `Credentials` to send in place of those that the contract requires; none if it is empty."""

AT_MOST = "bctrl_at_most"
"""Request extension: the maximum number of attempts, if it is lower than that of the policy.

Attempts that a rate limit rejects (429) do not count. With 0, the request is not even repeated after those and after a
stale connection.
"""


class TooMuchError(httpx.ReadError):
    """A response is too large to be read to its end or decompressed."""


ATTEMPTS = "bctrl_attempts"
"""Response extension: the tuple of `Attempt`s that led to the response."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request: the response with its undecoded body, or the name of an httpx exception.

    `reused` is true if the attempt used a connection that an earlier request had opened, `begun` if the head of a
    response arrived. `surplus` are the bytes that followed the response.
    Errors are kept as data because a traceback would keep the frames that hold the key.
    """

    method: str = ""
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

    @property
    def retry_after(self) -> str | None:
        """The value of `Retry-After` as it was received; None if it is missing."""
        value: str | None = self.headers.get("Retry-After")
        return value

    def is_retryable(self, retry: RetryPolicy) -> bool:
        """Return whether a request may be sent again after this attempt: the method is safe, the failure may pass."""
        has_failed = self.error not in (None, *_FINAL) or retry.should_retry(self.status, self.retry_after)
        return (has_failed or self.is_idle_timeout) and self.method in SAFE_METHODS

    @property
    def idle_close(self) -> bool:
        """Whether the reused connection was closed before any byte of a response arrived."""
        is_closed = self.error in ("ReadError", "WriteError") or _CLOSED in self.detail
        return self.reused and not self.begun and is_closed

    @property
    def is_idle_timeout(self) -> bool:
        """Whether the server ended the idle connection with a 408 that crossed the request (RFC 9110, 15.5.9)."""
        return self.reused and self.status == 408

    @property
    def is_silent(self) -> bool:
        """Whether no byte of a response arrived, also because there was no connection."""
        return not self.begun and (self.error != "RemoteProtocolError" or _CLOSED in self.detail)

    @property
    def is_stray(self) -> bool:
        """Whether the reused connection held bytes that are no response, perhaps sent after the previous response."""
        return self.reused and not self.begun and self.error == "RemoteProtocolError" and _CLOSED not in self.detail

    @property
    def is_empty_line(self) -> bool:
        """Whether the empty line after the previous response arrived when the next request was already sent."""
        return self.is_stray and self.detail == _EMPTY_LINE

    @property
    def is_rate_limited(self) -> bool:
        """Whether the response has the status 429."""
        return self.status == 429

    @property
    def lost_to_stale_connection(self) -> bool:
        """Whether the attempt failed only because it reused an old connection, which the server closed or wrote to."""
        return self.idle_close or self.is_stray or self.is_idle_timeout


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """The address of a proxy, the text that shows it, and the environment variable that sets it."""

    address: Secret
    shown: str
    variable: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a client: its origin and the credentials for it, whether the target is live, when to retry.

    A `ContractAuth` as `auth` is applied here, so that the requests which the caller holds show no credential. Any
    other auth is applied by httpx, to requests of `operations` that need a credential. What it yields to a path that
    they do not have is sent as it is.
    Requests go through `proxy`. `see` is called with each request, without credentials, and its response;
    `see_credentials` with each request that another auth has changed or yielded, and the request before that.
    """

    origin: Origin
    auth: httpx.Auth | None
    live: bool
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    connection: Connection = field(default_factory=Connection)
    proxy: ProxyAddress | None = None
    see: Callable[[httpx.Request, httpx.Response], None] = lambda request, response: None
    operations: TargetOperations | None = None
    see_credentials: Callable[[httpx.Request, httpx.Request | None], None] = lambda request, original: None

    @property
    def contract_auth(self) -> ContractAuth | None:
        """The auth that is applied here."""
        return self.auth if isinstance(self.auth, ContractAuth) else None

    def is_own_request_of_auth(self, request: httpx.Request) -> bool:
        """Return whether a request is one that the auth sends for itself, for example to get a token."""
        if self.auth is None or self.contract_auth is not None or UNAUTHENTICATED in request.extensions:
            return False
        return self.operations is None or not self.operations.has_path(request)

    def authenticates(self, request: httpx.Request) -> bool:
        """Return whether the auth of the client may change a request."""
        return self.operations is None or self.operations.need_credential(request)


@dataclass(frozen=True, slots=True)
class Send:
    """Tells the driver to send `request` and to read the whole response before `deadline` (seconds, monotonic)."""

    request: httpx.Request
    deadline: float


Flow = Generator[Send | float | httpx.Response, Attempt, None]
"""Yields a `Send`, for which the driver sends back an `Attempt`, or seconds to sleep; the response comes last."""


def flow(request: httpx.Request, rules: Rules) -> Flow:
    """Yield the steps that send a request by `rules`, and last the response; raises the error of the last attempt.

    A response with bytes after its end is an error, too: it may be truncated or belong to another request.

    Raises `UnsafeRequestError` before anything is sent if the method is not safe on a live target, or the URL is
    plain http to another machine.
    """
    original: httpx.Request | None = request.extensions.get(UNAUTHENTICATED)
    is_of_auth = rules.is_own_request_of_auth(request)
    if not is_of_auth:
        require_safe(request, rules)
    require_encrypted(request, rules)
    if is_of_auth or original is not None:
        rules.see_credentials(request, original)
    outgoing = _outgoing(request, rules, is_of_auth=is_of_auth)
    rate_limit_budget = rules.retry.rate_limit_budget
    attempts: list[Attempt] = []
    if pause := rules.connection.pace.take(clock.monotonic()):
        yield pause
    deadline = clock.monotonic() + rules.retry.budget
    while True:
        started = clock.monotonic()
        result = yield Send(_with_timeouts(outgoing, deadline - started), deadline)
        seconds = clock.monotonic() - started
        attempt = replace(_failed_if_too_large(result), method=request.method, seconds=seconds)
        attempts.append(attempt)
        rules.connection.pace.learn(attempt.status, attempt.headers, clock.monotonic(), datetime.now(UTC), started)
        is_rate_limited = attempt.status == 429
        latest = deadline
        if is_rate_limited:
            latest += rate_limit_budget
        wait = _wait_seconds(request, attempts, latest, rules)
        if wait is None:
            break
        wait = max(wait, rules.connection.pace.take(clock.monotonic()))
        if is_rate_limited:
            # The target requested this wait, so it does not count as time that the target takes.
            rate_limit_budget, deadline = rate_limit_budget - wait, deadline + wait
        yield wait
    earlier: tuple[Attempt, ...] = request.extensions.get(ATTEMPTS, ())
    response = _response_or_raise(request, attempt, (*earlier, *attempts))
    if not is_of_auth:
        rules.see(without_added(request, original) if original else request, response)
    yield response


def _failed_if_too_large(attempt: Attempt) -> Attempt:
    """Return the attempt; one with an error and no response if its body is too large when it is decompressed."""
    try:
        require_unpackable(attempt.body, attempt.headers.get("Content-Encoding", ""))
    except TooLargeError as error:
        return Attempt(error=TooMuchError.__name__, detail=str(error.strerror), reused=attempt.reused)
    return attempt


def _shown_url(request: httpx.Request) -> str:
    """Return the URL of a request without its query, which may hold secrets."""
    return str(request.url.copy_with(query=None))


def require_safe(request: httpx.Request, rules: Rules) -> None:
    """Raise `UnsafeRequestError` if a request could change a live target."""
    override = next(_method_overrides(request), "")
    if rules.live and override:
        raise UnsafeRequestError(
            f"the {override} is not sent to a live target: it could turn {request.method} into another method there",
            where=_shown_url(request),
            hint="leave it out, or use the bctrl_mock fixture",
        )
    if rules.live and request.method not in SAFE_METHODS:
        raise UnsafeRequestError(
            f"{request.method} is not sent to a live target: it could create or change something there",
            where=_shown_url(request),
            hint="live clients send GET, HEAD and OPTIONS; use the bctrl_mock fixture to test other methods",
        )


def require_encrypted(request: httpx.Request, rules: Rules) -> None:
    """Raise `UnsafeRequestError` for plain http to another machine that the settings do not allow it."""
    origin = origin_of(str(request.url))
    if origin.scheme == "http" and not is_loopback(origin.host) and origin.host not in rules.connection.http_hosts:
        raise UnsafeRequestError(
            "plain http to another machine is not sent",
            where=_shown_url(request),
            hint="use https, or name the host in bctrl_http_hosts",
        )


def _method_overrides(request: httpx.Request) -> Iterator[str]:
    """Yield what overrides the method of a request, as `header NAME` or `query parameter NAME`."""
    yield from (f"header {name}" for name in request.headers if overrides_method(name))
    target = request.extensions.get("target", request.url.raw_path).decode("latin-1")
    for pair in re.split("[?&;]", target)[1:]:
        name = unquote_plus(pair.partition("=")[0])
        if overrides_method(name):
            yield f"query parameter {name}"


def _outgoing(request: httpx.Request, rules: Rules, *, is_of_auth: bool) -> httpx.Request:
    """Return the copy of a request that is sent.

    It has credentials and configured fields for the client's origin, and is without them for any other. A request that
    an auth sends for itself is copied as it is.
    """
    extensions = {
        name: value
        for name, value in request.extensions.items()
        if name not in (CREDENTIAL, GUARDED, UNAUTHENTICATED, ATTEMPTS)
    }
    body = httpx.ByteStream(request.content)
    headers = httpx.Headers(request.headers)
    outgoing = httpx.Request(request.method, request.url, headers=headers, stream=body, extensions=extensions)
    if is_of_auth:
        return outgoing
    if origin_of(str(request.url)) != rules.origin:
        _remove_credentials(outgoing, request, rules)
        return outgoing
    _add_configured_fields(outgoing.headers, rules)
    chosen: Credentials | None = request.extensions.get(CREDENTIAL)
    if chosen is not None:
        for key_field, value in chosen:
            set_credential(outgoing, key_field, value)
    elif rules.contract_auth is not None:
        # A field that the caller set is sent as it is, so that tests can send a wrong key.
        add_credentials(outgoing, rules.contract_auth.credentials(request))
    return outgoing


def _remove_credentials(outgoing: httpx.Request, request: httpx.Request, rules: Rules) -> None:
    """Remove the header fields that contain a credential of the client's origin, as those of a redirected request."""
    original: httpx.Request | None = request.extensions.get(UNAUTHENTICATED)
    if original is not None:
        outgoing.headers = without_added(request, original).headers
    if rules.contract_auth is not None:
        for name, text in list(outgoing.headers.items()):
            if any(value.secret.reveal() in text for value in rules.contract_auth.values.values()):
                del outgoing.headers[name]


def _add_configured_fields(headers: httpx.Headers, rules: Rules) -> None:
    """Add the configured header fields; a field that is set stays, except for `Accept` and `User-Agent`."""
    for name, value, _ in rules.connection.headers:
        if name.lower() == "cookie" and headers.get(name):
            headers[name] = f"{headers[name]}; {value.reveal()}"
        elif name.lower() in ("accept", "user-agent") or name not in headers:
            headers[name] = value.reveal()


def _with_timeouts(request: httpx.Request, seconds: float) -> httpx.Request:
    """Limit each time-out of a request to `seconds`, less a margin, and return the same request."""
    requested = request.extensions.get("timeout", {})
    # A silent server must end the attempt before the budget does, or it looks like a response that is still being sent.
    # A wait may end a moment after the budget did, and no socket accepts a negative time-out.
    limit = max(seconds - min(_MARGIN, seconds / 20), 0.001)
    timeouts = {name: min(limit, requested.get(name) or limit) for name in ("connect", "read", "write", "pool")}
    request.extensions = {**request.extensions, "timeout": timeouts}
    return request


_MARGIN = 0.5


_CLOSED = "without sending a response"
"""Part of httpcore's message for a connection that was closed before a response began."""

_EMPTY_LINE = "no response line received"
"""h11's message for a response that begins with an empty line."""


def _wait_seconds(request: httpx.Request, attempts: Sequence[Attempt], deadline: float, rules: Rules) -> float | None:
    """Return the seconds to wait before the next attempt, or None if the request is not retried."""
    count, last = len(attempts), attempts[-1]
    # A stale connection or a rate limit does not use up an attempt of the request.
    delivered = count - sum(attempt.lost_to_stale_connection or attempt.is_rate_limited for attempt in attempts)
    is_exhausted = count >= rules.retry.attempts or delivered >= request.extensions.get(AT_MOST, count + 1)
    if is_exhausted or not last.is_retryable(rules.retry):
        return None
    wait = rules.retry.wait(count, last.retry_after, datetime.now(UTC), last.status)
    return wait if clock.monotonic() + wait < deadline else None


_FINAL = ("UnsupportedProtocol", "LocalProtocolError", TooMuchError.__name__)
"""Errors that another attempt would only repeat."""


def _response_or_raise(request: httpx.Request, last: Attempt, attempts: tuple[Attempt, ...]) -> httpx.Response:
    """Return the last attempt's response; raise its error, or one for surplus bytes. `request` gets the attempts."""
    # Set even if there is a response: httpx may fail on it, for example on a Location that is not a URL.
    request.extensions = {**request.extensions, ATTEMPTS: attempts}
    if last.status is None:
        times = f" ({len(attempts)} attempts)" if len(attempts) > 1 else ""
        error_type: type[httpx.TransportError] = getattr(httpx, str(last.error), TooMuchError)
        raise error_type(f"{request.method} {_shown_url(request)}: {last.detail}{times}", request=request)
    if last.surplus is not None:
        message = f"{request.method} {_shown_url(request)}: the server sent {last.surplus}"
        raise httpx.RemoteProtocolError(message, request=request)
    return httpx.Response(
        last.status,
        headers=last.headers,
        stream=httpx.ByteStream(last.body),
        request=request,
        extensions={**last.extensions, ATTEMPTS: attempts},
    )
