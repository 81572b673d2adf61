"""One recorded exchange, the header fields that it keeps, and a file of them: as data, and written as HAR 1.2.

Fields of our own have `_bctrl…` names, which HAR reserves for extensions.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from pytest_bctrl._version import __version__

Headers: TypeAlias = tuple[tuple[str, str], ...]

BODILESS = frozenset({204, 205, 304})
"""Statuses whose answers have no body."""

# Everything else is dropped: an unknown field may hold a credential.
REQUEST = frozenset({"accept", "content-type", "prefer"})
"""Names of request fields that are kept, in lower case."""

RESPONSE = frozenset({
    "allow", "cache-control", "content-language", "content-type", "etag", "last-modified", "link", "location",
    "preference-applied", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after",
    "www-authenticate", "x-request-id",
})  # fmt: skip
"""Names of answer fields that are kept, in lower case; codings and lengths are gone with the coding itself."""


def select_headers(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> Headers:
    """Return the header fields that may be kept, in their order."""
    return tuple((name, value) for name, value in headers if name.lower() in allowed)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    Bodies are content: transfer and content codings are undone. `started` is ISO 8601. `test` names the test that
    recorded it (empty in files of other tools), `contract` the digest of the contract it was recorded under.
    `is_complete` is false where another tool left the body out.
    `base_path` is what the target's base URL has before the contract's paths: a client of a replay need not ask for it.
    `body_digest` is the SHA-256 of `body`, in hex: taken once, as a large body takes its time.
    """

    method: str
    url: str
    status: int
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    request_headers: Headers = field(default=(), repr=False)
    request_body: bytes = field(default=b"", repr=False)
    reason: str = ""
    started: str = ""
    test: str = ""
    base_path: str = ""
    contract: str = ""
    is_complete: bool = True
    body_digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "body_digest", sha256(self.body).hexdigest())

    @property
    def path(self) -> str:
        """The path of the URL below the base URL, as it was sent."""
        return urlsplit(self.url).path.removeprefix(self.base_path) or "/"

    @property
    def query(self) -> str:
        """The query of the URL, as it was sent, without its question mark."""
        return urlsplit(self.url).query

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def label(self) -> str:
        """Method and path: without the query, which may hold what nobody should see."""
        return f"{self.method} {self.path}"

    def header(self, name: str) -> str:
        """Return an answer's header value by its name in any case; empty where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Recording:
    """What one file holds. `is_ours` tells that pytest-bctrl wrote it; `target` is what was recorded last.

    `attachments` names the files beside it that hold bodies.
    """

    exchanges: tuple[Exchange, ...] = ()
    target: str = ""
    recorded_at: str = ""
    is_ours: bool = True
    attachments: tuple[str, ...] = ()


FORMAT = 1
"""Version of our own fields; a file with a higher one is from a newer pytest-bctrl."""

CREATOR = "pytest-bctrl"


def encode(recording: Recording) -> bytes:
    """Return the file's bytes: UTF-8, two blanks of indent, keys in a fixed order, a line end at the end."""
    log = {
        "version": "1.2",
        "creator": {"name": CREATOR, "version": __version__},
        "_bctrlFormat": FORMAT,
        "_bctrlTarget": recording.target,
        "_bctrlRecordedAt": recording.recorded_at,
        "entries": [_entry(exchange) for exchange in recording.exchanges],
    }
    return (json.dumps({"log": log}, ensure_ascii=False, indent=2) + "\n").encode()


def _entry(exchange: Exchange) -> dict[str, Any]:
    # What HAR 1.2 requires and nobody reads stays constant, so that it never shows in a diff.
    return {
        "_bctrlTest": exchange.test,
        **({"_bctrlBasePath": exchange.base_path} if exchange.base_path else {}),
        "_bctrlContract": exchange.contract,
        "startedDateTime": exchange.started,
        "time": 0,
        "request": {
            "method": exchange.method,
            "url": exchange.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(exchange.request_headers),
            "queryString": [{"name": n, "value": v} for n, v in parse_qsl(exchange.query, keep_blank_values=True)],
            **_post_data(exchange),
            "headersSize": -1,
            "bodySize": len(exchange.request_body),
        },
        "response": {
            "status": exchange.status,
            "statusText": exchange.reason,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(exchange.headers),
            "content": {
                "size": len(exchange.body),
                "mimeType": exchange.header("content-type"),
                **_text(exchange.body, exchange.body_digest),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(exchange.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _post_data(exchange: Exchange) -> dict[str, Any]:
    if not exchange.request_body:
        return {}
    media = next((value for name, value in exchange.request_headers if name.lower() == "content-type"), "")
    sent = exchange.request_body
    return {"postData": {"mimeType": media, "params": [], **_text(sent, sha256(sent).hexdigest())}}


def _text(body: bytes, body_digest: str) -> dict[str, str]:
    made = {"_bctrlSha256": body_digest}
    try:
        return {**made, "text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {**made, "text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}
