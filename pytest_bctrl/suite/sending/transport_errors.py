"""How answers are taken and requests shown, and words for what goes wrong: hangs, resets, truncates, refuses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus

import httpx

from pytest_bctrl.checks.protocol import around, check_retired, is_retired
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_protocol
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.codings import undone
from pytest_bctrl.traffic.flow import Attempt, TooMuchError
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.surplus import Surplus

RULE = "complete_answer"
FRAMING_RULE = "response_framing"


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


def trouble(error: httpx.TransportError, attempts: Sequence[Attempt]) -> str:
    """Return one sentence for an error that no attempt got past, and behind a semicolon what to look at."""
    seconds = sum(attempt.seconds for attempt in attempts)
    times = f"{len(attempts)} attempts in {seconds:.0f} s" if len(attempts) > 1 else "1 attempt"
    detail, begun = (attempts[-1].detail, attempts[-1].begun) if attempts else (str(error), False)
    words, hint = explained(type(error).__name__, detail, begun)
    return f"{words} ({times}); {hint}"


def explained(error: str, detail: str, begun: bool = False) -> tuple[str, str]:
    """Return what an error (an httpx exception's name) says of the target, in words, and what to look at."""
    fitting = (row for row in _TROUBLES if row[0] in (error, "") and re.search(row[1], detail, re.IGNORECASE))
    _, pattern, words, hint = next(fitting)
    if error == "ReadTimeout" and begun and not pattern:
        words = "the target hangs amid its answer: the rest of the body does not come"
    return words.format(detail), hint


_CURL = "see what answers there with curl -i"
_WALL = "see that a firewall lets you through, and try again"
_TROUBLES = (
    ("ProxyError", "", "the target was not asked: {}", "see the proxy; NO_PROXY lists hosts that need none"),
    (
        "",
        "certificate.required|bad.certificate|handshake.failure",
        "the target asks for a certificate of the client (TLS): {}",
        "name it: --bctrl-client-cert, a PEM file with certificate and key",
    ),
    (
        "ConnectError",
        "name or service|getaddrinfo|nodename|name resolution|no address",
        "the target's name is not known (DNS): {}",
        "see that the base URL is right, and that there is a network",
    ),
    (
        "ConnectError",
        "certificate|ssl|tls",
        "the connection to the target is not secure (TLS): {}",
        "see the certificate with openssl s_client -connect; SSL_CERT_FILE names the CAs to trust, a company's own too",
    ),
    ("ConnectError", "", "the target cannot be reached: {}", "see that a server listens there, on this port"),
    ("ConnectTimeout", "", "the target cannot be reached: no connection in time", _WALL),
    (
        "ReadTimeout",
        "still being sent",
        "the target sends its answer too slowly: it was not complete when the time was up",
        _CURL,
    ),
    ("ReadTimeout", "", "the target hangs: it takes the request and does not answer", _WALL),
    ("RemoteProtocolError", "without sending a response", "the target closes the connection without an answer", _CURL),
    ("RemoteProtocolError", "complete message body|incomplete chunked", "the target truncates its answer: {}", _CURL),
    ("RemoteProtocolError", "", "the target's answer is not HTTP/1.1: {}", _CURL),
    (TooMuchError.__name__, "", "the target sends too much: {}", _CURL),
    ("ReadError", "", "the target resets the connection: {}", _CURL),
    ("WriteError", "", "the target resets the connection: {}", _CURL),
    ("", "", "the target gives no usable answer: {}", _CURL),
)
"""Error, what its detail has in it, what to say of it, and what to look at; the first that fits counts."""


def come_back_later(status: int, attempts: int, asked: float | None, again: int) -> str:
    """Return one sentence for a target that still says 429, or 503, when the retries are used up.

    `asked` are the seconds of its `Retry-After`, `again` is how often requests were sent again in the whole run.
    """
    tried = f"after {attempts} attempts" if attempts > 1 else "at the first attempt"
    often = f" ({again} requests were sent again before)" if attempts == 1 and again else ""
    # Its own text is not repeated: a part of the key that stands in it would not be known for one.
    wait = f", and asks for {asked:.6g} s more (Retry-After)" if asked is not None else ""
    return f"the target says {status} {HTTPStatus(status).phrase}, {tried}{often}{wait}"


TIMEOUTS = frozenset({"ReadTimeout", "ConnectTimeout"})
"""Errors that tell of time lost, so that more requests would lose more."""


def attempt_findings(
    operation: Operation, attempts: Sequence[Attempt], shell: str, before: str = ""
) -> Iterator[Finding]:
    """Yield a finding for every broken answer that a retry made good: a consumer without retries had met it.

    `before` reproduces the request before on the same connection. A kept-alive connection that was closed while it
    was idle is no fault (RFC 9112, 9.5). Bytes after the end of an answer are one, whether it is the last or not.
    """
    for attempt in attempts:
        if attempt.surplus is not None and attempt.status is not None:
            yield surplus_finding(operation, attempt.surplus, shell)
    for attempt in attempts[:-1]:
        if attempt.error is None or attempt.idle_close or attempt.is_empty_line:
            continue
        if attempt.surplus is not None or attempt.is_stray:
            command = before if attempt.is_stray and before else shell
            yield surplus_finding(operation, attempt.surplus or attempt.detail, command)
        else:
            words = explained(attempt.error, attempt.detail, attempt.begun)[0]
            yield finding(operation, words, shell, observed=attempt.detail or attempt.error)


def surplus_finding(operation: Operation, surplus: Surplus | str, shell: str) -> Finding:
    """Return the finding for bytes that arrived where no response was due, or for what the parser said of them.

    A server that sends a body with its response to HEAD breaks the protocol where few clients meet it: a warning.
    """
    if isinstance(surplus, Surplus) and surplus.is_body and surplus.method == "HEAD":
        made = finding(operation, "the response to HEAD has a body", shell, observed=str(surplus))
        return replace(made, rule=FRAMING_RULE, level="warning", expected="no body")
    words = "the server sends bytes that belong to no response"
    made = finding(operation, words, shell, observed=str(surplus))
    return replace(made, rule=FRAMING_RULE, expected="one response to each request, and nothing after its end")


def pause_finding(operation: Operation, pauses: int, shell: str) -> Finding:
    """Return the finding for a 503 that asks to come back later, where it is not the first of the run."""
    observed = f"503, for the {pauses}{_ORDINALS.get(pauses, 'th')} time"
    found = finding(operation, "the server is unavailable again and again", shell, "status", observed)
    more = {"status": "503", "kind": "again", "source": "HTTP"}
    return replace(found, rule="not_a_server_error", expected="one pause at most, with Retry-After", extra=more)


_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def finding(
    operation: Operation, message: str, shell: str, place: str = "response", observed: object = "none"
) -> Finding:
    """Return the finding for a request that got no whole answer, or for what is wrong with how one came."""
    label, extra = operation.label, {"kind": re.split(r"[:(]", message)[0].strip(), "source": "HTTP"}
    wanted = "a whole answer"
    return Finding(
        RULE, "error", place, message, wanted, observed, total=1, operation=label, reproduce=shell, extra=extra
    )


def decoded(response: httpx.Response) -> tuple[httpx.Response, str]:
    """Return the response without its content coding, and why the coding is broken, if it is.

    A broken body stays as it was sent. `response` is one whose body was read but not decoded.
    """
    body, broken = undone(b"".join(response.iter_raw()), response.headers.get("Content-Encoding", ""))
    headers = [item for item in response.headers.raw if item[0].lower() not in (b"content-encoding", b"content-length")]
    plain = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
    plain.elapsed = response.elapsed
    return plain, broken


def reproduction(
    request: httpx.Request, given: Iterable[tuple[str, str]], key: Iterable[tuple[str, str]], common: Connection
) -> str:
    """A curl command that sends the request again, with fields as they are `given`.

    `key` holds `$BCTRL_API_KEY` where the key belongs; `common` is what the settings put on every request.
    """
    # curl drops a field without a value, unless a semicolon stands for the colon.
    replaced = {name.lower() for name, *_ in common.headers}
    plain = [(name, value) for name, value in given if name.lower() not in replaced]
    words = [shlex.quote(f"{name}: {value}" if value else f"{name};") for name, value in plain]
    words += [f'"{name}: {value}"' if value else f'"{name};"' for name, value in key]
    words += [word for *_, word in common.headers]
    fields = "".join(f" -H {word}" for word in words)
    fields += f" --cert {shlex.quote(common.certificate)}" if common.certificate else ""
    method = {"GET": "", "HEAD": " -I"}.get(request.method, f" -X {request.method}")
    if request.content:
        # curl makes a POST of a request with a body.
        method = f" -X {request.method} --data-raw {shlex.quote(request.content.decode())}"
    # curl resolves dot segments, encoded ones too (RFC 3986, 5.2.4), and would ask for another path.
    as_is = " --path-as-is" if _DOTS.search(request.url.raw_path.decode("ascii")) else ""
    return f"curl -sS -i{as_is}{method}{fields} {shlex.quote(str(request.url))}"


_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def require_let_in(response: Response) -> None:
    """Raise `NoAnswerError` where the key, the space or the route is refused: nothing else can be asked then."""
    if is_retired(response):
        raise NoAnswerError(findings(response, check_retired(response))[0], True)
    wanted = sorted(response.operation.success_statuses)
    words = _REFUSALS.get(response.status)
    if response.status == 400 and b"SSL certificate" in response.body:
        words = "asks for a certificate of the client: 400; name it with --bctrl-client-cert"
    if response.status == 404 and all(parameter.setting for parameter in response.operation.path_parameters):
        words = _NO_SUCH_SPACE if not check_protocol(response) else _NO_SUCH_ROUTE
    # What else is asked would be refused in the same way, each time a finding that says nothing new.
    is_refused = words is None and 300 <= response.status < 500 and response.status not in wanted
    if is_refused and (found := check_protocol(response, wanted)):
        raise NoAnswerError(found[0], True)
    if words is None:
        return
    refused = around("status_code_conformance", f"the target {words}", "status", wanted, None)
    raise NoAnswerError(findings(response, [refused])[0], True, is_outage=True)


_REFUSALS = {
    401: "refuses the key with 401; see that BCTRL_API_KEY holds a key of this API",
    403: "refuses the key with 403; see that BCTRL_API_KEY may list the space",
    404: "has nothing at this path: 404; see that the contract's examples name something that exists",
}
_NO_SUCH_SPACE = "knows no such space: 404; see that BCTRL_SPACE_ID, or --bctrl-space-id, names a space of this key"
_NO_SUCH_ROUTE = (
    "knows no such space or no such route: 404, and not as the contract documents one; see that the base URL is right, "
    "and that BCTRL_SPACE_ID names a space of this key"
)
