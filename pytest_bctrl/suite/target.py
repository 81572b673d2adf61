"""Sends the contract suite's requests and turns what comes back into answers and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import httpx

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.credentials import Credential
from pytest_bctrl.checks.protocol import check_retired, is_retired
from pytest_bctrl.checks.run import check_protocol
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.key_fields import KeyField, key_fields
from pytest_bctrl.contract.model import Operation, covers
from pytest_bctrl.finding import Finding
from pytest_bctrl.samples.inputs import Inputs, inputs
from pytest_bctrl.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.troubles import (
    TIMEOUTS,
    attempt_findings,
    come_back_later,
    decoded,
    decoding_finding,
    is_out_of_reach,
    is_timeout,
    lost_time,
    pause_finding,
    reproduction,
    trouble,
    unanswered_finding,
)
from pytest_bctrl.traffic.client import TIMEOUT, client
from pytest_bctrl.traffic.flow import AT_MOST, ATTEMPTS, CREDENTIAL, Attempt
from pytest_bctrl.traffic.retry import LONGEST, RetryPolicy, parse_retry_after

RETRY = RetryPolicy(statuses=frozenset({429}), announced=frozenset({503}), patience=LONGEST)
"""A server error is a finding, so the suite takes the first; only 'come back later' is answered by coming back."""

LOST = 25.0
"""Seconds that a run waits in vain at most, in all requests together, before it asks no more."""

SPARE = 7
"""Unplanned requests for one operation at most: a target that makes us send more is given up."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its answer: as data for our checks, as httpx has it for Schemathesis's."""

    answer: Answer
    response: httpx.Response
    findings: tuple[Finding, ...] = ()


class NotCheckedError(Exception):
    """There is nothing of the kind that a probe looks at, or it may not be asked for; the message says what."""


class NoAnswerError(Exception):
    """No attempt got a whole answer; `is_final` says that further requests would only lose time.

    `is_outage` says that the target could not be asked, so that nothing is known of it: no finding, exit code 2.
    """

    def __init__(self, finding: Finding, is_final: bool, is_outage: bool = False) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.is_final = is_final or is_outage
        self.is_outage = is_outage


See: TypeAlias = Callable[[Answer, str, tuple[tuple[str, str], ...]], None]
"""Takes an answer, and the query and the header fields of the request that it answers, without any credential."""


