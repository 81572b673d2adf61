"""Size limits for everything read from servers and files, before and after parsing."""

from __future__ import annotations

import errno
import json
import re
from itertools import islice
from pathlib import Path
from typing import IO, Any

MOST = 64 * 1024 * 1024
"""Maximum size in bytes of a response, including all results of its content codings, and of a file."""

DOCUMENT = 10_000_000
"""Maximum size in bytes of a contract or a spec."""

RECORDED = 16 * 1024 * 1024
"""Maximum size in bytes of all bodies that one test records: they are searched for secrets and written."""

PARSED = 160 * 1024 * 1024
"""Maximum memory in bytes for the values of one JSON text, by an estimate that errs on the high side."""

STANDARD_INPUT = "standard input"
"""The name of a document that was read from there."""


class TooLargeError(OSError):
    """The input exceeds a limit; `strerror` names the limit."""

    def __init__(self, problem: str) -> None:
        super().__init__(errno.EFBIG, problem)


def size(number: int) -> str:
    """Return a number of bytes as messages show a limit: `10 MB`, or `64 MiB` if it is not a multiple of a megabyte."""
    if number % 1_000_000 == 0:
        return f"{number // 1_000_000} MB"
    return f"{number // 1024 // 1024} MiB"


def read_stream(file: IO[bytes], max_bytes: int = MOST) -> bytes:
    """Return the rest of `file`; raises `TooLargeError` if it has more than `max_bytes` bytes."""
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooLargeError(f"it is larger than {size(max_bytes)}")
    return data


def read_file(path: Path, max_bytes: int = MOST) -> bytes:
    """Return the bytes of a file; raises `OSError`, and `TooLargeError` if it has more than `max_bytes` bytes."""
    with path.open("rb") as file:
        return read_stream(file, max_bytes)


def read_text(path: Path, max_bytes: int = DOCUMENT, *, keep_line_ends: bool = False) -> str:
    """Return the text of a file in UTF-8; raises as `read_file` does, and `UnicodeDecodeError`.

    Each line ends with a line feed, unless `keep_line_ends` is set.
    """
    text = read_file(path, max_bytes).decode("utf-8")
    if keep_line_ends:
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parsing_problem(data: bytes, width: int = 0) -> str:
    """Return why JSON is not parsed: it would take more memory than `PARSED`, by an estimate; else empty.

    Python stores a text at the width of its widest character, and parsing creates strings in addition to the text.
    `width` is that width in bytes, if it is known.
    """
    if len(data) * (2 * 4 + _VALUE) <= PARSED:
        return ""
    marks = len(data.translate(None, _OTHERS))
    if len(data) * 2 * 4 + marks * _VALUE <= PARSED:
        return ""
    max_marks = (PARSED - 2 * (width or _bytes_per_character(data)) * len(data)) // _VALUE
    # Punctuation inside strings is excluded only if counting all of it exceeds the limit: that is slower.
    if max_marks >= 0 and (marks <= max_marks or _has_at_most(data, max_marks)):
        return ""
    return f"reading it as JSON would take more than {size(PARSED)} of memory"


def _has_at_most(data: bytes, count: int) -> bool:
    """Return whether JSON has at most `count` strings, commas, colons and opening brackets.

    A string and the mark after it count once.
    """
    return sum(1 for _ in islice(_VALUES.finditer(data), count + 1)) <= count


def _bytes_per_character(data: bytes) -> int:
    """Return how many bytes per character Python needs for the text of JSON, at most: 1, 2 or 4."""
    has_escapes = b"\\u" in data
    if has_escapes and _HALF.search(data):
        return 4
    widest = 0
    if not data.isascii():
        widest = max(data.translate(None, _NARROW), default=0)
    if widest > 0xEF:
        return 4
    if widest or has_escapes:
        return 2
    return 1


_VALUE = 110
"""Maximum memory in bytes per comma, colon or bracket of JSON: that of a list in a list."""
_OTHERS = bytes(set(range(256)) - set(b",:[]{}"))
_VALUES = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"\s*+)?[,:[{]?|[,:[{]', re.DOTALL)
_HALF = re.compile(rb"\\u[dD][89abAB]")
_NARROW = bytes(range(0xC4))
"""The bytes that UTF-8 uses for characters that Python stores in one byte."""


def latin1_json(data: bytes, bytes_key: str) -> Any:
    """Return parsed JSON, with texts under the key `bytes_key` as bytes; None if it must be parsed as text.

    The document is in UTF-8. It is parsed as Latin-1, one byte per character: a single emoji would make Python's text
    of a large file four times as large. A document with an escaped character must be parsed as text,
    because the character would look like a byte. So must invalid JSON, and invalid UTF-8 in other values: the usual
    parser reports the error.
    """
    if b"\\u" in data or parsing_problem(data, width=1):
        return None
    try:
        return _decode_texts(json.loads(data.decode("latin-1")), bytes_key)
    except (ValueError, RecursionError):
        return None


def _decode_texts(value: Any, bytes_key: str, key: str = "") -> Any:
    """Return data parsed as Latin-1 with texts decoded as UTF-8, and a text under the key `bytes_key` as bytes."""
    if isinstance(value, str):
        if key == bytes_key:
            return value.encode("latin-1")
        if value.isascii():
            return value
        return value.encode("latin-1").decode("utf-8")
    if isinstance(value, dict):
        return {_decode_texts(name, bytes_key): _decode_texts(inner, bytes_key, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_decode_texts(inner, bytes_key) for inner in value]
    return value
