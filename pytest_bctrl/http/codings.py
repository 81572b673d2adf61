"""Content codings: decodes bodies within a size limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias

from pytest_bctrl.files.limits import MOST, TooLargeError, size

ACCEPTED = "gzip, deflate"
"""The content codings that are asked for."""


def undone(raw: bytes, codings: str) -> tuple[bytes, str]:
    """Undo the codings, which are named in the order in which they were applied (RFC 9110, 8.4), and strictly.

    Returns `raw`, and why, where one of them is broken, was not asked for, or unpacks to too much. httpx passes over a
    gzip stream that ends too soon or has several members.
    """
    try:
        return _unpacked(raw, codings, _STRICT.__getitem__), ""
    except KeyError as error:
        return raw, f"the coding {error.args[0]!r} was not asked for"
    except zlib.error as error:
        return raw, str(error)
    except TooLargeError as error:
        return raw, str(error.strerror)


def require_unpackable(raw: bytes, codings: str) -> None:
    """Raise `TooLargeError` for a body that would make httpx unpack too much; what is broken is httpx's to report."""
    with suppress(CodingError):
        # It passes over a coding that it does not know.
        _unpacked(raw, codings, lambda coding: _LENIENT.get(coding, _as_is))


class CodingError(Exception):
    """A body is not in its coding."""


_Unpack: TypeAlias = Callable[[bytes, int], bytes]
"""Undoes one coding of a body that is not empty; raises `TooLargeError` beyond so many bytes."""


def _unpacked(raw: bytes, codings: str, undoes: Callable[[str], _Unpack]) -> bytes:
    """Undo the codings, the last first; what all of them unpack together is bounded."""
    body, left = raw, MOST
    for coding in reversed(codings.lower().split(",")):
        unpacked = undoes(coding.strip())(body, left) if body else body
        left -= len(unpacked) if unpacked is not body else 0
        body = unpacked
    return body


def _gunzip(raw: bytes, most: int) -> bytes:
    """A gzip file may have several members (RFC 1952, 2.2), and zeros that pad it."""
    if raw.count(b"\x1f\x8b\x08") * len(raw) > _COPIED:
        raise TooLargeError("the response has too many gzip members")
    members: list[bytes] = []
    rest = raw
    while rest:
        member, rest = _whole(rest, _GZIP, most)
        members.append(member)
        most, rest = most - len(member), rest.lstrip(b"\0")
    return b"".join(members)


_COPIED = 4 * 1024 * 1024 * 1024
"""Bytes that are copied at most for a body of many parts: each part copies what stands behind it."""
_GZIP = 16 + zlib.MAX_WBITS


def _inflate(raw: bytes, most: int) -> bytes:
    """Deflate is the zlib format (RFC 9110, 8.4.1.2); a raw stream is common enough to be read too."""
    try:
        body, rest = _whole(raw, zlib.MAX_WBITS, most)
    except zlib.error:
        body, rest = _whole(raw, -zlib.MAX_WBITS, most)
    if rest:
        raise zlib.error("something follows the stream")
    return body


def _whole(raw: bytes, window: int, most: int) -> tuple[bytes, bytes]:
    """The content of the first stream in `raw` and what stands behind it; raises `zlib.error` where it is not whole."""
    stream, body = _first(raw, window, most)
    if not stream.eof:
        raise zlib.error("the stream ends too soon")
    return body, stream.unused_data


def _first(raw: bytes, window: int, most: int) -> tuple[Any, bytes]:
    stream = zlib.decompressobj(window)
    return stream, _bounded(stream.decompress(raw, most + 1), most)


def _bounded(body: bytes, most: int) -> bytes:
    if len(body) > most:
        raise TooLargeError(f"the response is larger than {size(MOST)} when decoded")
    return body


def _as_is(raw: bytes, most: int) -> bytes:
    return raw


_STRICT: Mapping[str, _Unpack] = {
    "": _as_is,
    "identity": _as_is,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
}


def _leniently(*windows: int) -> _Unpack:
    """What httpx does with the first stream, whole or not: it tries one window after the other."""

    def unpack(raw: bytes, most: int) -> bytes:
        for window in windows:
            with suppress(zlib.error):
                return _first(raw, window, most)[1]
        raise CodingError

    return unpack


def _unbrotli(raw: bytes, most: int) -> bytes:
    brotli = _installed("brotli", "brotlicffi")
    if brotli is None:  # pragma: no cover - httpx passes over the coding then
        return raw
    stream = brotli.Decompressor()
    try:
        body = stream.process(raw, output_buffer_limit=_PIECE)
        while not stream.can_accept_more_data():
            body = _bounded(body + stream.process(b"", output_buffer_limit=_PIECE), most)
    except brotli.error as error:
        raise CodingError from error
    except (AttributeError, TypeError):
        raise TooLargeError("the coding br is read within a bound by brotli 1.2 or newer alone") from None
    return bytes(_bounded(body, most))


_PIECE = 4 * 1024 * 1024


def _unzstd(raw: bytes, most: int) -> bytes:
    zstandard = _installed("zstandard")
    if zstandard is None:  # pragma: no cover - httpx passes over the coding then
        return raw
    if sum(map(raw.count, _FRAMES)) * len(raw) > _COPIED:
        raise TooLargeError("the response has too many zstd frames")
    try:
        with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
            return _bounded(stream.read(most + 1), most)
    except zstandard.ZstdError as error:
        raise CodingError from error


def _installed(*names: str) -> Any:
    for name in names:
        with suppress(ImportError):
            return import_module(name)
    return None  # pragma: no cover - the tests have them installed


_FRAMES = (b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18")
"""How a frame begins (RFC 8878, 3.1.1), and one that is skipped, after its first byte."""


_LENIENT: Mapping[str, _Unpack] = {
    "gzip": _leniently(_GZIP),
    "deflate": _leniently(zlib.MAX_WBITS, -zlib.MAX_WBITS),
    "br": _unbrotli,
    "zstd": _unzstd,
}
