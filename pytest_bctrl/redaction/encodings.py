"""The encodings in which a secret may appear, each reduced to its letters and digits.

Formats escape, quote, wrap, indent and colour a value, and all of that is punctuation or white space. Without it, a
plain, a JSON-escaped, a quoted and a wrapped value are the same: their *skeleton*, in lower case.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Characters that a value has at least: a shorter one would be found in most texts."""
FRAGMENT = 6
"""Characters of a random value that give it away."""

PLAIN, ESCAPED, BASE64, HEX, REVERSED = "plain", "URL-encoded or escaped", "base64", "hex", "reversed"

GRAM = 4
"""Characters of a skeleton that are looked up together."""

LOWER = bytes(range(256)).lower()
PUNCTUATION = bytes(byte for byte in range(256) if byte > 127 or not chr(byte).isalnum())
"""What a skeleton has none of: all bytes but the letters and digits of ASCII."""

_COMMON = {letter: rank for rank, letter in enumerate(reversed(b"etaoinsrhldcumfpgwybvkxjqz0123456789"))}
_PUBLIC = re.compile(r"(?:[a-z]+[_-]){1,3}")
"""The part of a key that says what it is for: `sk_live_`, `ghp_`."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Encoding:
    """One form of a secret. It has no `repr`, so that no traceback shows it.

    `gaps` holds the punctuation in front of each character of the skeleton, and behind the last one. A run of
    `shortest` characters of the skeleton gives the secret away, unless it ends within the first `public` ones.
    """

    name: str
    skeleton: bytes
    gaps: tuple[bytes, ...]
    shortest: int
    public: int = 0
    is_random: bool = False

    def grams(self) -> Iterator[tuple[bytes, int]]:
        """Yield the grams that a search looks for, with their offsets in the skeleton.

        The search reads a text in steps of two characters. Of two neighbouring grams it meets one, and each run of
        `shortest` characters has two neighbours among those that are yielded; of all such choices the rarest.
        """
        step = self.shortest - GRAM
        starts = len(self.skeleton) - GRAM
        phase = min(range(min(step, starts)), key=lambda phase: self._commonness(range(phase, starts, step)))
        offsets = {offset for start in range(phase, starts, step) for offset in (start, start + 1)}
        for offset in sorted(offsets):
            yield self.skeleton[offset : offset + GRAM], offset

    def _commonness(self, starts: range) -> int:
        return max(sum(_COMMON[byte] for byte in self.skeleton[start : start + GRAM + 1]) for start in starts)


def skeleton(data: bytes) -> bytes:
    """Return the letters and digits of a text, in lower case."""
    return data.translate(LOWER, PUNCTUATION)


def is_random(value: str) -> bool:
    """Return whether a value looks as a generator of keys makes it: each part of it is one of many."""
    secret_part = value[len(public_part(value)) :]
    distinct = len(set(secret_part.lower()))
    has_digits = any(map(str.isdigit, secret_part)) and any(map(str.isalpha, secret_part))
    if has_digits:
        return len(secret_part) >= 12 and distinct >= 6
    return len(secret_part) >= 16 and distinct >= 8 and not _is_words(secret_part)


def _is_words(text: str) -> bool:
    """Return whether a text without digits is made of words: `correct-horse-battery`, `getElementById`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text)
    return len(words) * 4 <= sum(map(len, words)) and max(map(len, words), default=0) <= 12


def public_part(value: str) -> str:
    """Return the part of a key that is no secret, such as `sk_live_`; empty where it has none."""
    match = _PUBLIC.match(value)
    return match[0] if match and len(value) - match.end() >= SHORTEST else ""


def encodings_of(value: str, *, has_parts: bool = True) -> list[Encoding]:
    """Return every encoding of a value that is searched for; none where it has too few letters and digits.

    Parts of a random value tell as much as all of it, unless it has none.
    """
    data = _encode(value)
    reduced = skeleton(data)
    if len(reduced) < max(FRAGMENT, len(data) // 2):
        return []
    shortest = len(reduced)
    random = has_parts and is_random(value)
    if random:
        shortest = FRAGMENT if len(reduced) == len(data) else FRAGMENT - 1
    public = len(skeleton(_encode(public_part(value))))
    encodings = [_encoding(PLAIN, data, shortest, public, random)]
    for text in _escaped(value):
        # A shorter run could be the letters of an escape, such as `quot`.
        encodings.append(_encoding(ESCAPED, _encode(text), max(shortest, 12), public, random))
    for form, digits in _EVERY_LETTER.items():
        text = "".join(form.format(ord(letter)) for letter in value)
        encodings.append(_encoding(ESCAPED, _encode(text), FRAGMENT * digits, random=random))
    encodings.append(_encoding(REVERSED, data[::-1], SHORTEST, random=random))
    encodings.append(_encoding(HEX, data.hex().encode(), 2 * SHORTEST, random=random))
    for digits in base64_cores(data):
        encodings.append(_encoding(BASE64, digits.encode(), SHORTEST, random=random))
    # Most values need no escapes: all those texts have one skeleton.
    distinct = {encoding.skeleton: encoding for encoding in reversed(encodings)}
    return [encoding for encoding in distinct.values() if len(encoding.skeleton) > GRAM]


_EVERY_LETTER = {"\\u{:04x}": 5, "\\x{:02x}": 3, "&#{};": 3, "&#x{:x};": 3}
"""Escapes of which a text may consist, and the letters and digits that each has."""


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _encoding(name: str, data: bytes, shortest: int, public: int = 0, random: bool = False) -> Encoding:
    lower = data.translate(LOWER)
    reduced = skeleton(data)
    positions = [index for index, byte in enumerate(lower) if byte not in PUNCTUATION]
    edges = [-1, *positions, len(lower)]
    gaps = tuple(lower[start + 1 : end] for start, end in pairwise(edges))
    if not random or shortest > len(reduced):
        shortest = len(reduced)
    return Encoding(name, reduced, gaps, shortest, public, random)


def _escaped(value: str) -> Iterator[str]:
    """Yield a value with its punctuation escaped as URLs, HTML, JSON and reprs do it; all else stays."""
    yield quote(value, safe="")
    yield quote_plus(value)
    yield quote(quote(value, safe=""), safe="")
    yield escape(value)
    yield escape(escape(value))
    yield json.dumps(value)[1:-1]
    yield _each_special(value, "\\u{:04x}")
    yield _each_special(value, "\\x{:02x}")
    yield _each_special(value, "&#{};")
    yield _each_special(value, "&#x{:x};")


def _each_special(value: str, form: str) -> str:
    parts = (letter if letter.isalnum() else form.format(ord(letter)) for letter in value)
    return "".join(parts)


def literals_of(value: str) -> dict[str, str]:
    """Return the texts, with their encodings, that show a value of which too little is letters and digits."""
    texts = {value, *_escaped(value), quote(value)}
    texts |= {text.replace("/", "\\/") for text in texts} | {text.replace("\\", "\\\\") for text in texts}
    texts |= {json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    cores = {core for text in texts for core in base64_cores(_encode(text))}
    cores |= {core.translate(_URL_SAFE) for core in cores}
    return {**dict.fromkeys(cores, BASE64), **dict.fromkeys(texts, ESCAPED), value: PLAIN}


_URL_SAFE = str.maketrans("+/", "-_")


def base64_cores(data: bytes) -> Iterator[str]:
    """Yield what base64 shows of `data` whatever stands around it: the digits that depend on it alone."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data).decode("ascii")
        yield digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
