"""A server that has really made the changes: it passes requests to the API of before, and changes the responses.

It uses nothing of the package. `/N/path` is the path after the Nth change, `/1+4/path` after two.
"""

from __future__ import annotations

import http.client
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.impact.truth.changes import CHANGES, ApiResponse


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the response of the API before the changes, changed by those whose numbers are in the path."""
        _, numbers, path = self.path.split("/", 2)
        headers = {name.lower(): value for name, value in self.headers.items()}
        upstream = urlsplit(str(self.server.upstream))  # type: ignore[attr-defined]
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port)
        connection.request(
            "GET", f"/{path}", headers={**headers, "host": upstream.netloc, "accept-encoding": "identity"}
        )
        before = connection.getresponse()
        body = before.read()
        content_type = before.headers["content-type"] or ""
        if before.status == 200:
            response = ApiResponse(before.status, content_type, {}, json.loads(body))
            query = dict(parse_qsl(urlsplit(path).query))
            for number in filter(None, numbers.split("+")):
                if response.status < 300:
                    response = CHANGES[int(number)].of_response(response, query, headers)
            body = json.dumps(response.data, separators=(",", ":")).encode()
            self._send(response.status, response.content_type, body)
        else:
            self._send(before.status, content_type, body)
        connection.close()

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        """Send a response with this body."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Print nothing."""


class ChangedApi(ThreadingHTTPServer):
    """The server; `upstream` is the base URL of the API before the changes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = ""
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
