"""Bodies that become far larger when they are decoded or parsed, in each content coding that is read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import brotli
import zstandard

GIGABYTE = 1024**3
_BLOCK = 1024**2


def _deflated(window: int, size: int) -> bytes:
    """Return `size` zeros, a multiple of 1 MB, in deflate or gzip, by the `wbits` of zlib; the stream has no end."""
    stream = zlib.compressobj(9, wbits=window)
    head = stream.compress(b"") + stream.flush(zlib.Z_FULL_FLUSH)
    return head + (stream.compress(bytes(_BLOCK)) + stream.flush(zlib.Z_FULL_FLUSH)) * (size // _BLOCK)


@cache
def _gzip() -> bytes:
    """Return 1 GB of zeros in gzip, about 1 MB, without its end."""
    return _deflated(16 + zlib.MAX_WBITS, GIGABYTE)


@cache
def _gzip_twice() -> bytes:
    """Return `_gzip()` compressed once more."""
    return gzip.compress(_gzip(), 1)


Bodies: TypeAlias = Mapping[str, tuple[Callable[[], bytes], str]]

BOMBS: Bodies = {
    "plain": (lambda: bytes(65 * 1024**2), ""),
    "gzip": (_gzip, "gzip"),
    "upper": (_gzip, "GZIP, identity"),
    "zlib": (lambda: _deflated(zlib.MAX_WBITS, GIGABYTE), "deflate"),
    "deflate": (lambda: _deflated(-zlib.MAX_WBITS, GIGABYTE), "deflate"),
    "twice": (_gzip_twice, "gzip, gzip"),
    "mixed": (lambda: zlib.compress(_gzip()), "gzip, deflate"),
    "beside": (_gzip, "gzip, none-such"),
    "junk": (lambda: _gzip_twice() + b"junk", "gzip,gzip"),
    "cut": (lambda: _gzip_twice()[:-4], "gzip,gzip"),
    "br": (lambda: brotli.compress(bytes(GIGABYTE // 4), quality=1), "br"),
    "zstd": (lambda: zstandard.compress(bytes(GIGABYTE // 4)), "zstd"),
    "frames": (lambda: zstandard.compress(b"") * 100_000, "zstd"),
}
"""Functions for bodies that a client must reject as too large, with their `Content-Encoding`, by name."""

HARMLESS: Bodies = {
    "lists": (lambda: gzip.compress(b"[" + b"[]," * 20_000_000 + b"0]", 1), "gzip"),
    "members": (lambda: gzip.compress(b"", mtime=0) * 100_000, "gzip"),
    "members-large": (lambda: gzip.compress(b"{}") + _gzip(), "gzip"),
    "six": (lambda: b" " * 6 * 1024**2, ""),
}
"""Functions for bodies that a client must accept, though strict decoding or parsing may reject them, by name."""


@cache
def body(name: str) -> tuple[bytes, str]:
    """Return the bytes of a body of `BOMBS` or `HARMLESS`, created at the first call, and its `Content-Encoding`."""
    make, coding = {**BOMBS, **HARMLESS}[name]
    return make(), coding


def har(*entries: Mapping[str, object], ascii_only: bool = True) -> str:
    """Return a HAR of another tool with these response contents."""
    request = {"method": "GET", "url": "https://api.bctrl.ai/v1/spaces/1/runtimes", "headers": []}
    entries_of_log = [
        {"request": request, "response": {"status": 200, "headers": [], "content": entry}} for entry in entries
    ]
    return json.dumps(
        {"log": {"version": "1.2", "creator": {"name": "x"}, "entries": entries_of_log}}, ensure_ascii=ascii_only
    )
