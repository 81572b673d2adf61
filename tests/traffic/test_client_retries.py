"""When the clients ask again, and when they give up: over real sockets, with small budgets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

import httpx
import pytest

from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.flow import ATTEMPTS, Attempt, Rules, Send, Wait, flow
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.traffic.retry import RetryPolicy

from .callers import KEY, QUICK, Ask
from .servers import Script, answer, close, cut, drip_body, drip_head, hang, serve


def timed(call: Callable[[], object]) -> float:
    started = monotonic()
    call()
    return monotonic() - started


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_passing_failure_is_asked_again(ask: Ask, status: int) -> None:
    with serve(answer(status), answer()) as server:
        assert (200, 2) == (ask(server.url).status_code, len(server.requests))


@pytest.mark.parametrize("status", [400, 401, 404, 418, 500, 501])
def test_another_status_is_given_back_at_once(ask: Ask, status: int) -> None:
    with serve(answer(status), answer()) as server:
        assert (status, 1) == (ask(server.url).status_code, len(server.requests))


@pytest.mark.parametrize("fault", [close, cut, b"nonsense\r\n\r\n"], ids=["closes", "cuts", "is no HTTP"])
def test_a_broken_connection_is_asked_again(ask: Ask, fault: bytes | Script) -> None:
    with serve(fault, answer()) as server:
        assert (200, 2) == (ask(server.url).status_code, len(server.requests))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_unsafe_method_is_never_asked_again(ask: Ask, method: str) -> None:
    with serve(answer(503), answer()) as server:
        assert (503, 1) == (ask(server.url, method, live=False).status_code, len(server.requests))


def test_a_lasting_failure_is_given_back_in_the_end(ask: Ask) -> None:
    with serve(answer(503)) as server:
        assert (503, QUICK.attempts) == (ask(server.url).status_code, len(server.requests))


def test_a_lasting_break_is_raised_with_the_number_of_attempts(ask: Ask) -> None:
    with serve(close) as server, pytest.raises(httpx.RemoteProtocolError, match=r"GET http.*\(4 attempts\)"):
        ask(server.url)


def test_every_request_again_carries_the_key(ask: Ask) -> None:
    with serve(answer(503), answer()) as server:
        ask(server.url)
        assert [f"Bearer {KEY}"] * 2 == server.authorizations()


def test_the_attempts_are_told(ask: Ask) -> None:
    with serve(answer(503), close, answer()) as server:
        attempts: tuple[Attempt, ...] = ask(server.url).extensions[ATTEMPTS]
        assert [(503, None), (None, "RemoteProtocolError"), (200, None)] == [
            (attempt.status, attempt.error) for attempt in attempts
        ]


def test_retry_after_is_waited_for(ask: Ask) -> None:
    with serve(answer(429, Retry_After="1"), answer()) as server:
        assert timed(lambda: ask(server.url)) >= 0.9


@pytest.mark.parametrize(
    "value",
    ["3600", "9" * 400, format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)],
    ids=["an hour", "forever", "tomorrow"],
)
def test_a_wait_that_the_budget_has_no_room_for_ends_the_retries(ask: Ask, value: str) -> None:
    with serve(answer(429, Retry_After=value), answer()) as server:
        response = ask(server.url, retry=RetryPolicy(budget=2.0))
        assert (429, 1) == (response.status_code, len(server.requests))


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1.5", "Thu, 99999999999999 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_senseless_retry_after_is_passed_over(ask: Ask, value: str) -> None:
    with serve(answer(429, Retry_After=value), answer()) as server:
        assert 200 == ask(server.url).status_code


@pytest.mark.parametrize("script", [hang, drip_body, drip_head], ids=["hangs", "drips its body", "drips its head"])
def test_a_server_that_is_too_slow_is_left_when_the_budget_is_spent(ask: Ask, script: Script) -> None:
    with serve(script) as server:

        def call() -> None:
            with pytest.raises(httpx.ReadTimeout):
                ask(server.url, timeout=60, retry=RetryPolicy(budget=0.5))

        assert 0.4 <= timed(call) < 30


def test_a_timeout_of_the_callers_is_kept(ask: Ask) -> None:
    with serve(hang) as server, pytest.raises(httpx.ReadTimeout):
        ask(server.url, timeout=0.1, retry=RetryPolicy(attempts=1))


def test_a_budget_that_ran_out_during_a_wait_asks_no_socket_for_a_negative_time() -> None:
    rules = Rules(origin_of("http://127.0.0.1:1"), Secret(KEY), True, RetryPolicy(budget=0.05, first_wait=0.04))
    running = flow(httpx.Request("GET", "http://127.0.0.1:1/"), rules)
    first = next(running)
    waiting = running.send(Attempt(status=503))
    started = monotonic()
    while monotonic() - started < 0.06:
        pass
    again = next(running)
    assert isinstance(first, Send)
    assert isinstance(waiting, Wait)
    assert isinstance(again, Send)
    assert all(limit > 0 for limit in again.request.extensions["timeout"].values())
