"""Content codings, read strictly: httpx passes over a gzip stream that ends too soon or has several members."""

from __future__ import annotations

import gzip
import zlib

import httpx

ACCEPTED = "gzip, deflate"


def decoded(response: httpx.Response) -> tuple[httpx.Response, str]:
    """Return the response without its content coding, and why the coding is broken, if it is.

    A broken body stays as it was sent. `response` is one whose body was read but not decoded.
    """
    raw = b"".join(response.iter_raw())
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    body, broken = _decode(raw, coding)
    headers = [item for item in response.headers.raw if item[0].lower() not in (b"content-encoding", b"content-length")]
    plain = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
    plain.elapsed = response.elapsed
    return plain, broken


def _decode(raw: bytes, coding: str) -> tuple[bytes, str]:
    try:
        if coding in ("gzip", "x-gzip") and raw:
            return gzip.decompress(raw), ""
        if coding == "deflate" and raw:
            return _inflate(raw), ""
    except (OSError, EOFError, zlib.error) as error:
        return raw, str(error) or "the stream ends too soon"
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        return raw, f"the coding {coding!r} was not asked for"
    return raw, ""


def _inflate(raw: bytes) -> bytes:
    """Deflate is the zlib format (RFC 9110, 8.4.1.2); a raw stream is common enough to be read too."""
    try:
        return _whole(raw, zlib.MAX_WBITS)
    except zlib.error:
        return _whole(raw, -zlib.MAX_WBITS)


def _whole(raw: bytes, window: int) -> bytes:
    """The stream's content; raises `zlib.error` where it ends too soon, or something stands behind it."""
    stream = zlib.decompressobj(window)
    body = stream.decompress(raw) + stream.flush()
    if not stream.eof or stream.unused_data:
        raise zlib.error("the stream ends too soon" if not stream.eof else "something stands behind the stream")
    return body
