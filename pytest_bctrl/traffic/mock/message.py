"""Requests and answers as data, the same for the server and for the in-process transport."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
Ending: TypeAlias = Literal["whole", "truncate", "reset", "hang"]

_WORTH_COMPRESSING = 1024
_LARGE = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Request:
    """One request as it arrived: `target` is what stood in the request line, header names are in lower case."""

    method: str
    target: str
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """Return a header's value, several joined by commas (RFC 9110, 5.3); None where it is missing."""
        return self._fields.get(name)

    @cached_property
    def _fields(self) -> Mapping[str, str]:
        fields: dict[str, str] = {}
        for name, value in self.headers:
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return fields


class Payload:
    """The bytes of a body, and the same compressed, which is made once and only when first asked for."""

    __slots__ = ("_gzipped", "body")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._gzipped: bytes | None = None

    @property
    def gzipped(self) -> bytes:
        """The body compressed; the same bytes for the same body, since no time is written into it."""
        if self._gzipped is None:
            level = 6 if len(self.body) < _LARGE else 1
            self._gzipped = zlib.compress(self.body, level, wbits=_GZIP)
        return self._gzipped

    @property
    def is_worth_compressing(self) -> bool:
        """Whether a client that takes gzip gets it: below a kilobyte it costs more than it saves."""
        return len(self.body) >= _WORTH_COMPRESSING

    def __repr__(self) -> str:
        return f"Payload({len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and how it is put on the wire.

    `delay` is in seconds before the first byte. `ending` is how it ends: whole; cut off within the body by a
    clean close (`truncate`); before the first byte by a reset (`reset`); or never (`hang`). `chunked` sends the body
    in the chunked transfer coding. `why` says in words why it is not the plain success, `faults` which faults made it.
    """

    status: int
    headers: Headers = ()
    payload: Payload = field(default_factory=lambda: Payload(b""))
    delay: float = 0.0
    ending: Ending = "whole"
    chunked: bool = False
    why: str = field(default="", repr=False)
    faults: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """Return a header's value by its name in any case; None where it is missing."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None

    @property
    def body(self) -> bytes:
        """The body as it was meant, before any content coding."""
        return self.payload.body


def with_headers(headers: Headers, changes: Mapping[str, str | None]) -> Headers:
    """Return `headers` with some set anew, or dropped where the value is None; names in any case."""
    names = {name.lower() for name in changes}
    kept = tuple(pair for pair in headers if pair[0].lower() not in names)
    return kept + tuple((name, value) for name, value in changes.items() if value is not None)
