"""What went wrong on the wire is named in words that say which."""

from __future__ import annotations

import httpx
import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.suite.sending.transport_errors import attempt_findings, retry_later_message, transport_error_message
from pytest_bctrl.traffic.flow import Attempt, TooMuchError

OPERATION = load().operations[0]


def attempt(status: int | None = None, error: str | None = None, detail: str = "", kept: bool = False) -> Attempt:
    return Attempt("GET", "http://h/", status, error, detail, 1.0, reused=kept, begun=not kept)


@pytest.mark.parametrize(
    ("error", "detail", "words"),
    [
        (httpx.ConnectError, "refused", "the target cannot be reached: refused"),
        (httpx.ConnectTimeout, "", "the target cannot be reached: no connection in time"),
        (httpx.ReadTimeout, "", "the target hangs"),
        (httpx.ReadTimeout, "the response was still being sent when the time was up", "sends its answer too slowly"),
        (httpx.RemoteProtocolError, "Server disconnected without sending a response.", "without an answer"),
        (httpx.RemoteProtocolError, "peer closed connection without sending complete message body", "truncates"),
        (httpx.RemoteProtocolError, "illegal status line", "is not HTTP/1.1: illegal status line"),
        (TooMuchError, "the response is larger than 64 MiB", "sends too much: the response is larger than 64 MiB"),
        (httpx.ReadError, "reset by peer", "resets the connection: reset by peer"),
        (httpx.WriteError, "broken pipe", "resets the connection: broken pipe"),
        (httpx.PoolTimeout, "full", "no usable answer: full"),
    ],
)
def test_an_error_is_said_in_words(error: type[httpx.TransportError], detail: str, words: str) -> None:
    assert words in transport_error_message(error(detail), [attempt(error=error.__name__, detail=detail)])


def test_the_number_of_attempts_is_said() -> None:
    assert " (3 attempts in 3 s); check" in transport_error_message(
        httpx.ReadTimeout(""), [attempt(error="ReadTimeout")] * 3
    )


def test_an_error_before_any_attempt_is_said_by_itself() -> None:
    said = "the target cannot be reached: why (1 attempt); check that a server listens on this host and port"
    assert said == transport_error_message(httpx.ConnectError("why"), [])


@pytest.mark.parametrize(
    ("attempts", "asked", "again", "words"),
    [
        (4, None, 3, "the target says 429 Too Many Requests, after 4 attempts"),
        (4, 60.0, 3, "the target says 429 Too Many Requests, after 4 attempts, and asks for 60 s more (Retry-After)"),
        (1, None, 0, "the target says 429 Too Many Requests, at the first attempt"),
        (1, None, 9, "the target says 429 Too Many Requests, at the first attempt (9 requests were sent again before)"),
    ],
)
def test_a_limit_that_stays_is_said(attempts: int, asked: float | None, again: int, words: str) -> None:
    assert words == retry_later_message(429, attempts, asked, again)


def test_a_long_wait_is_said_in_few_digits() -> None:
    assert "asks for 1e+300 s more" in retry_later_message(503, 1, 1e300, 0)


GONE = "Server disconnected without sending a response."


def found(*attempts: Attempt) -> list[str]:
    return [finding.rule for finding in attempt_findings(OPERATION, attempts, "curl")]


def test_a_broken_answer_that_a_retry_made_good_is_found() -> None:
    assert ["complete_answer"] == found(attempt(error="RemoteProtocolError", detail="x"), attempt(200))


def test_a_limit_and_an_idle_connection_that_was_closed_are_no_fault() -> None:
    assert [] == found(attempt(429), attempt(error="ReadError", kept=True), attempt(200))
    assert [] == found(attempt(error="RemoteProtocolError", detail=GONE, kept=True), attempt(200))


def test_what_stands_after_the_end_of_an_answer_is_found_and_reproduced_by_the_request_before() -> None:
    stray = attempt(error="RemoteProtocolError", detail="illegal status line: 'more'", kept=True)
    said = [
        (finding.rule, finding.observed, finding.reproduce)
        for finding in attempt_findings(OPERATION, (stray, attempt(200)), "curl now", "curl before")
    ]

    assert [("response_framing", "illegal status line: 'more'", "curl before")] == said


def test_the_last_attempt_is_judged_elsewhere() -> None:
    assert [] == found(attempt(error="ReadError"))
