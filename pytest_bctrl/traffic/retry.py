"""When a request is sent again, and how long to wait first: decisions only, no clock and no socket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({408, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Which answers a safe request is tried again on, how often, and how long: `budget` seconds, waits included.

    On a status of `announced` it is tried again only where the answer says when (`Retry-After`).
    """

    statuses: frozenset[int] = RETRIED_STATUSES
    announced: frozenset[int] = frozenset()
    budget: float = 30.0
    attempts: int = 4
    first_wait: float = 0.2

    def tries_again(self, status: int | None, retry_after: str | None) -> bool:
        """Whether an answer with this status, and this `Retry-After`, is one to come back for."""
        return status in self.statuses or (status in self.announced and retry_after is not None)

    def wait(self, attempt: int, retry_after: str | None, now: datetime) -> float:
        """Seconds to wait after the failed `attempt` (1 for the first): what the server asks, or 0.2, 0.4, 0.8."""
        asked = parse_retry_after(retry_after, now) if retry_after is not None else None
        return self.first_wait * 2 ** (attempt - 1) if asked is None else asked


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
