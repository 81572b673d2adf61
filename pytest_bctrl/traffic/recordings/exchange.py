"""Recorded exchanges as data, the header fields that they keep, and their encoding as HAR 1.2.

The fields that HAR does not have are named `_bctrl…`, as HAR asks of extensions.
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
"""Statuses of responses without a body."""

# Everything else is dropped: an unknown field may hold a credential.
REQUEST = frozenset({"accept", "content-type", "prefer"})
"""Names of the request header fields that are recorded, in lower case."""

RESPONSE = frozenset({
    "allow", "cache-control", "content-language", "content-type", "deprecation", "etag", "last-modified", "link",
    "location", "preference-applied", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after",
    "sunset", "www-authenticate", "x-request-id",
})  # fmt: skip
"""Names of the response header fields that are recorded, in lower case; bodies are recorded decoded."""


_OF_THE_CONNECTION = frozenset({
    "connection", "content-encoding", "content-length", "date", "keep-alive", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Names of the response header fields about one transfer, of which a replay has its own."""


def replayed_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the header fields of a recorded response that a replay sends; a file of another tool has more of them."""
    return tuple(field for field in headers if field[0].lower() not in _OF_THE_CONNECTION and field[0][:1] != ":")


def select_headers(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> Headers:
    """Return the header fields whose name in lower case is in `allowed`, in their order."""
    return tuple((name, value) for name, value in headers if name.lower() in allowed)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response.

    Bodies have no transfer and content codings. `started` is ISO 8601. `test` names the test that recorded the
    exchange (empty in files of other tools), `contract` is the digest of the contract at that time. `is_complete` is
    false if another tool left out the body of the response, `has_request_body` if it left out that of the request.
    `base_path` is the path of the target's base URL, in front of the
    contract's paths; requests to a replay may leave it out. `body_digest` is the SHA-256 of `body` in hex, computed
    once because hashing a large body takes a while.
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
    has_request_body: bool = True
    body_digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "body_digest", sha256(self.body).hexdigest())

    @property
    def path(self) -> str:
        """The path of the URL after the base path, as it was sent."""
        return urlsplit(self.url).path.removeprefix(self.base_path) or "/"

    @property
    def query(self) -> str:
        """The query of the URL, as it was sent, without its question mark."""
        return urlsplit(self.url).query

    @property
    def target(self) -> str:
        """Path and query of the request, without the base path."""
        if self.query:
            return f"{self.path}?{self.query}"
        return self.path

    @property
    def label(self) -> str:
        """Method and path, without the query, which may hold secrets."""
        return f"{self.method} {self.path}"

    def header(self, name: str) -> str:
        """Return the value of a response header by its case-insensitive name; empty if it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def request_header(self, name: str) -> str:
        """Return the value of a request header by its case-insensitive name; empty if it is missing."""
        return next((value for key, value in self.request_headers if key.lower() == name.lower()), "")


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
    base_path = {"_bctrlBasePath": exchange.base_path} if exchange.base_path else {}
    # The members that HAR 1.2 requires and nothing reads are constant, so that they never change in a diff.
    return {
        "_bctrlTest": exchange.test,
        **base_path,
        "_bctrlContract": exchange.contract,
        "startedDateTime": exchange.started,
        "time": 0,
        "request": {
            "method": exchange.method,
            "url": exchange.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _har_headers(exchange.request_headers),
            "queryString": [{"name": n, "value": v} for n, v in parse_qsl(exchange.query, keep_blank_values=True)],
            **_har_post_data(exchange),
            "headersSize": -1,
            "bodySize": len(exchange.request_body),
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


def _har_post_data(exchange: Exchange) -> dict[str, Any]:
    """Return the body of a request as the member `postData` of HAR; no member if there is no body."""
    if not exchange.request_body:
        return {}
    body = exchange.request_body
    return {
        "postData": {
            "mimeType": exchange.request_header("content-type"),
            "params": [],
            **_har_text(body, sha256(body).hexdigest()),
        }
    }


def _har_text(body: bytes, body_digest: str) -> dict[str, str]:
    """Return a body and its digest as members of a HAR content: text, or base64 if it is not UTF-8."""
    try:
        return {"_bctrlSha256": body_digest, "text": body.decode("utf-8")}
    except UnicodeDecodeError:
        text = base64.b64encode(body).decode("ascii")
        return {"_bctrlSha256": body_digest, "text": text, "encoding": "base64"}
