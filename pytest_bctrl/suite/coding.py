"""Takes the content coding off an answer, strictly."""

from __future__ import annotations

import httpx

from pytest_bctrl.incoming import undone


def decoded(response: httpx.Response) -> tuple[httpx.Response, str]:
    """Return the response without its content coding, and why the coding is broken, if it is.

    A broken body stays as it was sent. `response` is one whose body was read but not decoded.
    """
    body, broken = undone(b"".join(response.iter_raw()), response.headers.get("Content-Encoding", ""))
    headers = [item for item in response.headers.raw if item[0].lower() not in (b"content-encoding", b"content-length")]
    plain = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
    plain.elapsed = response.elapsed
    return plain, broken
