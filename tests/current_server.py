"""An independent server of today's API: the lists of browsers, sandboxes and spaces.

It shares no code with the package. `FAULTS` lists the faults that it can have.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY, VERSION = "key_of_today_0123456789", "2026-10-03"
_TIMES = {"createdAt": "2026-10-03T08:00:00Z", "updatedAt": "2026-10-04T08:00:00Z"}

FAULTS = {
    "unknown status": "response_schema_conformance",
    "cursor as a number": "response_schema_conformance",
    "flat errors": "response_schema_conformance",
    "any limit": "negative_data_rejection",
    "any key": "ignored_auth",
}
"""The rule that finds each fault."""


def space(number: int) -> dict[str, Any]:
    """Return a space as the API represents it."""
    return {
        "id": f"space_{number}",
        "object": "space",
        "name": f"space {number}",
        "region": "us-east-1",
        "status": "active",
        "isDefault": number == 0,
        "expireAfterIdleDays": 30,
        "capabilityScopes": [],
        "environment": {},
        **_TIMES,
    }


def browser(number: int) -> dict[str, Any]:
    """Return a browser as the API represents it."""
    return {
        "id": f"br_{number}",
        "object": "browser",
        "type": "browser",
        "name": f"browser {number}",
        "spaceId": "space_0",
        "status": ("idle", "running")[number % 2],
        "location": "us-east",
        "stealth": "normal",
        "viewport": {"width": 1280, "height": 720},
        "savedState": {"status": "none"},
        "metadata": {},
        "extensions": [],
        "expireAfterIdleDays": 30,
        "standbyAfterSeconds": 0,
        "timeoutSeconds": 600,
        "lastUsedAt": "2026-10-04T08:00:00Z",
        **dict.fromkeys(
            ("autoUpgrade", "forceOpenShadowRoots", "gpu", "headless", "recording", "webRtcProxyOnly"), False
        ),
        **_TIMES,
    }


def sandbox(number: int) -> dict[str, Any]:
    """Return a sandbox as the API represents it."""
    return {
        "id": f"sbx_{number}",
        "object": "sandbox",
        "spaceId": "space_0",
        "image": "debian",
        "status": ("ready", "stopped")[number % 2],
        "audit": {"files": "summary"},
        "capabilities": {"exec": True, "files": True, "ports": False, "ssh": False, "terminal": True},
        **_TIMES,
    }


LISTS = {"/v1/browsers": browser, "/v1/sandboxes": sandbox, "/v1/spaces": space}


class Rejected(Exception):  # noqa: N818
    """Raised to send an error response with this status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Handler(BaseHTTPRequestHandler):
    """Lists items page by page."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    fault = ""

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Send a page of the list, or an error."""
        url = urlsplit(self.path)
        try:
            status, body = 200, self._page(url.path, parse_qsl(url.query, keep_blank_values=True))
        except Rejected as rejected:
            status, body = rejected.status, self._error(rejected.code)
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(raw)

    do_HEAD = do_GET

    def _page(self, path: str, pairs: list[tuple[str, str]]) -> Mapping[str, Any]:
        """Return the requested page of a list. Raises `Rejected` for a wrong key, version, path or query."""
        if self.fault != "any key" and self.headers.get("Authorization") != f"Bearer {KEY}":
            raise Rejected(401, "auth.unauthorized")
        if self.headers.get("BCTRL-Version") != VERSION:
            raise Rejected(400, "request.invalid")
        if path not in LISTS:
            raise Rejected(404, "space.not_found")
        query = self._validated(pairs)
        if query.get("spaceId", "default") not in ("default", "space_0"):
            raise Rejected(404, "space.not_found")
        items = [LISTS[path](number) for number in range(3)]
        items = [item for item in items if query.get("status", item.get("status")) == item.get("status")]
        start = int(query.get("cursor", "c0").removeprefix("c"))
        end = start + int(query.get("limit", "20"))
        page: dict[str, Any] = {"data": items[start:end], "hasMore": end < len(items), "nextCursor": None}
        if page["hasMore"]:
            page["nextCursor"] = end if self.fault == "cursor as a number" else f"c{end}"
        if self.fault == "unknown status" and page["data"]:
            page["data"][-1]["status"] = "hibernating"
        return page

    def _validated(self, pairs: list[tuple[str, str]]) -> dict[str, str]:
        """Return the query by name. Raises `Rejected` for an invalid or repeated parameter."""
        query = dict(pairs)
        limit = query.get("limit", "20")
        is_number = limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= 100
        if self.fault == "any limit" and not is_number:
            query["limit"], is_number = "20", True
        cursor = query.get("cursor", "c0")
        is_valid = (
            len(query) == len(pairs)
            and is_number
            and query.get("order", "asc") in ("asc", "desc")
            and query.get("status", "idle") in ("idle", "running")
            and query.get("spaceId") != ""
            and cursor.startswith("c")
            and cursor[1:].isdecimal()
        )
        if not is_valid:
            raise Rejected(400, "request.invalid")
        return query

    def _error(self, code: str) -> Mapping[str, Any]:
        """Return the body of an error."""
        if self.fault == "flat errors":
            return {"error": code}
        reason = {"auth.unauthorized": "unauthorized", "space.not_found": "not_found"}.get(code, "invalid_input")
        return {"error": {"code": code, "message": code, "reasonClass": reason, "requestId": "r1", "hint": "fix it"}}


@contextmanager
def serve(fault: str = "") -> Iterator[str]:
    """Serve on a free port, and yield the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("FaultyHandler", (Handler,), {"fault": fault}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
