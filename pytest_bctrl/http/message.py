"""Requests and responses as data, content negotiation, and the encoding of responses (RFC 9110, RFC 9112)."""

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

from pytest_bctrl.contract.model import BODILESS
from pytest_bctrl.findings.finding import Finding

Headers: TypeAlias = tuple[tuple[str, str], ...]
Ending: TypeAlias = Literal["whole", "truncate", "reset", "hang"]

_WORTH_COMPRESSING = 1024
"""Bytes of a body below which gzip costs more than it saves."""
_LARGE = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request as it was received: `target` is that of the request line, header names are in lower case.

    Only the proxy keeps header names as they were sent. `base_url` is the URL in front of the target as the client
    wrote it; it is empty if this kit received the request. `unread` is the reason why the body is not known; empty if
    it is. `version` is that of HTTP.
    """

    method: str
    target: str
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    base_url: str = field(default="", compare=False)
    unread: str = ""
    version: str = field(default="1.1", repr=False, compare=False)

    def header(self, name: str) -> str | None:
        """Return the values of a header by its lower-case name, joined by commas (RFC 9110, 5.3); None if missing."""
        return self._fields.get(name)

    @property
    def url(self) -> str:
        """The URL; only the target if this kit received the request."""
        return self.base_url + self.target

    @property
    def path(self) -> str:
        """The path of the target, as it was sent."""
        return self.target.partition("?")[0]

    @property
    def label(self) -> str:
        """Method and path, without the query, which may hold secrets."""
        return f"{self.method} {self.path}"

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks for permission to send another request (a CORS preflight)."""
        return self.method == "OPTIONS" and self.header("access-control-request-method") is not None

    @cached_property
    def keeps_connection(self) -> bool:
        """Whether its connection stays open after the response (RFC 9112, 9.3)."""
        options = {option.strip() for option in (self.header("connection") or "").lower().split(",")}
        if self.version == "1.0":
            # Its sender may disagree about the end of a body in a transfer coding (RFC 9112, 6.1).
            return "keep-alive" in options and "close" not in options and self.header("transfer-encoding") is None
        return "close" not in options

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The names and values of the query parameters, decoded."""
        return tuple(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def _fields(self) -> Mapping[str, str]:
        """The header fields by name in lower case, values of the same name joined by commas."""
        fields: dict[str, list[str]] = {}
        for name, value in self.headers:
            fields.setdefault(name.lower(), []).append(value)
        return {name: ", ".join(values) for name, values in fields.items()}


_URL = re.compile(r"((?:[^:/?#]+:)?(?://[^/?#]*)?)([^?#]*)(\?[^#]*)?")
"""The part of a URL in front of its path, the path, and the query with its question mark (RFC 3986, appendix B)."""


def split_url(url: str, base_path: str = "") -> tuple[str, str]:
    """Return a URL as base URL and target of a request, without a fragment.

    The base URL ends with `base_path` if the path of the URL is below it.
    """
    before, path, query = _URL.findall(url)[0]
    if not path.startswith(f"{base_path}/"):
        base_path = ""
    return f"{before}{base_path}", f"{path.removeprefix(base_path) or '/'}{query}"


class Payload:
    """The bytes of a body, plain and compressed; compressed at the first use.

    If the body is a page, `page_of` is the body with all items. `content` is the body in the content coding of its
    response, by default the plain body.
    """

    def __init__(self, body: bytes, page_of: Payload | None = None, content: bytes | None = None) -> None:
        self.body = body
        self.page_of = page_of
        self.content = body if content is None else content

    @cached_property
    def gzipped(self) -> bytes:
        """The body compressed with gzip; the same bytes for the same body, because it contains no time stamp."""
        return zlib.compress(self.body, 6 if len(self.body) < _LARGE else 1, wbits=16 + zlib.MAX_WBITS)

    def __repr__(self) -> str:
        return f"Payload({len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class MockResponse:
    """One response, and how it is sent.

    `delay` is in seconds, before the first byte. `ending` is how the response ends: complete (`whole`), within
    the body by a clean close (`truncate`), before the first byte by a reset (`reset`), or never (`hang`). `chunked`
    selects the chunked transfer coding, `bytes_per_second` the speed of the body (None: at once). `why` explains a
    response that is not the plain success, `faults` are the names of the faults that changed it, `findings` those about
    the request.
    """

    status: int
    headers: Headers = ()
    payload: Payload = field(default_factory=lambda: Payload(b""))
    delay: float = 0.0
    ending: Ending = "whole"
    chunked: bool = False
    bytes_per_second: float | None = None
    why: str = field(default="", repr=False)
    faults: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    def header(self, name: str) -> str | None:
        """Return the first value of a header by its case-insensitive name; None if it is missing."""
        lower_name = name.lower()
        for key, value in self.headers:
            if key.lower() == lower_name:
                return value
        return None

    @property
    def body(self) -> bytes:
        """The body before any content coding."""
        return self.payload.body


def with_headers(response: MockResponse, changes: Mapping[str, str | None]) -> MockResponse:
    """Return a response with header fields set, or removed if the value is None; names are case-insensitive."""
    names = {name.lower() for name in changes}
    unchanged = (pair for pair in response.headers if pair[0].lower() not in names)
    replaced = ((name, value) for name, value in changes.items() if value is not None)
    return replace(response, headers=(*unchanged, *replaced))


_CODE = re.compile(r"(?:^|[,;\s])code\s*=\s*\"?(\d{3})\"?", re.IGNORECASE)


@lru_cache(maxsize=64)
def accepts(accept: str | None, media_type: str) -> bool:
    """Return whether an `Accept` field accepts a media type (RFC 9110, 12.5.1); a missing field accepts all."""
    if accept is None or not accept.strip():
        return True
    ranges, media_type = list(_weighted_names(accept)), media_type.lower()
    for media_range in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        weights = [weight for name, weight in ranges if name == media_range]
        if weights:
            return max(weights) > 0
    return False


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return whether an `Accept-Encoding` field accepts gzip (RFC 9110, 12.5.3); a missing field does not."""
    if not accept_encoding:
        return False
    weights = dict(_weighted_names(accept_encoding))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


