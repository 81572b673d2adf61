"""Requests and answers as data, what their header fields ask for, and answers as bytes (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

Headers: TypeAlias = tuple[tuple[str, str], ...]
Ending: TypeAlias = Literal["whole", "truncate", "reset", "hang"]

_WORTH_COMPRESSING = 1024
"""Bytes of a body below which gzip costs more than it saves."""
_LARGE = 1024 * 1024


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
    def query(self) -> tuple[tuple[str, str], ...]:
        """The names and values of the query, decoded."""
        return tuple(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def _fields(self) -> Mapping[str, str]:
        fields: dict[str, str] = {}
        for name, value in self.headers:
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return fields


class Payload:
    """The bytes of a body, and the same compressed, which is made once and only when first asked for.

    `page_of` is the whole body that they are a page of, if they are one.
    """

    def __init__(self, body: bytes, page_of: Payload | None = None) -> None:
        self.body = body
        self.page_of = page_of

    @cached_property
    def gzipped(self) -> bytes:
        """The body compressed; the same bytes for the same body, since no time is written into it."""
        return zlib.compress(self.body, 6 if len(self.body) < _LARGE else 1, wbits=16 + zlib.MAX_WBITS)

    def __repr__(self) -> str:
        return f"Payload({len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class MockResponse:
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


def with_headers(response: MockResponse, changes: Mapping[str, str | None]) -> MockResponse:
    """Return an answer with some header fields set again, or dropped where the value is None; names in any case."""
    names = {name.lower() for name in changes}
    kept = (pair for pair in response.headers if pair[0].lower() not in names)
    given = ((name, value) for name, value in changes.items() if value is not None)
    return replace(response, headers=(*kept, *given))


_CODE = re.compile(r"(?:^|[,;\s])code\s*=\s*\"?(\d{3})\"?", re.IGNORECASE)


@lru_cache(maxsize=64)
def accepts(accept: str | None, media_type: str) -> bool:
    """Return whether an `Accept` field takes a media type (RFC 9110, 12.5.1); a missing one takes all."""
    if accept is None or not accept.strip():
        return True
    ranges, media = list(_weighted(accept)), media_type.lower()
    for wanted in (media, f"{media.partition('/')[0]}/*", "*/*"):
        found = [weight for name, weight in ranges if name == wanted]
        if found:
            return max(found) > 0
    return False


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return whether an `Accept-Encoding` field takes gzip (RFC 9110, 12.5.3); a missing one does not ask for it."""
    if not accept_encoding:
        return False
    weights = dict(_weighted(accept_encoding))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def preferred_status(prefer: str | None) -> int | None:
    """Return the status that `Prefer: code=404` asks for, as Prism understands it; None where it asks for none."""
    found = _CODE.search(prefer) if prefer else None
    return int(found[1]) if found and 200 <= int(found[1]) <= 599 else None


def _weighted(field: str) -> Iterator[tuple[str, float]]:
    for part in field.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if name:
            yield name.lower(), weight


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
BODILESS = frozenset({204, 304})
"""Statuses whose answer ends with its head, whatever length that gives (RFC 9112, 6.3); 205 is none of them."""


def coded(request: Request, response: MockResponse) -> tuple[Headers, bytes]:
    """Return the answer's header fields and its body in the coding that the request takes."""
    payload: Payload = response.payload
    if len(payload.body) < _WORTH_COMPRESSING or response.header("content-encoding") is not None:
        return response.headers, payload.body
    headers = (*response.headers, ("Vary", "Accept-Encoding"))
    if not accepts_gzip(request.header("accept-encoding")):
        return headers, payload.body
    return (*headers, ("Content-Encoding", "gzip")), payload.gzipped


def encode(request: Request, response: MockResponse, date: str, connection: str | None) -> tuple[bytes, bytes]:
    """Return head and body as they go on the wire; the body is empty for HEAD and for what has none.

    `date` is the `Date` field's value, `connection` that of `Connection`, None for none.
    """
    headers, body = coded(request, response)
    bodiless = response.status in BODILESS or response.status < 200
    lines = [f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}", f"Date: {date}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if connection is not None:
        lines.append(f"Connection: {connection}")
    if response.chunked and not bodiless:
        lines.append("Transfer-Encoding: chunked")
        body = chunks(body)
    elif not bodiless and response.header("content-length") is None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1", "replace"), b"" if bodiless or request.method == "HEAD" else body


def chunks(body: bytes, size: int = 1024) -> bytes:
    """Return `body` in the chunked transfer coding (RFC 9112, 7.1)."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@lru_cache(maxsize=1)
def date_at(second: int) -> str:
    """Return the value of the `Date` field (RFC 9110, 6.6.1) at a second since the epoch, written once for each."""
    return formatdate(second, usegmt=True)
