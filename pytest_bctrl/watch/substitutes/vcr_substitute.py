"""Builds responses of vcrpy, which take the place of those of http.client and urllib3."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.watch.substitution import reason_phrase


def vcr_response(response: Any, substitute: MockResponse) -> Any:
    """Return a response of vcrpy with the substitute's contents."""
    headers: dict[str, list[str]] = {}
    for name, value in substitute.headers:
        headers.setdefault(name, []).append(value)
    return type(response)(
        {
            "status": {
                "code": substitute.status,
                "message": reason_phrase(substitute.status, response.status, response.reason),
            },
            "headers": headers,
            "body": {"string": substitute.payload.content},
        }
    )
