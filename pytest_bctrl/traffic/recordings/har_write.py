"""Writes a recording as HAR 1.2, with fields of our own under `_bctrl…` names, which HAR reserves for extensions."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

from pytest_bctrl._version import __version__
from pytest_bctrl.traffic.recordings.exchange import Exchange, Headers, Recording, digest

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
    return {
        "postData": {"mimeType": media, "params": [], **_text(exchange.request_body, digest(exchange.request_body))}
    }


def _text(body: bytes, body_digest: str) -> dict[str, str]:
    made = {"_bctrlSha256": body_digest}
    try:
        made["text"] = body.decode("utf-8")
    except UnicodeDecodeError:
        made["text"] = base64.b64encode(body).decode("ascii")
        made["encoding"] = "base64"
    return made
