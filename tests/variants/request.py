"""Reads HTTP/1.x requests from a socket (RFC 9112)."""

import time
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from urllib.parse import unquote

_LONGEST_LINE = 1 << 17


class MalformedRequestError(Exception):
    """The received bytes are not an HTTP/1.x request."""


@dataclass(frozen=True)
class Request:
    """A received request; header names keep their case."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    version: str = "HTTP/1.1"
    body: bytes = b""
    origin: str = ""
    connection: int = 0
    time: float = field(default_factory=time.time)

    def header(self, name: str) -> str | None:
        """Return the first value of a header, in any case; None if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def authorization(self) -> tuple[str, str]:
        """Return the scheme, in lower case, and the credentials; both are empty without the header."""
        scheme, _, credentials = (self.header("Authorization") or "").strip().partition(" ")
        return scheme.lower(), credentials.strip()

    @property
    def space(self) -> str | None:
        """Return the decoded space id of the path, or None for another path."""
        match self.path.partition("?")[0].split("/"):
            case ["", "v1", "spaces", space, "runtimes"]:
                return unquote(space, errors="replace")
        return None

    @property
    def wants_close(self) -> bool:
        """Return whether the connection ends after the response to this request."""
        connection = (self.header("Connection") or "").lower()
        return "close" in connection or (self.version == "HTTP/1.0" and "keep-alive" not in connection)


def read_request(stream: BinaryIO, origin: str, connection: int) -> Request | None:
    """Return the next request with its body; None if the client has closed the connection.

    Raises `MalformedRequestError` for anything else.
    """
    line = _line(stream)
    if line is None:
        return None
    try:
        method, target, version = line.split(" ")
    except ValueError:
        raise MalformedRequestError(line) from None
    request = Request(method, _path(target), tuple(_headers(stream)), version, origin=origin, connection=connection)
    return replace(request, body=stream.read(int(request.header("Content-Length") or 0)))


def _line(stream: BinaryIO) -> str | None:
    """Return the next line without its end; None at the end of the stream."""
    raw = stream.readline(_LONGEST_LINE)
    if not raw:
        return None
    if not raw.endswith(b"\n"):
        raise MalformedRequestError("a line is too long or cut")
    return raw.rstrip(b"\r\n").decode("latin-1")


def _path(target: str) -> str:
    """Return the path and query of a request target, which may be a complete URL."""
    if target.startswith("http://"):
        return "/" + target.removeprefix("http://").partition("/")[2]
    return target


def _headers(stream: BinaryIO) -> list[tuple[str, str]]:
    """Return the header fields up to the empty line."""
    headers = []
    while line := _line(stream):
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedRequestError(line)
        headers.append((name, value.strip()))
    return headers
