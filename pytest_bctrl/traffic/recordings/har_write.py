"""Recordings as data, the header fields that they keep, and their encoding as HAR 1.2.

The fields that HAR does not have are named `_bctrl…`, as HAR asks of extensions.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from pytest_bctrl._version import __version__
from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Headers, Request

BODILESS = frozenset({204, 205, 304})
"""Statuses of responses without a body."""

# Everything else is dropped: an unknown field may hold a credential.
REQUEST = frozenset({"accept", "content-type", "prefer"})
"""Names of the request header fields that are recorded, in lower case."""

RESPONSE = frozenset({
    "allow", "cache-control", "content-language", "content-type", "deprecation", "etag", "last-modified", "link",
    "location", "preference-applied", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after",
    "sunset", "www-authenticate", "x-request-id",
})  # fmt: skip
"""Names of the response header fields that are recorded, in lower case."""

CODINGS = frozenset({"content-encoding", "transfer-encoding"})
"""Names of the header fields about codings, which the bodies of recordings and HAR files do not have."""

_OF_THE_CONNECTION = frozenset({"connection", "content-length", "date", "keep-alive", "trailer", "upgrade"})
"""Names of the response header fields about one transfer, of which a replay has its own."""


def replayed_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the header fields of a recorded response that a replay sends; a file of another tool has more of them."""
    return tuple(field for field in headers if field[0].lower() not in _OF_THE_CONNECTION and field[0][:1] != ":")


def select_headers(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> Headers:
    """Return the header fields whose name in lower case is in `allowed`, in their order."""
    return tuple((name, value) for name, value in headers if name.lower() in allowed)


@dataclass(frozen=True, slots=True)
class Recording:
    """The contents of one file.

    `is_ours` is true if pytest-bctrl wrote it, `target` the target that was recorded last. `attachments` are the names
    of the separate files that hold bodies.
    """

    exchanges: tuple[Exchange, ...] = ()
    target: str = ""
    recorded_at: str = ""
    is_ours: bool = True
    attachments: tuple[str, ...] = ()


FORMAT = 1
"""Version of the `_bctrl…` fields; a file with a higher version is from a newer pytest-bctrl."""

CREATOR = "pytest-bctrl"


def encode(recording: Recording) -> bytes:
    """Return a recording as the bytes of a HAR file: UTF-8, indented, keys in a fixed order, ending in a newline."""
    log = {
        "version": "1.2",
        "creator": {"name": CREATOR, "version": __version__},
        "_bctrlFormat": FORMAT,
        "_bctrlTarget": recording.target,
        "_bctrlRecordedAt": recording.recorded_at,
        "entries": [_har_entry(exchange) for exchange in recording.exchanges],
    }
    return (json.dumps({"log": log}, ensure_ascii=False, indent=2) + "\n").encode()


def _har_entry(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as an entry of a HAR file."""
    request = exchange.request
    base_path = urlsplit(request.base_url).path
    # The members that HAR 1.2 requires and nothing reads are constant, so that they never change in a diff.
    return {
        "_bctrlTest": exchange.test,
        **({"_bctrlBasePath": base_path} if base_path else {}),
        "_bctrlContract": exchange.contract,
        "startedDateTime": exchange.started,
        "time": 0,
        "request": {
            "method": request.method,
            "url": request.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _har_headers(request.headers),
            "queryString": [{"name": n, "value": v} for n, v in request.query],
            **_har_post_data(request),
            "headersSize": -1,
            "bodySize": len(request.body),
        },
        "response": {
            "status": exchange.status,
            "statusText": exchange.reason,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _har_headers(exchange.headers),
            "content": {
                "size": len(exchange.body),
                "mimeType": exchange.header("content-type"),
                **_har_text(exchange.body, exchange.body_digest),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(exchange.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }


def _har_headers(headers: Headers) -> list[dict[str, str]]:
    """Return header fields as HAR has them: objects with name and value."""
    return [{"name": name, "value": value} for name, value in headers]


def _har_post_data(request: Request) -> dict[str, Any]:
    """Return the body of a request as the member `postData` of HAR; no member if there is no body."""
    if not request.body:
        return {}
    return {
        "postData": {
            "mimeType": request.header("content-type") or "",
            "params": [],
            **_har_text(request.body, sha256(request.body).hexdigest()),
        }
    }


def _har_text(body: bytes, body_digest: str) -> dict[str, str]:
    """Return a body and its digest as members of a HAR content: text, or base64 if it is not UTF-8."""
    try:
        return {"_bctrlSha256": body_digest, "text": body.decode("utf-8")}
    except UnicodeDecodeError:
        text = base64.b64encode(body).decode("ascii")
        return {"_bctrlSha256": body_digest, "text": text, "encoding": "base64"}
