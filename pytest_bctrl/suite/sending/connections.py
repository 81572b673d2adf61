"""One request of the plan on its way: what it is, over which connection it goes, and what came of it.

What is here may run in several threads; what the run knows of its target is `target`'s alone.
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
from pytest_bctrl.suite.sending.requests import Ask
from pytest_bctrl.suite.sending.transport_errors import reproduction, surplus_finding
from pytest_bctrl.traffic.client import Options, client
from pytest_bctrl.traffic.flow import AT_MOST, ATTEMPTS, CREDENTIAL, SECOND_LOOK, Attempt
from pytest_bctrl.traffic.retry import RetryPolicy
from pytest_bctrl.traffic.surplus import SOURCE, Surplus, WatchedBackend, WatchedStream

AT_ONCE = 4
"""Requests that are under way together, and connections that are kept, at most."""

SECOND_LOOK_SECONDS, SECOND_LOOKS = 0.5, 3
"""How long a run waits for what may follow a response that does not fit its request, and how often in vain."""

LAST_LOOK_SECONDS = 0.05
"""How long after the last response of a run its connections are looked at for the last time."""

HEAD_SECONDS = 0.05
"""How long it waits for the body that must not follow the response to HEAD, which may be a packet of its own."""


class Reply(NamedTuple):
    """What came of a request, in all its attempts, and when (seconds, monotonic).

    `shell` reproduces it, `before` the request before on the same connection.
    """

    request: httpx.Request
    given: Inputs
    shell: str
    before: str
    attempts: tuple[Attempt, ...]
    came: httpx.Response | httpx.TransportError
    at: float


@dataclass(slots=True)
class _Lane:
    """A client with one connection at a time.

    `before` reproduces the request that it sent last, and `fits` tells whether its response was of the expected kind.
    """

    backend: WatchedBackend
    client: httpx.Client
    before: str = ""
    fits: bool = True


class Connections:
    """Sends requests to one target, over connections that are kept where they may be.

    Each that is kept has seen the right key first: a wrong one over it shows whether the target remembers.
    """

    def __init__(self, run: ContractRun, base_url: str, retry: RetryPolicy, timeout: float) -> None:
        self._run, self._base_url, self._retry, self._timeout = run, base_url, retry, timeout
        self._most = AT_ONCE
        self._idle: list[_Lane] = []
        self._open = self._busy = 0
        self._changed = Condition()
        self._single: _Lane | None = None
        self._late = deque[Finding]()
        self._looks_left = SECOND_LOOKS
        self.are_kept_in_vain = False

    def narrow(self, keep: int) -> None:
        """Have one connection at a time from now on, `keep` of those that nobody uses staying open."""
        with self._changed:
            self._most = 1
            self._close_idle(keep)
            self._changed.notify_all()

    def _close_idle(self, keep: int = 0) -> None:
        while len(self._idle) > keep:
            self._close_lane(self._idle.pop())

    def _close_lane(self, lane: _Lane) -> None:
        if not lane.fits and self._looks_left:
            # Closed, it would not show any more whether the response was one to another request.
            self._looks_left -= not lane.backend.look(SECOND_LOOK_SECONDS)
        lane.client.close()
        self._open -= 1

    def close(self) -> None:
        """Close all, when nothing is under way."""
        self.narrow(0)
        if self._single is not None:
            self._single.client.close()

    def take_late(self, *, is_last: bool = False) -> list[Finding]:
        """Return what arrived on idle connections since the last call; the last one looks at all that are open."""
        if is_last:
            with self._changed:
                for lane in self._idle:
                    lane.backend.look(LAST_LOOK_SECONDS)
        return [self._late.popleft() for _ in range(len(self._late))]

    def send(self, ask: Ask, at_most: int) -> Reply:
        """Send a request in so many attempts at most; with the key where the operation takes it."""
        lane, is_kept = self._lane(ask)
        operation, sender, given = ask.operation, lane.client, ask.inputs or Inputs()
        target = operation.url_path(given.path) + given.query_text
        given = replace(given, headers=(*_accepted(operation), *given.headers))
        method = ask.method or operation.method
        content = ask.content or None
        request = sender.build_request(method, self._base_url + target, headers=dict(given.headers), content=content)
        sent = list(self._credentials(operation, ask.credential))
        fields = {field.name: value for field, value, _ in sent}
        look = partial(self._second_look, method, ask.unwelcome, is_kept)
        key = [(field.name, shell) for field, _, shell in sent]
        shell = reproduction(request, given.headers, key, self._run.connection)
        own = {CREDENTIAL: fields, AT_MOST: at_most, SECOND_LOOK: look, SOURCE: (operation, shell)}
        request.extensions = {**request.extensions, **own}
        came: httpx.Response | httpx.TransportError
        try:
            came = sender.send(request, stream=True)
        except httpx.TransportError as error:
            came = error.with_traceback(None)
        before, lane.before = lane.before, shell
        with self._changed:
            last = request.extensions[ATTEMPTS][-1]
            lane.fits = last.status is None or (last.status < 400) != ask.unwelcome
            if last.surplus is not None:
                self._looks_left = SECOND_LOOKS
            elif last.status is not None and look(last.status) == SECOND_LOOK_SECONDS:
                self._looks_left -= 1
            self._busy -= 1
            if is_kept and (self._most > 1 or not self._busy):
                self._idle.append(lane)
            elif is_kept:
                self._close_lane(lane)
            self._changed.notify_all()
        return Reply(request, given, shell, before, request.extensions[ATTEMPTS], came, time.monotonic())

    def _lane(self, ask: Ask) -> tuple[_Lane, bool]:
        """Return a connection for a request, and whether it is kept."""
        is_fresh, has_key = ask.fresh or self.are_kept_in_vain, ask.credential is None
        with self._changed:
            if is_fresh and self._most == 1:
                # A server may take the next only when the one before is closed.
                self._close_idle()
            while not is_fresh and not has_key and not self._idle and self._open:
                self._changed.wait()
            self._busy += 1
            if not is_fresh and self._idle:
                return self._idle.pop(), True
            is_kept = not is_fresh or (has_key and not self.are_kept_in_vain and self._open < self._most)
            self._open += is_kept
            if is_kept:
                return self._new_lane(is_kept=True), True
            self._single = self._single or self._new_lane(is_kept=False)
            return self._single, False

    def _new_lane(self, *, is_kept: bool) -> _Lane:
        backend = WatchedBackend(self._report_late)
        return _Lane(backend, self._client(backend, is_kept))

    def _report_late(self, surplus: Surplus) -> None:
        operation, shell = surplus.source
        self._looks_left = SECOND_LOOKS
        self._late.append(surplus_finding(operation, surplus, shell))

    def is_doubtful(self, connection: WatchedStream | None) -> bool:
        """Whether surplus arrived on a connection, so that a response that does not fit may be one to another request.

        What is still on its way is waited for, as long as a run has not done so in vain too often.
        """
        if connection is None:
            return False
        started = time.monotonic()
        is_tainted = connection.settle(SECOND_LOOK_SECONDS if self._looks_left else 0.0)
        has_waited = time.monotonic() - started > SECOND_LOOK_SECONDS / 2
        self._looks_left = SECOND_LOOKS if is_tainted else max(0, self._looks_left - has_waited)
        return is_tainted

    def _second_look(self, method: str, is_unwelcome: bool, is_kept: bool, status: int) -> float:
        """Return how many seconds to wait for what may follow a response: some where it does not fit.

        A connection that is kept can be looked at later.
        """
        if is_kept:
            return 0.0
        if (status < 400) == is_unwelcome and self._looks_left > 0:
            return SECOND_LOOK_SECONDS
        return HEAD_SECONDS if method == "HEAD" else 0.0

    def _client(self, backend: WatchedBackend, is_kept: bool) -> httpx.Client:
        run, options = self._run, Options(retry=self._retry, connection=self._run.connection)
        made = client(self._base_url, run.key, live=True, keep_alive=is_kept, backend=backend, **options)
        made.timeout = httpx.Timeout(self._timeout)
        # A session cookie that the target sets must not stand in for the key in the next request.
        made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        return made

    def _credentials(self, operation: Operation, wrong: Credential | None) -> Iterator[tuple[KeyField, Secret, str]]:
        """The fields that carry a credential, what is in them, and how a shell spells that."""
        for number, one in enumerate(key_fields(self._run.contract, operation) or ()):
            if wrong is None or number:
                yield one, Secret(one.value(self._run.key.reveal())), one.shell("$BCTRL_API_KEY")
            elif wrong.header is not None:
                yield one, wrong.header, wrong.shell


def _accepted(operation: Operation) -> list[tuple[str, str]]:
    """The `Accept` field of a request, where JSON as such is not what the contract has."""
    documented = operation.success.content if operation.success else {}
    if not documented or any(covers_media_type(media, "application/json") for media in documented):
        return []
    return [("Accept", ", ".join(media.partition(";")[0].strip() for media in documented))]
