"""Exchanges as recordings have them."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.http.exchange import Exchange
from pytest_bctrl.http.message import Headers, Request, split_url


def recorded_exchange(
    method: str,
    url: str,
    status: int,
    headers: Headers = (),
    body: bytes = b"",
    *,
    sent: Headers = (),
    sent_body: bytes = b"",
    base_path: str = "",
    **fields: Any,
) -> Exchange:
    base_url, target = split_url(url, base_path)
    request = Request(method, target, sent, sent_body, base_url)
    return Exchange(request, status, headers, body, has_all_headers=bool(headers), hides_credentials=True, **fields)
