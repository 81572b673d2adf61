"""Decodes texts: URL encodings, escapes, lists of bytes, base64, base32 and hex, also nested in each other.

Each decoding is one pass over the previous text, so the time is linear in the length of the text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote_to_bytes

from pytest_bctrl.secrets.encodings import BASE32, BASE64, ESCAPED, HEX, PLAIN

_ROUNDS = 4
_DEPTH = 2
"""Maximum number of nested binary encodings (base64, base32, hex) that are decoded."""

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
_BYTES = (
    (re.compile(r"(?:\\+[0-3]?[0-7]{2})+"), re.compile(r"\d+"), 8),
    (re.compile(r"(?:=[0-9A-F]{2})+"), re.compile(r"\w+"), 16),
    (re.compile(r"(?:0[xX][0-9a-fA-F]{2}\b[\s,;]*+)+"), re.compile(r"(?<=[xX])\w+"), 16),
    (re.compile(r"(?<!\d)(?:\d{1,3}[\s,;]++){5,}\d{1,3}(?!\d)"), re.compile(r"\d+"), 10),
    (
        re.compile(r"(?<!\d)(?:(?:0o)?[0-7]{2,3}[\s,;]++){5,}(?:0o)?[0-7]{2,3}(?!\d)"),
        re.compile(r"(?<![0-7])[0-7]{2,3}"),
        8,
    ),
)
"""Bytes that are written as numbers, one of these, and their base: octal escapes, quoted-printable, lists in code."""
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX_RUN = re.compile(r"[0-9a-fA-F]{16,}")
_BASE32_RUN = re.compile(r"[a-z2-7]{8,}|[A-Z2-7]{8,}")
_WRAPPED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}+\s+)+[A-Za-z0-9+/_-]+")
"""Base64 in lines; possessive and only from the start of a run, or a long run would be read once per letter."""
_SPACE = re.compile(r"\s+")
_STANDARD = str.maketrans("-_", "+/")
_BASE32_VALUES = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
"""From the digits of base32 to those of Python's integers."""
_WIDE = 3
"""ASCII in UTF-16 or UTF-32 has a NUL byte in at most so many bytes."""
_NOT_ASCII = b"\xff" * 64


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


def _with_decoded_bytes(text: str) -> Iterator[str]:
    """Yield the text with the bytes decoded that are written as numbers, once for each notation that it contains.

    They are no escapes of `url_decodings`: in another notation, the same characters may mean something else.
    """
    for numbers, digits, base in _BYTES:

        def decoded(match: re.Match[str], digits: re.Pattern[str] = digits, base: int = base) -> str:
            """Return the text of a list of numbers."""
            values = (int(value, base) for value in digits.findall(match[0]))
            return bytes(value for value in values if value < 256).decode("utf-8", "surrogateescape")

        reading = numbers.sub(decoded, text)
        if reading != text:
            yield reading


def decodings(text: str, legible: re.Pattern[bytes], depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """Yield the text itself as `plain`, then each way to decode it with the encoding's name, nested up to `depth`.

    `depth` is the number of binary encodings inside each other. In decoded bytes, only the parts that `legible` matches
    are yielded and decoded further.
    """
    decoded: set[str] = set()
    encoding = PLAIN
    for reading in url_decodings(text):
        yield encoding, reading
        encoding = ESCAPED
        yield from ((ESCAPED, decoded_text) for decoded_text in _with_decoded_bytes(reading))
        if not depth:
            continue
        joined = [_SPACE.sub("", lines) for lines in _WRAPPED.findall(reading)]
        yield from ((BASE64, digits) for digits in joined)
        runs = {*_RUN.findall(reading), *_BASE32_RUN.findall(reading), *joined} - decoded
        decoded |= runs
        for run in sorted(runs):
            for name, piece in decoded_pieces(run, legible):
                yield from ((name, inner) for _, inner in decodings(piece, legible, depth - 1))


def decoded_pieces(run: str, legible: re.Pattern[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the encoding's name and each legible part of a run of digits, decoded from UTF-8, UTF-16 or UTF-32.

    The encoded text may begin after the first digits of the run.
    """
    has_other_letters = legible.search(_NOT_ASCII) is not None
    for name, data in _decoded_runs(run):
        for text in _as_utf8(data, has_other_letters=has_other_letters):
            for piece in legible.findall(text):
                yield name, piece.decode("utf-8", "surrogateescape")


def _as_utf8(data: bytes, *, has_other_letters: bool) -> Iterator[bytes]:
    """Yield bytes as they are; also without NUL bytes if there are many, and from UTF-16 with `has_other_letters`."""
    yield data
    if data.count(0) * _WIDE >= len(data):
        yield data.replace(b"\0", b"")
    if has_other_letters:
        for codec in ("utf-16-le", "utf-16-be"):
            for start in range(2):
                yield data[start:].decode(codec, "replace").encode("utf-8", "surrogatepass")


def _decoded_runs(run: str) -> Iterator[tuple[str, bytes]]:
    """Yield the encoding's name and the bytes of a run of digits: base64 and hex at each alignment, base32."""
    if not run.islower():
        digits = run.translate(_STANDARD)
        for start in range(4):
            part = digits[start:]
            if len(part) % 4 == 1:
                part = part[:-1]
            yield BASE64, base64.b64decode(part + "=" * (-len(part) % 4))
    for digits in _HEX_RUN.findall(run):
        for start in range(2):
            yield HEX, bytes.fromhex(digits[start : len(digits) - (len(digits) - start) % 2])
    for digits in _BASE32_RUN.findall(run):
        number = int(digits.lower().translate(_BASE32_VALUES), 32)
        for end in range(8):
            yield BASE32, (number >> end).to_bytes(len(digits) * 5 // 8 + 1, "big")