_EXAMPLE = re.compile(r"(?:^|[,;\s])example\s*=\s*(?:\"([^\"]*)\"|([^\s,;\"]+))", re.IGNORECASE)


def preferred_example(prefer: str | None) -> str | None:
    """Return the name of the example that `Prefer: example=NAME` requests; None if there is none."""
    match = _EXAMPLE.search(prefer) if prefer else None
    if match is None:
        return None
    return match[1] if match[2] is None else match[2]


def preferred_status(prefer: str | None) -> int | None:
    """Return the status that `Prefer: code=404` requests, as in Prism; None if there is none from 200 to 599."""
    match = _CODE.search(prefer) if prefer else None
    if match is None or not 200 <= int(match[1]) <= 599:
        return None
    return int(match[1])


def _weighted_names(field: str) -> Iterator[tuple[str, float]]:
    """Yield the lower-case names in a field such as `Accept` with their weights: by default 1, 0 if not a number."""
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


def compressed_if_accepted(request: Request, response: MockResponse) -> tuple[Headers, bytes]:
    """Return header fields and body of a response, with gzip if the body is long and the request accepts it.

    A long body has the field `Vary` in any case; a response with a content coding stays as it is.
    """
    payload: Payload = response.payload
    if len(payload.body) < _WORTH_COMPRESSING or response.header("content-encoding") is not None:
        return response.headers, payload.body
    headers = (*response.headers, ("Vary", "Accept-Encoding"))
    if not accepts_gzip(request.header("accept-encoding")):
        return headers, payload.body
    return (*headers, ("Content-Encoding", "gzip")), payload.gzipped


def encode(request: Request, response: MockResponse, date: str, connection: str | None) -> tuple[bytes, bytes]:
    """Return head and body of a response as bytes; the body is empty for HEAD and for statuses without one.

    `date` is the value of the `Date` field, `connection` that of `Connection` or None.
    """
    headers, body = compressed_if_accepted(request, response)
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
    if bodiless or request.method == "HEAD":
        body = b""
    return head.encode("latin-1", "replace"), body


def chunks(body: bytes, size: int = 1024) -> bytes:
    """Return `body` in the chunked transfer coding (RFC 9112, 7.1)."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@lru_cache(maxsize=1)
def date_at(second: int) -> str:
    """Return the value of the `Date` field (RFC 9110, 6.6.1) for a second since the epoch."""
    return formatdate(second, usegmt=True)
