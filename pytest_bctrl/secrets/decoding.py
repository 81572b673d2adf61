"""Decodes texts: URL encodings, escapes and base64, also nested in each other.

Each decoding is one pass over the previous text, so the time is linear in the length of the text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote_to_bytes

from pytest_bctrl.secrets.encodings import BASE64, ESCAPED, PLAIN

_ROUNDS = 4
_DEPTH = 2
"""Maximum number of nested base64 encodings that are decoded."""

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
_WRAPPED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}+\s+)+[A-Za-z0-9+/_-]+")
"""Base64 in lines; possessive and only from the start of a run, or a long run would be read once per letter."""
_SPACE = re.compile(r"\s+")
_STANDARD = str.maketrans("-_", "+/")


def readings(text: str) -> Iterator[str]:
    """Yield `text`, and the text after each round of decoding its URL encodings and escapes."""
    yield text
    for _ in range(_ROUNDS):
        if not any(mark in text for mark in _MARKS):
            return
        decoded = _ESCAPE.sub(_character, text)
        if decoded == text:
            return
        yield decoded
        text = decoded


def _character(match: re.Match[str]) -> str:
    percent, high, low, wide, narrow, letter, entity = match.groups()
    if percent:
        return unquote_to_bytes(percent).decode("utf-8", "surrogateescape")
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    if wide or narrow:
        return chr(int(wide or narrow, 16))
    return letter or unescape(entity)


def meanings(text: str, legible: re.Pattern[bytes], depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """Yield the name of an encoding and the decoded text, for all `readings` of `text` and of base64 in them.

    In decoded base64, only the parts that `legible` matches are decoded further.
    """
    decoded: set[str] = set()
    encoding = PLAIN
    for reading in readings(text):
        yield encoding, reading
        encoding = ESCAPED
        if not depth:
            continue
        joined = [_SPACE.sub("", lines) for lines in _WRAPPED.findall(reading)]
        yield from ((BASE64, digits) for digits in joined)
        runs = {*_RUN.findall(reading), *joined} - decoded
        decoded |= runs
        for run in sorted(runs):
            for piece in decoded_pieces(run, legible):
                yield from ((BASE64, inner) for _, inner in meanings(piece, legible, depth - 1))


def decoded_pieces(run: str, legible: re.Pattern[bytes]) -> Iterator[str]:
    """Yield the legible parts of a decoded run of base64 digits; the encoded text may begin after its first digits."""
    digits = run.translate(_STANDARD)
    for start in range(4):
        part = digits[start:]
        if len(part) % 4 == 1:
            part = part[:-1]
        data = base64.b64decode(part + "=" * (-len(part) % 4))
        for piece in legible.findall(data):
            yield piece.decode("utf-8", "surrogateescape")
