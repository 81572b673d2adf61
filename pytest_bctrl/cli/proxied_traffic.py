"""Checks the exchanges that pass through the proxy, and collects what a report of them needs."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections import Counter, OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.checks.run import BrokenCheckError, Check
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.key_fields import KeyField, field_of, requirement, sent_credentials
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.scheme_values import curl_url, header_fields
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.exchanges.account import Account, Outcome
from pytest_bctrl.exchanges.exchange_checks import CheckedExchange, ExchangeChecks
from pytest_bctrl.exchanges.observer import Observer
from pytest_bctrl.findings.finding import Finding, Levels
from pytest_bctrl.findings.fingerprint import with_fingerprint
from pytest_bctrl.http.codings import Content, content_of
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Request
from pytest_bctrl.reports.terminal import finding_line
from pytest_bctrl.reports.wording import numbered
from pytest_bctrl.secrets.echoes import Echoes
from pytest_bctrl.secrets.redaction import Redaction
from pytest_bctrl.secrets.secret import KEY_VARIABLE
from pytest_bctrl.traffic.proxy.exchange import CapturedBody, ProxiedExchange, TransportError
from pytest_bctrl.traffic.surplus import Surplus
from pytest_bctrl.traffic.transport_findings import describe_error, surplus_finding, transport_finding

_MAX_LISTED = 20
"""Maximum number of listed requests of one kind; the rest is counted."""
_MAX_KEPT = 1_000
"""Maximum number of distinct findings, and of texts of one kind, that are kept in memory."""
_MAX_CREDENTIALS = 100
"""Maximum number of credentials that are redacted in other exchanges than their own: the ones that were used last."""
_MAX_COMMAND_BODY = 1_000
"""Maximum size in bytes of a request body that the command to reproduce a finding contains."""


class ProxiedTraffic:
    """The results of all exchanges so far.

    `print_line` is called with a line for each finding that is new. `keep` receives each exchange of the contract whose
    bodies are known, for a recording.

    `account` has what became of each forwarded request. `problems` counts the reasons why something was not checked
    that belong to no exchange, `rejected` the requests that were not forwarded, and `switched_off` the findings that
    each line of the levels has switched off.
    """

    def __init__(
        self,
        contract: Contract,
        redaction: Redaction,
        *,
        target_origin: str,
        custom_checks: Iterable[Check] = (),
        levels: Levels | None = None,
        print_line: Callable[[str], None] = lambda line: None,
        keep: Callable[[Exchange], None] = lambda exchange: None,
    ) -> None:
        self.contract = contract
        self.observer = Observer(contract)
        self.account = Account(_MAX_KEPT)
        self.problems: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.switched_off: Counter[str] = Counter()
        self._redaction = redaction
        self._origin = target_origin
        self._checks = ExchangeChecks(contract, custom_checks)
        self._levels = levels or Levels()
        self._print_line = print_line
        self._keep = keep
        self._credentials: OrderedDict[str, None] = OrderedDict()
        self._findings: dict[str, Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        """All findings; equal ones are merged and their counts added."""
        return merge(self._findings.values())

    # The proxy calls the following methods.

    def add_exchange(self, proxied: ProxiedExchange) -> None:
        """Check an exchange and add the results; an error of the package itself is printed and counted."""
        try:
            self._check_exchange(proxied)
        except BrokenCheckError as error:
            self._account_for("not checked", [str(error)])
        except Exception:  # noqa: BLE001 - the proxy continues, and the exit code says that something was not checked
            print(escape_lines(self._redaction(traceback.format_exc())), file=sys.stderr)
            self._account_for("not checked", ["a bug in pytest-bctrl, printed above"])

    def add_surplus(self, proxied: ProxiedExchange, data: bytes) -> None:
        """Report bytes that belong to no response, unless they are harmless or of no operation."""
        request = _request_of(proxied)
        operation = self._operation_of(request)
        surplus = Surplus(data, proxied.method, proxied.status)
        if operation is not None and not surplus.is_harmless:
            self._remember(self._checks.redacted(request)[1])
            self._report([surplus_finding(operation, surplus, self._curl_command(proxied, request))])

    def add_unreachable(self, error: TransportError) -> None:
        """Count a failure to connect to the target."""
        description = describe_error(error.name, error.detail)
        self.problems[self._shown(f"{description.message}; {description.hint}", self.problems)] += 1

    def add_rejected(self, request: str, reason: str) -> None:
        """Count a request that the proxy rejected; beyond the limit of different texts, as `others`."""
        text = self._shown(f"{request}: {reason}", self.rejected)
        self.rejected[text if text in self.rejected or len(self.rejected) < _MAX_KEPT else "others"] += 1

    def _check_exchange(self, proxied: ProxiedExchange) -> None:
        """Check an exchange and add its results; one that was cancelled is only counted."""
        exchange = self._exchange(proxied)
        if proxied.cancelled:
            _, credentials = self._checks.redacted(exchange.request)
            self._remember(credentials)
            self._account_for("unanswered", [proxied.cancelled])
            return
        result = self._checks.check(exchange)
        self._remember(result.credentials)
        operation = result.operation
        if operation is None:
            self._account_for_request(result)
            return
        if proxied.error is not None:
            self._report_error(exchange, operation, proxied.error)
        self._report(result.findings)
        self._account_for(result.outcome, [f"{operation.label}: {reason}" for reason in result.not_checked])
        if result.response is None:
            return
        self.account.operations[operation.label] += 1
        query = exchange.request.target.partition("?")[2]
        self.observer.observe_response(result.response, query, exchange.request.headers)
        self._keep(exchange)

    def _account_for_request(self, result: CheckedExchange) -> None:
        """Count a request to no operation of the contract; a CORS preflight has no note."""
        request, notes = result.request, result.not_checked
        if not notes and not request.is_preflight:
            notes = (request.label,)
        self._account_for(result.outcome, notes)

    def _account_for(self, outcome: Outcome, notes: Iterable[str]) -> None:
        """Count an exchange, with notes without credentials."""
        earlier = self.account.notes(outcome)
        self.account.add(outcome, [self._shown(note, earlier) for note in notes])

    def _shown(self, text: str, earlier: Container[str]) -> str:
        """Return a text without credentials, unless it is one of the earlier texts."""
        return text if text in earlier else Echoes(self._credentials).text(text)

    def _report_error(self, exchange: Exchange, operation: Operation, error: TransportError) -> None:
        """Report the transport error that ended an exchange."""
        description = describe_error(error.name, error.detail, has_begun=bool(exchange.status))
        finding = transport_finding(
            operation, description.kind, description.message, exchange.reproduce, observed=error.detail or error.name
        )
        self._report([finding])

    def _exchange(self, proxied: ProxiedExchange) -> Exchange:
        """Return an exchange with its decoded body, or why that is not known."""
        request, body = _request_of(proxied), proxied.response_body
        unanswered, response_unread, content = proxied.cancelled, "", Content(b"")
        if proxied.error is not None:
            unanswered = "the response is not complete" if proxied.status else "the target did not respond"
        elif not body.is_known:
            response_unread = f"the body of the response {body.problem}"
        else:
            codings = ", ".join(value for name, value in proxied.headers if name.lower() == "content-encoding")
            content = content_of(bytes(body), codings)
        if content.unread:
            response_unread = f"the body of the response was not decoded: {content.unread}"
        return Exchange(
            request,
            proxied.status,
            tuple(field for field in proxied.headers if field[0].lower() != "content-encoding"),
            content.body,
            unanswered=unanswered,
            response_unread=response_unread,
            coding_problem=content.problem,
            reproduce=self._curl_command(proxied, request),
            reason=proxied.reason,
        )

    def _operation_of(self, request: Request) -> Operation | None:
        """Return the operation that a request is to; None if the contract has none."""
        match = self._checks.match(request)
        return match.of(request.method) if match else None

    def _curl_command(self, proxied: ProxiedExchange, request: Request) -> str:
        """Return a curl command that sends a request to the target, with the key that the request had in a variable."""
        words = ["curl -sS -i"]
        if proxied.method == "HEAD":
            words.append("-I")
        elif proxied.method != "GET" or proxied.request_body.size:
            words.append(f"-X {shlex.quote(proxied.method)}")
        operation = self._operation_of(request)
        fields = _sent_fields(operation, request) if operation is not None else []
        credentials = [(field, field.shell(f"${KEY_VARIABLE}")) for field in fields]
        words += [f'-H "{name}: {text}"' for name, text in header_fields(credentials).items()]
        for name, value in proxied.request_headers:
            if name.lower() in ("accept", "content-type", "prefer"):
                words.append(f"-H {shlex.quote(f'{name}: {value}')}")
        shown, _ = self._checks.redacted(request)
        if 0 < proxied.request_body.size <= _MAX_COMMAND_BODY and proxied.request_body.is_known:
            words.append(f"--data-raw {shlex.quote(shown.body.decode('utf-8', 'replace'))}")
        elif proxied.request_body.size:
            words.append("--data-binary @BODY")
        return " ".join([*words, curl_url(f"{self._origin}{shown.target}", credentials)])

    def _remember(self, credentials: Iterable[str]) -> None:
        """Redact credentials in later exchanges too, in place of those that have not been used for longest."""
        for value in credentials:
            self._credentials[value] = None
            self._credentials.move_to_end(value)
        while len(self._credentials) > _MAX_CREDENTIALS:
            self._credentials.popitem(last=False)

    def _report(self, findings: Iterable[Finding]) -> None:
        """Merge findings into the earlier ones, and print those that are new."""
        levelled, switched_off = self._levels.apply(findings)
        self.switched_off.update(switched_off)
        for finding in map(with_fingerprint, levelled):
            key = f"{finding.fingerprint} {finding.level} {finding.message}"
            earlier = self._findings.get(key)
            if earlier is not None:
                # The earlier one may be redacted.
                same = replace(finding, location=earlier.location, message=earlier.message)
                (self._findings[key],) = merge([earlier, same])
            elif len(self._findings) < _MAX_KEPT:
                # Those of its own exchange are redacted already.
                (self._findings[key],) = redact_findings([finding], self._credentials, has_parts=False)
                self._print_line(f"{finding.level} {finding_line(self._findings[key])}")
            else:
                self.problems[f"more than {_MAX_KEPT:,} findings: the rest is not listed"] += 1


def _request_of(proxied: ProxiedExchange) -> Request:
    """Return the request of an exchange as the checks take it."""
    headers = tuple((name.lower(), value) for name, value in proxied.request_headers)
    body = proxied.request_body
    return Request(proxied.method, proxied.target, headers, bytes(body), unread=_unread_reason(body))


def _sent_fields(operation: Operation, request: Request) -> list[KeyField]:
    """Return the fields of a request that hold a credential of an operation, of whichever of its requirements."""
    requirements = operation.security or (requirement(operation),)
    schemes = [
        scheme
        for scheme in chain.from_iterable(requirements)
        if any(True for _ in sent_credentials(scheme, request.header, request.query))
    ]
    return list(filter(None, dict.fromkeys(map(field_of, schemes))))


def _unread_reason(body: CapturedBody) -> str:
    """Return why the body of a request is not known; empty if it is."""
    if body.is_known:
        return ""
    if body.is_complete:
        return f"it {body.problem}"
    return "the response arrived before the whole request was sent"


def count_lines(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield each counted text with its number, the most frequent first, and the number of omitted ones."""
    rows = Counter(counts).most_common()
    for text, count in rows[:_MAX_LISTED]:
        yield text if count == 1 else f"{text} ({count} times)"
    if len(rows) > _MAX_LISTED:
        yield f"{numbered(len(rows) - _MAX_LISTED, 'other')}"
