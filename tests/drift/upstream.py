"""A server with configurable responses, to fetch from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Response = Callable[[BaseHTTPRequestHandler], object]


class Upstream:
    """A server that sends the configured response for every path and records the requests."""

    def __init__(self) -> None:
        self.responses: dict[str, Response] = {}
        self.headers: list[dict[str, str]] = []
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Record the header fields, and send the configured response."""
                upstream.headers.append(dict(self.headers))
                upstream.responses[self.path](self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        """Stop the server and wait for its thread."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def text(body: str, status: int = 200, **headers: str) -> Response:
    """Return a handler that responds with a text."""

    def response(request: BaseHTTPRequestHandler) -> None:
        """Send the response."""
        data = body.encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return response


def redirect_to(location: str) -> Response:
    """Return a handler that responds with a redirect."""
    return text("", 302, Location=location)
