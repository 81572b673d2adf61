"""When a request is sent, and sent again, and how long to wait first: decisions only, no clock and no socket."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Which answers a safe request is tried again on, how often, and how long: `budget` seconds, waits included.

    On a status of `announced` it is tried again only where the answer says when (`Retry-After`). `patience` are the
    seconds that a 429 may have a request wait beyond that.
    """

    statuses: frozenset[int] = frozenset({408, 429, 502, 503, 504})
    announced: frozenset[int] = frozenset()
    budget: float = 30.0
    attempts: int = 4
    first_wait: float = 0.2
    patience: float = 0.0

    def tries_again(self, status: int | None, retry_after: str | None) -> bool:
        """Whether an answer with this status, and this `Retry-After`, is one to come back for."""
        return status in self.statuses or (status in self.announced and retry_after is not None)

    def wait(self, attempt: int, retry_after: str | None, now: datetime, status: int | None = None) -> float:
        """Seconds to wait after the failed `attempt` (1 for the first): what the server asks, or 0.2, 0.4, 0.8.

        For a 429 that says nothing, it is 1, 3, 9 where there is patience: a limit is one of seconds or minutes.
        """
        asked = parse_retry_after(retry_after, now) if retry_after is not None else None
        if asked is None and status == 429 and self.patience:
            return 5 * self.first_wait * 3.0 ** (attempt - 1)
        return self.first_wait * 2.0 ** (attempt - 1) if asked is None else asked


FIRST = 0.25
SLOWEST = 1.0
"""Seconds between two requests: after the second 429, and at most. Every further one doubles them."""
LONGEST = 90.0
"""Seconds that are waited at most because an answer says that no more requests are taken."""


@dataclass(slots=True)
class Pace:
    """Keeps requests apart: `seconds` lie between two, and none is sent while the target takes none.

    The first 429 changes nothing: one is often all there is. `patience` are the seconds for which a target may say in
    all that it takes none. Times are of one clock that never goes back.
    """

    seconds: float = 0.0
    patience: float = 2 * LONGEST
    _next: float = 0.0
    _limits: int = 0
    _limited: float = -math.inf

    def take(self, now: float) -> float:
        """Return the seconds to wait before a request, which is sent then."""
        at = max(now, self._next)
        self._next = at + self.seconds
        return at - now

    def learn(
        self, status: int | None, headers: Mapping[str, str], now: float, today: datetime, sent: float = math.inf
    ) -> None:
        """Take an answer's word for how many requests are taken: a 429, or that none is left until a time.

        Several 429 to requests that overlapped, which were all `sent` before the first came, count as one.
        """
        if status != 429:
            reset = _until(_limit(headers)[1], today) if requests_left(headers) == 0 else None
            if reset is not None and reset <= min(LONGEST, self.patience):
                # Some answers say so each time, and take more all the same.
                self.patience -= reset
                self._next = max(self._next, now + reset)
        elif headers.get("Retry-After") != "0" and sent > self._limited:
            self._limits, self._limited = self._limits + 1, now
            if self._limits > 1:
                self.seconds = max(self.seconds, min(SLOWEST, 2 * self.seconds or FIRST))


def requests_left(headers: Mapping[str, str]) -> int | None:
    """Return how many more requests an answer says are taken for now (draft-ietf-httpapi-ratelimit), if it does."""
    left = _limit(headers)[0].strip()
    return int(left) if left.isascii() and left.isdigit() else None


def _limit(headers: Mapping[str, str]) -> tuple[str, str]:
    """How many requests are left, and until when, as an answer spells it."""
    for prefix in ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-"):
        if left := headers.get(f"{prefix}Remaining", ""):
            return left, headers.get(f"{prefix}Reset", "")
    found = re.search(r";\s*r=(\d+)\b.*?;\s*t=(\d+)", headers.get("RateLimit", ""))
    return (found[1], found[2]) if found else ("", "")


def _until(text: str, today: datetime) -> float | None:
    """Read a reset: seconds, or the second of a day since 1970, as some write it."""
    seconds = parse_retry_after(text.partition(".")[0], today)
    is_epoch = seconds is not None and seconds > 365 * 24 * 3600
    return max(0.0, seconds - today.timestamp()) if seconds is not None and is_epoch else seconds


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): seconds from now, or None where it says nothing usable."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
