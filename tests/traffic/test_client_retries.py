"""When the clients retry, and when they stop: over real sockets, with small budgets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.flow import ATTEMPTS, Attempt, Rules, Send, flow
from pytest_bctrl.traffic.origin import origin_of
from pytest_bctrl.traffic.retry import RetryPolicy

from .callers import KEY, QUICK, Ask
from .servers import Script, close, cut, drip_body, drip_head, hang, response, serve


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = monotonic()
    call()
    return monotonic() - started


BROKEN: tuple[bytes | Script, ...] = (close, cut, b"nonsense\r\n\r\n")
TOO_LONG = ("3600", "9" * 400, format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True))
SENSELESS = ("", "soon", "-1", "1.5", "Thu, 99999999999999 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT")


@pytest.mark.parametrize(
    ("scripts", "options", "status", "requests"),
    [
        *(([response(status), response()], {}, 200, 2) for status in (408, 429, 502, 503, 504)),
        *(([response(status), response()], {}, status, 1) for status in (400, 401, 404, 418, 500, 501)),
        *(([broken, response()], {}, 200, 2) for broken in BROKEN),
        *(([response(503), response()], {"method": method, "live": False}, 503, 1) for method in ("POST", "DELETE")),
        ([response(503)], {}, 503, QUICK.attempts),
        *(
            ([response(429, Retry_After=value), response()], {"retry": RetryPolicy(budget=2.0)}, 429, 1)
            for value in TOO_LONG
        ),
        *(([response(429, Retry_After=value), response()], {}, 200, 2) for value in SENSELESS),
    ],
)
def test_only_retryable_failures_are_retried_with_the_key(
    ask: Ask, scripts: list[bytes | Script], options: dict[str, Any], status: int, requests: int
) -> None:
    """Temporary failures and broken connections; not other statuses, unsafe methods, or too long a wait.

    Each attempt has the key. A status that persists is returned after the last attempt.
    """
    with serve(*scripts) as server:
        assert (status, [f"Bearer {KEY}"] * requests) == (
            ask(server.url, **options).status_code,
            server.authorizations(),
        )


def test_a_persistent_failure_raises_with_the_number_of_attempts(ask: Ask) -> None:
    with serve(close) as server, pytest.raises(httpx.RemoteProtocolError, match=r"GET http.*\(4 attempts\)"):
        ask(server.url)


def test_the_response_lists_its_attempts(ask: Ask) -> None:
    with serve(response(503), close, response()) as server:
        attempts: tuple[Attempt, ...] = ask(server.url).extensions[ATTEMPTS]
        assert [(503, None), (None, "RemoteProtocolError"), (200, None)] == [
            (attempt.status, attempt.error) for attempt in attempts
        ]


def test_the_client_waits_for_retry_after(ask: Ask) -> None:
    with serve(response(429, Retry_After="1"), response()) as server:
        assert timed(lambda: ask(server.url)) >= 0.9


@pytest.mark.parametrize("script", [hang, drip_body, drip_head], ids=["hangs", "drips its body", "drips its head"])
def test_a_slow_server_times_out_when_the_retry_budget_is_spent(ask: Ask, script: Script) -> None:
    with serve(script) as server:

        def call() -> None:
            """Send a request, which must time out."""
            with pytest.raises(httpx.ReadTimeout):
                ask(server.url, timeout=60, retry=RetryPolicy(budget=0.5))

        assert 0.4 <= timed(call) < 30


@pytest.mark.parametrize("keep_alive", [False, True])
def test_a_slow_second_response_times_out(keep_alive: bool) -> None:
    """On a reused connection, and on a new one."""
    retry = RetryPolicy(budget=0.5)
    with (
        serve(response(), drip_head) as server,
        client(server.url, None, live=True, keep_alive=keep_alive, retry=retry) as http,
    ):
        http.get("/")
        with pytest.raises(httpx.ReadTimeout, match="still being sent when the time was up"):
            http.get("/")


def test_the_time_out_of_the_caller_is_used(ask: Ask) -> None:
    with serve(hang) as server, pytest.raises(httpx.ReadTimeout):
        ask(server.url, timeout=0.1, retry=RetryPolicy(attempts=1))


def test_no_negative_time_out_is_used_after_the_budget_ran_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A further attempt after the wait has positive time-outs."""
    now = 100.0
    monkeypatch.setattr("pytest_bctrl.traffic.flow.clock", SimpleNamespace(monotonic=lambda: now))
    rules = Rules(origin_of("http://127.0.0.1:1"), None, True, RetryPolicy(budget=0.05, first_wait=0.04))
    running = flow(httpx.Request("GET", "http://127.0.0.1:1/"), rules)
    first = next(running)
    waiting = running.send(Attempt(status=503))
    now += 0.06
    again = next(running)
    assert isinstance(first, Send)
    assert isinstance(waiting, float)
    assert isinstance(again, Send)
    assert all(limit > 0 for limit in again.request.extensions["timeout"].values())