@dataclass(slots=True)
class Target:
    """The API under test, live or mocked, every answer of which `see` sees. Not thread-safe; one a test process.

    `tally` counts `requests`, `answers` and `bodies`. By operation, `unplanned` counts the requests that were sent
    because of how the target answered others, and `pauses` those that it first answered with a 503 that says when to
    come back.
    """

    run: ContractRun
    retry: RetryPolicy = RETRY
    timeout: float = TIMEOUT
    lost_at_most: float = LOST
    tally: Counter[str] = field(default_factory=Counter)
    see: See = lambda answer, query, headers: None
    _clients: dict[bool, httpx.Client] = field(default_factory=dict, repr=False)
    _first: dict[str, Exchange | NoAnswerError] = field(default_factory=dict, repr=False)
    unplanned: Counter[str] = field(default_factory=Counter, repr=False)
    pauses: Counter[str] = field(default_factory=Counter, repr=False)
    _sent: Counter[str] = field(default_factory=Counter, repr=False)
    _base_url: str = field(init=False, repr=False)
    _is_kept_in_vain: bool = field(default=False, repr=False)
    _before: str = field(default="", repr=False)
    _lost: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        self._base_url = self.run.mock.start().url if self.run.mock else self.run.base_url

    def _client(self, alone: bool) -> httpx.Client:
        if alone and False in self._clients:
            # One connection at a time: a server may take the next only when the one before is closed.
            self._clients.pop(False).close()
            self._before = ""
        if alone not in self._clients:
            made = client(
                self._base_url,
                self.run.key,
                live=True,
                retry=self.retry,
                connection=self.run.connection,
                observe=lambda _attempt: self.tally.update(requests=1),
                keep_alive=not alone,
            )
            made.timeout = httpx.Timeout(self.timeout)
            self._clients[alone] = made
        # A session cookie that the target sets must not stand in for the key in the next request.
        self._clients[alone].cookies.clear()
        return self._clients[alone]

    def close(self) -> None:
        """Close the connections, and stop the mock where it is the target."""
        for made in self._clients.values():
            made.close()
        if self.run.mock:
            self.run.mock.stop()

    def plain(self, operation: Operation) -> Inputs:
        """Return the plainest request: real values in the path, and what else is required."""
        return inputs(self.run.contract, operation, self.run.values) or Inputs()

    def left(self, operation: Operation) -> int:
        """How many more requests an operation may get."""
        return self.run.most_requests - self._sent[operation.label]

    def first(self, operation: Operation) -> Exchange:
        """Return the answer to the operation's plain request, sent once and kept.

        Raises `NoAnswerError` where there is no usable answer, and the same again without a second try.
        """
        known = self._first.get(operation.label)
        if known is None:
            try:
                known = _let_in(self.ask(operation, self.plain(operation)))
            except NoAnswerError as error:
                known = NoAnswerError(error.finding, is_final=True, is_outage=error.is_outage)
            self._first[operation.label] = known
        if isinstance(known, NoAnswerError):
            raise known
        return known

    def ask(
        self,
        operation: Operation,
        given: Inputs,
        credential: Credential | None = None,
        *,
        path: str = "",
        method: str = "",
        alone: bool = False,
    ) -> Exchange:
        """Send one request: with the key where the operation takes it, or with `credential` in its place.

        `path` takes the place of the filled template, `method` that of the operation's, where they are given.
        `alone` gives the request a connection of its own: one that breaks then was not closed while it was idle.

        Raises `NoAnswerError` where no attempt got a whole answer, and where the target has hung too often, and
        `NotCheckedError` where the operation was asked as often as a run may.
        """
        if self.left(operation) < 1:
            raise NotCheckedError(f"{self.run.most_requests} requests of an operation are the most that a run sends")
        sender = self._client(alone or self._is_kept_in_vain)
        target = (path or operation.url_path(given.path)) + given.query_text
        given = replace(given, headers=(*accepted(operation), *given.headers))
        request = sender.build_request(method or operation.method, self._base_url + target, headers=dict(given.headers))
        sent = list(self._credentials(operation, credential))
        spare = max(0, SPARE - self.unplanned[operation.label])
        credential_fields = {field.name: value for field, value, _ in sent}
        request.extensions = {
            **request.extensions,
            CREDENTIAL: credential_fields,
            AT_MOST: min(spare + 1, self.left(operation)),
        }
        shown = [*given.headers, *((field.name, shell) for field, _, shell in sent)]
        shell = reproduction(request, shown)
        before = self._before
        if sender is self._clients.get(False):
            self._before = shell
        if self._lost > self.lost_at_most:
            raise NoAnswerError(unanswered_finding(operation, lost_time(self._lost), shell), True)
        try:
            response = sender.send(request, stream=True)
        except httpx.TransportError as error:
            attempts = request.extensions.get(ATTEMPTS, ())
            self._count(operation, attempts)
            message = trouble(error, attempts)
            # A target that answered before, or begins to answer, is there: then it is a fault of its own.
            is_silent = not self.tally["answers"] and all(attempt.is_silent for attempt in attempts[-1:])
            is_outage = is_out_of_reach(error) or is_silent
            finding = unanswered_finding(operation, message, shell)
            raise NoAnswerError(finding, is_timeout(message), is_outage) from None
        attempts = response.extensions[ATTEMPTS]
        self._count(operation, attempts)
        if response.status_code == 429 or (len(attempts) > 1 and self.retry.tries_again(response.status_code, "")):
            asked = parse_retry_after(attempts[-1].retry_after or "", datetime.now(UTC))
            message = come_back_later(response.status_code, len(attempts), asked, self.unplanned[operation.label])
            raise NoAnswerError(unanswered_finding(operation, message, shell), True, is_outage=True)
        found = list(attempt_findings(operation, attempts, shell, before))
        for attempt in attempts[:-1]:
            found.extend(self._of_borne(operation, given, attempt, shell, method))
        if self.pauses[operation.label] > 1 and any(attempt.status == 503 for attempt in attempts[:-1]):
            found.append(pause_finding(operation, self.pauses[operation.label], shell))
        answer, plain, broken = self._answer(operation, given, response, shell, method)
        found.extend(broken)
        self.tally["answers"] += 1
        self.tally["bodies"] += bool(plain.content)
        if request.method == operation.method:
            self.see(answer, request.url.query.decode("ascii"), given.headers)
        return Exchange(answer, plain, tuple(found))

    def _answer(
        self, operation: Operation, given: Inputs, response: httpx.Response, shell: str, method: str
    ) -> tuple[Answer, httpx.Response, list[Finding]]:
        """Return an answer as data and as httpx has it, without its content coding, and what is wrong with that."""
        plain, broken = decoded(response)
        headers = tuple(response.headers.multi_items())
        usual = self._first.get(operation.label)
        answer = Answer(
            self.run.contract,
            operation,
            plain.status_code,
            headers,
            plain.content,
            dict(given.path),
            shell,
            method,
            has_all_headers=True,
            usual=usual.answer if isinstance(usual, Exchange) else None,
        )
        return answer, plain, [decoding_finding(operation, broken, shell)] if broken else []

    def _of_borne(
        self, operation: Operation, given: Inputs, attempt: Attempt, shell: str, method: str
    ) -> Iterator[Finding]:
        """Hold an answer that was borne, such as one 429, to what the contract documents for it, if it does."""
        if attempt.status is None or operation.response_for(attempt.status) is None:
            return
        request = httpx.Request(attempt.method, attempt.url)
        borne = httpx.Response(
            attempt.status, headers=list(attempt.headers), stream=httpx.ByteStream(attempt.body), request=request
        )
        borne.elapsed = timedelta(seconds=attempt.seconds)
        answer, _, broken = self._answer(operation, given, borne, shell, method)
        yield from broken
        yield from check_protocol(answer)

    def _count(self, operation: Operation, attempts: Sequence[Attempt]) -> None:
        # A kept connection was gone, or held what is no answer: another may, too, and each costs a request more.
        self._is_kept_in_vain |= any(attempt.idle_close or attempt.is_stray for attempt in attempts)
        self._lost += sum(attempt.seconds for attempt in attempts if attempt.error in TIMEOUTS)
        again = attempts[:-1]
        self._sent[operation.label] += len(attempts)
        self.unplanned[operation.label] += len(again)
        self.pauses[operation.label] += any(attempt.status == 503 for attempt in again)

    def _credentials(self, operation: Operation, wrong: Credential | None) -> Iterator[tuple[KeyField, Secret, str]]:
        """The fields that carry a credential, what is in them, and how a shell spells that."""
        for number, one in enumerate(key_fields(self.run.contract, operation) or ()):
            if wrong is None or number:
                yield one, Secret(one.value(self.run.key.reveal())), one.shell("$BCTRL_API_KEY")
            elif wrong.header is not None:
                yield one, wrong.header, wrong.shell


