"""Parses requests with httptools (RFC 9112), and adds limits and the checks that httptools leaves to its caller."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httptools

from pytest_bctrl.http.message import Request

_HOST = re.compile(r"[^\x00-\x20\x7f-\xff/?#@\\,]*")

_REMEMBERED, _SHORT = 128, 4096
"""Maximum number of requests in the cache, and their maximum size in bytes."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits in bytes and seconds: a request beyond them gets 408, 413, 414 or 431, or the connection is closed.

    `idle` is how long a connection may be inactive in both directions, `incomplete` how long a request may take to
    arrive. Beyond `connections`, a new connection replaces an idle one, or waits in the backlog if all are in use.
    """

    target_bytes: int = 64 * 1024
    header_bytes: int = 64 * 1024
    body_bytes: int = 32 * 1024 * 1024
    connections: int = 1024
    pipelined: int = 64
    idle: float = 60.0
    incomplete: float = 20.0


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """The reason why a request cannot be handled, and the status of the response."""

    status: int
    reason: str
    seen: Request = field(default_factory=lambda: Request("?", "?"))


class RequestParser:
    """Parses the bytes of a connection into requests.

    After a `problem`, further bytes are ignored, because the next request cannot be found. `cache` holds requests that
    arrived in one piece, by their bytes: clients repeat themselves.
    """

    def __init__(self, limits: ServerLimits, cache: dict[bytes, Request] | None = None) -> None:
        self._limits = limits
        self._cache = {} if cache is None else cache
        self._parser = httptools.HttpRequestParser(self)
        self._arrived: list[Request] = []
        self._headers: list[tuple[str, str]] = []
        self.problem: RequestProblem | None = None
        self.continue_wanted = False
        self.on_message_begin()
        self.is_within = False
        """Whether a request has begun and is not complete."""
        self._is_last = False

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that `data` completes; sets `problem` if the data breaks the protocol or a limit."""
        if self.problem is not None:
            return []
        if self.is_within or self._is_last:
            return self._parse(data)
        cached = self._cache.get(data)
        if cached is not None:
            return [cached]
        requests = self._parse(data)
        is_alone = len(requests) == 1 and not self.is_within and not self._is_last and self.problem is None
        if is_alone and len(data) <= _SHORT:
            if len(self._cache) >= _REMEMBERED:
                self._cache.clear()
            self._cache[data] = requests[0]
        return requests

    def _parse(self, data: bytes) -> list[Request]:
        """Return the requests that `data` completes, bypassing the cache."""
        remaining = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._pass_over_upgrade()
            remaining = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._set_malformed(error)
        if self.is_within and not self._headers_complete:
            # The parser reports a header only when it is complete, so an endless header must be counted in bytes.
            self._unseen += len(data)
            if self._unseen > self._limits.header_bytes + self._limits.target_bytes:
                self._set_problem(431, f"the header section is longer than {self._limits.header_bytes} bytes")
        requests, self._arrived = self._arrived, []
        if remaining:
            requests += self.feed(remaining)
        return requests

    def _pass_over_upgrade(self) -> None:
        """Ignore `Upgrade` and continue in HTTP/1.1, as a server may (RFC 9110, 7.8).

        httptools regards a request with `Upgrade` as complete at the end of its header section, even if it has a body,
        so the head is parsed again without that field.
        """
        method, headers = self._parser.get_method(), self._headers
        self._parser = httptools.HttpRequestParser(self)
        has_body = any(
            name == "transfer-encoding" or (name == "content-length" and int(value) > 0) for name, value in headers
        )
        if method == b"CONNECT" or not has_body:
            return
        self._arrived.pop()
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers if name != "upgrade")
        try:
            self._parser.feed_data(method + b" " + self._url + b" HTTP/1.1\r\n" + fields.encode("latin-1") + b"\r\n")
        except httptools.HttpParserError as error:  # pragma: no cover - a head that is sound only with Upgrade
            self._set_malformed(error)
        self._headers = headers

    def _set_problem(self, status: int, reason: str) -> None:
        """Set the problem of the connection, unless there is one already."""
        if self.problem is None:
            self.problem = RequestProblem(status, reason, self._parsed_request())

    def _set_malformed(self, error: httptools.HttpParserError) -> None:
        """Set the problem that a request is malformed, with status 400 and the error of httptools."""
        self._set_problem(400, f"the request is malformed: {str(error) or type(error).__name__}")

    def _stop_parsing(self, status: int, reason: str) -> None:
        """Set the problem, and raise `ValueError` so that httptools stops parsing."""
        self._set_problem(status, reason)
        raise ValueError(reason)

    @property
    def _body_problem(self) -> str:
        """The message for a body beyond the limit."""
        return f"the body is longer than {self._limits.body_bytes} bytes; --max-body raises this limit of the mock"

    def _parsed_request(self) -> Request:
        """Return the request as far as it was parsed; `?` for a method or target that has not arrived."""
        method = self._parser.get_method().decode("latin-1") if self._url else "?"
        target = self._url.decode("utf-8", "backslashreplace")
        version = self._parser.get_http_version()
        return Request(method, target or "?", tuple(self._headers), bytes(self._body), version=version)

    # httptools calls the following methods.

    def on_message_begin(self) -> None:
        """Reset the state for a new request."""
        self.is_within = True
        self._url = b""
        self._headers = []
        self._size = 0
        self._unseen = 0
        self._body = bytearray()
        self._headers_complete = False

    def on_url(self, url: bytes) -> None:
        """Append a part of the request target; stops with 414 if it is too long."""
        self._url += url
        if len(self._url) > self._limits.target_bytes:
            self._stop_parsing(414, f"the request target is longer than {self._limits.target_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header field; trailers are counted and dropped (RFC 9110, 6.5.1). Stops with 431 beyond the limit."""
        self._size += len(name) + len(value) + 4
        if self._size > self._limits.header_bytes:
            self._stop_parsing(431, f"the header section is longer than {self._limits.header_bytes} bytes")
        if not self._headers_complete:
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Check the complete header section: version, body length, and one valid `Host` in HTTP/1.1 (RFC 9112, 3.2)."""
        self._headers_complete = True
        hosts = expects = 0
        for name, value in self._headers:
            if name == "host":
                hosts += 1
                if not _HOST.fullmatch(value):
                    self._stop_parsing(400, "the request is malformed: its Host is not a host and port")
            expects += name == "expect" and value.lower() == "100-continue"
            if name == "content-length" and int(value) > self._limits.body_bytes:
                self._stop_parsing(413, self._body_problem)
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._stop_parsing(400, "the request is malformed: its protocol version is neither HTTP/1.0 nor HTTP/1.1")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            self._stop_parsing(
                400, f"the request is malformed: it has {hosts or 'no'} Host header fields and needs one"
            )
        self.continue_wanted = bool(expects) and version == "1.1"

    def on_body(self, body: bytes) -> None:
        """Append a part of the body; stops with 413 beyond the limit."""
        self.continue_wanted = False
        if len(self._body) + len(body) > self._limits.body_bytes:
            self._stop_parsing(413, self._body_problem)
        # Appended in place; otherwise a body in chunks of one byte would be copied once per byte.
        self._body += body

    def on_message_complete(self) -> None:
        """Store the complete request."""
        self.is_within = False
        self.continue_wanted = False
        request = self._parsed_request()
        self._is_last = not request.keeps_connection
        self._arrived.append(request)
