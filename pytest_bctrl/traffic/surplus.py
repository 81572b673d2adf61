"""Surplus bytes: those that a server sends after the end of a response or before a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Surplus:
    """Bytes that arrived when no response was due.

    `method` and `status` belong to the exchange before them; `source` is the `SOURCE` of its request, by default method
    and URL. All three are empty if the bytes came before the first request of a connection.
    """

    data: bytes
    method: str = ""
    status: int = 0
    source: Any = None

    @property
    def is_body(self) -> bool:
        """Whether the bytes are the body of a response that must not have one (RFC 9110, 6.4.1)."""
        has_no_body = self.method == "HEAD" or self.status in (204, 304)
        return has_no_body and not find_nested(self.data)

    @property
    def is_harmless(self) -> bool:
        """Whether servers may send the bytes: empty lines, or a 408 on an idle connection (RFC 9110, 15.5.9)."""
        is_timeout = self.data.startswith(b"HTTP/1.") and self.data[8:12] == b" 408"
        return not self.data.strip(b"\r\n") or (is_timeout and self.method != "")

    def __str__(self) -> str:
        text = ascii(self.data[:_EXCERPT].decode("utf-8", "backslashreplace"))
        if len(self.data) > _EXCERPT:
            text += "…"
        unit = "bytes" if len(self.data) > 1 else "byte"
        when = "before the request was sent"
        if self.method:
            when = "after the end of the response"
        return f"{len(self.data):,} {unit} {when}: {text}"


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
