"""Decodes texts: URL encodings and escapes, base64 and hex."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote_to_bytes

from pytest_bctrl.secrets.encodings import BASE64, ESCAPED, HEX, PLAIN

_ROUNDS = 4

_ESCAPE = re.compile(
    r"((?:%[0-9a-fA-F]{2})+)"
    r"|\\+u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\+u([0-9a-fA-F]{4})"
    r"|\\+x([0-9a-fA-F]{2})"
    r"""|\\(["'\\/])"""
    r"|(&#?\w{1,32};)"
)
_MARKS = "%\\&"
"""The first characters of all escapes."""
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX_RUN = re.compile(r"[0-9a-fA-F]{16,}")
_SPACE = re.compile(r"\s+")
_STANDARD = str.maketrans("-_", "+/")


def url_decodings(text: str) -> Iterator[str]:
    """Yield `text`, and the text after each round of decoding its URL encodings and escapes."""
    yield text
    for _ in range(_ROUNDS):
        if not any(mark in text for mark in _MARKS):
            return
        decoded = _ESCAPE.sub(_unescaped_character, text)
        if decoded == text:
            return
        yield decoded
        text = decoded


def _unescaped_character(match: re.Match[str]) -> str:
    """Return the text that a run of URL encodings, or an escape, stands for."""
    percent, high, low, wide, narrow, letter, entity = match.groups()
    if percent:
        return unquote_to_bytes(percent).decode("utf-8", "surrogateescape")
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    if wide or narrow:
        return chr(int(wide or narrow, 16))
    return letter or unescape(entity)


def decodings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text itself as `plain`, and each way to decode it with the encoding's name: URLs, base64, hex.

    Base64 may be in lines.
    """
    encoding = PLAIN
    for reading in url_decodings(text):
        yield encoding, reading
        encoding = ESCAPED
        for run in sorted({*_RUN.findall(reading), *_RUN.findall(_SPACE.sub("", reading))}):
            for name, data in _decoded_runs(run):
                yield name, data.decode("latin-1")


def _decoded_runs(run: str) -> Iterator[tuple[str, bytes]]:
    """Yield the encoding's name and the bytes of a run of digits: base64 and hex, from each of the first digits on."""
    digits = run.translate(_STANDARD)
    for start in range(4):
        part = digits[start:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        yield BASE64, base64.b64decode(part + "=" * (-len(part) % 4))
    for digits in _HEX_RUN.findall(run):
        for start in range(2):
            yield HEX, bytes.fromhex(digits[start : len(digits) - (len(digits) - start) % 2])
