"""What the proxy saw of one exchange: the request, the response, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from pytest_bctrl.http.message import Headers


class TransportError(NamedTuple):
    """Why there is no complete response: the name of the httpx exception for it, and its detail."""

    name: str
    detail: str


class BodyBudget:
    """The memory of a process for bodies that are received or wait for their checks. Safe to use from several threads.

    All bodies take up to `limit` bytes, and small ones up to `reserve` more, so that large ones do not displace them.
    """

    def __init__(self, limit: int, reserve: int) -> None:
        self._limit, self._reserve = limit, reserve
        self._lock = Lock()
        self._used = 0

    def take(self, count: int, *, is_small: bool) -> bool:
        """Take `count` bytes, and return True; take nothing and return False if the budget has no room for them."""
        limit = self._limit + self._reserve if is_small else self._limit
        with self._lock:
            has_room = self._used + count <= limit
            if has_room:
                self._used += count
        return has_room

    def give(self, count: int) -> None:
        """Return `count` bytes to the budget."""
        with self._lock:
            self._used -= count


SMALL = 64 * 1024
"""Maximum size in bytes of a body that uses the reserve of the budget."""
_SHORT = 1_000
"""Maximum size in bytes of a body that stays after the checks, for findings about the bytes after its response."""


class CapturedBody:
    """The size of a body, and its bytes if they are at most `limit` and `budget` has room for them.

    `problem` says why the bytes are not kept, as the end of a sentence about the body; it is empty if they are.
    """

    def __init__(self, limit: int, budget: BodyBudget) -> None:
        self._limit = limit
        self._budget = budget
        self._data: bytes | bytearray = bytearray()
        self._taken = 0
        self._is_closed = False
        self.size = 0
        self.is_complete = False
        self.problem = ""

    def add(self, data: bytes) -> None:
        """Add a part of the body; beyond the limit or the budget, all bytes are dropped and only the size is kept."""
        self.size += len(data)
        if self.problem or self._is_closed:
            return
        if self.size > self._limit:
            self._omit("is larger than --max-body")
        elif not self._budget.take(len(data), is_small=self.size <= SMALL):
            self._omit("did not fit into memory next to other bodies")
        else:
            self._taken += len(data)
            self._data += data

    def finish(self) -> None:
        """Record that the body is complete, unless its exchange has ended before."""
        self.is_complete = not self._is_closed

    def close(self) -> None:
        """Keep no further bytes: the exchange has ended."""
        self._is_closed = True

    def drop(self) -> None:
        """Give the memory back after the checks; a body that a command can contain stays."""
        if self.size > _SHORT:
            self._omit(self.problem or "was checked and dropped")
        self._budget.give(self._taken)
        self._taken = 0

    def _omit(self, problem: str) -> None:
        """Drop the bytes, for a reason."""
        self.problem = problem
        self._data = bytearray()
        self._budget.give(self._taken)
        self._taken = 0

    @property
    def is_known(self) -> bool:
        """Whether the body is complete, and its bytes are kept."""
        return self.is_complete and not self.problem

    def __bytes__(self) -> bytes:
        # A closed body is converted once, so the check needs one copy.
        data = bytes(self._data)
        if self._is_closed:
            self._data = data
        return data


@dataclass(eq=False, slots=True)
class ProxiedExchange:
    """One request, and its response as far as it arrived.

    `target` is the target that the target server received, with its base path. Bodies have content codings, but no
    transfer coding. `status` is 0 if no response arrived. `error` is set if the response is incomplete or malformed,
    `cancelled` if it is incomplete for a reason that is not the fault of the server.
    """

    method: str
    target: str
    request_headers: Headers = field(repr=False)
    request_body: CapturedBody = field(repr=False)
    response_body: CapturedBody = field(repr=False)
    status: int = 0
    reason: str = ""
    headers: Headers = field(default=(), repr=False)
    error: TransportError | None = None
    cancelled: str = ""

    @property
    def size(self) -> int:
        """The number of bytes of both bodies, and of the header fields."""
        fields = (*self.request_headers, *self.headers)
        return self.request_body.size + self.response_body.size + sum(len(name) + len(value) for name, value in fields)

    def close_bodies(self) -> None:
        """Keep no further bytes: the exchange has ended."""
        self.request_body.close()
        self.response_body.close()

    def drop_bodies(self) -> None:
        """Give the memory of the bodies back after the checks."""
        self.request_body.drop()
        self.response_body.drop()
