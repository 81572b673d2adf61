"""Parses the bytes of a client into heads and bodies of requests, with httptools."""

from __future__ import annotations

from typing import Protocol

import httptools

from pytest_bctrl.http.message import Headers, Request

MAX_HEAD = 1024 * 1024
"""Maximum size in bytes of a request or status line with its header section, and of the trailer section."""


class RequestReceiver(Protocol):
    """Receives the parts of each request in their order."""

    def request_started(self, request: Request) -> None:
        """Handle the head of a request, which is given without its body."""

    def body_received(self, data: bytes) -> None:
        """Handle a part of the body."""

    def request_ended(self, trailers: Headers) -> None:
        """Handle the end of a request, with the fields after a chunked body."""


class RequestReader:
    """Parses the requests of one connection and passes them to `receiver`."""

    def __init__(self, receiver: RequestReceiver) -> None:
        self._receiver = receiver
        self._parser = httptools.HttpRequestParser(self)
        self._is_resumed = False
        self._section_bytes = 0
        self.is_within = False
        """Whether a request has begun and is not complete."""
        self.on_message_begin()
        self.is_within = False

    def feed(self, data: bytes) -> str:
        """Parse further bytes, and return the reason if they are not valid HTTP/1.1; else an empty string."""
        self._has_body_bytes = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade()
            rest = data[upgrade.args[0] :]
            return self.feed(rest) if rest else ""
        except httptools.HttpParserError as error:
            return f"the request is malformed: {str(error) or type(error).__name__}"
        # The parser passes on a field only when it is complete, so the bytes of an endless one are counted here.
        self._section_bytes = 0 if self._has_body_bytes else self._section_bytes + len(data)
        if self.is_within and self._section_bytes > MAX_HEAD:
            section = "trailer section" if self._has_head else "head"
            return f"the {section} of the request is larger than {MAX_HEAD:,} bytes"
        return ""

    def _ignore_upgrade(self) -> None:
        """Continue in HTTP/1.1 after a request with `Upgrade`, as a server may (RFC 9110, 7.8).

        httptools regards such a request as complete at the end of its head, even if it has a body. So the head is
        parsed again without that field.
        """
        method, headers = self._parser.get_method(), self._headers
        self._parser = httptools.HttpRequestParser(self)
        if not self.is_within:
            return
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers if name.lower() != "upgrade")
        self._is_resumed = True
        self._parser.feed_data(method + b" / HTTP/1.1\r\n" + fields.encode("latin-1") + b"\r\n")

    # httptools calls the following methods.

    def on_message_begin(self) -> None:
        """Begin a new request: forget the target and the fields of the one before."""
        self.is_within = True
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._trailers: list[tuple[str, str]] = []
        self._has_head = False
        self._section_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Add a part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header field, or a trailer field if the header section has ended."""
        fields = self._trailers if self._has_head else self._headers
        fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Pass the head of a request to the receiver; not again if it is parsed a second time because of an upgrade."""
        self._has_head = True
        if self._is_resumed:
            return
        method = self._parser.get_method().decode("latin-1")
        target = self._url.decode("latin-1")
        version = self._parser.get_http_version()
        self._receiver.request_started(Request(method, target, tuple(self._headers), version=version))

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body to the receiver."""
        self._has_body_bytes = True
        self._receiver.body_received(body)

    def on_message_complete(self) -> None:
        """Pass the end of a request to the receiver, except for an upgrade whose body is still to be read."""
        if self._parser.should_upgrade() and self._expects_body:
            return
        self.is_within = self._is_resumed = False
        self._receiver.request_ended(tuple(self._trailers))

    @property
    def _expects_body(self) -> bool:
        """Whether the header fields announce a body."""
        return any(
            name.lower() == "transfer-encoding" or (name.lower() == "content-length" and value.strip("0"))
            for name, value in self._headers
        )
