"""The counts of a run: what became of each request, and what the other engines validated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

CHECKED = "checked"
UNANSWERED = "unanswered"
UNMATCHED, FOREIGN = "unmatched", "foreign"
"""Requests that an auth of the project sends for itself, for example to get a token."""
UNEXAMINED = "no test examined the response"
RETRIED = "the response was retried, and the contract does not document it"
RETRY_LATER = "the target asked to send the request again later"
UNCERTAIN = "the response may belong to another request"


class Tally:
    """Counts requests, responses and bodies; each exchange once per entry.

    `account` has the number of requests that were sent, retries included, by outcome: `CHECKED`, `UNANSWERED`,
    `UNMATCHED`, `FOREIGN`, or the reason why the response was not checked. Until `settle`, a request is `UNEXAMINED`.
    `counts` has the other counts, and `gaps` what the engines did not check.
    """

    def __init__(self) -> None:
        self.account, self.counts = Counter[str](), Counter[str]()
        self.gaps: dict[str, None] = {}
        self._counted: set[tuple[Hashable, str]] = set()

    def is_first(self, exchange: Hashable, entry: str) -> bool:
        """Return whether an exchange was not counted under an entry before, and store that it is."""
        size = len(self._counted)
        self._counted.add((exchange, entry))
        return len(self._counted) > size

    def count_once(self, exchange: Hashable, entry: str) -> None:
        """Add 1 to an entry; repeated calls with the same exchange count once."""
        self.counts[entry] += self.is_first(exchange, entry)

    def settle(self, exchange: Hashable, outcome: str) -> None:
        """Count an exchange, which was unexamined, under its outcome; the first outcome is final."""
        if self.is_first(exchange, "outcome"):
            self.account[UNEXAMINED] -= 1
            self.account[outcome] += 1

    def pop(self) -> dict[str, Any]:
        """Return the counts since the last call as plain data, and remove them.

        A request that a later test examines is then subtracted from the unexamined ones.
        """
        data = {"account": dict(self.account), "counts": dict(self.counts), "gaps": list(self.gaps)}
        for counted in (self.account, self.counts, self.gaps):
            counted.clear()
        return data
