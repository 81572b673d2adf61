"""Sends requests within the budgets of a run and turns their outcomes into exchanges.

Up to four requests are in flight. A target that shows that it accepts fewer gets one at a time from then on. Threads
only send; everything else happens in the thread of the caller, in the order of the plan.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeAlias

import httpx

from pytest_bctrl.checks.response import Response, content_key, share
from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.operations import reason_not_requested, requestable_operations
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.access import is_rejected, rejected_operation, require_access
from pytest_bctrl.suite.sending.connections import MAX_PARALLEL, Connections, SendResult
from pytest_bctrl.suite.sending.requests import Exchange, ProbeRequest, no_findings, plain
from pytest_bctrl.suite.sending.transport_errors import (
    TIMEOUTS,
    NoAnswerError,
    NotCheckedError,
    OperationNotCheckedError,
    attempt_findings,
    decoded,
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

Observe: TypeAlias = Callable[[Response, str, tuple[tuple[str, str], ...]], object]
"""Receives a response, and the query and header fields of its request, without credentials."""


class DueRequest(NamedTuple):
    """A request whose turn has come.

    `sending` is its result if a thread sends it. `pauses` is the number of pauses of the target when it was started.
    """

    request: ProbeRequest
    sending: Future[SendResult] | None = None
    pauses: int = 0


class Sender:
    """Sends the requests of one run to one target. For one thread.

    `tally` counts `requests`, `responses` and `bodies`; `gaps` collects what the engines did not check.
    """

    def __init__(
        self,
        run: ContractRun,
        retry: RetryPolicy,
        timeout: float,
        max_lost_seconds: float,
        observe: Observe,
        max_parallel: int,
    ) -> None:
        self.run = run
        self.tally = Counter[str]()
        self.gaps: dict[str, None] = {}
        self._retry, self._max_lost_seconds, self._observe = retry, max_lost_seconds, observe
        # A server that accepts one connection at a time responds only after the idle connections are closed.
        self._idle_timeout = timeout / 5
        base_url = run.mock.start().url if run.mock else run.base_url
        self.connections = Connections(run, base_url, retry, timeout)
        self._threads = ThreadPoolExecutor(MAX_PARALLEL)
        self.max_parallel = MAX_PARALLEL
        if max_parallel == 1 or run.connection.pace.seconds:
            self.send_one_at_a_time()
        self._in_flight: list[Future[SendResult]] = []
        self._blocking: Future[SendResult] | None = None
        self._operation_count = len(requestable_operations(run))
        self._rejected_operations: set[str] = set()
        self._plain_exchanges: dict[str, Exchange | NoAnswerError | OperationNotCheckedError] = {}
        self._exchanges: dict[Hashable, Exchange | NoAnswerError] = {}
        self._started: dict[Hashable, DueRequest] = {}
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

    def plain_exchange(self, operation: Operation) -> Exchange:
        """Return the exchange of the operation's plain request, sent once; raises its error each time.

        Raises `NoAnswerError` if the target cannot be tested, and `OperationNotCheckedError` if only this operation
        cannot be, each time without sending the request again.
        """
        exchange = self._plain_exchanges.get(operation.label)
        if exchange is None:
            try:
                exchange = self._accepted_plain_exchange(operation)
            except (NoAnswerError, OperationNotCheckedError) as error:
                exchange = error
            self._plain_exchanges[operation.label] = exchange
        if isinstance(exchange, Exception):
            raise exchange
        return exchange

    def _accepted_plain_exchange(self, operation: Operation) -> Exchange:
        """Send the plain request and return its exchange; raises an error if it is rejected or gets no response."""
        # On a new connection, it gets no late bytes of another operation.
        request = ProbeRequest(operation, no_findings, plain(self.run, operation), opens_connection=True)
        try:
            exchange = self.exchange(DueRequest(request))
        except NoAnswerError as error:
            if error.is_final or self._operation_count <= 1:
                raise NoAnswerError(error.finding, is_final=True, is_outage=error.is_outage) from None
            message = error.finding.message.partition(";")[0]
            raise OperationNotCheckedError(message, [error.finding]) from None
        response = exchange.response
        if is_rejected(response):
            self._rejected_operations.add(operation.label)
            if len(self._rejected_operations) >= self._operation_count:
                # The target rejects every operation.
                require_access(response)
            raise rejected_operation(response)
        return exchange

    def is_started(self, request: ProbeRequest) -> bool:
        """Return whether an equal request was sent or is in flight."""
        return request.key in self._exchanges or request.key in self._started

    @property
    def is_blocked(self) -> bool:
        """Whether a request is in flight that no later request may overlap."""
        return self._blocking is not None and not self._blocking.done()

    def start(self, request: ProbeRequest, earlier: Iterable[DueRequest]) -> DueRequest:
        """Return the due request, which a thread sends now if requests may overlap, and otherwise `exchange` later.

        Raises `NoAnswerError` or `NotCheckedError` if it cannot be sent. `earlier` are those of the same probe.
        """
        overlaps = self.max_parallel > 1 and request.inputs is not None
        if overlaps and not request.is_independent:
            # The plain request goes alone: it shows whether the target is usable, and whether requests may overlap.
            self.plain_exchange(request.operation)
            overlaps = self.max_parallel > 1
        sending = None
        if overlaps and not self.is_started(request):
            self._reserve(request.operation)
            awaited = [due.sending for due in earlier if due.sending] if request.waits else []
            sending = self._threads.submit(self._send_after, request, awaited)
            if request.waits:
                self._blocking = sending
            self._in_flight = [*(future for future in self._in_flight if not future.done()), sending]
        due = DueRequest(request, sending, self._pauses[request.operation.label])
        if sending is not None:
            self._started[request.key] = due
        return due

    def _send_after(
        self, request: ProbeRequest, awaited: Iterable[Future[SendResult]], max_attempts: int = 0
    ) -> SendResult:
        """Send a request after others have ended, and return its result."""
        wait(awaited)
        return self.connections.send(request, max_attempts)

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
        self.tally["requests"] += 1

    def _too_many_requests_error(self) -> NotCheckedError:
        """Return the error for an operation that has used up its requests."""
        return NotCheckedError(f"a run sends at most {self.run.most_requests} requests per operation")

    def exchange(self, due: DueRequest) -> Exchange:
        """Return the exchange of a request, sent once for equal ones; raises `NoAnswerError` without a response."""
        key = due.request.key
        exchange = self._exchanges.get(key)
        if exchange is None:
            try:
                exchange = self._new_exchange(self._started.pop(key, due))
            except NoAnswerError as error:
                exchange = error
            self._exchanges[key] = exchange
        if isinstance(exchange, NoAnswerError):
            raise exchange
        return exchange

    def _new_exchange(self, due: DueRequest) -> Exchange:
        """Return the exchange of a request that is sent now or was sent ahead; counts and checks it."""
        request, operation, label = due.request, due.request.operation, due.request.operation.label
        self._require_time(operation)
        pauses = self._pauses[label] if due.sending is None else due.pauses
        result = self._result_of(due)
        attempts = result.attempts
        is_paused = any(attempt.status == 503 for attempt in attempts[:-1])
        # Requests that overlap meet the same pause.
        self._pauses[label] += is_paused and pauses == self._pauses[label]
        self._count_attempts(operation, result)
        received = self._usable_response(operation, result)
        findings = self._retry_findings(request, result, is_paused=is_paused)
        response, plain_response, coding_findings = self._decoded_response(request, result, received)
        self.tally.update(responses=1, bodies=bool(plain_response.content))
        surplus = attempts[-1].surplus
        is_doubtful = surplus is not None and not surplus.is_body
        query, headers = result.request.url.query.decode("ascii"), result.inputs.headers
        return Exchange(
            response,
            plain_response,
            (*findings, *coding_findings),
            pause=self._pauses[label] if is_paused else 0,
            is_doubtful=is_doubtful,
            is_reused=attempts[-1].reused,
            tally=self.tally,
            gaps=self.gaps,
            observe=partial(self._observe, response, query, headers),
        )

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
        return self._operation_count <= 1 and not reason_not_requested(self.run, operation)

    def _retry_findings(self, request: ProbeRequest, result: SendResult, *, is_paused: bool) -> list[Finding]:
        """Return findings about broken attempts, documented responses that were retried, and repeated pauses."""
        operation = request.operation
        findings = list(attempt_findings(operation, result.attempts, result.shell, result.previous_shell))
        for attempt in result.attempts[:-1]:
            findings += self._retried_response_findings(request, result, attempt)
        pauses = self._pauses[operation.label]
        if is_paused and pauses > 1:
            findings.append(pause_finding(operation, pauses, result.shell))
        return findings

    def _result_of(self, due: DueRequest) -> SendResult:
        """Return the result of a request, sent now or ahead; one sent ahead is retried here if it may be, alone.

        Raises `NotCheckedError` if the operation has used up its requests.
        """
        request, operation = due.request, due.request.operation
        if due.sending is None:
            self._reserve(operation)
            if self.max_parallel == 1:
                wait(self._in_flight)
            max_attempts = 1 + self.remaining_unplanned(operation) if self._may_be_limited(operation) else 0
            return self._send_after(request, (), max_attempts)
        if not wait([due.sending], self._idle_timeout).done:
            self.send_one_at_a_time(idle_connections=0)
        result = due.sending.result()
        last = result.attempts[-1]
        retries = min(self.remaining_unplanned(operation), self._retry.attempts - 1)
        if last.is_rate_limited:
            retries = max(1, retries) if self._may_be_limited(operation) else 0
        pause = self._retry.wait(1, last.retry_after, datetime.now(UTC), last.status)
        if last.lost_to_stale_connection and not retries:
            raise self._too_many_requests_error()
        max_pause = self._retry.budget + self._retry.rate_limit_budget
        if not retries or not last.is_retryable(self._retry) or pause > max_pause:
            return result
        if not last.lost_to_stale_connection:
            self.send_one_at_a_time()
            wait(self._in_flight)
        time.sleep(max(0.0, pause - (time.monotonic() - result.ended)))
        if last.error in TIMEOUTS:
            # A request that timed out may lose as much time again.
            retries = min(retries, 2)
        retried = self._send_after(request, (), retries)
        return retried._replace(attempts=(*result.attempts, *retried.attempts))

    def _count_attempts(self, operation: Operation, result: SendResult) -> None:
        """Count retries, rate limits and time-outs, and send singly or reuse no connection if they require that."""
        label, attempts = operation.label, result.attempts
        limited = sum(attempt.is_rate_limited for attempt in attempts[:-1])
        self._rate_limited_count[label] += limited
        self.tally["rate limited"] += limited
        self.tally["requests"] += len(attempts) - 1
        # The rate limit of a target must not change what the run checks.
        retries = len(attempts) - 1 - limited
        self.sent_count[label] += retries
        self.unplanned_count[label] += retries
        vain = [attempt.lost_to_stale_connection for attempt in attempts]
        # A kept connection was closed, or held bytes of no response. Others may, too, and each costs a request.
        self.connections.never_reuses |= any(vain)
        timeouts = [attempt.seconds for attempt in attempts if attempt.error in TIMEOUTS]
        if timeouts:
            self._lost_seconds[label] += sum(timeouts)
            self._timed_out_shell[label] = result.shell
        if vain.count(False) > 1 or _needs_single_requests(attempts[-1]):
            self.send_one_at_a_time()

    def _usable_response(self, operation: Operation, result: SendResult) -> httpx.Response:
        """Return the response; raises `NoAnswerError` if there is none, or if the target still asks to retry later."""
        last, response = result.attempts[-1], result.outcome
        if last.surplus is not None:
            response = _response_of_attempt(last)
        if isinstance(response, httpx.TransportError):
            raise self._transport_error(operation, result, response)
        status = response.status_code
        if status == 429 or (len(result.attempts) > 1 and self._retry.should_retry(status, "")):
            retry_after = parse_retry_after(last.retry_after or "", datetime.now(UTC))
            unplanned = self.unplanned_count[operation.label] + self._rate_limited_count[operation.label]
            message = retry_later_message(status, len(result.attempts), retry_after, unplanned)
            raise NoAnswerError(
                transport_finding(operation, "retry-later", message, result.shell), True, is_outage=True
            )
        return response

    def _transport_error(self, operation: Operation, result: SendResult, error: httpx.TransportError) -> NoAnswerError:
        """Return the error for a request of which no attempt got a response."""
        last = result.attempts[-1]
        description = describe_attempts(error, result.attempts)
        # A target that has responded before, or begins to respond, is there: the error is then a fault of its own.
        is_silent = not self.tally["responses"] and last.is_silent
        is_unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
        is_timeout = type(error).__name__ in TIMEOUTS
        error_finding = transport_finding(operation, description.kind, description.message, result.shell)
        return NoAnswerError(error_finding, is_timeout and self._is_only(operation), is_unreachable or is_silent)

    def _decoded_response(
        self, request: ProbeRequest, result: SendResult, received: httpx.Response
    ) -> tuple[Response, httpx.Response, list[Finding]]:
        """Return a response as data and as httpx has it, both without content coding, and findings about the coding."""
        plain_response, problem = decoded(received)
        plain_exchange = self._plain_exchanges.get(request.operation.label)
        response = Response(
            self.run.contract,
            request.operation,
            plain_response.status_code,
            tuple(received.headers.multi_items()),
            plain_response.content,
            dict(result.inputs.path),
            result.shell,
            request.method,
            has_all_headers=True,
            usual=plain_exchange.response if isinstance(plain_exchange, Exchange) else None,
        )
        first = self._responses_by_content.setdefault(content_key(response), response)
        if first is not response:
            # Results that only depend on the body are computed once.
            share(response, first)
        if not problem:
            return response, plain_response, []
        message = "the body is not in the coding that Content-Encoding names"
        coding_finding = transport_finding(request.operation, "coding", message, result.shell, "body", problem)
        return response, plain_response, [coding_finding]

    def _retried_response_findings(
        self, request: ProbeRequest, result: SendResult, attempt: Attempt
    ) -> Iterator[Finding]:
        """Yield the findings for a response that was retried, such as one 429, if the contract documents it."""
        if attempt.status is None or request.operation.response_for(attempt.status) is None:
            return
        response, _, coding_findings = self._decoded_response(request, result, _response_of_attempt(attempt))
        yield from coding_findings
        yield from check_response(response, aspects=PROTOCOL)


def _response_of_attempt(attempt: Attempt) -> httpx.Response:
    """Return the response to an attempt as httpx has it, though the client did not return it."""
    request = httpx.Request(attempt.method, attempt.url)
    stream = httpx.ByteStream(attempt.body)
    response = httpx.Response(attempt.status or 0, headers=attempt.headers, stream=stream, request=request)
    response.elapsed = timedelta(seconds=attempt.seconds)
    return response


def _needs_single_requests(attempt: Attempt) -> bool:
    """Return whether an attempt had no response or a 429, or announces few remaining requests: send singly then."""
    if attempt.status in (None, 429):
        return True
    remaining = requests_left(attempt.headers)
    return remaining is not None and remaining < 2 * MAX_PARALLEL
