"""Where bytes come in: how many are read, also once they are unpacked or parsed, from servers and files alike."""

from __future__ import annotations

import errno
import json
import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

MOST = 64 * 1024 * 1024
"""Bytes that are read at most: of one answer, with all that its content codings unpack, and of one file."""

DOCUMENT = 10_000_000
"""Bytes of a contract or a spec that are read at most."""

RECORDED = 16 * 1024 * 1024
"""Bytes of bodies that one test records at most, so that they can be searched for secrets and written."""

PARSED = 160 * 1024 * 1024
"""Bytes of memory that the values of one JSON text may take, by an estimate that errs on the high side."""

ACCEPTED = "gzip, deflate"
"""The content codings that are asked for."""


class TooLargeError(OSError):
    """More comes in than is read; `strerror` says which bound it is over."""

    def __init__(self, problem: str) -> None:
        super().__init__(errno.EFBIG, problem)


def size(number: int) -> str:
    """Return a bound in words."""
    return f"{number // 1_000_000} MB" if number % 1_000_000 == 0 else f"{number // 1024 // 1024} MiB"


def read_stream(file: IO[bytes], most: int = MOST) -> bytes:
    """Return what is left in `file`; raises `TooLargeError` where that is more than `most` bytes."""
    data = file.read(most + 1)
    if len(data) > most:
        raise TooLargeError(f"it is larger than {size(most)}")
    return data


def read_file(path: Path, most: int = MOST) -> bytes:
    """Return the bytes of a file; raises `OSError`, and `TooLargeError` beyond `most`."""
    with path.open("rb") as file:
        return read_stream(file, most)


def read_text(path: Path, most: int = DOCUMENT) -> str:
    """Return the text of a file in UTF-8; raises as `read_file` does, and `UnicodeDecodeError`."""
    return read_file(path, most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def parsing_problem(data: bytes, width: int = 0) -> str:
    """Say why JSON is not parsed: it would take more memory than `PARSED`, by an estimate; empty where it may be.

    Python keeps a text at the width of its widest letter, and parsing makes strings beside the text. `width` is that
    in bytes, where it is known.
    """
    if len(data) * (2 * 4 + _VALUE) <= PARSED:
        return ""
    marks = len(data.translate(None, _OTHERS))
    if len(data) * 2 * 4 + marks * _VALUE <= PARSED:
        return ""
    most = (PARSED - 2 * (width or _width(data)) * len(data)) // _VALUE
    # What stands in strings is told apart only where all that looks like values would be too many.
    if most >= 0 and (marks <= most or sum(1 for _ in islice(_VALUES.finditer(data), most + 1)) <= most):
        return ""
    return f"reading it as JSON would take more than {size(PARSED)} of memory"


def _width(data: bytes) -> int:
    if b"\\u" in data and _HALF.search(data):
        return 4
    widest = 0 if data.isascii() else max(data.translate(None, _NARROW), default=0)
    return 4 if widest > 0xEF else 2 if widest or b"\\u" in data else 1


_VALUE = 110
"""Bytes of memory behind one comma, colon or bracket of JSON at most: those of a list in a list."""
_OTHERS = bytes(set(range(256)) - set(b",:[]{}"))
_VALUES = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"\s*+)?[,:[{]?|[,:[{]', re.DOTALL)
_HALF = re.compile(rb"\\u[dD][89abAB]")
_NARROW = bytes(range(0xC4))
"""What UTF-8 has of letters that Python keeps in a byte."""


def latin1_json(data: bytes, kept: str) -> Any:
    """Return a JSON document in UTF-8, with the values of the key `kept` as bytes; None where it cannot be read so.

    It is parsed one byte a letter: one emoji would make Python's own text of a large file four times as large. That
    cannot be done where a letter is written as an escape, as nothing tells it from a byte, nor with what is not JSON or
    no UTF-8 outside of what is kept: parsed as ever, it says what is wrong.
    """
    if b"\\u" in data or parsing_problem(data, width=1):
        return None
    try:
        return _widened(json.loads(data.decode("latin-1")), kept)
    except (ValueError, RecursionError):
        return None


def _widened(value: Any, kept: str, key: str = "") -> Any:
    if isinstance(value, str):
        if key == kept:
            return value.encode("latin-1")
        return value if value.isascii() else value.encode("latin-1").decode("utf-8")
    if isinstance(value, dict):
        return {_widened(name, kept): _widened(inner, kept, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_widened(inner, kept) for inner in value]
    return value


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
        raise TooLargeError("the answer has too many gzip members")
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
        raise TooLargeError(f"the answer is larger than {size(MOST)} when decoded")
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
        raise TooLargeError("the answer has too many zstd frames")
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
