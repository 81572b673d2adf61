"""Variants whose body is not the JSON that its content type announces, or whose content type is another one."""

import gzip
from collections.abc import Callable
from dataclasses import replace

from .reply import Reply, written
from .service import Service, Visit, with_metadata
from .variant import variants

_HTML = b"<!doctype html><html><body><h1>Welcome</h1></body></html>"


def _body(change: Callable[[bytes], bytes]) -> Service:
    """Return the service that changes the body of the list."""
    return Service(listed=lambda _, reply: replace(reply, body=change(reply.body)))


def _typed(*content_type: str) -> Service:
    """Return the service that sends the list with another content type, or without one."""
    return Service(listed=lambda _, reply: reply.typed(*content_type))


def _swapped(old: bytes, new: bytes) -> Service:
    """Return the service that replaces the first `old` in the body of the list by `new`."""
    return _body(lambda body: body.replace(old, new, 1))


def _coded(coding: str, change: Callable[[bytes], bytes]) -> Service:
    """Return the service that changes the body of the list and names a `Content-Encoding`."""

    def hook(_: Visit, reply: Reply) -> Reply:
        return replace(reply, body=change(reply.body)).adding(("Content-Encoding", coding))

    return Service(listed=hook)


def _corrupt(body: bytes) -> bytes:
    """Return a body in gzip, with two wrong bytes."""
    packed = bytearray(gzip.compress(body))
    packed[len(packed) // 2] ^= 0xFF
    packed[-6] ^= 0xFF
    return bytes(packed)


def _latin_1(_: Visit, reply: Reply) -> Reply:
    """Return the reply in Latin-1, as its content type says."""
    body = reply.body.decode().encode("latin-1")
    return replace(reply, body=body).typed("application/json; charset=iso-8859-1")


_FAMILIES = {
    "content type": {
        "html-with-200": Service(listed=lambda *_: Reply(200, _HTML, (("Content-Type", "text/html"),))),
        "html-called-json": _body(lambda _: _HTML),
        "text-plain-content-type": _typed("text/plain"),
        "octet-stream-content-type": _typed("application/octet-stream"),
        "xml-content-type": _typed("application/xml"),
        "ndjson-content-type": _typed("application/x-ndjson"),
        "problem-content-type": _typed("application/problem+json"),
        "no-content-type": _typed(),
        "empty-content-type": _typed(""),
        "nonsense-content-type": _typed("json"),
        "text-json-content-type": _typed("text/json"),
    },
    "strict JSON": {
        "empty-body-with-200": _body(lambda _: b""),
        "blank-body-with-200": _body(lambda _: b" \n"),
        "cut-json-of-right-length": _body(lambda body: body[:-20]),
        "cut-json-by-one-byte": _body(lambda body: body[:-1]),
        "nan-in-metadata": with_metadata(b"NaN"),
        "infinity-in-metadata": with_metadata(b"Infinity"),
        "minus-infinity-in-metadata": with_metadata(b"[-Infinity]"),
        "hexadecimal-number": with_metadata(b"0x1F"),
        "integer-of-5000-digits": with_metadata(b"7" * 5000),
        "leading-zero": with_metadata(b"007"),
        "python-literals": with_metadata(b"None"),
        "single-quotes": with_metadata(b"'text'"),
        "raw-newline-in-string": with_metadata(b'"a\nb"'),
        "raw-nul-in-string": with_metadata(b'"a\x00b"'),
        "bad-escape": with_metadata(rb'"\x41"'),
        "trailing-comma": _body(lambda body: body[:-2] + b",]}"),
        "comment": _body(lambda body: b"/* list */" + body),
        "json-prefix-against-hijacking": _body(lambda body: b")]}',\n" + body),
        "jsonp": _body(lambda body: b"callback(" + body + b")"),
        "duplicate-key-on-envelope": _body(lambda body: b'{"runtimes":[],' + body[1:]),
        "duplicate-key-in-item": _swapped(b'"status":"active"', b'"status":"failed","status":"active"'),
        "duplicate-key-same-value": _swapped(b'"status":"active"', b'"status":"active","status":"active"'),
        "duplicate-key-by-escape": _swapped(b'"status":"active"', b'"status":"failed","\\u0073tatus":"active"'),
        "invalid-utf-8": _swapped("ä".encode(), b"\xe4"),
        "overlong-utf-8": _swapped(b"Nacht", b"N\xc1\xa1cht"),
        "surrogates-in-utf-8": _swapped(b"Nacht", b"\xed\xa0\xbd\xed\xb8\x80"),
        "latin-1-as-declared": Service(listed=_latin_1),
        "utf-16": _body(lambda body: body.decode().encode("utf-16")),
        "utf-16-without-mark": _body(lambda body: body.decode().encode("utf-16-le")),
        "byte-order-mark": _body(lambda body: b"\xef\xbb\xbf" + body),
        "trailing-garbage": _body(lambda body: body + b" -- end"),
        "trailing-nul": _body(lambda body: body + b"\x00"),
        "two-documents": _body(lambda body: body + body),
        "two-documents-on-two-lines": _body(lambda body: body + b"\n" + body),
        "json-in-a-json-string": Service(write=lambda document: written(written(document).decode())),
        "duplicate-key-in-metadata": with_metadata(b'{"a":1,"a":2}'),
    },
    "content coding": {
        "gzip-corrupt": _coded("gzip", _corrupt),
        "gzip-cut": _coded("gzip", lambda body: gzip.compress(body)[:-200]),
        "gzip-declared-but-plain": _coded("gzip", bytes),
        "gzip-in-broken-gzip": _coded("gzip, gzip", lambda body: gzip.compress(gzip.compress(body)[:-8])),
        "gzip-of-80-mib": _coded("gzip", lambda body: gzip.compress(b" " * 80 * 1024 * 1024 + body)),
        "gzip-not-declared": _body(gzip.compress),
        "deflate-declared-but-plain": _coded("deflate", bytes),
        "unknown-coding": _coded("x-secret", lambda body: bytes(byte ^ 0x55 for byte in body)),
    },
}
_DOUBTS = {
    "text-json-content-type": "an old alias, but not the documented type",
    "duplicate-key-in-metadata": "metadata is free-form, but RFC 8259 wants unique names in every object",
}
VARIANTS = variants("protocol", "error", _FAMILIES, _DOUBTS)
