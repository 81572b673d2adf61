"""Content codings, read strictly: httpx passes over a gzip stream that ends too soon or has several members."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import httpx

from pytest_bctrl.traffic.flow import MAX_BODY

ACCEPTED = "gzip, deflate"


def decoded(response: httpx.Response) -> tuple[httpx.Response, str]:
    """Return the response without its content coding, and why the coding is broken, if it is.

    A broken body stays as it was sent. `response` is one whose body was read but not decoded.
    """
    raw = b"".join(response.iter_raw())
    body, broken = _decoded(raw, response.headers.get("Content-Encoding", ""))
    headers = [item for item in response.headers.raw if item[0].lower() not in (b"content-encoding", b"content-length")]
    plain = httpx.Response(response.status_code, headers=headers, content=body, request=response.request)
    plain.elapsed = response.elapsed
    return plain, broken


def _decoded(raw: bytes, codings: str) -> tuple[bytes, str]:
    """Undo the codings, which are named in the order in which they were applied (RFC 9110, 8.4)."""
    body = raw
    for coding in reversed(codings.lower().split(",")):
        try:
            body = _CODINGS[coding.strip()](body) if body else body
        except KeyError:
            return raw, f"the coding {coding.strip()!r} was not asked for"
        except zlib.error as error:
            return raw, str(error)
    return body, ""


def _gunzip(raw: bytes) -> bytes:
    """A gzip file may have several members (RFC 1952, 2.2), and zeros that pad it."""
    body, rest = b"", raw
    while rest:
        member, rest = _member(rest, _GZIP, MAX_BODY - len(body))
        body, rest = body + member, rest.lstrip(b"\0")
    return body


def _inflate(raw: bytes) -> bytes:
    """Deflate is the zlib format (RFC 9110, 8.4.1.2); a raw stream is common enough to be read too."""
    try:
        return _whole(raw, zlib.MAX_WBITS)
    except zlib.error:
        return _whole(raw, -zlib.MAX_WBITS)


def _whole(raw: bytes, window: int) -> bytes:
    body, rest = _member(raw, window, MAX_BODY)
    if rest:
        raise zlib.error("something stands behind the stream")
    return body


def _member(raw: bytes, window: int, limit: int) -> tuple[bytes, bytes]:
    """The content of the first stream in `raw` and what stands behind it; raises `zlib.error` where it is not whole."""
    stream = zlib.decompressobj(window)
    body = stream.decompress(raw, limit + 1)
    if len(body) > limit:
        raise zlib.error(f"it is larger than {MAX_BODY // 1024 // 1024} MiB when decoded")
    if not stream.eof:
        raise zlib.error("the stream ends too soon")
    return body, stream.unused_data


_GZIP = 16 + zlib.MAX_WBITS

_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
}
