"""An HTTP server on loopback for one test, and a handler that sends whole responses and prints no log.

Projects that a test writes can have a copy of this module, because it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType

JSON = MappingProxyType({"Content-Type": "application/json"})


class Handler(BaseHTTPRequestHandler):
    """A handler of HTTP/1.1 that keeps its connections open; subclasses define `do_GET` and others."""

    protocol_version = "HTTP/1.1"

    def respond(self, status: int, body: bytes = b"", headers: Mapping[str, str] = JSON) -> None:
        """Send a response with a `Content-Length`; without its body to HEAD."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the name is that of http.server
        """Print nothing."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Start a server that handles each connection in a thread, and yield its URL without a trailing slash."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