def accepted(operation: Operation) -> list[tuple[str, str]]:
    """The `Accept` field of a request, where JSON as such is not what the contract has."""
    documented = operation.success.content if operation.success else {}
    if not documented or any(covers(media, "application/json") for media in documented):
        return []
    return [("Accept", ", ".join(media.partition(";")[0].strip() for media in documented))]


def _let_in(exchange: Exchange) -> Exchange:
    """Return an exchange that was not refused; where the key, the space or the route is, nothing else can be asked."""
    answer = exchange.answer
    if is_retired(answer):
        raise NoAnswerError(findings(answer, check_retired(answer))[0], True)
    wanted = sorted(answer.operation.success_statuses)
    words = _REFUSALS.get(answer.status)
    if answer.status == 400 and b"SSL certificate" in answer.body:
        words = "asks for a certificate of the client: 400; name it with --bctrl-client-cert"
    if answer.status == 404 and all(parameter.setting for parameter in answer.operation.path_parameters):
        words = _NO_SUCH_SPACE if not check_protocol(answer) else _NO_SUCH_ROUTE
    if words is None and 300 <= answer.status < 500 and answer.status not in wanted:
        # What else is asked would be refused in the same way, each time a finding that says nothing new.
        raise NoAnswerError(check_protocol(answer, wanted)[0], True)
    if words is None:
        return exchange
    refused = Violation("status_code_conformance", "error", f"the target {words}", place="status", expected=wanted)
    raise NoAnswerError(findings(answer, [refused])[0], True, is_outage=True)


_REFUSALS = {
    401: "refuses the key with 401; see that BCTRL_API_KEY holds a key of this API",
    403: "refuses the key with 403; see that BCTRL_API_KEY may list the space",
    404: "has nothing at this path: 404; see that the contract's examples name something that is there",
}
_NO_SUCH_SPACE = "knows no such space: 404; see that BCTRL_SPACE_ID, or --bctrl-space-id, names a space of this key"
_NO_SUCH_ROUTE = (
    "knows no such space or no such route: 404, and not as the contract documents one; see that the base URL is right, "
    "and that BCTRL_SPACE_ID names a space of this key"
)
