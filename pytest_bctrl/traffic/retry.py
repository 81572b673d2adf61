"""Decides whether to retry a request and how long to wait before one; uses no clock and no socket."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The responses on which a safe request is retried, how often, and for how long.

    `budget` is the number of seconds for all attempts, waits included. A response with a status of `announced` is
    retried only if it has a `Retry-After`. `rate_limit_budget` is the number of further seconds that a request may
    wait after 429.
    """

    statuses: frozenset[int] = frozenset({408, 429, 502, 503, 504})
    announced: frozenset[int] = frozenset()
    budget: float = 30.0
    attempts: int = 4
    first_wait: float = 0.2
    rate_limit_budget: float = 0.0

    def should_retry(self, status: int | None, retry_after: str | None) -> bool:
        """Return whether a safe request is retried after a response with this status and this `Retry-After`."""
        return status in self.statuses or (status in self.announced and retry_after is not None)

    def wait(self, attempt: int, retry_after: str | None, now: datetime, status: int | None = None) -> float:
        """Return the seconds to wait after a failed attempt, given its number from 1 on.

        That is the value of `Retry-After`, else 0.2, 0.4, 0.8 and so on. For a 429 without it, and a policy with
        `rate_limit_budget`, it is 1, 3, 9: rate limits are counted in seconds or minutes.
        """
        if retry_after is not None:
            requested_wait = parse_retry_after(retry_after, now)
            if requested_wait is not None:
                return requested_wait
        if status == 429 and self.rate_limit_budget:
            return 5 * self.first_wait * 3.0 ** (attempt - 1)
        return self.first_wait * 2.0 ** (attempt - 1)


FIRST = 0.25
"""Seconds between two requests after the second 429; each further 429 doubles them."""
SLOWEST = 1.0
"""Maximum number of seconds between two requests."""
LONGEST = 90.0
"""Maximum number of seconds to wait when a response says that the rate limit is exhausted."""


@dataclass(slots=True)
class Pace:
    """Limits the request rate: at least `seconds` between two requests, and no request while the limit is exhausted.

    The first 429 does not slow down the requests, because most servers send only one. `max_wait` is the number of
    seconds for which a target may announce, in all responses together, that its limit is exhausted. All times come
    from one monotonic clock.
    """

    seconds: float = 0.0
    max_wait: float = 2 * LONGEST
    _next: float = 0.0
    _limit_count: int = 0
    _limited_at: float = -math.inf

    def take(self, now: float) -> float:
        """Reserve the next time slot and return the seconds to wait before sending the request."""
        slot = max(now, self._next)
        self._next = slot + self.seconds
        return slot - now

    def learn(
        self, status: int | None, headers: Mapping[str, str], now: float, today: datetime, sent: float = math.inf
    ) -> None:
        """Slow down from the second 429 on, or put off requests until the reset if header fields say that none is left.

        If several overlapping requests get a 429, and all of them were `sent` before the first 429 arrived, they
        count as one.
        """
        if status != 429:
            self._learn_from_fields(headers, now, today)
        elif headers.get("Retry-After") != "0" and sent > self._limited_at:
            self._limit_count, self._limited_at = self._limit_count + 1, now
            if self._limit_count > 1:
                self.seconds = max(self.seconds, min(SLOWEST, 2 * self.seconds or FIRST))

    def _learn_from_fields(self, headers: Mapping[str, str], now: float, today: datetime) -> None:
        """Put off the next request until the reset of an exhausted rate limit, unless that is too long."""
        if requests_left(headers) != 0:
            return
        _, reset_field = _rate_limit_fields(headers)
        seconds = _seconds_until(reset_field, today)
        if seconds is not None and seconds <= min(LONGEST, self.max_wait):
            # Some servers send this with every response and accept more requests all the same.
            self.max_wait -= seconds
            self._next = max(self._next, now + seconds)


def requests_left(headers: Mapping[str, str]) -> int | None:
    """Return the number of requests left in the rate limit (draft-ietf-httpapi-ratelimit), or None if not given."""
    remaining = _rate_limit_fields(headers)[0].strip()
    if remaining.isascii() and remaining.isdigit():
        return int(remaining)
    return None


def _rate_limit_fields(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the remaining requests and the reset time as the response has them; empty if they are missing."""
    for prefix in ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-"):
        if remaining := headers.get(f"{prefix}Remaining", ""):
            return remaining, headers.get(f"{prefix}Reset", "")
    match = re.search(r";\s*r=(\d+)\b.*?;\s*t=(\d+)", headers.get("RateLimit", ""))
    if match is None:
        return "", ""
    return match[1], match[2]


def _seconds_until(reset: str, today: datetime) -> float | None:
    """Return the seconds until a reset, given as seconds from now or as a Unix timestamp; None if it is not valid."""
    seconds = parse_retry_after(reset.partition(".")[0], today)
    is_timestamp = seconds is not None and seconds > 365 * 24 * 3600
    if seconds is not None and is_timestamp:
        return max(0.0, seconds - today.timestamp())
    return seconds


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` names (RFC 9110, 10.2.3): 0 for a past date, None if it is not valid."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
