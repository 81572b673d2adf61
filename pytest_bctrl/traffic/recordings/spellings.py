"""The ways in which a text can stand inside another: plain, URL-encoded, JSON-escaped and in base64."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote

_ROUNDS = 4
_ESCAPE = re.compile(
    r'\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(["\\/bfnrt])'
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SPACE = re.compile(r"\s+")
_URL_SAFE = str.maketrans("+/", "-_")


@dataclass(frozen=True, slots=True, repr=False)
class Sought:
    """A value to look for, in all its spellings; it has no `repr`, so that no traceback shows it."""

    plain: str
    cores: tuple[str, ...]


def sought(value: str) -> Sought:
    """Return what to look for where `value` must not be; base64 at every alignment (RFC 4648, 4 and 5)."""
    escaped = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    spelled = {value, quote(value, safe=""), quote_plus(value), *escaped}
    cores = {core for text in spelled for core in _cores(text.encode("utf-8", "surrogateescape"))}
    return Sought(value, tuple(sorted(cores | {core.translate(_URL_SAFE) for core in cores})))


def _cores(data: bytes) -> Iterator[str]:
    """What base64 shows of `data` whatever stands before and after it: the digits that depend on it alone."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data).decode("ascii")
        core = digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(core) >= 4:
            yield core


def found_as(text: str, wanted: Sought) -> str | None:
    """Return how `wanted` stands in `text` (`plain`, `base64`, …), None where it does not."""
    for number, reading in enumerate(readings(text)):
        if wanted.plain in reading:
            return "URL-encoded or JSON-escaped" if number else "plain"
        if any(core in reading for core in wanted.cores):
            return "base64"
        joined = _SPACE.sub("", reading)
        if len(joined) != len(reading) and any(core in joined for core in wanted.cores):
            return "base64"
    return None


def readings(text: str) -> Iterator[str]:
    """Yield `text` and what it says once URL encodings and JSON escapes are undone, also one inside the other."""
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
    if "+" in text:
        yield text.replace("+", " ")


def _unescaped(match: re.Match[str]) -> str:
    high, low, single, letter = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    return chr(int(single, 16)) if single else _CONTROLS.get(letter, letter)
