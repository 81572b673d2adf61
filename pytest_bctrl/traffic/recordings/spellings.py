"""The ways in which a text can stand inside another: plain, URL-encoded, JSON- or HTML-escaped and in base64."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 4
"""Characters that a value has at least to be looked for: a shorter one would be found everywhere."""

_ROUNDS = 4
_DEPTH = 2
"""How often base64 inside base64 is decoded."""
_ESCAPE = re.compile(
    r'\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(["\\/bfnrt])'
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SPACE = re.compile(r"\s+")
_URL_SAFE = str.maketrans("+/", "-_")
_STANDARD = str.maketrans("-_", "+/")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")


@dataclass(frozen=True, slots=True, repr=False)
class Sought:
    """A value to look for, in all its spellings; it has no `repr`, so that no traceback shows it."""

    plain: str
    cores: tuple[str, ...]
    legible: re.Pattern[bytes]
    """The parts of decoded base64 that can hold the value: what was no base64 decodes to noise, which has none."""


@lru_cache(maxsize=32)
def sought(value: str) -> Sought:
    """Return what to look for where `value` must not be; base64 at every alignment (RFC 4648, 4 and 5)."""
    escaped = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    # A short text in base64 is not read on, so what stands in it is looked for as it is.
    slashed = [text.replace("/", "\\/") for text in escaped]
    spelled = {value, quote(value, safe=""), quote_plus(value), *escaped, *slashed}
    cores = {core for text in spelled for core in _cores(text.encode("utf-8", "surrogateescape"))}
    cores |= {core.translate(_URL_SAFE) for core in cores}
    return Sought(value, tuple(sorted(cores)), _legible(value))


def _legible(value: str) -> re.Pattern[bytes]:
    letters = rb"\t\n\r\x20-\x7e"
    if not value.isascii():
        letters += rb"\x80-\xff"
    if not value.isprintable():
        letters = rb"\x00-\xff"
    # No spelling is shorter than the value itself.
    return re.compile(rb"[%b]{%d,}" % (letters, max(1, len(value))))


def _cores(data: bytes) -> Iterator[str]:
    """What base64 shows of `data` whatever stands before and after it: the digits that depend on it alone.

    Of `SHORTEST` bytes they are four at least.
    """
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data).decode("ascii")
        yield digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]


def found_as(text: str, wanted: Sought) -> str | None:
    """Return how `wanted` stands in `text` (`plain`, `base64`, …), None where it does not."""
    for how, reading in meanings(text, wanted.legible):
        if wanted.plain in reading:
            return how
        joined = _SPACE.sub("", reading)
        if any(core in joined for core in wanted.cores):
            return "base64"
    return None


def meanings(text: str, legible: re.Pattern[bytes], depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """Yield all `readings` of `text`, also of what is in base64 in them, each after how it stands there.

    Of decoded base64 only what `legible` matches is read on.
    """
    decoded: set[str] = set()
    for number, reading in enumerate(readings(text)):
        yield ("URL-encoded or escaped" if number else "plain"), reading
        if not depth:
            continue
        runs = {*_RUN.findall(reading), *_RUN.findall(_SPACE.sub("", reading))} - decoded
        decoded |= runs
        for run in sorted(runs):
            for piece in _pieces(run, legible):
                yield from (("base64", inner) for _, inner in meanings(piece, legible, depth - 1))


def _pieces(run: str, legible: re.Pattern[bytes]) -> Iterator[str]:
    digits = run.translate(_STANDARD)
    # The first letters may be no digits of it.
    for start in range(4):
        part = digits[start:]
        part = part[:-1] if len(part) % 4 == 1 else part
        decoded = base64.b64decode(part + "=" * (-len(part) % 4))
        for piece in legible.findall(decoded):
            yield piece.decode("utf-8", "surrogateescape")


def readings(text: str) -> Iterator[str]:
    """Yield `text` and what it says once URL encodings and escapes are undone, also one in the other."""
    seen = {text}
    latest = [text]
    yield text
    for _ in range(_ROUNDS):
        made = {undone for reading in latest for undone in _undone(reading)} - seen
        yield from sorted(made)
        seen |= made
        latest = sorted(made)


def _undone(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote(text)
    if "\\" in text:
        yield _ESCAPE.sub(_unescaped, text)
    if "&" in text:
        yield unescape(text)
    if "+" in text:
        yield text.replace("+", " ")


def _unescaped(match: re.Match[str]) -> str:
    high, low, single, letter = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    return chr(int(single, 16)) if single else _CONTROLS.get(letter, letter)
