"""Content codings are read strictly: an incomplete stream is reported."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.suite.sending.transport_errors import decoded


def coded(raw: bytes, coding: str | None) -> httpx.Response:
    """Return a response with this undecoded body and, unless it is None, `Content-Encoding`."""
    headers = {"X-Other": "kept", **({"Content-Encoding": coding} if coding is not None else {})}
    response = httpx.Response(
        200, headers=headers, stream=httpx.ByteStream(raw), request=httpx.Request("GET", "http://h/")
    )
    response.elapsed = timedelta(0)
    return response


deflate_raw = partial(zlib.compress, wbits=-zlib.MAX_WBITS)

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    " Gzip ": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": deflate_raw,
    "identity": bytes,
    "": bytes,
    "gzip, deflate": lambda body: zlib.compress(gzip.compress(body)),
    "identity,gzip": gzip.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary())
def test_a_complete_body_is_decoded(coding: str, body: bytes) -> None:
    """In each content coding, any body is decoded without an error."""
    plain, broken = decoded(coded(CODINGS[coding](body), coding))
    assert (body, "") == (plain.content, broken)


def test_a_body_without_a_coding_is_returned_unchanged() -> None:
    plain, broken = decoded(coded(b"{}", None))
    assert (b"{}", "") == (plain.content, broken)


def test_decoding_removes_content_encoding_and_keeps_other_headers() -> None:
    plain, _ = decoded(coded(gzip.compress(b"{}"), "gzip"))
    assert ("kept", None) == (plain.headers["x-other"], plain.headers.get("content-encoding"))


BODY = b"some body that is long enough " * 20
GZIPPED = gzip.compress(BODY, mtime=0)

BROKEN = {
    "gzip without its checksum": (GZIPPED[:-4], "gzip"),
    "gzip that was cut": (GZIPPED[:20], "gzip"),
    "gzip with more behind it": (GZIPPED + b"more", "gzip"),
    "no gzip": (BODY, "gzip"),
    "deflate without its checksum": (zlib.compress(BODY)[:-2], "deflate"),
    "deflate with more behind it": (zlib.compress(BODY) + b"more", "deflate"),
    "raw deflate that was cut": (deflate_raw(BODY)[:-2], "deflate"),
    "no deflate": (BODY, "deflate"),
    "gzip in deflate that was cut": (zlib.compress(GZIPPED)[:-5], "gzip, deflate"),
    "broken gzip in deflate": (zlib.compress(GZIPPED[:-5]), "gzip, deflate"),
    "br in gzip": (GZIPPED, "br, gzip"),
    "br": (BODY, "br"),
    "zstd": (BODY, "zstd"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_cannot_be_decoded_is_reported_and_returned_unchanged(name: str) -> None:
    raw, coding = BROKEN[name]
    plain, broken = decoded(coded(raw, coding))
    assert (raw, True) == (plain.content, bool(broken))
