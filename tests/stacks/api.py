"""One conforming application, and its faults, as a function that every server here serves."""

from __future__ import annotations

import json
import os
from typing import Any

KEY, SPACE = "pk_stacks_0123456789abcdef", "5b1f7c9e-3a2d-4c6b-8e0f-1a2b3c4d5e6f"
_ID = "8f14e45f-ceea-467f-a0e6-000000000000"

ApiResponse = tuple[int, dict[str, str], bytes]


def runtimes() -> list[dict[str, Any]]:
    """Return three conforming runtimes."""
    kinds = ("browser", "spreadsheet", "desktop")
    return [
        {
            "id": f"{_ID[:-1]}{number}", "spaceId": SPACE, "name": f"runtime {number}", "type": kind, "kind": kind,
            "status": "stopped", "region": "eu", "activeRunId": None, "capabilities": [], "connections": {},
            "metadata": None, "createdAt": "2026-03-01T08:00:00Z", "updatedAt": "2026-03-02T08:00:00Z",
        }
        for number, kind in enumerate(kinds)
    ]  # fmt: skip


def error_response(status: int, code: str) -> ApiResponse:
    """Return an error response in the documented shape."""
    body = {"error": code.replace(".", " "), "code": code, "requestId": "r1"}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


def respond(space: str | None, authorization: str) -> ApiResponse:
    """Return the response to a GET of a space's runtimes, 404 for None; the variable `FAULT` names a fault."""
    fault = os.environ.get("FAULT", "")
    if space is None:
        return error_response(404, "route.not_found")
    if authorization != f"Bearer {KEY}" and fault != "any-key":
        return error_response(401, "auth.unauthorized")
    if space != SPACE:
        return _unknown_space_response(fault)
    items = runtimes()
    if fault == "no-name":
        del items[1]["name"]
    headers = {"Content-Type": "text/html" if fault == "html-type" else "application/json"}
    if fault == "cached":
        headers["Cache-Control"] = "public, max-age=60"
    return 200, headers, json.dumps({"runtimes": items}).encode()


def _unknown_space_response(fault: str) -> ApiResponse:
    """Return the 404 for an unknown space, in another shape for `detail`; raises `RuntimeError` for `crash`."""
    if fault == "crash":
        raise RuntimeError("an unknown space")
    if fault == "detail":
        return 404, {"Content-Type": "application/json"}, b'{"detail":"Not Found"}'
    return error_response(404, "space.not_found")
