"""Content codings: decodes bodies within a size limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from pytest_bctrl.files.limits import MOST, TooLargeError, size

ACCEPTED = "gzip, deflate"
"""The content codings that the client accepts."""


def decode_strictly(raw: bytes, codings: str) -> tuple[bytes, str]:
    """Return the decoded body and an empty text, or the raw body and its problem; codings as in RFC 9110, 8.4.

    Returns `raw` and the problem if a coding is broken, was not requested, or decodes to too much. This is stricter
    than httpx, which ignores that a gzip stream is truncated or has several members.
    """
    try:
        return _decode_all(raw, codings, _STRICT.__getitem__), ""
    except KeyError as error:
        return raw, f"the coding {error.args[0]!r} was not requested"
    except zlib.error as error:
        return raw, str(error)
    except TooLargeError as error:
        return raw, str(error.strerror)


class Content(NamedTuple):
    """A body without its content codings; `problem` is set if it is invalid in them, `unread` if it was not decoded."""

    body: bytes
    problem: str = ""
    unread: str = ""


def content_of(raw: bytes, codings: str) -> Content:
    """Return the content of a body, also of `br` and `zstd`; the raw body and the reason if it cannot be decoded."""
    names = [name.strip().lower() for name in codings.split(",")]
    unknown = [name for name in names if name not in _READABLE]
    if unknown:
        return Content(raw, unread=f"the content coding {unknown[0][:40]!r} is not supported")
    for name in names:
        if name in _LIBRARIES and _installed(*_LIBRARIES[name]) is None:
            library = _LIBRARIES[name][0]
            return Content(raw, unread=f"no decoder for {name} is installed; pip install {library}")
    try:
        return Content(_decode_all(raw, codings, _READABLE.__getitem__))
    except CodingError:
        return Content(raw, "the data is not valid in its content coding")
    except zlib.error as error:
        return Content(raw, str(error))
    except TooLargeError as error:
        return Content(raw, unread=str(error.strerror))


def problem_of_part(raw: bytes, codings: str) -> str:
    """Return why bytes cannot be the beginning of a body in its content codings; empty if they can, or if unknown."""
    try:
        if raw:
            _decode_all(raw, codings, lambda coding: _LENIENT.get(coding, _as_is))
    except CodingError:
        return "the data is not valid in its content coding"
    except TooLargeError:
        return ""
    return ""


def require_unpackable(raw: bytes, codings: str) -> None:
    """Raise `TooLargeError` for a body that httpx would decode to too much; httpx itself reports a broken coding."""
    with suppress(CodingError):
        # httpx ignores an unknown coding.
        _decode_all(raw, codings, lambda coding: _LENIENT.get(coding, _as_is))


class CodingError(Exception):
    """A body is not valid in its content coding."""


_Unpack: TypeAlias = Callable[[bytes, int], bytes]
"""Decodes a body that is not empty; raises `TooLargeError` if the result has more than the given number of bytes."""


def _decode_all(raw: bytes, codings: str, decoder_for: Callable[[str], _Unpack]) -> bytes:
    """Return a body with its codings decoded, the last first; `MOST` limits the sum of all results that differ."""
    body, remaining = raw, MOST
    for coding in reversed(codings.lower().split(",")):
        if not body:
            continue
        unpacked = decoder_for(coding.strip())(body, remaining)
        if unpacked is not body:
            remaining -= len(unpacked)
        body = unpacked
    return body


def _gunzip(raw: bytes, limit: int) -> bytes:
    """Return the content of gzip data, which may have several members (RFC 1952, 2.2) and trailing zeros.

    Raises `zlib.error` for other data, and `TooLargeError`.
    """
    if raw.count(b"\x1f\x8b\x08") * len(raw) > _COPIED:
        raise TooLargeError("the response has too many gzip members")
    members: list[bytes] = []
    rest = raw
    while rest:
        member, rest = _first_stream(rest, _GZIP, limit)
        members.append(member)
        limit, rest = limit - len(member), rest.lstrip(b"\0")
    return b"".join(members)


_COPIED = 4 * 1024 * 1024 * 1024
"""Maximum number of bytes copied for a body of many parts: decoding a part copies all data after it."""
_GZIP = 16 + zlib.MAX_WBITS


def _inflate(raw: bytes, limit: int) -> bytes:
    """Return the content of a deflate stream, zlib (RFC 9110, 8.4.1.2) or raw; raises `zlib.error` for other data."""
    try:
        body, rest = _first_stream(raw, zlib.MAX_WBITS, limit)
    except zlib.error:
        body, rest = _first_stream(raw, -zlib.MAX_WBITS, limit)
    if rest:
        raise zlib.error("something follows the stream")
    return body


def _first_stream(raw: bytes, window: int, limit: int) -> tuple[bytes, bytes]:
    """Return the content of the first stream in `raw` and the data after it; raises `zlib.error` if it is truncated."""
    stream, body = _decompressor_and_body(raw, window, limit)
    if not stream.eof:
        raise zlib.error("the stream ends too soon")
    return body, stream.unused_data


def _decompressor_and_body(raw: bytes, window: int, limit: int) -> tuple[Any, bytes]:
    """Return the decompressor of the first stream, and its content, which is partial if the stream is truncated."""
    stream = zlib.decompressobj(window)
    return stream, _within_limit(stream.decompress(raw, limit + 1), limit)


def _within_limit(body: bytes, limit: int) -> bytes:
    """Return the body, or raise `TooLargeError` if it is longer than the limit."""
    if len(body) > limit:
        raise TooLargeError(f"the response is larger than {size(MOST)} when decoded")
    return body


def _as_is(raw: bytes, limit: int) -> bytes:
    """Return the body as it is, for a coding that is not decoded."""
    return raw


_STRICT: Mapping[str, _Unpack] = {
    "": _as_is,
    "identity": _as_is,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
}


def is_known_coding(coding: str) -> bool:
    """Return whether `decode_strictly` accepts a content coding; `identity` and the empty text are among them."""
    return coding.strip().lower() in _STRICT


def _lenient_decoder(*windows: int) -> _Unpack:
    """Return a decoder for the first stream as httpx reads it, even truncated; other data raises `CodingError`."""

    def unpack(raw: bytes, limit: int) -> bytes:
        """Return the first stream, decoded with the first window that works; raises `CodingError` if none does."""
        for window in windows:
            with suppress(zlib.error):
                return _decompressor_and_body(raw, window, limit)[1]
        raise CodingError

    return unpack


def _unbrotli(raw: bytes, limit: int) -> bytes:
    """Return the content of brotli data, or `raw` if no decoder is installed; raises `CodingError` for invalid data."""
    brotli = _installed("brotli", "brotlicffi")
    if brotli is None:  # pragma: no cover - httpx passes over the coding then
        return raw
    stream = brotli.Decompressor()
    try:
        body = stream.process(raw, output_buffer_limit=_PIECE)
        while not stream.can_accept_more_data():
            body = _within_limit(body + stream.process(b"", output_buffer_limit=_PIECE), limit)
    except brotli.error as error:
        raise CodingError from error
    except (AttributeError, TypeError):
        raise TooLargeError("the coding br is read within a bound by brotli 1.2 or newer alone") from None
    return bytes(_within_limit(body, limit))


_PIECE = 4 * 1024 * 1024


def _unzstd(raw: bytes, limit: int) -> bytes:
    """Return the content of zstd data, or `raw` if no decoder is installed; raises `CodingError` for invalid data."""
    zstandard = _installed("zstandard")
    if zstandard is None:  # pragma: no cover - httpx passes over the coding then
        return raw
    if sum(map(raw.count, _FRAMES)) * len(raw) > _COPIED:
        raise TooLargeError("the response has too many zstd frames")
    try:
        with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
            return _within_limit(stream.read(limit + 1), limit)
    except zstandard.ZstdError as error:
        raise CodingError from error


def _installed(*names: str) -> Any:
    """Import the first of these modules that is installed, and return it; None if none of them is."""
    for name in names:
        with suppress(ImportError):
            return import_module(name)
    return None  # pragma: no cover - the tests have them installed


_FRAMES = (b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18")
"""The start of a frame (RFC 8878, 3.1.1), and of a skippable frame after its first byte."""


_LENIENT: Mapping[str, _Unpack] = {
    "gzip": _lenient_decoder(_GZIP),
    "deflate": _lenient_decoder(zlib.MAX_WBITS, -zlib.MAX_WBITS),
    "br": _unbrotli,
    "zstd": _unzstd,
}
_READABLE: Mapping[str, _Unpack] = {**_LENIENT, **_STRICT}
"""The decoder of each coding; strict where that is possible."""
_LIBRARIES: Mapping[str, tuple[str, ...]] = {"br": ("brotli", "brotlicffi"), "zstd": ("zstandard",)}
"""The modules that decode a coding, the first of which is recommended."""
