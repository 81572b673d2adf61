"""What the proxy saw of one exchange: the request, the response, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_bctrl.http.message import Headers


class TransportError(NamedTuple):
    """Why there is no complete response: the name of the httpx exception for it, and its detail."""

    name: str
    detail: str


class CapturedBody:
    """The size of a body, and its bytes if they are at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self.size = 0
        self.is_complete = False

    def add(self, data: bytes) -> None:
        """Add a part of the body; beyond the limit, all bytes are dropped and only the size is kept."""
        self.size += len(data)
        if self.size <= self._limit:
            self._data += data
        else:
            self._data.clear()

    @property
    def is_known(self) -> bool:
        """Whether the body is complete and within the limit."""
        return self.is_complete and self.size <= self._limit

    def __bytes__(self) -> bytes:
        return bytes(self._data)


@dataclass(eq=False, slots=True)
class ProxiedExchange:
    """One request, and its response as far as it arrived.

    `target` is the target that the target server received, with its base path. Bodies have content codings, but no
    transfer coding. `status` is 0 if no response arrived. `error` is set if the response is incomplete or malformed,
    `cancelled` if it is incomplete for a reason that is not the fault of the server."""

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
