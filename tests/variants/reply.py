"""A reply of the server, before a delivery writes it to a connection."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from .wire import Wire

Headers = tuple[tuple[str, str], ...]
JSON_TYPE = ("Content-Type", "application/json")


def with_length(wire: Wire, reply: "Reply") -> bool:
    """Send the reply with its `Content-Length`, without a body to HEAD; return True: the connection stays open."""
    bodiless = reply.status in (204, 304) or reply.status < 200
    length: Headers = () if bodiless else (("Content-Length", str(len(reply.body))),)
    wire.write(reply.head(*length) + (b"" if wire.head_only or bodiless else reply.body))
    return True


@dataclass(frozen=True)
class Reply:
    """A status, headers and a body, and the delivery that writes them."""

    status: int
    body: bytes = b""
    headers: Headers = (JSON_TYPE,)
    delivery: Callable[[Wire, "Reply"], bool] = with_length

    def head(self, *more: tuple[str, str]) -> bytes:
        """Return the status line, the headers and `more`, including the empty line; `Content-Length` is not added."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Unknown"
        lines = [
            f"HTTP/1.1 {self.status} {reason}",
            *(f"{name}: {value}" for name, value in (*self.headers, *more)),
        ]
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"

    def adding(self, *headers: tuple[str, str]) -> "Reply":
        """Return the reply with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def typed(self, *content_type: str) -> "Reply":
        """Return the reply with another content type, or without one."""
        headers = tuple(header for header in self.headers if header[0].lower() != "content-type")
        return replace(self, headers=(*headers, *(("Content-Type", value) for value in content_type)))


def written(document: Any) -> bytes:
    """Return a document as compact JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def flat_error(code: str, message: str) -> dict[str, Any]:
    """Return an error body in the older documented form."""
    return {"error": message, "code": code, "requestId": "req_5ad1"}


def nested_error(code: str, message: str) -> dict[str, Any]:
    """Return an error body in the newer documented form."""
    error = {"code": code, "message": message, "reasonClass": code.partition(".")[0], "requestId": "req_5ad1"}
    return {"error": error}


def explained_error(code: str, message: str) -> dict[str, Any]:
    """Return an error body in the newer documented form, with `hint` and `details`."""
    body = nested_error(code, message)
    body["error"] |= {
        "hint": "Look at the path and the key.",
        "details": {"docs": ["errors"], "retryable": False},
    }
    return body
