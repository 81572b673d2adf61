"""The message about a transport error says what went wrong."""

from __future__ import annotations

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.suite.sending.transport_errors import attempt_findings, describe_attempts, retry_later_message
from pytest_bctrl.traffic.flow import Attempt, TooMuchError

OPERATION = load().operations[0]


def attempt(status: int | None = None, error: str | None = None, detail: str = "", kept: bool = False) -> Attempt:
    """Return an attempt of a second; `kept` means on a connection that was used before, and before any response."""
    return Attempt("GET", status, error, detail, 1.0, reused=kept, begun=not kept)


@pytest.mark.parametrize(
    ("error", "detail", "words"),
    [
        (httpx.ConnectError, "refused", "the target cannot be reached: refused"),
        (httpx.ConnectTimeout, "", "the target cannot be reached: no connection in time"),
        (httpx.ReadTimeout, "", "the target hangs"),
        (httpx.ReadTimeout, "the response was still being sent when the time was up", "sends its response too slowly"),
        (httpx.RemoteProtocolError, "Server disconnected without sending a response.", "without a response"),
        (httpx.RemoteProtocolError, "peer closed connection without sending complete message body", "truncates"),
        (httpx.RemoteProtocolError, "illegal status line", "is not HTTP/1.1: illegal status line"),
        (TooMuchError, "the response is larger than 64 MiB", "sends too much: the response is larger than 64 MiB"),
        (httpx.ReadError, "reset by peer", "resets the connection: reset by peer"),
        (httpx.WriteError, "broken pipe", "resets the connection: broken pipe"),
        (httpx.PoolTimeout, "full", "no usable response: full"),
    ],
)
def test_transport_error_message_describes_each_error(
    error: type[httpx.TransportError], detail: str, words: str
) -> None:
    assert words in describe_attempts(error.__name__, [attempt(error=error.__name__, detail=detail)]).message


def test_transport_error_message_has_the_number_of_attempts() -> None:
    description = describe_attempts("ReadTimeout", [attempt(error="ReadTimeout")] * 3)
    assert " (3 attempts in 3 s); check" in description.message


@pytest.mark.parametrize(
    ("attempts", "retry_after", "repeats", "words"),
    [
        (4, None, 3, "the target responds with 429 Too Many Requests to each of 4 attempts"),
        (
            4,
            60.0,
            3,
            "the target responds with 429 Too Many Requests to each of 4 attempts, "
            "and asks to wait 60 s more (Retry-After)",
        ),
        (1, None, 0, "the target responds with 429 Too Many Requests to the first attempt"),
        (
            1,
            None,
            9,
            "the target responds with 429 Too Many Requests to the first attempt (9 requests were retried before)",
        ),
    ],
)
def test_retry_later_message_describes_the_rate_limit(
    attempts: int, retry_after: float | None, repeats: int, words: str
) -> None:
    assert words == retry_later_message(429, attempts, retry_after, repeats)


def test_retry_later_message_shortens_long_waits() -> None:
    assert "asks to wait 1e+300 s more" in retry_later_message(503, 1, 1e300, 0)


GONE = "Server disconnected without sending a response."


def reported_rules(*attempts: Attempt) -> list[str]:
    """Return the rules of the findings about the attempts of one request."""
    return [finding.rule for finding in attempt_findings(OPERATION, attempts, "curl")]


def test_a_broken_response_before_a_successful_retry_is_found() -> None:
    """The rule is `complete_answer`, although the second attempt succeeds."""
    assert ["complete_answer"] == reported_rules(attempt(error="RemoteProtocolError", detail="x"), attempt(200))


def test_rate_limits_and_closed_idle_connections_are_not_findings() -> None:
    """The next attempt succeeds; the connection was used before and ends without a response."""
    assert [] == reported_rules(attempt(429), attempt(error="ReadError", kept=True), attempt(200))
    assert [] == reported_rules(attempt(error="RemoteProtocolError", detail=GONE, kept=True), attempt(200))


@pytest.mark.parametrize(("previous", "command"), [("curl before", "curl before"), ("", "curl now")])
def test_surplus_bytes_are_found_with_the_command_of_the_previous_request(previous: str, command: str) -> None:
    """If that request is unknown, the command is that of the request itself."""
    stray = attempt(error="RemoteProtocolError", detail="illegal status line: 'more'", kept=True)
    reported = [
        (finding.rule, finding.observed, finding.reproduce)
        for finding in attempt_findings(OPERATION, (stray, attempt(200)), "curl now", previous)
    ]

    assert [("response_framing", "illegal status line: 'more'", command)] == reported


def test_a_failed_last_attempt_is_not_reported_again() -> None:
    """`attempt_findings` is empty for it, because its error is reported as such."""
    assert [] == reported_rules(attempt(error="ReadError"))
