"""Builds responses of http.client."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pytest_bctrl.http.message import MockResponse, with_headers
from pytest_bctrl.watch.substitution import reason_phrase


class _Socket:
    """A connection from which a response is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> BytesIO:
        """Return a file with the bytes of the response."""
        return BytesIO(self._data)


def http_client_response(response: Any, substitute: MockResponse, method: str) -> Any:
    """Return a response of http.client that parses the substitute as if a server had sent it."""
    version = "1.0" if response.version == 10 else "1.1"
    reason = reason_phrase(substitute.status, response.status, response.reason)
    lines = [f"HTTP/{version} {substitute.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in with_headers(substitute, {"Transfer-Encoding": None}).headers]
    head = "\r\n".join(lines).encode("latin-1", "replace")
    copy = type(response)(_Socket(head + b"\r\n\r\n" + substitute.payload.content), method=method)
    copy.begin()
    return copy
