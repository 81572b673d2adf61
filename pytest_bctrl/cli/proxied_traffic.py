"""Checks the exchanges that pass through the proxy, and collects what a report of them needs."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pytest_bctrl.checks.redact import redact_findings
from pytest_bctrl.checks.run import BrokenCheckError, Check
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.key_fields import key_fields
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.exchanges.exchange_checks import ExchangeChecks
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
        keep: Callable[[ProxiedExchange, Exchange], None] = lambda proxied, observed: None,
    ) -> None:
        self.contract = contract
        self.observer = Observer(contract)
        self.checked = 0
        """The number of exchanges whose request and response were checked."""
        self.not_checked: Counter[str] = Counter()
        """How often a part of an exchange could not be checked, by reason."""
        self.unmatched: Counter[str] = Counter()
        """How often each request was sent that is to no operation of the contract."""
        self.rejected: Counter[str] = Counter()
        """How often each request was not forwarded, with the reason."""
        self.cancelled: Counter[str] = Counter()
        """How often an exchange ended without a complete response through no fault of the server, by reason."""
        self.switched_off: Counter[str] = Counter()
        """How many findings each line of the levels has switched off."""
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
            self._count(self.not_checked, str(error))
        except Exception:  # noqa: BLE001 - the proxy continues, and the exit code says that something was not checked
            print(escape_lines(self._redaction(traceback.format_exc())), file=sys.stderr)
            self._count(self.not_checked, "a bug in pytest-bctrl, printed above")

    def add_surplus(self, proxied: ProxiedExchange, data: bytes) -> None:
        """Add a finding about bytes that belong to no response, unless they are harmless or of no operation."""
        request = _request_of(proxied)
        operation = self._operation_of(request)
        surplus = Surplus(data, proxied.method, proxied.status)
        if operation is not None and not surplus.is_harmless:
            self._remember(self._checks.redacted(request)[1])
            self._report([surplus_finding(operation, surplus, self._curl_command(proxied, operation))])

    def add_unreachable(self, error: TransportError) -> None:
        """Count as not checked a request that could not be forwarded because the target cannot be reached."""
        description = describe_error(error.name, error.detail)
        self._count(self.not_checked, f"{description.message}; {description.hint}")

    def add_rejected(self, request: str, reason: str) -> None:
        """Count a request that the proxy rejected."""
        self._count(self.rejected, f"{request}: {reason}")

    def _check_exchange(self, proxied: ProxiedExchange) -> None:
        """Check an exchange and add its results; one that was cancelled or is to no operation is only counted."""
        request = _request_of(proxied)
        self._remember(self._checks.redacted(request)[1])
        if proxied.cancelled:
            self._count(self.cancelled, proxied.cancelled)
            return
        operation = self._operation_of(request)
        if operation is None:
            self._add_unmatched(request)
            return
        if proxied.error is not None:
            self._report_error(proxied, operation, proxied.error)
        observed = self._observed(proxied, request, operation)
        result = self._checks.check(observed)
        self._remember(result.credentials)
        self._report(result.findings)
        for reason in result.not_checked:
            if proxied.error is None:
                self._count(self.not_checked, f"{operation.label}: {reason}")
        if result.response is None:
            return
        self.checked += 1
        query = request.target.partition("?")[2]
        self.observer.observe_response(result.response, query, request.headers)
        self._keep(proxied, observed)

    def _add_unmatched(self, request: Request) -> None:
        """Count a request to no operation: not checked if that was excluded, else unmatched unless a CORS preflight."""
        reasons = self._checks.exclusions(request)
        for reason in reasons:
            self._count(self.not_checked, reason)
        if not reasons and not request.is_preflight:
            shown, _ = self._checks.redacted(request)
            self._count(self.unmatched, f"{shown.method} {shown.target.partition('?')[0]}")

    def _report_error(self, proxied: ProxiedExchange, operation: Operation, error: TransportError) -> None:
        """Report the transport error that ended an exchange."""
        has_begun = bool(proxied.status)
        description = describe_error(error.name, error.detail, has_begun)
        command = self._curl_command(proxied, operation)
        observed = error.detail or error.name
        self._report([transport_finding(operation, description.kind, description.message, command, observed=observed)])

    def _observed(self, proxied: ProxiedExchange, request: Request, operation: Operation) -> Exchange:
        """Return an exchange with its decoded body, or why that is not known."""
        content, response_unread = Content(b""), ""
        if proxied.error is not None:
            response_unread = "the response is not complete"
        elif not proxied.response_body.is_known:
            response_unread = f"the body of the response {proxied.response_body.problem}"
        else:
            codings = ", ".join(value for name, value in proxied.headers if name.lower() == "content-encoding")
            content = content_of(bytes(proxied.response_body), codings)
        command = self._curl_command(proxied, operation)
        if content.unread:
            response_unread = f"the body of the response was not decoded: {content.unread}"
        return Exchange(
            request,
            proxied.status,
            tuple(field for field in proxied.headers if field[0].lower() != "content-encoding"),
            content.body,
            unanswered="" if proxied.status else "the target did not respond",
            response_unread=response_unread,
            coding_problem=content.problem,
            reproduce=command,
        )

    def _operation_of(self, request: Request) -> Operation | None:
        """Return the operation that a request is to; None if the contract has none."""
        match = self._checks.match(request)
        return match.of(request.method) if match else None

    def _curl_command(self, proxied: ProxiedExchange, operation: Operation) -> str:
        """Return a curl command that sends the request to the target, with the key in a variable."""
        words = ["curl -sS -i"]
        if proxied.method == "HEAD":
            words.append("-I")
        elif proxied.method != "GET" or proxied.request_body.size:
            words.append(f"-X {shlex.quote(proxied.method)}")
        fields = key_fields(self.contract, operation) or ()
        words += [f'-H "{field.name}: {field.shell("$BCTRL_API_KEY")}"' for field in fields]
        for name, value in proxied.request_headers:
            if name.lower() in ("accept", "content-type", "prefer"):
                words.append(f"-H {shlex.quote(f'{name}: {value}')}")
        shown, _ = self._checks.redacted(_request_of(proxied))
        if 0 < proxied.request_body.size <= _MAX_COMMAND_BODY and proxied.request_body.is_known:
            words.append(f"--data-raw {shlex.quote(shown.body.decode('utf-8', 'replace'))}")
        elif proxied.request_body.size:
            words.append("--data-binary @BODY")
        return " ".join([*words, shlex.quote(f"{self._origin}{shown.target}")])

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
                self._count(self.not_checked, f"more than {_MAX_KEPT:,} findings: the rest is not listed")

    def _count(self, counter: Counter[str], text: str) -> None:
        """Count a text in a counter, without credentials; beyond the limit of different texts, count it as `others`."""
        if text not in counter:
            text = Echoes(self._credentials).text(text)
        if text in counter or len(counter) < _MAX_KEPT:
            counter[text] += 1
        else:
            counter["others"] += 1


def _request_of(proxied: ProxiedExchange) -> Request:
    """Return the request of an exchange as the checks take it."""
    headers = tuple((name.lower(), value) for name, value in proxied.request_headers)
    body = proxied.request_body
    return Request(proxied.method, proxied.target, headers, bytes(body), unread=_unread_reason(body))


def _unread_reason(body: CapturedBody) -> str:
    """Return why the body of a request is not known; empty if it is."""
    if body.is_known:
        return ""
    if body.is_complete:
        return f"it {body.problem}"
    return "the response arrived before the whole request was sent"


def count_lines(counter: Counter[str]) -> Iterator[str]:
    """Yield each counted text with its number, the most frequent first, and the number of omitted ones."""
    rows = counter.most_common()
    for text, count in rows[:_MAX_LISTED]:
        yield text if count == 1 else f"{text} ({count} times)"
    if len(rows) > _MAX_LISTED:
        yield f"{numbered(len(rows) - _MAX_LISTED, 'other')}"
