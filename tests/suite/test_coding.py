"""Content codings are read strictly: an incomplete stream is reported."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_bctrl.http.codings import decode_strictly

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
    assert (body, "") == decode_strictly(CODINGS[coding](body), coding)


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
    body, problem = decode_strictly(raw, coding)
    assert (raw, True) == (body, bool(problem))
