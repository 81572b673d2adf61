"""Sends requests within the budgets of a run and turns their outcomes into exchanges.

Up to four requests are in flight. A target that shows that it accepts fewer gets one at a time from then on. Threads
only send; everything else happens in the thread of the caller, in the order of the plan.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import httpx

from pytest_bctrl.checks.response import Response, content_key, share
from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.operations import reason_not_requested, requestable_operations
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.connections import MAX_PARALLEL, Connections
from pytest_bctrl.suite.sending.requests import PlannedRequest, TargetExchange
from pytest_bctrl.suite.sending.tally import CHECKED, RETRIED, RETRY_LATER, UNANSWERED, UNEXAMINED, Tally
from pytest_bctrl.suite.sending.transport_errors import (
    TIMEOUTS,
    NoAnswerError,
    NotCheckedError,
    attempt_findings,
    describe_attempts,
    pause_finding,
    retry_later_message,
)
from pytest_bctrl.traffic.flow import Attempt
from pytest_bctrl.traffic.retry import RetryPolicy, parse_retry_after, requests_left
from pytest_bctrl.traffic.transport_findings import transport_finding

MAX_HANGING_OPERATIONS = 5
"""Number of operations that may hang, each for its whole time, before the run stops."""

MAX_UNPLANNED = 7
"""Maximum number of unplanned requests per operation; a target that causes more is given up."""

MAX_RATE_LIMITED = 100
"""Maximum number of requests per operation that a rate limit may reject (429) and that are sent again."""

Attempts: TypeAlias = tuple[TargetExchange, ...]
"""The attempts at one request, the last of which counts."""


class Sender:
    """Sends the requests of one run to one target. For one thread."""

    def __init__(
        self,
        run: ContractRun,
        retry: RetryPolicy,
        timeout: float,
        max_lost_seconds: float,
        max_parallel: int,
    ) -> None:
        self.run = run
        self.tally = Tally()
        self._retry, self._max_lost_seconds = retry, max_lost_seconds
        # A server that accepts one connection at a time responds only after the idle connections are closed.
        self._idle_timeout = timeout / 5
        base_url = run.mock.start().url if run.mock else run.base_url
        self.connections = Connections(run, base_url, retry, timeout, self.tally)
        self._threads = ThreadPoolExecutor(MAX_PARALLEL)
        self.max_parallel = MAX_PARALLEL
        if max_parallel == 1 or run.connection.pace.seconds:
            self.send_one_at_a_time()
        self._in_flight: list[Future[Attempts]] = []
        self._blocking: Future[Attempts] | None = None
        self.operation_count = len(requestable_operations(run))
        self.usual: dict[str, Response] = {}
        """The response to the plain request of each operation, by its label, if that was accepted."""
        self._exchanges: dict[Hashable, TargetExchange | NoAnswerError] = {}
        # The requests that a thread sends, with the number of pauses of the target when each was started.
        self._started: dict[Hashable, tuple[Future[Attempts], int]] = {}
        self._has_responded = False
        self._responses_by_content: dict[Hashable, Response] = {}
        self.sent_count, self.unplanned_count, self._pauses = Counter[str](), Counter[str](), Counter[str]()
        self._rate_limited_count = Counter[str]()
        self._lost_seconds = defaultdict[str, float](float)
        self._timed_out_shell: dict[str, str] = {}

    def close(self) -> None:
        """Wait for requests in flight, close the connections, and stop the mock if that is the target."""
        self._threads.shutdown()
        self.connections.close()
        if self.run.mock:
            self.run.mock.stop()

    def use(self, auth: httpx.Auth | None, key: Secret, add_secret: Callable[[str], object]) -> None:
        """Use the credentials of the project: its own auth, or its key; `add_secret` gets those that the auth adds."""
        self.run = replace(self.run, key=key)
        self.connections.use(self.run, auth, add_secret)
        if auth is not None:
            # An auth need not be safe for several threads.
            self.send_one_at_a_time()

    @property
    def has_credentials(self) -> bool:
        """Whether requests carry any credential."""
        return self.connections.auth is not None or bool(self.run.credentials)

    def is_started(self, request: PlannedRequest) -> bool:
        """Return whether an equal request was sent or is in flight."""
        return request.key in self._exchanges or self.is_sent_ahead(request)

    def is_sent_ahead(self, request: PlannedRequest) -> bool:
        """Return whether a thread sends an equal request, or has sent it, and its exchange is not known yet."""
        return request.key in self._started

    @property
    def is_blocked(self) -> bool:
        """Whether a request is in flight that no later request may overlap."""
        return self._blocking is not None and not self._blocking.done()

    def may_overlap(self, request: PlannedRequest) -> bool:
        """Return whether a request may be in flight at the same time as others."""
        return self.max_parallel > 1 and request.inputs is not None

    def start(self, request: PlannedRequest, earlier: Iterable[PlannedRequest]) -> None:
        """Let a thread send a request now if requests may overlap; otherwise `exchange` sends it later.

        Raises `NotCheckedError` if it cannot be sent. `earlier` are those of the same probe.
        """
        if not self.may_overlap(request) or self.is_started(request):
            return
        self._reserve(request.operation)
        awaited = []
        if request.waits:
            awaited = [self._started[before.key][0] for before in earlier if self.is_sent_ahead(before)]
        sending = self._threads.submit(self._send_after, request, awaited)
        if request.waits:
            self._blocking = sending
        self._in_flight = [*(future for future in self._in_flight if not future.done()), sending]
        self._started[request.key] = sending, self._pauses[request.operation.label]

    def _send_after(
        self, request: PlannedRequest, awaited: Iterable[Future[Attempts]], max_attempts: int = 0
    ) -> Attempts:
        """Send a request after others have ended, and return its attempts."""
        wait(awaited)
        return self.connections.send(request, max_attempts, self.usual.get(request.operation.label))

    def send_one_at_a_time(self, idle_connections: int = 1) -> None:
        """Use one connection from now on, and keep at most `idle_connections` open."""
        self.max_parallel = 1
        self.connections.limit_to_one(idle_connections)

    def remaining_requests(self, operation: Operation) -> int:
        """Return how many more requests an operation may get."""
        return self.run.most_requests - self.sent_count[operation.label]

    def remaining_unplanned(self, operation: Operation) -> int:
        """Return how many more unplanned requests an operation may get."""
        unplanned = max(0, MAX_UNPLANNED - self.unplanned_count[operation.label])
        return min(unplanned, self.remaining_requests(operation))

    def _may_be_limited(self, operation: Operation) -> bool:
        """Return whether the operation is below the limit of requests that are rejected with 429 and sent again."""
        return self._rate_limited_count[operation.label] < MAX_RATE_LIMITED

    def _reserve(self, operation: Operation) -> None:
        """Count a request before it is sent. Raises `NotCheckedError` at the limit of the operation."""
        if self.remaining_requests(operation) < 1:
            raise self._too_many_requests_error()
        self.sent_count[operation.label] += 1
        self.tally.account[UNEXAMINED] += 1

    def _too_many_requests_error(self) -> NotCheckedError:
        """Return the error for an operation that has used up its requests."""
        return NotCheckedError(f"a run sends at most {self.run.most_requests} requests per operation")

    def exchange(self, request: PlannedRequest) -> TargetExchange:
        """Return the exchange of a request, sent once for equal ones; raises `NoAnswerError` without a response."""
        exchange = self._exchanges.get(request.key)
        if exchange is None:
            try:
                exchange = self._new_exchange(request)
            except NoAnswerError as error:
                exchange = error
            self._exchanges[request.key] = exchange
        if isinstance(exchange, NoAnswerError):
            raise exchange
        return exchange

    def _new_exchange(self, request: PlannedRequest) -> TargetExchange:
        """Return the exchange of a request that is sent now or was sent ahead; counts and checks it."""
        operation, label = request.operation, request.operation.label
        sending, pauses = self._started.pop(request.key, (None, self._pauses[label]))
        self._require_time(operation)
        attempts = self._attempts_at(request, sending)
        last, is_paused = attempts[-1], any(earlier.exchange.status == 503 for earlier in attempts[:-1])
        # Requests that overlap meet the same pause.
        self._pauses[label] += is_paused and pauses == self._pauses[label]
        self._count_attempts(operation, attempts)
        self._require_usable(operation, attempts)
        findings = self._retry_findings(operation, attempts, is_paused=is_paused)
        findings += self._coding_findings(last)
        self._has_responded = True
        self.tally.counts.update(responses=1, bodies=bool(last.exchange.body))
        return replace(last, findings=tuple(findings), pause=self._pauses[label] if is_paused else 0)

    def _require_time(self, operation: Operation) -> None:
        """Raise `NoAnswerError` if too much time was lost in timeouts: of this operation, or of the whole target.

        An operation may never end its response, such as a stream of events, while the others respond at once.
        """
        lost, total = self._lost_seconds[operation.label], sum(self._lost_seconds.values())
        if lost <= self._max_lost_seconds and total <= MAX_HANGING_OPERATIONS * self._max_lost_seconds:
            return
        is_target = lost <= self._max_lost_seconds or self._is_only(operation)
        subject, seconds = ("the target", total) if is_target else ("the operation", lost)
        message = f"{subject} hangs again and again: {seconds:.0f} s were lost, so no more is sent"
        shells = self._timed_out_shell
        shell = shells.get(operation.label) or next(reversed(shells.values()))
        raise NoAnswerError(transport_finding(operation, "hangs", message, shell), is_final=is_target)

    def _is_only(self, operation: Operation) -> bool:
        """Return whether no other operation is checked, so that nothing is left to check if this one hangs."""
        return self.operation_count <= 1 and not reason_not_requested(self.run, operation)

    def _retry_findings(self, operation: Operation, attempts: Attempts, *, is_paused: bool) -> list[Finding]:
        """Return findings about broken attempts, documented responses that were retried, and repeated pauses."""
        shell = attempts[-1].response.reproduce
        transfers = [attempt.transfer for attempt in attempts]
        findings = list(attempt_findings(operation, transfers, shell, attempts[0].previous_shell))
        for retried in attempts[:-1]:
            is_checked = retried.exchange.status > 0 and retried.response.documented is not None
            outcome = RETRIED
            if is_checked:
                outcome = retried.response.unvalidated or CHECKED
                findings += [*self._coding_findings(retried), *check_response(retried.response, aspects=PROTOCOL)]
            self.tally.settle(retried, outcome)
        pauses = self._pauses[operation.label]
        if is_paused and pauses > 1:
            findings.append(pause_finding(operation, pauses, shell))
        return findings

    def _attempts_at(self, request: PlannedRequest, sending: Future[Attempts] | None) -> Attempts:
        """Return the attempts at a request, sent now or ahead; one sent ahead is retried here if it may be, alone.

        Raises `NotCheckedError` if the operation has used up its requests.
        """
        operation = request.operation
        if sending is None:
            self._reserve(operation)
            if self.max_parallel == 1:
                wait(self._in_flight)
            max_attempts = 1 + self.remaining_unplanned(operation) if self._may_be_limited(operation) else 0
            return self._send_after(request, (), max_attempts)
        if not wait([sending], self._idle_timeout).done:
            self.send_one_at_a_time(idle_connections=0)
        attempts = sending.result()
        last = attempts[-1].transfer
        retries = min(self.remaining_unplanned(operation), self._retry.attempts - 1)
        if last.is_rate_limited:
            retries = max(1, retries) if self._may_be_limited(operation) else 0
        pause = self._retry.wait(1, last.retry_after, datetime.now(UTC), last.status)
        if last.lost_to_stale_connection and not retries:
            self.tally.settle(attempts[-1], RETRIED if last.status else UNANSWERED)
            raise self._too_many_requests_error()
        max_pause = self._retry.budget + self._retry.rate_limit_budget
        if not retries or not last.is_retryable(self._retry) or pause > max_pause:
            return attempts
        if not last.lost_to_stale_connection:
            self.send_one_at_a_time()
            wait(self._in_flight)
        time.sleep(max(0.0, pause - (time.monotonic() - attempts[-1].ended)))
        if last.error in TIMEOUTS:
            # A request that timed out may lose as much time again.
            retries = min(retries, 2)
        return attempts + self._send_after(request, (), retries)

    def _count_attempts(self, operation: Operation, attempts: Attempts) -> None:
        """Count retries, rate limits and time-outs, and send singly or reuse no connection if they require that."""
        label, transfers = operation.label, [attempt.transfer for attempt in attempts]
        limited = sum(transfer.is_rate_limited for transfer in transfers[:-1])
        self._rate_limited_count[label] += limited
        self.tally.counts["rate limited"] += limited
        self.tally.account[UNEXAMINED] += len(attempts) - 1
        for attempt in attempts:
            if attempt.exchange.unanswered:
                self.tally.settle(attempt, UNANSWERED)
        # The rate limit of a target must not change what the run checks.
        retries = len(attempts) - 1 - limited
        self.sent_count[label] += retries
        self.unplanned_count[label] += retries
        vain = [transfer.lost_to_stale_connection for transfer in transfers]
        # A kept connection was closed, or held bytes of no response. Others may, too, and each costs a request.
        self.connections.never_reuses |= any(vain)
        timeouts = [transfer.seconds for transfer in transfers if transfer.error in TIMEOUTS]
        if timeouts:
            self._lost_seconds[label] += sum(timeouts)
            self._timed_out_shell[label] = attempts[-1].response.reproduce
        if vain.count(False) > 1 or _needs_single_requests(transfers[-1]):
            self.send_one_at_a_time()

    def _require_usable(self, operation: Operation, attempts: Attempts) -> None:
        """Raise `NoAnswerError` without a response, or if the target still asks to retry later."""
        last = attempts[-1]
        if last.exchange.unanswered:
            raise self._transport_error(operation, attempts)
        status = last.exchange.status
        if status == 429 or (len(attempts) > 1 and self._retry.should_retry(status, "")):
            for attempt in attempts:
                self.tally.settle(attempt, RETRY_LATER)
            retry_after = parse_retry_after(last.transfer.retry_after or "", datetime.now(UTC))
            unplanned = self.unplanned_count[operation.label] + self._rate_limited_count[operation.label]
            message = retry_later_message(status, len(attempts), retry_after, unplanned)
            finding = transport_finding(operation, "retry-later", message, last.response.reproduce)
            raise NoAnswerError(finding, True, is_outage=True)

    def _transport_error(self, operation: Operation, attempts: Attempts) -> NoAnswerError:
        """Return the error for a request of which no attempt got a response."""
        last, error = attempts[-1], attempts[-1].exchange.unanswered
        description = describe_attempts(error, [attempt.transfer for attempt in attempts])
        # A target that has responded before, or begins to respond, is there: the error is then a fault of its own.
        is_silent = not self._has_responded and last.transfer.is_silent
        is_unreachable = error in ("ConnectError", "ConnectTimeout", "ProxyError")
        finding = transport_finding(operation, description.kind, description.message, last.response.reproduce)
        return NoAnswerError(finding, error in TIMEOUTS and self._is_only(operation), is_unreachable or is_silent)

    def _coding_findings(self, exchange: TargetExchange) -> list[Finding]:
        """Return the finding if a body is not in its content coding; computes what depends on the body alone once."""
        response = exchange.response
        share(response, self._responses_by_content.setdefault(content_key(response), response))
        problem, shell = exchange.exchange.coding_problem, exchange.response.reproduce
        if not problem:
            return []
        message = "the body is not in the coding that Content-Encoding names"
        return [transport_finding(response.operation, "coding", message, shell, "body", problem)]


def _needs_single_requests(attempt: Attempt) -> bool:
    """Return whether an attempt had no response or a 429, or announces few remaining requests: send singly then."""
    if attempt.status in (None, 429):
        return True
    remaining = requests_left(attempt.headers)
    return remaining is not None and remaining < 2 * MAX_PARALLEL
