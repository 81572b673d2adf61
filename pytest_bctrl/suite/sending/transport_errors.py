"""Describes transport errors, and the commands that reproduce a request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus

import httpx

from pytest_bctrl.contract.key_fields import KeyField
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.scheme_values import curl_url
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.traffic.flow import Attempt
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.transport_findings import (
    ErrorDescription,
    describe_error,
    surplus_finding,
    transport_finding,
)


class NotCheckedError(Exception):
    """Raised if a probe has nothing to check or may not send its requests; the message says why."""


class OperationNotCheckedError(NotCheckedError):
    """Raised if the plain request of an operation is rejected or gets no response: it cannot be checked further.

    `findings` are about the plain request; one test reports them. The message says why the operation was not checked.
    """

    def __init__(self, reason: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(reason)
        self.findings = tuple(findings)


class NoAnswerError(Exception):
    """Raised if no attempt got a complete response, or the target cannot be tested.

    `is_final` means that further requests would only lose time. `is_outage` means that the target could not be tested
    at all: no finding is reported, and the exit code is 2, or 4 if it `lacks_key`.
    """

    def __init__(self, finding: Finding, is_final: bool, is_outage: bool = False, *, lacks_key: bool = False) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.is_final = is_final or is_outage
        self.is_outage = is_outage
        self.lacks_key = lacks_key


def describe_attempts(error: str, attempts: Sequence[Attempt]) -> ErrorDescription:
    """Return the description of the error that ended the last attempt; its message counts the attempts, with a hint.

    `error` is the name of an exception of httpx.
    """
    seconds = sum(attempt.seconds for attempt in attempts)
    times = "1 attempt"
    if len(attempts) > 1:
        times = f"{len(attempts)} attempts in {seconds:.0f} s"
    description = describe_error(error, attempts[-1].detail, attempts[-1].begun)
    return description._replace(message=f"{description.message} ({times}); {description.hint}")


def retry_later_message(status: int, attempts: int, retry_after: float | None, retried: int) -> str:
    """Return a sentence about a target that still responds with 429 or 503 when the retries are used up.

    `retry_after` is the value of its `Retry-After` in seconds, `retried` the number of retries in the whole run.
    """
    times = "to the first attempt"
    if attempts > 1:
        times = f"to each of {attempts} attempts"
    message = f"the target responds with {status} {HTTPStatus(status).phrase} {times}"
    if attempts == 1 and retried:
        message += f" ({retried} requests were retried before)"
    # The text of the response is not repeated: part of a key in it would not be recognised and redacted.
    if retry_after is not None:
        message += f", and asks to wait {retry_after:.6g} s more (Retry-After)"
    return message


TIMEOUTS = frozenset({"ReadTimeout", "ConnectTimeout"})
"""Errors that cost time; further requests would cost more."""


def attempt_findings(
    operation: Operation, attempts: Sequence[Attempt], shell: str, previous_shell: str = ""
) -> Iterator[Finding]:
    """Yield a finding for each broken response that was retried, and for bytes after the end of any response.

    `previous_shell` reproduces the previous request on the same connection. Closing an idle kept-alive connection is
    allowed (RFC 9112, 9.5). Bytes after the end of a response are reported for every attempt.
    """
    for attempt in attempts:
        if attempt.surplus is not None:
            yield surplus_finding(operation, attempt.surplus, shell)
    for attempt in attempts[:-1]:
        if attempt.error is None or attempt.idle_close or attempt.is_empty_line:
            continue
        if attempt.is_stray:
            yield surplus_finding(operation, attempt.detail, previous_shell or shell)
        else:
            error = describe_error(attempt.error, attempt.detail, attempt.begun)
            yield transport_finding(
                operation, error.kind, error.message, shell, observed=attempt.detail or attempt.error
            )


def pause_finding(operation: Operation, pauses: int, shell: str) -> Finding:
    """Return the finding for a 503 with `Retry-After` that is not the first of an operation; `pauses` is its number."""
    observed = f"503, {pauses} times"
    message = "the server is unavailable again and again"
    unavailable = transport_finding(operation, "again", message, shell, "status", observed)
    extra = {**unavailable.extra, "status": "503"}
    return replace(unavailable, rule="not_a_server_error", expected="one pause at most, with Retry-After", extra=extra)


def reproduction(
    request: httpx.Request,
    headers: Iterable[tuple[str, str]],
    credentials: Sequence[tuple[KeyField, str]],
    connection: Connection,
) -> str:
    """Return a curl command that sends the request again, with these header fields.

    `credentials` contain variables such as `$BCTRL_API_KEY`; `connection` holds what the settings add to every request.
    """
    replaced = {name.lower() for name, *_ in connection.headers}
    words = [shlex.quote(_curl_header(name, value)) for name, value in headers if name.lower() not in replaced]
    words += [f'"{_curl_header(field.name, value)}"' for field, value in credentials if not field.in_query]
    words += [word for *_, word in connection.headers]
    fields = "".join(f" -H {word}" for word in words)
    if connection.certificate:
        fields += f" --cert {shlex.quote(connection.certificate)}"
    method = {"GET": "", "HEAD": " -I"}.get(request.method, f" -X {request.method}")
    if request.content:
        # curl changes the method of a request with a body to POST.
        method = f" -X {request.method} --data-raw {shlex.quote(request.content.decode())}"
    # curl resolves dot segments, encoded ones too (RFC 3986, 5.2.4), and would request another path.
    as_is = " --path-as-is" if _DOTS.search(request.url.raw_path.decode("ascii")) else ""
    return f"curl -sS -i{as_is}{method}{fields} {curl_url(str(request.url), credentials)}"


def _curl_header(name: str, value: str) -> str:
    """Return a header field for `curl -H`, which drops fields without a value unless they end in a semicolon."""
    return f"{name}: {value}" if value else f"{name};"


_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
