"""How long to wait before a request is sent again: decisions, without a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.traffic.retry import FIRST, SLOWEST, Pace, RetryPolicy, parse_retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("007", 7.0),
        ("9" * 400, float("inf")),
        ("Thu, 01 Jan 2026 00:00:10 GMT", 10.0),
        ("Thursday, 01-Jan-26 00:00:10 GMT", 10.0),
        ("Thu Jan  1 00:00:10 2026", 10.0),
        ("Thu, 01 Jan 2026 00:00:10", 10.0),
        ("Thu, 01 Jan 2026 02:00:10 +0200", 10.0),
        ("Wed, 31 Dec 2025 23:59:59 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1e3", None),
        ("1, 2", None),
        ("nan", None),
        ("\u0663", None),
        ("2026-01-01T00:00:10Z", None),
        ("Thu, 01 Jan 2026 25:00:00 GMT", None),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("Thu, 99999999999999 Jan 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 00:00:00 +9999999999", None),
    ],
)
def test_retry_after_is_parsed_as_seconds_or_a_date(value: str, expected: float | None) -> None:
    assert expected == parse_retry_after(value, NOW)


@given(st.text())
def test_any_retry_after_yields_none_or_a_wait_that_is_not_negative(value: str) -> None:
    wait = parse_retry_after(value, NOW)
    assert wait is None or wait >= 0


@given(st.integers(0, 10**6), st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours))))
def test_a_retry_after_date_yields_the_seconds_until_then(seconds: int, zone: timezone) -> None:
    assert float(seconds) == parse_retry_after(
        format_datetime((NOW + timedelta(seconds=seconds)).astimezone(zone)), NOW
    )


@pytest.mark.parametrize(
    ("attempt", "retry_after", "expected"),
    [(1, None, 0.2), (2, None, 0.4), (3, None, 0.8), (1, "7", 7.0), (3, "0", 0.0), (2, "soon", 0.4)],
)
def test_the_wait_is_retry_after_or_doubles_per_attempt(attempt: int, retry_after: str | None, expected: float) -> None:
    assert pytest.approx(expected) == RetryPolicy().wait(attempt, retry_after, NOW)


@pytest.mark.parametrize(
    ("status", "retry_after", "is_retried"),
    [
        (429, None, True),
        (503, "1", True),
        (503, None, False),
        (502, "1", False),
        (200, "1", False),
        (None, None, False),
    ],
)
def test_announced_statuses_are_retried_only_with_retry_after(
    status: int | None, retry_after: str | None, is_retried: bool
) -> None:
    """`should_retry`: 503 only with it, and 429 in any case."""
    policy = RetryPolicy(statuses=frozenset({429}), announced=frozenset({503}))
    assert is_retried is policy.should_retry(status, retry_after)


def test_each_further_429_doubles_the_time_between_requests_up_to_a_bound() -> None:
    """The first has no effect; none has a `Retry-After`."""
    pace, intervals = Pace(), []
    for _ in range(6):
        pace.learn(429, {}, 0.0, NOW)
        intervals.append(pace.seconds)

    assert [0, FIRST, 2 * FIRST, SLOWEST, SLOWEST, SLOWEST] == intervals


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 9)}, 9),
        ({"RateLimit": '"minute";r=0;t=30'}, 30),
        ({"RateLimit": '"minute";r=1;t=30'}, 0),
        ({"RateLimit-Remaining": "1", "RateLimit-Reset": "7"}, 0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "soon"}, 0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "86400"}, 0),
    ],
)
def test_requests_wait_while_a_rate_limit_is_exhausted(headers: dict[str, str], wait: float) -> None:
    """Not if a request is left, or if the reset is invalid or too far ahead."""
    pace = Pace()
    pace.learn(200, headers, 100.0, NOW)

    assert wait == pace.take(100.0)


def test_waits_for_an_exhausted_rate_limit_are_bounded_in_total() -> None:
    """Of ten announced waits of 60 seconds, three are kept."""
    pace, waits = Pace(), []
    for now in range(0, 900, 90):
        pace.learn(200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "60"}, float(now), NOW)
        waits.append(pace.take(float(now)))
    assert [60, 60, 60, *[0] * 7] == waits


@given(st.lists(st.floats(0, 10), min_size=2), st.sampled_from([0.1, 2.0]))
def test_requests_are_never_sent_faster_than_the_pace_allows(times: list[float], seconds: float) -> None:
    pace = Pace(seconds)
    sent = [now + pace.take(now) for now in sorted(times)]
    assert all(after - before >= seconds - 1e-9 for before, after in pairwise(sent))


def test_waits_after_a_429_without_retry_after_triple_with_a_rate_limit_budget() -> None:
    """They are 1, 3 and 9 seconds."""
    patient = RetryPolicy(rate_limit_budget=90)
    assert [1, 3, 9] == [round(patient.wait(attempt, None, NOW, 429), 9) for attempt in (1, 2, 3)]
