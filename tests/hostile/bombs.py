"""Bytes that become many more: every content coding and archive that is read."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping

import brotli
import zstandard

GIGABYTE = 1024**3
_BLOCK = 1024**2


def _deflated(window: int, size: int) -> bytes:
    """Zeros, packed: a block that is complete in itself, as often as it takes; no checksum of it all is right."""
    stream = zlib.compressobj(9, wbits=window)
    head = stream.compress(b"") + stream.flush(zlib.Z_FULL_FLUSH)
    return head + (stream.compress(bytes(_BLOCK)) + stream.flush(zlib.Z_FULL_FLUSH)) * (size // _BLOCK)


GZIP = _deflated(16 + zlib.MAX_WBITS, GIGABYTE)
"""1 GB in 1 MB."""

_GZIPPED = gzip.compress(GZIP, 1)

BOMBS: Mapping[str, tuple[bytes, str]] = {
    "plain": (bytes(65 * 1024**2), ""),
    "gzip": (GZIP, "gzip"),
    "upper": (GZIP, "GZIP, identity"),
    "zlib": (_deflated(zlib.MAX_WBITS, GIGABYTE), "deflate"),
    "deflate": (_deflated(-zlib.MAX_WBITS, GIGABYTE), "deflate"),
    "twice": (_GZIPPED, "gzip, gzip"),
    "mixed": (zlib.compress(GZIP), "gzip, deflate"),
    "beside": (GZIP, "gzip, none-such"),
    "junk": (_GZIPPED + b"junk", "gzip,gzip"),
    "cut": (_GZIPPED[:-4], "gzip,gzip"),
    "br": (brotli.compress(bytes(GIGABYTE // 4), quality=1), "br"),
    "zstd": (zstandard.compress(bytes(GIGABYTE // 4)), "zstd"),
    "frames": (zstandard.compress(b"") * 100_000, "zstd"),
}
"""Bodies by name, with their `Content-Encoding`, that become too large where a client unpacks them."""

HARMLESS: Mapping[str, tuple[bytes, str]] = {
    "lists": (gzip.compress(b"[" + b"[]," * 20_000_000 + b"0]", 1), "gzip"),
    "members": (gzip.compress(b"", mtime=0) * 100_000, "gzip"),
    "members-large": (gzip.compress(b"{}") + GZIP, "gzip"),
    "six": (b" " * 6 * 1024**2, ""),
}
"""Bodies that a client may have, and that are more than they seem to who reads them strictly, or parses them."""


def har(*entries: Mapping[str, object], ascii_only: bool = True) -> str:
    """A HAR of another tool, whose listings have these contents."""
    asked = {"method": "GET", "url": "https://api.bctrl.ai/v1/spaces/1/runtimes", "headers": []}
    made = [{"request": asked, "response": {"status": 200, "headers": [], "content": one}} for one in entries]
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": made}}, ensure_ascii=ascii_only)
