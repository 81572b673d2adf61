"""Sends single requests over a few connections and watches these for unexpected bytes.

Several threads may use it. What the run knows about its target is in `sender`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from threading import Condition
from typing import NamedTuple

import httpx

from pytest_bctrl.checks.credentials import Credential
from pytest_bctrl.contract.key_fields import KeyField, key_fields
from pytest_bctrl.contract.model import Operation, covers_media_type
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.requests import ProbeRequest
from pytest_bctrl.suite.sending.transport_errors import reproduction
from pytest_bctrl.traffic.client import ClientOptions, client
from pytest_bctrl.traffic.flow import AT_MOST, ATTEMPTS, CREDENTIAL, SECOND_LOOK, Attempt
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import Surplus
from pytest_bctrl.traffic.transport_findings import surplus_finding
from pytest_bctrl.traffic.watched_connection import SOURCE, WatchedBackend, WatchedStream

MAX_PARALLEL = 4
"""Maximum number of requests in flight, and of connections that are kept open."""

SECOND_LOOK_SECONDS, SECOND_LOOKS = 0.5, 3
"""How long to wait for bytes after a response that does not fit its request, and how often without result."""

MOCK_LOOK_SECONDS = 0.05
"""The same for the mock in this process, whose bytes arrive without delay."""

LAST_LOOK_SECONDS = 0.05
"""How long to wait for further bytes on open connections after the last response of a run."""

HEAD_SECONDS = 0.05
"""How long to wait for a body that must not follow the response to HEAD; it may arrive in a packet of its own."""

MOCK_SECONDS = 0.005
"""`LAST_LOOK_SECONDS` and `HEAD_SECONDS` for the mock in this process, which sends a whole response at once."""


class SendResult(NamedTuple):
    """The outcome of a request after all its attempts, and when it ended (seconds, monotonic).

    `shell` is the command that reproduces it, `previous_shell` that of the previous request on the same connection.
    """

    request: httpx.Request
    inputs: Inputs
    shell: str
    previous_shell: str
    attempts: tuple[Attempt, ...]
    outcome: httpx.Response | httpx.TransportError
    ended: float


@dataclass(slots=True)
class _PooledConnection:
    """A client that keeps one connection open at a time.

    `last_shell` reproduces the request that it sent last; `is_as_expected` is False if the response to that was a
    success although a rejection was expected, or the reverse.
    """

    backend: WatchedBackend
    client: httpx.Client
    last_shell: str = ""
    is_as_expected: bool = True


class Connections:
    """Sends requests to one target and keeps connections open where possible.

    The first request on each kept connection has the right key: an invalid key after it shows whether the target
    remembers the first.
    """

    def __init__(self, run: ContractRun, base_url: str, retry: RetryPolicy, timeout: float) -> None:
        self._run, self._base_url, self._retry, self._timeout = run, base_url, retry, timeout
        self._max_open = MAX_PARALLEL
        self._idle: list[_PooledConnection] = []
        self._open = self._busy = 0
        self._changed = Condition()
        self._single: _PooledConnection | None = None
        self._late = deque[Finding]()
        self._looks_left = SECOND_LOOKS
        self._second_look_seconds = MOCK_LOOK_SECONDS if run.mock else SECOND_LOOK_SECONDS
        self._last_look_seconds = MOCK_SECONDS if run.mock else LAST_LOOK_SECONDS
        self._head_seconds = MOCK_SECONDS if run.mock else HEAD_SECONDS
        self.never_reuses = False

    def limit_to_one(self, idle_connections: int) -> None:
        """Allow one connection at a time from now on, and keep at most `idle_connections` idle ones open."""
        with self._changed:
            self._max_open = 1
            self._close_idle(idle_connections)
            self._changed.notify_all()

    def _close_idle(self, remaining: int = 0) -> None:
        """Close idle connections until only `remaining` are left."""
        while len(self._idle) > remaining:
            self._close_pooled(self._idle.pop())

    def _close_pooled(self, pooled: _PooledConnection) -> None:
        """Close a connection; after a success instead of a rejection, or the reverse, look for surplus bytes first."""
        if not pooled.is_as_expected and self._looks_left:
            # Once closed, it can no longer show whether the response belonged to another request.
            self._looks_left -= not pooled.backend.look(self._second_look_seconds)
        pooled.client.close()
        self._open -= 1

    def close(self) -> None:
        """Close all connections; no request may be in flight."""
        self.limit_to_one(0)
        if self._single is not None:
            self._single.client.close()

    def pop_late_findings(self, *, is_last: bool = False) -> list[Finding]:
        """Return the findings for bytes that arrived on idle connections, each finding once.

        The last call of a run waits briefly for further bytes on all open connections.
        """
        if is_last:
            with self._changed:
                for pooled in self._idle:
                    pooled.backend.look(self._last_look_seconds)
        return [self._late.popleft() for _ in range(len(self._late))]

    def send(self, probe_request: ProbeRequest, max_attempts: int) -> SendResult:
        """Send a request on a pooled or new connection; return its attempts and outcome, also a transport error."""
        pooled, is_kept = self._acquire(probe_request)
        try:
            return self._send_on(pooled, is_kept, probe_request, max_attempts)
        finally:
            # After an interruption, too: other requests may be waiting for a connection.
            with self._changed:
                self._release(pooled, is_kept)

    def _send_on(
        self, pooled: _PooledConnection, is_kept: bool, probe_request: ProbeRequest, max_attempts: int
    ) -> SendResult:
        """Send a request on a connection, and record whether its response is as expected."""
        method = probe_request.method or probe_request.operation.method
        look = partial(self._seconds_to_look, method, probe_request.is_invalid, is_kept)
        request, inputs, shell = self._build_request(pooled.client, probe_request)
        request.extensions = {**request.extensions, AT_MOST: max_attempts, SECOND_LOOK: look}
        outcome: httpx.Response | httpx.TransportError
        try:
            outcome = pooled.client.send(request, stream=True)
        except httpx.TransportError as error:
            outcome = error.with_traceback(None)
        previous_shell, pooled.last_shell = pooled.last_shell, shell
        attempts = request.extensions[ATTEMPTS]
        with self._changed:
            last = attempts[-1]
            pooled.is_as_expected = last.status is None or (last.status < 400) != probe_request.is_invalid
            if last.surplus is not None:
                self._looks_left = SECOND_LOOKS
            elif last.status is not None and self._needs_second_look(probe_request.is_invalid, is_kept, last.status):
                self._looks_left -= 1
        return SendResult(request, inputs, shell, previous_shell, attempts, outcome, time.monotonic())

    def _build_request(self, sender: httpx.Client, probe_request: ProbeRequest) -> tuple[httpx.Request, Inputs, str]:
        """Return the httpx request, its inputs with an `Accept` field, and the command that reproduces it."""
        operation, inputs = probe_request.operation, probe_request.inputs or Inputs()
        target = operation.url_path(inputs.path) + inputs.query_text
        inputs = replace(inputs, headers=(*_accept_header(operation), *inputs.headers))
        request = sender.build_request(
            probe_request.method or operation.method,
            self._base_url + target,
            headers=dict(inputs.headers),
            content=probe_request.content or None,
        )
        credentials = list(self._credentials(operation, probe_request.credential))
        key_words = [(field.name, shell) for field, _, shell in credentials]
        shell = reproduction(request, inputs.headers, key_words, self._run.connection)
        credential_fields = {field.name: value for field, value, _ in credentials}
        extensions = {CREDENTIAL: credential_fields, SOURCE: (operation, shell)}
        request.extensions = {**request.extensions, **extensions}
        return request, inputs, shell

    def _acquire(self, probe_request: ProbeRequest) -> tuple[_PooledConnection, bool]:
        """Wait for a connection and return it, with whether it stays open after the request."""
        is_new = probe_request.opens_connection or self.never_reuses
        has_key = probe_request.credential is None
        with self._changed:
            if is_new and self._max_open == 1:
                # The server may accept the next connection only after the previous one is closed.
                self._close_idle()
            while not is_new and not has_key and not self._idle and self._open:
                self._changed.wait()
            is_kept = not is_new or (has_key and not self.never_reuses and self._open < self._max_open)
            # An interruption may end this at any moment, so a connection counts once it exists.
            if not is_new and self._idle:
                pooled = self._idle.pop()
            elif is_kept:
                pooled = self._new_pooled(is_kept=True)
                self._open += 1
            else:
                if self._single is None:
                    self._single = self._new_pooled(is_kept=False)
                pooled = self._single
            self._busy += 1
            return pooled, is_kept

    def _release(self, pooled: _PooledConnection, is_kept: bool) -> None:
        """Put a kept connection back into the pool, or close it if only one may be open; wakes waiting requests."""
        self._busy -= 1
        if is_kept and (self._max_open > 1 or not self._busy):
            self._idle.append(pooled)
        elif is_kept:
            self._close_pooled(pooled)
        self._changed.notify_all()

    def _new_pooled(self, *, is_kept: bool) -> _PooledConnection:
        """Return a new connection that reports late bytes."""
        backend = WatchedBackend(self._report_late)
        return _PooledConnection(backend, self._new_client(backend, is_kept))

    def _report_late(self, surplus: Surplus) -> None:
        """Store a finding about bytes that arrived on an idle connection, and allow all second looks again."""
        operation, shell = surplus.source
        self._looks_left = SECOND_LOOKS
        self._late.append(surplus_finding(operation, surplus, shell))

    def wait_for_surplus(self, connection: WatchedStream) -> bool:
        """Wait for surplus bytes on a connection; return whether any came: its response may be for another request.

        It does not wait once a run has done so without result too often.
        """
        started = time.monotonic()
        is_tainted = connection.settle(self._second_look_seconds if self._looks_left else 0.0)
        has_waited = time.monotonic() - started > self._second_look_seconds / 2
        if is_tainted:
            self._looks_left = SECOND_LOOKS
        else:
            self._looks_left = max(0, self._looks_left - has_waited)
        return is_tainted

    def _needs_second_look(self, is_invalid: bool, is_kept: bool, status: int) -> bool:
        """Return whether to wait for bytes: if a response does not fit its request, and its connection is not kept."""
        return not is_kept and (status < 400) == is_invalid and self._looks_left > 0

    def _seconds_to_look(self, method: str, is_invalid: bool, is_kept: bool, status: int) -> float:
        """Return the seconds to wait for bytes after HEAD or an unexpected status; else, and if kept, 0."""
        if self._needs_second_look(is_invalid, is_kept, status):
            return self._second_look_seconds
        return self._head_seconds if method == "HEAD" and not is_kept else 0.0

    def _new_client(self, backend: WatchedBackend, is_kept: bool) -> httpx.Client:
        """Return a new client for one connection to the target."""
        options = ClientOptions(retry=self._retry, connection=self._run.connection)
        http_client = client(self._base_url, self._run.key, live=True, keep_alive=is_kept, backend=backend, **options)
        http_client.timeout = httpx.Timeout(self._timeout)
        # A session cookie from the target must not replace the key in the next request.
        http_client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        return http_client

    def _credentials(self, operation: Operation, invalid: Credential | None) -> Iterator[tuple[KeyField, Secret, str]]:
        """Yield the field, the value and the shell text of each credential that a request carries."""
        for number, key_field in enumerate(key_fields(self._run.contract, operation) or ()):
            if invalid is None or number:
                yield key_field, Secret(key_field.value(self._run.key.reveal())), key_field.shell("$BCTRL_API_KEY")
            elif invalid.header is not None:
                yield key_field, invalid.header, invalid.shell


def _accept_header(operation: Operation) -> list[tuple[str, str]]:
    """Return an `Accept` field if the success response of an operation is documented without JSON."""
    documented = operation.success.content if operation.success else {}
    if not documented or any(covers_media_type(media, "application/json") for media in documented):
        return []
    return [("Accept", ", ".join(media.partition(";")[0].strip() for media in documented))]
