"""Surplus bytes: those that a server sends after the end of a response."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Surplus:
    """Bytes that arrived after the end of a response; `method` and `status` belong to its exchange."""

    data: bytes
    method: str
    status: int

    @property
    def is_body(self) -> bool:
        """Whether the bytes are the body of a response that must not have one (RFC 9110, 6.4.1)."""
        has_no_body = self.method == "HEAD" or self.status in (204, 304)
        return has_no_body and not find_nested(self.data)

    @property
    def is_harmless(self) -> bool:
        """Whether servers may send the bytes: empty lines, or a 408 on an idle connection (RFC 9110, 15.5.9)."""
        is_timeout = self.data.startswith(b"HTTP/1.") and self.data[8:12] == b" 408"
        return not self.data.strip(b"\r\n") or is_timeout

    def __str__(self) -> str:
        text = ascii(self.data[:_EXCERPT].decode("utf-8", "backslashreplace"))
        if len(self.data) > _EXCERPT:
            text += "…"
        unit = "bytes" if len(self.data) > 1 else "byte"
        return f"{len(self.data):,} {unit} after the end of the response: {text}"


_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9]\d\d[ \r\n]")


def find_nested(*parts: bytes | str) -> bytes:
    """Return the bytes from the first status line inside a body or header value on; empty without a status line."""
    for part in parts:
        data = part
        if isinstance(data, str):
            data = data.encode("utf-8", "replace")
        if match := _STATUS_LINE.search(data):
            return data[match.start() :]
    return b""


def find_surplus(response: httpx.Response, body: bytes, request: httpx.Request, *, is_reused: bool) -> Surplus | None:
    """Return the surplus that was read with a response; None if there is none, or the bytes are harmless.

    The body was read to its end. A connection with surplus is closed, so that the bytes are not read as the response to
    the next request. On a connection that `is_reused`, half a response may have arrived just before this one, and both
    are parsed as one: then the surplus begins with the status line of the second.
    """
    import httpcore

    stream = response.extensions.get("network_stream")
    data = _read_ahead(response)
    if data == b"" and is_reused:
        reason: bytes = response.extensions.get("reason_phrase", b"")
        data = find_nested(reason, *response.headers.values(), body)
    # Without the parser, nobody knows. The async client reuses no connection.
    if data != b"" and isinstance(stream, httpcore.NetworkStream):
        stream.close()
    surplus = Surplus(data or b"", request.method, response.status_code)
    return None if surplus.is_harmless else surplus


_PARSER_ATTRIBUTES = ("_httpcore_stream", "_stream", "_connection", "_h11_state")
"""The attributes from the stream of an httpx response to its parser, which has no public name."""


def _read_ahead(response: httpx.Response) -> bytes | None:
    """Return the bytes that the parser holds beyond the end of the response; None without a parser."""
    parser: Any = response.stream
    for name in _PARSER_ATTRIBUTES:
        parser = getattr(parser, name, None)
    return None if parser is None else bytes(parser.trailing_data[0])
