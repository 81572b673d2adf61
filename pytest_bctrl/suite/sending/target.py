"""Runs probes against the target: queues their requests, checks each response, and yields findings."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TypeAlias

import httpx

from pytest_bctrl.checks.credentials import RULE, has_media_type_with_key, is_alike, is_of_accepted_credential
from pytest_bctrl.checks.ignored_parameters import RULE as IGNORED_FILTER
from pytest_bctrl.checks.response import Response, looked
from pytest_bctrl.contract.key_fields import requirement
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.connections import MAX_PARALLEL
from pytest_bctrl.suite.sending.plain_requests import PlainRequests
from pytest_bctrl.suite.sending.requests import (
    PlannedRequest,
    Probe,
    TargetExchange,
    to_unknown_path,
    with_key,
)
from pytest_bctrl.suite.sending.sender import Sender
from pytest_bctrl.suite.sending.tally import CHECKED, UNCERTAIN, Tally
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError, NotCheckedError, OperationNotCheckedError
from pytest_bctrl.traffic.client import TIMEOUT
from pytest_bctrl.traffic.retry import LONGEST, RetryPolicy
from pytest_bctrl.traffic.transport_findings import mismatch_finding

RETRY = RetryPolicy(statuses=frozenset({429}), announced=frozenset({503}), rate_limit_budget=LONGEST)
"""The suite retries only if the target asks for it: other server errors become findings immediately."""

MAX_LOST_SECONDS = 25.0
"""Total seconds lost to time-outs after which the run sends no further requests."""

OTHER_WORKERS = "the engines: responses that other workers of pytest-xdist received"

NUMBER_AFTER_PAUSE = 100
"""Added to the number of a request that is repeated after a pause, so that it is not equal to the first."""

NUMBER_ON_NEW_CONNECTION = 200
"""The same for a request that is repeated on a new connection."""

_VALIDATIONS = frozenset({"schema", "jsonschema", "Schemathesis"})
"""The checks that validate the body of a response: ours, and those of the other engines."""

Observe: TypeAlias = Callable[[Response, str, tuple[tuple[str, str], ...]], object]
"""Receives a response, and the query and header fields of its request, without credentials."""

_Queued: TypeAlias = PlannedRequest | Exception | None
"""A request of a probe, the reason why the probe cannot send more, or None at its end."""


class Target:
    """The API under test, live or mocked. For one thread; one per test process.

    `observe` is called with each response that a check validated. Up to `max_parallel` requests overlap. A target that
    is not `is_alone` shares the tests with other processes; requests that those send are not sent here for the engines.
    """

    def __init__(
        self,
        run: ContractRun,
        retry: RetryPolicy = RETRY,
        timeout: float = TIMEOUT,
        max_lost_seconds: float = MAX_LOST_SECONDS,
        observe: Observe = lambda *_: None,
        max_parallel: int = MAX_PARALLEL,
        is_alone: bool = True,
    ) -> None:
        self.run = run
        self.sender = Sender(run, retry, timeout, max_lost_seconds, max_parallel)
        self._plain = PlainRequests(self.sender)
        self._observe = observe
        self._is_alone = is_alone
        self._steps: Iterator[tuple[Probe, _Queued]] = iter(())
        self._expected: set[Probe] = set()
        self._queues: defaultdict[Probe, deque[_Queued]] = defaultdict(deque)
        self._queued_count = 0
        self._reported_operations: set[str] = set()
        self._proven: set[tuple[str, str]] = set()

    @property
    def tally(self) -> Tally:
        """The running counts, no copy: what became of each request, and what the engines validated."""
        return self.sender.tally

    def close(self) -> None:
        """Wait for requests in flight, close the connections, and stop the mock if that is the target."""
        self.sender.close()

    def use(self, auth: httpx.Auth | None, key: Secret, add_secret: Callable[[str], object]) -> None:
        """Use the credentials of the project: its own auth, or its key; `add_secret` gets those that the auth adds."""
        self.sender.use(auth, key, add_secret)

    def plain_exchange(self, operation: Operation) -> TargetExchange:
        """Return the exchange of the operation's plain request, sent once; raises as `PlainRequests.exchange` does."""
        return self._plain.exchange(operation)

    def expect(self, probes: Iterable[Probe]) -> None:
        """Announce the probes of later calls of `findings`, in order, so that their requests may be sent ahead."""
        planned = list(probes)
        self._expected.update(planned)
        self._steps = chain.from_iterable(map(self._request_steps, planned))

    def findings(self, probe: Probe) -> Iterator[list[Finding]]:
        """Send the requests of a probe and yield the findings for each response.

        Raises `NoAnswerError` if no attempt got a complete response or the target timed out too often, and
        `NotCheckedError` if there is nothing to check or the operation's budget of requests is used up.
        """
        try:
            yield from map(self._without_choices_of_mock, self._probe_findings(probe))
        except OperationNotCheckedError as problem:
            if probe.operation.label not in self._reported_operations:
                self._reported_operations.add(probe.operation.label)
                yield list(problem.findings)
            raise

    def _without_choices_of_mock(self, findings: list[Finding]) -> list[Finding]:
        """Return findings; those of a mock, without the warnings about what it chooses.

        That is the status of a rejection, if the contract documents none, and the items of a list, which it does not
        filter, and pages only where it recognises how.
        """
        if self.run.target != "mock":
            return findings
        chosen = ("status_code_conformance", IGNORED_FILTER, "ignored_page_size")
        return [finding for finding in findings if finding.level != "warning" or finding.rule not in chosen]

    def _probe_findings(self, probe: Probe) -> Iterator[list[Finding]]:
        """Send the requests of a probe and yield the findings for each response; raises as `findings` does."""
        if probe not in self._expected:
            self._steps = chain(self._request_steps(probe), self._steps)
        self._expected.discard(probe)
        queue = self._queues[probe]
        requests: list[PlannedRequest] = []
        completed_checks: set[str] = set()
        requests_until_pause = 0
        is_doubtful = False
        try:
            while (request := self._next_step(queue)) is not None:
                if isinstance(request, Exception):
                    raise request
                overlaps = self.sender.is_sent_ahead(request)
                exchange = self._exchange_or_gap(request)
                if exchange is None:
                    continue
                requests.append(request)
                if exchange.pause == 1 and request.inputs is not None:
                    # Any of those that overlapped may have been the last before the pause.
                    requests_until_pause = len(requests) + (MAX_PARALLEL - 1 if overlaps else 0)
                for checked_exchange, findings, is_certain in self._check_with_follow_ups(request, exchange):
                    is_doubtful = is_doubtful or not is_certain
                    completed_checks |= looked(checked_exchange.response)
                    yield findings
        finally:
            self._queues.pop(probe)
            self._queued_count -= sum(isinstance(queued, PlannedRequest) for queued in queue)
        if probe.is_repeated and requests_until_pause:
            yield from self._repeat_after_pause(probe, requests[:requests_until_pause])
        if is_doubtful:
            raise NotCheckedError("bytes that belong to no response follow the response: its content is not certain")
        if missing := probe.required_checks - completed_checks:
            raise NotCheckedError(f"no response was checked: {', '.join(sorted(missing))}")

    def _repeat_after_pause(self, probe: Probe, requests: list[PlannedRequest]) -> Iterator[list[Finding]]:
        """Send requests again after the first pause: a server may pause once, but not on every fifth response."""
        label = probe.operation.label
        # One unplanned request remains, for a retry.
        count = max(0, self.sender.remaining_unplanned(probe.operation) - 1)
        repeated = [replace(request, number=request.number + NUMBER_AFTER_PAUSE) for request in requests[:count]]
        self.sender.unplanned_count[label] += len(repeated)
        yield from self._probe_findings(replace(probe, requests=lambda: repeated, is_repeated=False))

    def _exchange_or_gap(self, request: PlannedRequest) -> TargetExchange | None:
        """Return the exchange of a request; None, with a gap, if a shared one failed: another test reports that."""
        if not request.is_independent:
            plain_exchange = self.plain_exchange(request.operation)
            if request.inputs is None:
                return plain_exchange
        try:
            return self.sender.exchange(request)
        except NoAnswerError as error:
            if error.is_final or not request.is_shared:
                raise
            self.tally.gaps[f"a response that did not arrive: {error.finding.message}"] = None
            return None

    def _check_with_follow_ups(
        self, request: PlannedRequest, exchange: TargetExchange
    ) -> Iterator[tuple[TargetExchange, list[Finding], bool]]:
        """Check a response, send and check its follow-ups; yields exchange, findings, and if they are certain."""
        next_request: PlannedRequest | None = request
        while next_request is not None:
            exchange, findings, is_certain = self._check(next_request, exchange)
            yield exchange, findings, is_certain
            next_request = next_request.follow_up(exchange)
            if next_request is not None:
                exchange = self.sender.exchange(next_request)

    def _check(self, request: PlannedRequest, exchange: TargetExchange) -> tuple[TargetExchange, list[Finding], bool]:
        """Return the exchange that was checked, its findings, and whether they are certain.

        They are not if bytes that belong to no response follow it: then only findings about its framing are returned.
        A finding of a rule that no new connection has shown yet is confirmed on one.
        """
        operation, response = request.operation, exchange.response
        if response.status == 401 and request.credential is None and 401 not in operation.success_statuses:
            self._require_unexpired(request)
        looked(exchange.response).clear()
        findings = self._with_evidence(request, exchange, request.check(exchange))
        framing_findings = [finding for finding in findings if finding in exchange.findings]
        is_certain = findings == framing_findings or not exchange.is_doubtful
        if not is_certain:
            findings = framing_findings
        rules = {(request.operation.label, finding.rule) for finding in findings if finding not in framing_findings}
        is_first = request.number < NUMBER_ON_NEW_CONNECTION
        # A server error is one, whichever request it belongs to.
        if exchange.transfer.reused and is_first and exchange.response.status < 500 and not rules <= self._proven:
            checked, findings, is_certain = self._confirm(request, exchange, findings, rules)
        else:
            checked = exchange
            self._proven |= rules
        self._record(request, checked, is_certain=is_certain)
        if request.inputs is None or request.is_shared:
            # The test that first checks the response reports its framing.
            return checked, findings, is_certain
        return checked, [*exchange.findings, *findings], is_certain

    def _require_unexpired(self, request: PlannedRequest) -> None:
        """Raise `NoAnswerError` if the target rejects a request with the right credential because that has expired."""
        if requirement(request.operation) and self.sender.has_credentials and not request.is_independent:
            self._plain.require_unexpired(request.operation)

    def _with_evidence(
        self, request: PlannedRequest, exchange: TargetExchange, findings: list[Finding]
    ) -> list[Finding]:
        """Return findings without those about an accepted credential, unless other requests show that it is ignored."""
        doubtful = [finding for finding in findings if is_of_accepted_credential(finding, exchange.response)]
        if not doubtful:
            return findings
        evidence = self._evidence(request, exchange.response)
        proven = [replace(finding, extra={**finding.extra, "evidence": evidence}) for finding in doubtful if evidence]
        return [*(finding for finding in findings if finding not in doubtful), *proven]

    def _evidence(self, request: PlannedRequest, response: Response) -> list[str]:
        """Return a line per request that shows that a server ignores the credential; empty if it may not.

        A front end may respond to any path with the same page, often only to HEAD.
        """
        has_key = self.sender.has_credentials
        right = self.plain_exchange(request.operation) if has_key and request.has_usual_method else None
        if right is not None and not has_media_type_with_key(response, right.response):
            return []
        unknown = self._compared(to_unknown_path(request, self.run.contract))
        if unknown is not None and is_alike(response, unknown.response):
            return []
        if has_key and right is None:
            right = self._compared(with_key(request))
            if right is None or (unknown is not None and is_alike(right.response, unknown.response)):
                return []
        if not has_media_type_with_key(response, None if right is None else right.response):
            return []
        evidence = [] if right is None else [f"with the key: {_shown(right)}"]
        return [*evidence, f"to an unknown path: {'no response' if unknown is None else _shown(unknown)}"]

    def _compared(self, request: PlannedRequest) -> TargetExchange | None:
        """Return the exchange of a request whose response is only compared with another one; None if there is none."""
        if not self.sender.is_started(request):
            self.sender.unplanned_count[request.operation.label] += 1
        try:
            exchange = self.sender.exchange(request)
        except NoAnswerError as error:
            if error.is_final:
                raise
            return None
        self.tally.settle(exchange, CHECKED)
        return exchange

    def _record(self, request: PlannedRequest, exchange: TargetExchange, *, is_certain: bool) -> None:
        """Count a response as checked, and once for the coverage if its body was validated."""
        checks = looked(exchange.response)
        if not is_certain:
            self.tally.settle(exchange, UNCERTAIN)
        elif checks:
            self.tally.settle(exchange, exchange.response.unvalidated or CHECKED)
        if not is_certain or exchange.is_doubtful or not checks & _VALIDATIONS or not request.has_usual_method:
            # A response that no test validated is not covered: the test may be deselected or skipped.
            return
        if self.tally.is_first(exchange, "observed"):
            sent = exchange.exchange.request
            self._observe(exchange.response, sent.target.partition("?")[2], sent.headers)

    def _confirm(
        self, request: PlannedRequest, exchange: TargetExchange, findings: list[Finding], rules: set[tuple[str, str]]
    ) -> tuple[TargetExchange, list[Finding], bool]:
        """Repeat a request on a new connection, and return the same as `_check` for the response that counts.

        If the repetition has no such finding, the response may be bytes that the server sent late: this is the finding
        then, and no connection is reused any more. A target that remembers the right key of a connection is the
        exception.
        """
        repeated = replace(request, number=request.number + NUMBER_ON_NEW_CONNECTION, opens_connection=True)
        again = self._repeat(repeated)
        again, again_findings, is_certain = self._check(repeated, again)
        if rules & self._proven or (request.credential is not None and self._remembers_key(repeated)):
            self._proven |= rules
            return exchange, findings, True
        self.sender.connections.never_reuses = True
        self.tally.settle(exchange, UNCERTAIN)
        names = ", ".join(sorted(rule for _, rule in rules))
        used, new = f"{exchange.response.status} ({names})", str(again.response.status)
        mismatch = mismatch_finding(request.operation, used, new, exchange.response.reproduce)
        return again, [mismatch, *again_findings], is_certain

    def _remembers_key(self, request: PlannedRequest) -> bool:
        """Return whether a new connection accepts a wrong credential between two requests with the right key.

        Bytes that follow the first response late would leave the rejection of the second request to the third.
        """
        if self.sender.connections.never_reuses:
            return False
        # A single connection is open then, which all three requests use.
        self.sender.send_one_at_a_time()
        first = replace(request, credential=None)
        second = replace(request, number=request.number + 1, opens_connection=False)
        third = replace(second, credential=None)
        exchanges = [self._repeat(each) for each in (first, second, third)]
        is_kept = all(exchange.transfer.reused for exchange in exchanges[1:])
        return is_kept and all(200 <= exchange.response.status < 300 for exchange in exchanges)

    def _repeat(self, request: PlannedRequest) -> TargetExchange:
        """Send a request that was not planned, and return its exchange."""
        self.sender.unplanned_count[request.operation.label] += 1
        return self.sender.exchange(request)

    def _request_steps(self, probe: Probe) -> Iterator[tuple[Probe, _Queued]]:
        """Yield the requests of a probe that are sent here, then its error if it raises one, then None.

        If no response has a path value, only the requests that need none are sent.
        """
        gap: OperationNotCheckedError | None = None
        try:
            try:
                self._plain.receive_values(probe.operation)
            except OperationNotCheckedError as error:
                gap = error
            for number, request in enumerate(probe.requests()):
                if gap is not None and not request.is_independent:
                    break
                is_sent_here = self._is_alone or request.inputs is None or self.sender.is_started(request)
                if request.is_shared and not is_sent_here:
                    self.tally.gaps[OTHER_WORKERS] = None
                elif self.sender.is_started(request) or not (number and self._is_over_budget(request)):
                    yield probe, request
            if gap is not None:
                raise gap
        except (NoAnswerError, NotCheckedError) as error:
            yield probe, error
        yield probe, None

    def _is_over_budget(self, request: PlannedRequest) -> bool:
        """Return whether a request is optional, and those that remain for its operation are needed for others."""
        limit = request.optional_above
        return limit is not None and self.sender.remaining_requests(request.operation) <= limit

    def _next_step(self, queue: deque[_Queued]) -> _Queued:
        """Remove and return the first step of a probe's queue, after starting the requests that may overlap with it."""
        while not queue or (isinstance(queue[0], PlannedRequest) and self._may_send_ahead()):
            step = next(self._steps, None)
            if step is None:
                break
            probe, request = step
            # The remaining requests of a probe that ended early are not sent.
            if probe in self._queues or probe in self._expected:
                self._queues[probe].append(self._start_step(request, self._queues[probe]))
        queued = queue.popleft()
        self._queued_count -= isinstance(queued, PlannedRequest)
        return queued

    def _may_send_ahead(self) -> bool:
        """Return whether another request may be sent before the current one is checked."""
        return self._queued_count < self.sender.max_parallel and not self.sender.is_blocked

    def _start_step(self, step: _Queued, earlier: Iterable[_Queued]) -> _Queued:
        """Start to send a request and return it, or the error if it cannot be sent; other steps as they are."""
        if not isinstance(step, PlannedRequest):
            return step
        is_proven = step.credential is not None and (step.operation.label, RULE) in self._proven
        if self.sender.remaining_requests(step.operation) <= MAX_PARALLEL and not is_proven:
            # No request may remain that confirms the findings of a used connection.
            step = replace(step, opens_connection=True)
        try:
            if self.sender.may_overlap(step) and not step.is_independent:
                # The plain request goes alone: it shows whether the target is usable, and whether requests may overlap.
                self.plain_exchange(step.operation)
            self.sender.start(step, [queued for queued in earlier if isinstance(queued, PlannedRequest)])
        except (NoAnswerError, NotCheckedError) as error:
            return error
        self._queued_count += 1
        return step


def _shown(exchange: TargetExchange) -> str:
    """Return status and media type of a response, and the command that repeats its request."""
    response = exchange.response
    return f"{response.status} {response.media_type or 'without a media type'}: {response.reproduce}"
