"""Sends what is planned, turns what comes back into answers and findings, and holds what a run learns of its target.

What does not depend on another request overlaps, four at a time at most; a target that shows that it takes fewer is
asked one at a time from then on. Threads only send: all else is done by who asks, in the order of the plan.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import NamedTuple, TypeAlias

import httpx

from pytest_bctrl.checks.response import Response, content_key, looked, share
from pytest_bctrl.checks.run import check_protocol
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.connections import AT_ONCE, Connections, Reply
from pytest_bctrl.suite.sending.requests import Ask, Exchange, Probe, plain
from pytest_bctrl.suite.sending.transport_errors import (
    TIMEOUTS,
    NoAnswerError,
    NotCheckedError,
    attempt_findings,
    come_back_later,
    decoded,
    finding,
    pause_finding,
    require_let_in,
    surplus_finding,
    trouble,
)
from pytest_bctrl.traffic.client import TIMEOUT
from pytest_bctrl.traffic.flow import Attempt
from pytest_bctrl.traffic.retry import LONGEST, RetryPolicy, parse_retry_after, requests_left

RETRY = RetryPolicy(statuses=frozenset({429}), announced=frozenset({503}), patience=LONGEST)
"""A server error is a finding, so the suite takes the first; only 'come back later' is answered by coming back."""

LOST = 25.0
"""Seconds that a run waits in vain at most, in all requests together, before it asks no more."""

OF_OTHERS = "the engines: answers that other workers of pytest-xdist got"

AGAIN = 100
"""Added to the number of a request that is sent again after a pause, so that it is another one."""

SPARE = 7
"""Unplanned requests for one operation at most: a target that makes us send more is given up."""

See: TypeAlias = Callable[[Response, str, tuple[tuple[str, str], ...]], object]
"""Takes an answer, and the query and the header fields of the request that it answers, without any credential."""


class _Due(NamedTuple):
    """A request whose turn has come; `reply` where a thread sends it, `pauses` as many as were known then."""

    ask: Ask
    reply: Future[Reply] | None = None
    pauses: int = 0


class Target:
    """The API under test, live or mocked, every answer of which `see` sees. For one thread; one a test process.

    `at_once` requests may overlap. A target that is not `is_alone` shares its requests with those of other processes:
    what another one sends for its tests is not sent here for the engines. `tally` counts `requests`, `responses` and
    `bodies`, and what the engines looked at.
    """

    def __init__(
        self,
        run: ContractRun,
        retry: RetryPolicy = RETRY,
        timeout: float = TIMEOUT,
        lost_at_most: float = LOST,
        see: See = lambda response, query, headers: None,
        at_once: int = AT_ONCE,
        is_alone: bool = True,
    ) -> None:
        self.run = run
        self.tally = Counter[str]()
        self._retry, self._lost_at_most, self._see = retry, lost_at_most, see
        # A server that takes one connection at a time answers when those that nobody uses are closed.
        self._patience = timeout / 5
        base_url = run.mock.start().url if run.mock else run.base_url
        self._connections = Connections(run, base_url, retry, timeout)
        self._threads = ThreadPoolExecutor(AT_ONCE)
        self._at_once, self._is_alone = AT_ONCE, is_alone
        if at_once == 1 or run.connection.pace.seconds:
            self._one_at_a_time()
        self._line: Iterator[tuple[Probe, Ask | NotCheckedError | None]] = iter(())
        self._expected: set[Probe] = set()
        self._due: defaultdict[Probe, deque[_Due | Exception | None]] = defaultdict(deque)
        self._ahead = 0
        self._under_way: list[Future[Reply]] = []
        self._held: Future[Reply] | None = None
        self._first: dict[str, Exchange | NoAnswerError] = {}
        self._exchanges: dict[Hashable, Exchange | NoAnswerError] = {}
        self._sent: dict[Hashable, _Due] = {}
        self._contents: dict[Hashable, Response] = {}
        self._gaps: dict[str, None] = {}
        self._asked, self._unplanned, self._pauses = Counter[str](), Counter[str](), Counter[str]()
        self._lost, self._hung = 0.0, ""

    def close(self) -> None:
        """Wait for what is under way, close the connections, and stop the mock where it is the target."""
        self._threads.shutdown()
        self._connections.close()
        if self.run.mock:
            self.run.mock.stop()

    def first(self, operation: Operation) -> Exchange:
        """Return the answer to the operation's plain request, sent once and kept.

        Raises `NoAnswerError` where there is no usable answer, and the same again without a second try.
        """
        known = self._first.get(operation.label)
        if known is None:
            try:
                known = self._exchange(_Due(Ask(operation, lambda exchange: [], plain(self.run, operation))))
                require_let_in(known.response)
            except NoAnswerError as error:
                known = NoAnswerError(error.finding, is_final=True, is_outage=error.is_outage)
            self._first[operation.label] = known
        if isinstance(known, NoAnswerError):
            raise known
        return known

    def expect(self, probes: Iterable[Probe]) -> None:
        """Say what `findings` will be asked for, in this order: its requests may be sent ahead."""
        planned = list(probes)
        self._expected.update(planned)
        self._line = chain.from_iterable(map(self._steps, planned))

    def findings(self, probe: Probe) -> Iterator[list[Finding]]:
        """Ask what a probe asks, and yield what is wrong with each answer; of the last probe, look at the connections.

        Raises what `_findings` raises.
        """
        problem: NoAnswerError | NotCheckedError | None = None
        try:
            yield from self._findings(probe)
        except (NoAnswerError, NotCheckedError) as error:
            problem = error
        if found := self._connections.take_late(is_last=not self._expected and not self._due):
            yield found
        if problem is not None:
            raise problem

    def _findings(self, probe: Probe) -> Iterator[list[Finding]]:
        """Ask what a probe asks, and yield what is wrong with each answer.

        Raises `NoAnswerError` where no attempt got a whole answer, and where the target has hung too often, and
        `NotCheckedError` where there is nothing to look at, or the operation was asked as often as a run may.
        """
        if probe not in self._expected:
            self._line = chain(self._steps(probe), self._line)
        self._expected.discard(probe)
        due, paused, asks, seen = self._due[probe], 0, list[Ask](), set[str]()
        is_doubtful = False
        try:
            while (one := self._next(due)) is not None:
                if isinstance(one, Exception):
                    raise one
                exchange = self._exchange_or_gap(one)
                if exchange is None:
                    continue
                asks.append(one.ask)
                if exchange.pause == 1 and one.ask.inputs is not None:
                    # Of those that overlapped, any may have been the last that the target answered before its pause.
                    paused = len(asks) + (AT_ONCE - 1 if one.reply else 0)
                ask: Ask | None = one.ask
                while ask is not None:
                    findings, is_certain = self._check(ask, exchange)
                    is_doubtful = is_doubtful or not is_certain
                    seen |= looked(exchange.response)
                    yield findings
                    ask = ask.then(exchange)
                    exchange = exchange if ask is None else self._exchange(_Due(ask))
        finally:
            self._due.pop(probe)
            self._ahead -= sum(isinstance(one, _Due) for one in due)
        if probe.is_repeated and paused:
            # A server may need a pause, and must not need one for every fifth answer. One more may then be sent again.
            often = min(paused, max(0, self._spare(probe.operation) - 1))
            again = [replace(ask, number=ask.number + AGAIN) for ask in asks[:often]]
            self._unplanned[probe.operation.label] += len(again)
            yield from self._findings(replace(probe, asks=lambda: again, is_repeated=False))
        if is_doubtful:
            raise NotCheckedError("bytes that belong to no response follow the answer: what it says is not certain")
        if missing := probe.needs - seen:
            raise NotCheckedError(f"no answer was looked at: {', '.join(sorted(missing))}")

    def _exchange_or_gap(self, due: _Due) -> Exchange | None:
        """Return the exchange of a request; None if it failed and the test that the request belongs to reports it."""
        try:
            return self._answered(due)
        except NoAnswerError as error:
            if error.is_final or not due.ask.is_shared:
                raise
            self._gaps[f"an answer that did not arrive: {error.finding.message}"] = None
            return None

    def _check(self, ask: Ask, exchange: Exchange) -> tuple[list[Finding], bool]:
        """Return what is wrong with a response, and whether that is certain.

        It is not if bytes that belong to no response follow it: only what is wrong with its framing is reported then.
        """
        looked(exchange.response).clear()
        findings = ask.judge(exchange)
        certain = [finding for finding in findings if finding in exchange.findings]
        is_certain = findings == certain
        if not is_certain and not exchange.is_doubtful:
            is_certain = not self._connections.is_doubtful(exchange.connection)
        if not is_certain:
            findings = certain
        # The framing of the plain response is reported by the test that looks at it first.
        is_first = ask.inputs is not None and not ask.is_shared
        return [*(exchange.findings if is_first else ()), *findings], is_certain

    def gaps(self) -> list[str]:
        """Return what the engines left out since the last call, one sentence each."""
        gaps, self._gaps = list(self._gaps), {}
        return gaps

    def _steps(self, probe: Probe) -> Iterator[tuple[Probe, Ask | NotCheckedError | None]]:
        """What a probe asks, one by one, or why it cannot; None at its end."""
        try:
            for number, ask in enumerate(probe.asks()):
                if ask.is_shared and not (self._is_alone or ask.inputs is None or self._is_known(ask)):
                    self._gaps[OF_OTHERS] = None
                elif self._is_known(ask) or not (number and ask.spare and self._left(ask.operation) < 1):
                    yield probe, ask
        except NotCheckedError as error:
            yield probe, error
        yield probe, None

    def _next(self, due: deque[_Due | Exception | None]) -> _Due | Exception | None:
        """Return what is next of a probe, having sent what may overlap with it."""
        while not due or (isinstance(due[0], _Due) and self._ahead < self._at_once and self._is_free):
            step = next(self._line, None)
            if step is None:
                break
            probe, ask = step
            # Of one that was given up, nothing more is sent.
            if probe in self._due or probe in self._expected:
                self._due[probe].append(self._begun(ask, self._due[probe]) if isinstance(ask, Ask) else ask)
        one = due.popleft()
        self._ahead -= isinstance(one, _Due)
        return one

    @property
    def _is_free(self) -> bool:
        return self._held is None or self._held.done()

    def _begun(self, ask: Ask, before: Iterable[_Due | Exception | None]) -> _Due | Exception:
        """Have a thread send a request, where requests may overlap; else it is sent when its answer is looked at."""
        reply = None
        try:
            if self._at_once > 1 and ask.inputs is not None:
                # The plain one goes alone: it tells whether anything else can be asked, and whether requests overlap.
                self.first(ask.operation)
            if self._is_known(ask):
                # Its answer is there, or under way.
                pass
            elif self._at_once > 1 and ask.inputs is not None:
                self._reserve(ask.operation)
                earlier = [one.reply for one in before if isinstance(one, _Due) and one.reply] if ask.follows else []
                reply = self._threads.submit(self._send, ask, earlier)
                self._held = reply if ask.follows else self._held
                self._under_way = [*(one for one in self._under_way if not one.done()), reply]
        except (NoAnswerError, NotCheckedError) as error:
            return error
        self._ahead += 1
        due = _Due(ask, reply, self._pauses[ask.operation.label])
        if reply is not None:
            self._sent[ask.key] = due
        return due

    def _is_known(self, ask: Ask) -> bool:
        return ask.key in self._exchanges or ask.key in self._sent

    def _send(self, ask: Ask, after: Iterable[Future[Reply]], at_most: int = 0) -> Reply:
        wait(after)
        return self._connections.send(ask, at_most)

    def _one_at_a_time(self, keep: int = 1) -> None:
        self._at_once = 1
        self._connections.narrow(keep)

    def _left(self, operation: Operation) -> int:
        """How many more requests an operation may get."""
        return self.run.most_requests - self._asked[operation.label]

    def _reserve(self, operation: Operation) -> None:
        if self._left(operation) < 1:
            raise self._too_many()
        self._asked[operation.label] += 1
        self.tally["requests"] += 1

    def _too_many(self) -> NotCheckedError:
        return NotCheckedError(f"{self.run.most_requests} requests of an operation are the most that a run sends")

    def _answered(self, due: _Due) -> Exchange:
        first = self.first(due.ask.operation)
        return first if due.ask.inputs is None else self._exchange(due)

    def _exchange(self, due: _Due) -> Exchange:
        """Return the exchange of a request, which is sent unless an equal one was: all that are equal share it."""
        key = due.ask.key
        known = self._exchanges.get(key)
        if known is None:
            try:
                known = self._exchange_once(self._sent.pop(key, due))
            except NoAnswerError as error:
                known = error
            self._exchanges[key] = known
        if isinstance(known, NoAnswerError):
            raise known
        return known

    def _exchange_once(self, due: _Due) -> Exchange:
        operation, label = due.ask.operation, due.ask.operation.label
        if self._lost > self._lost_at_most:
            words = f"the target hangs again and again: {self._lost:.0f} s were lost, so it is asked no more"
            raise NoAnswerError(finding(operation, words, self._hung), True)
        pauses = self._pauses[label] if due.reply is None else due.pauses
        reply = self._reply(due)
        attempts = reply.attempts
        again = attempts[:-1]
        is_paused = any(attempt.status == 503 for attempt in again)
        # Requests that overlap meet the same pause.
        self._pauses[label] += is_paused and pauses == self._pauses[label]
        self._count(operation, reply)
        received = self._response(operation, reply)
        found = list(attempt_findings(operation, attempts, reply.shell, reply.before))
        for attempt in again:
            found += self._of_suppressed(due.ask, reply, attempt)
        if is_paused and self._pauses[label] > 1:
            found.append(pause_finding(operation, self._pauses[label], reply.shell))
        response, plain, broken = self._decoded_response(due.ask, reply, received)
        self.tally.update(responses=1, bodies=bool(plain.content))
        surplus = attempts[-1].surplus
        is_doubtful = surplus is not None and not surplus.is_body
        if not is_doubtful and reply.request.method == operation.method:
            self._see(response, reply.request.url.query.decode("ascii"), reply.given.headers)
        pause = self._pauses[label] if is_paused else 0
        origin = (is_doubtful, attempts[-1].connection)
        return Exchange(response, plain, (*found, *broken), pause, *origin, self.tally, self._gaps)

    def _reply(self, due: _Due) -> Reply:
        """Return what came of a request, which is sent now, or again by itself, where no thread got an answer to it."""
        operation = due.ask.operation
        if due.reply is None:
            self._reserve(operation)
            return self._send(due.ask, self._under_way if self._at_once == 1 else (), 1 + self._spare(operation))
        if not wait([due.reply], self._patience).done:
            self._one_at_a_time(keep=0)
        reply = due.reply.result()
        last, left = reply.attempts[-1], min(self._spare(operation), self._retry.attempts - 1)
        pause = self._retry.wait(1, last.retry_after, datetime.now(UTC), last.status)
        if last.lost_to_stale_connection and not left:
            raise self._too_many()
        if not left or not last.is_retryable(self._retry) or pause > self._retry.budget + self._retry.patience:
            return reply
        if not last.lost_to_stale_connection:
            self._one_at_a_time()
            wait(self._under_way)
        time.sleep(max(0.0, pause - (time.monotonic() - reply.at)))
        # What lost its time may lose as much as is left of a budget.
        more = self._send(due.ask, (), min(left, 2) if last.error in TIMEOUTS else left)
        return more._replace(attempts=(*reply.attempts, *more.attempts))

    def _spare(self, operation: Operation) -> int:
        """How many requests that are not planned an operation may get."""
        return min(max(0, SPARE - self._unplanned[operation.label]), self._left(operation))

    def _count(self, operation: Operation, reply: Reply) -> None:
        label, attempts = operation.label, reply.attempts
        more = len(attempts) - 1
        self.tally["requests"] += more
        self._asked[label] += more
        self._unplanned[label] += more
        vain = [attempt.lost_to_stale_connection for attempt in attempts]
        # A kept connection was gone, or held what is no answer: another may, too, and each costs a request more.
        self._connections.are_kept_in_vain |= any(vain)
        lost = [attempt.seconds for attempt in attempts if attempt.error in TIMEOUTS]
        self._lost += sum(lost)
        self._hung = reply.shell if lost else self._hung
        if vain.count(False) > 1 or _asks_for_less(attempts[-1]):
            self._one_at_a_time()

    def _response(self, operation: Operation, reply: Reply) -> httpx.Response:
        """Return the answer; raises `NoAnswerError` where there is none, or it says once more to come back later."""
        attempts, response = reply.attempts, reply.came
        if attempts[-1].surplus is not None and attempts[-1].status is not None:
            response = _response_of(attempts[-1])
        if isinstance(response, httpx.TransportError):
            if attempts[-1].surplus is not None:
                raise NoAnswerError(surplus_finding(operation, attempts[-1].surplus, reply.shell), is_final=False)
            message = trouble(response, attempts)
            # A target that answered before, or begins to answer, is there: then it is a fault of its own.
            is_silent = not self.tally["responses"] and all(attempt.is_silent for attempt in attempts[-1:])
            # The request left for nobody.
            is_out_of_reach = isinstance(response, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
            is_lost = type(response).__name__ in TIMEOUTS
            raise NoAnswerError(finding(operation, message, reply.shell), is_lost, is_out_of_reach or is_silent)
        status = response.status_code
        if status == 429 or (len(attempts) > 1 and self._retry.should_retry(status, "")):
            asked = parse_retry_after(attempts[-1].retry_after or "", datetime.now(UTC))
            message = come_back_later(status, len(attempts), asked, self._unplanned[operation.label])
            raise NoAnswerError(finding(operation, message, reply.shell), True, is_outage=True)
        return response

    def _decoded_response(
        self, ask: Ask, reply: Reply, received: httpx.Response
    ) -> tuple[Response, httpx.Response, list[Finding]]:
        """Return an answer as data and as httpx has it, without its content coding, and what is wrong with that."""
        plain, broken = decoded(received)
        usual = self._first.get(ask.operation.label)
        response = Response(
            self.run.contract,
            ask.operation,
            plain.status_code,
            tuple(received.headers.multi_items()),
            plain.content,
            dict(reply.given.path),
            reply.shell,
            ask.method,
            has_all_headers=True,
            usual=usual.response if isinstance(usual, Exchange) else None,
        )
        same = self._contents.setdefault(content_key(response), response)
        if same is not response:
            # What is worked out from a body is worked out once.
            share(response, same)
        words = "the body is not in the coding that Content-Encoding names"
        return response, plain, [finding(ask.operation, words, reply.shell, "body", broken)] if broken else []

    def _of_suppressed(self, ask: Ask, reply: Reply, attempt: Attempt) -> Iterator[Finding]:
        """Hold an answer that was passed over, such as one 429, to what the contract documents for it, if it does."""
        if attempt.status is None or ask.operation.response_for(attempt.status) is None:
            return
        response, _, broken = self._decoded_response(ask, reply, _response_of(attempt))
        yield from broken
        yield from check_protocol(response)


def _response_of(attempt: Attempt) -> httpx.Response:
    """Return the answer that an attempt got, which the client did not give back."""
    request = httpx.Request(attempt.method, attempt.url)
    stream = httpx.ByteStream(attempt.body)
    response = httpx.Response(attempt.status or 0, headers=attempt.headers, stream=stream, request=request)
    response.elapsed = timedelta(seconds=attempt.seconds)
    return response


def _asks_for_less(attempt: Attempt) -> bool:
    """Whether what came shows that the target had better be asked one at a time."""
    left = requests_left(attempt.headers)
    return attempt.status in (None, 429) or (left is not None and left < 2 * AT_ONCE)
