"""Sends single requests over a few connections.

Several threads may use it. What the run knows about its target is in `sender`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import Condition

import httpx

from pytest_bctrl.checks.response import Response
from pytest_bctrl.contract.model import Operation, covers_media_type
from pytest_bctrl.contract.scheme_values import needs_credential
from pytest_bctrl.exchanges.exchange_checks import response_in
from pytest_bctrl.http.codings import decode_strictly
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.suite.request_bodies import request_body
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.credentials import request_credentials
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange
from pytest_bctrl.suite.sending.tally import FOREIGN, UNMATCHED, Tally
from pytest_bctrl.suite.sending.transport_errors import reproduction
from pytest_bctrl.traffic.auth import TargetOperations, credential_reporter
from pytest_bctrl.traffic.client import ClientOptions, client
from pytest_bctrl.traffic.flow import AT_MOST, ATTEMPTS, CREDENTIAL, Attempt
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.traffic.retry import RetryPolicy

MAX_PARALLEL = 4
"""Maximum number of requests in flight, and of connections that are kept open."""


@dataclass(slots=True)
class _PooledConnection:
    """A client that keeps one connection open at a time; `last_shell` reproduces the request that it sent last."""

    client: httpx.Client
    last_shell: str = ""


class Connections:
    """Sends requests to one target and keeps connections open where possible.

    The first request on each kept connection has the right key: an invalid key after it shows whether the target
    remembers the first.
    """

    def __init__(self, run: ContractRun, base_url: str, retry: RetryPolicy, timeout: float, tally: Tally) -> None:
        self.run, self._base_url, self._retry, self._timeout, self._tally = run, base_url, retry, timeout, tally
        self.auth: httpx.Auth | None = None
        self._report_credentials: Callable[[httpx.Request, httpx.Request | None], None] = lambda *_: None
        self._operations = TargetOperations(run.contract, base_url)
        self._max_open = MAX_PARALLEL
        self._idle: list[_PooledConnection] = []
        self._open = self._busy = 0
        self._changed = Condition()
        self._single: _PooledConnection | None = None
        self.never_reuses = False

    def use(self, run: ContractRun, auth: httpx.Auth | None, add_secret: Callable[[str], object]) -> None:
        """Use the key of a run, or an auth of the project; `add_secret` is called with each credential that it adds."""
        self.run, self.auth = run, auth
        self._report_credentials = credential_reporter(run.contract, add_secret)

    def _see_credentials(self, request: httpx.Request, original: httpx.Request | None) -> None:
        """Redact the credentials of a request that an auth has changed or yielded; count one that it yielded."""
        self._report_credentials(request, original)
        if original is None:
            is_foreign = origin_of(str(request.url)) != self._operations.origin
            self._tally.account[FOREIGN if is_foreign else UNMATCHED] += 1

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
        """Close a connection."""
        pooled.client.close()
        self._open -= 1

    def close(self) -> None:
        """Close all connections; no request may be in flight."""
        self.limit_to_one(0)
        if self._single is not None:
            self._single.client.close()

    def send(
        self, planned: PlannedRequest, max_attempts: int, usual: Response | None = None
    ) -> tuple[TargetExchange, ...]:
        """Send a request on a pooled or new connection; return its attempts, also those without a response.

        `usual` is the response to the plain request.
        """
        pooled, is_kept = self._acquire(planned)
        try:
            request, shell = self._build_request(pooled.client, planned)
            request.extensions = {**request.extensions, AT_MOST: max_attempts}
            error = ""
            try:
                pooled.client.send(request, stream=True, auth=self.auth if self._uses_auth(planned) else None)
            except httpx.TransportError as transport_error:
                error = type(transport_error).__name__
            previous_shell, pooled.last_shell = pooled.last_shell, shell
        finally:
            # After an interruption, too: other requests may be waiting for a connection.
            with self._changed:
                self._release(pooled, is_kept)
        transfers: tuple[Attempt, ...] = request.extensions[ATTEMPTS]
        errors = [transfer.error or "" for transfer in transfers]
        # A response with bytes after its end is usable. httpx may reject one that was read, such as a redirect.
        errors[-1] = error if transfers[-1].surplus is None else ""
        path_values = dict(planned.inputs.path) if planned.inputs else {}
        attempts = []
        for transfer, unanswered in zip(transfers, errors, strict=True):
            exchange = _exchange_of(request, shell, transfer, unanswered)
            response = response_in(exchange, self.run.contract, planned.operation, path_values, usual)
            attempts.append(
                TargetExchange(exchange, transfer, response, previous_shell, time.monotonic(), tally=self._tally)
            )
        return tuple(attempts)

    def _build_request(self, sender: httpx.Client, planned: PlannedRequest) -> tuple[httpx.Request, str]:
        """Return the httpx request, with an `Accept` field, and the command that reproduces it."""
        operation, inputs = planned.operation, planned.inputs or Inputs()
        target = planned.path or operation.url_path(inputs.path) + inputs.query_text
        headers, content = (*_accept_header(operation), *inputs.headers), planned.content
        if body := request_body(self.run, operation) if planned.has_usual_method else None:
            media_type, content = body
            headers = (*headers, ("Content-Type", media_type))
        request = sender.build_request(
            planned.method or operation.method,
            self._base_url + target,
            headers=dict(headers),
            content=content or None,
        )
        credentials = list(
            request_credentials(self.run, operation, planned.credential, is_known=not self._uses_auth(planned))
        )
        key_words = [(field, shell) for field, _, shell in credentials]
        shell = reproduction(request, headers, key_words, self.run.connection)
        if not self._uses_auth(planned):
            chosen = [(field, value) for field, value, _ in credentials]
            request.extensions = {**request.extensions, CREDENTIAL: chosen}
        return request, shell

    def _uses_auth(self, planned: PlannedRequest) -> bool:
        """Return whether an `httpx.Auth` of the project adds the credentials of a request."""
        is_right = planned.credential is None and needs_credential(self.run.contract, planned.operation)
        return self.auth is not None and is_right

    def _acquire(self, planned: PlannedRequest) -> tuple[_PooledConnection, bool]:
        """Wait for a connection and return it, with whether it stays open after the request."""
        is_new = planned.opens_connection or self.never_reuses
        has_key = planned.credential is None
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
                pooled = _PooledConnection(self._new_client(is_kept=True))
                self._open += 1
            else:
                if self._single is None:
                    self._single = _PooledConnection(self._new_client(is_kept=False))
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

    def _new_client(self, *, is_kept: bool) -> httpx.Client:
        """Return a new client of the target, for one connection if it is kept."""
        options = ClientOptions(retry=self._retry, connection=self.run.connection)
        if self.auth is not None:
            options |= ClientOptions(operations=self._operations, see_credentials=self._see_credentials)
        is_live = self.run.target != "mock"
        http_client = client(self._base_url, self.auth, live=is_live, keep_alive=is_kept, **options)
        http_client.timeout = httpx.Timeout(self._timeout)
        # A session cookie from the target must not replace the key in the next request.
        http_client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        return http_client


def _exchange_of(request: httpx.Request, shell: str, attempt: Attempt, unanswered: str) -> Exchange:
    """Return one attempt at a request as an exchange; a body that is not in its content coding stays as it was sent."""
    body, problem = decode_strictly(attempt.body, attempt.headers.get("Content-Encoding", ""))
    url, target = str(request.url), request.url.raw_path.decode("ascii")
    sent_headers, headers = tuple(request.headers.multi_items()), tuple(attempt.headers.multi_items())
    sent = Request(request.method, target, sent_headers, request.content, url.removesuffix(target))
    return Exchange(sent, attempt.status or 0, headers, body, unanswered, coding_problem=problem, reproduce=shell)


def _accept_header(operation: Operation) -> list[tuple[str, str]]:
    """Return an `Accept` field if the success response of an operation is documented without JSON."""
    documented = operation.success.content if operation.success else {}
    if not documented or any(covers_media_type(media, "application/json") for media in documented):
        return []
    return [("Accept", ", ".join(media.partition(";")[0].strip() for media in documented))]
