"""Names what went wrong on the wire, in words that say which: hangs, resets, truncates, refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus

import httpx

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.traffic.flow import Attempt, TooMuchError

RULE = "complete_answer"


def trouble(error: httpx.TransportError, attempts: Sequence[Attempt]) -> str:
    """Return one sentence for an error that no attempt got past."""
    detail = attempts[-1].detail if attempts else str(error)
    seconds = sum(attempt.seconds for attempt in attempts)
    times = f"{len(attempts)} attempts in {seconds:.0f} s" if len(attempts) > 1 else "1 attempt"
    begun = bool(attempts) and attempts[-1].begun
    return f"{_words(type(error).__name__, detail, begun)} ({times})"


_STRAY = "after the end of an answer comes what is no HTTP/1.1 answer"


def _words(error: str, detail: str, begun: bool = False) -> str:
    if error == "ConnectError":
        return f"the target cannot be reached: {detail}"
    if error == "ConnectTimeout":
        return "the target cannot be reached: no connection in time"
    if error == "ReadTimeout":
        return _late_words(detail, begun)
    if error == "RemoteProtocolError" and "without sending a response" in detail:
        return "the target closes the connection without an answer"
    if error == "RemoteProtocolError" and ("complete message body" in detail or "incomplete chunked" in detail):
        return f"the target truncates its answer: {detail}"
    if error == "RemoteProtocolError":
        return f"the target's answer is not HTTP/1.1: {detail}"
    if error == TooMuchError.__name__:
        return f"the target sends too much: {detail}"
    if error in ("ReadError", "WriteError"):
        return f"the target resets the connection: {detail}"
    return f"the target gives no usable answer: {detail}"


def _late_words(detail: str, begun: bool) -> str:
    if "still being sent" in detail:
        return "the target sends its answer too slowly: it was not complete when the time was up"
    if begun:
        return "the target hangs amid its answer: the rest of the body does not come"
    return "the target hangs: it takes the request and does not answer"


def come_back_later(status: int, attempts: int, asked: float | None, again: int) -> str:
    """Return one sentence for a target that still says 429, or 503, when the retries are used up.

    `asked` are the seconds of its `Retry-After`, `again` is how often requests were sent anew in the whole run.
    """
    tried = f"after {attempts} attempts" if attempts > 1 else "at the first attempt"
    often = f" ({again} requests were sent anew before)" if attempts == 1 and again else ""
    # Its own text is not repeated: a part of the key that stands in it would not be known for one.
    wait = f", and asks for {asked:.6g} s more (Retry-After)" if asked is not None else ""
    return f"the target says {status} {HTTPStatus(status).phrase}, {tried}{often}{wait}"


TIMEOUTS = frozenset({"ReadTimeout", "ConnectTimeout"})
"""Errors that tell of time lost."""


def lost_time(seconds: float) -> str:
    """Return one sentence for a target that let a run wait in vain again and again."""
    return f"the target hangs again and again: {seconds:.0f} s were lost, so it is asked no more"


def is_timeout(text: str) -> bool:
    """Whether a sentence of `trouble` tells of time lost, so that more requests would lose more."""
    return "hangs" in text or "too slowly" in text or "no connection in time" in text


def is_out_of_reach(error: httpx.TransportError) -> bool:
    """Whether the request left for nobody: there was no connection to the target."""
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)


def attempt_findings(
    operation: Operation, attempts: Sequence[Attempt], shell: str, before: str = ""
) -> Iterator[Finding]:
    """Yield a finding for every broken answer that a retry made good: a consumer without retries had met it.

    `before` reproduces the request before on the same connection. A kept-alive connection that was closed while it
    was idle is no fault (RFC 9112, 9.5).
    """
    for attempt in attempts[:-1]:
        if attempt.error is not None and not attempt.idle_close:
            words = (
                f"{_STRAY}: {attempt.detail}"
                if attempt.is_stray
                else _words(attempt.error, attempt.detail, attempt.begun)
            )
            command = before if attempt.is_stray and before else shell
            yield _finding(operation, "answer", words, attempt.detail or attempt.error, command)


def pause_finding(operation: Operation, pauses: int, shell: str) -> Finding:
    """Return the finding for a 503 that asks to come back later, where it is not the first of the run."""
    observed = f"503, for the {pauses}{_ORDINALS.get(pauses, 'th')} time"
    found = _finding(operation, "status", "the server is unavailable again and again", observed, shell)
    return replace(
        found,
        rule="not_a_server_error",
        expected="one pause at most, with Retry-After",
        extra={"status": "503", "kind": "again"},
    )


_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def decoding_finding(operation: Operation, reason: str, shell: str) -> Finding:
    """Return the finding for a body whose content coding is broken."""
    return _finding(operation, "body", "the body is not in the coding that Content-Encoding names", reason, shell)


def unanswered_finding(operation: Operation, message: str, shell: str) -> Finding:
    """Return the finding for a request that got no whole answer at all."""
    return _finding(operation, "answer", message, "none", shell)


def _finding(operation: Operation, place: str, message: str, observed: object, shell: str) -> Finding:
    return Finding(
        RULE,
        "error",
        place,
        message,
        expected="a whole answer",
        observed=observed,
        total=1,
        operation=operation.label,
        reproduce=shell,
        extra={"kind": re.split(r"[:(]", message)[0].strip()},
    )
