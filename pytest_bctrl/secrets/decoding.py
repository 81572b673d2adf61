"""What a text says once it is decoded: URL encodings and escapes, base64, and one inside the other.

Each reading is made in one pass over the one before, so the time grows with the length of the text alone.
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
"""How often base64 inside base64 is decoded."""

_ESCAPE = re.compile(
    r"((?:%[0-9a-fA-F]{2})+)"
    r"|\\+u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\+u([0-9a-fA-F]{4})"
    r"|\\+x([0-9a-fA-F]{2})"
    r"""|\\(["'\\/])"""
    r"|(&#?\w{1,32};)"
)
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_WRAPPED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}+\s+)+[A-Za-z0-9+/_-]+")
"""Base64 in lines; tried at the start of a run alone, and whole, or a long run would be read once per letter."""
_SPACE = re.compile(r"\s+")
_STANDARD = str.maketrans("-_", "+/")


def readings(text: str) -> Iterator[str]:
    """Yield `text`, and what it says once URL encodings and escapes are undone, also one inside another."""
    yield text
    for _ in range(_ROUNDS):
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
    """Yield the `readings` of `text`, also those of base64 in them, each after the encoding that it had.

    Of decoded base64 only what `legible` matches is read further.
    """
    decoded: set[str] = set()
    for number, reading in enumerate(readings(text)):
        yield (ESCAPED if number else PLAIN), reading
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
    """Yield the legible parts of what a run of base64 digits says; its first digits may not belong to it."""
    digits = run.translate(_STANDARD)
    for start in range(4):
        part = digits[start:]
        part = part[:-1] if len(part) % 4 == 1 else part
        data = base64.b64decode(part + "=" * (-len(part) % 4))
        for piece in legible.findall(data):
            yield piece.decode("utf-8", "surrogateescape")
