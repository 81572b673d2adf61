"""The encodings in which a secret may appear, each reduced to its letters and digits.

Formats escape, quote, wrap, indent and colour a value, all with punctuation or white space. Without those characters, a
plain, a JSON-escaped, a quoted and a wrapped value are the same text: the *skeleton* of the value, in lower case.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from urllib.parse import quote, quote_plus

from pytest_bctrl.secrets.secret import SHORTEST, public_part, to_bytes

FRAGMENT = 6
"""Number of characters of a random value that reveal it."""

PLAIN, ESCAPED, BASE64, BASE32, HEX, REVERSED = "plain", "URL-encoded or escaped", "base64", "base32", "hex", "reversed"

LOWER = bytes(range(256)).lower()
PUNCTUATION = bytes(byte for byte in range(256) if byte > 127 or not chr(byte).isalnum())
"""The bytes that a skeleton does not contain: all except ASCII letters and digits."""

_BY_FREQUENCY = (b"etaoinsrhldcumfpgwybvkxjqz", b"0123456789")
"""Letters and digits, the most common first."""
_FREQUENCY = {byte: 1 / (rank + 3) for kind in _BY_FREQUENCY for rank, byte in enumerate(kind)}
_RARE = 0.02
"""Frequency of another character."""
_MIXED = 0.1
"""Frequency of a letter next to a digit, in comparison with two letters or two digits."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class KeyEncoding:
    """One encoding of a secret. It has no `repr`, so that no traceback shows it.

    `gaps` holds the punctuation in front of each character of the skeleton, and after the last one. A run of
    `shortest` characters of the skeleton reveals the secret, unless nearly all of them are among the first `public`
    characters or at the offsets `common`, which are those of words in the secret.
    """

    name: str
    skeleton: bytes
    gaps: tuple[bytes, ...]
    shortest: int
    public: int = 0
    is_random: bool = False
    common: frozenset[int] = frozenset()

    def count_secret_characters(self, start: int, end: int) -> int:
        """Return how many characters of a part of the skeleton are neither public nor those of a word."""
        return sum(1 for offset in range(max(start, self.public), end) if offset not in self.common)

    def grams(self, length: int) -> Iterator[tuple[bytes, int]]:
        """Yield the rarest set of grams with which a search finds every part of the skeleton, each with its offset.

        The search reads a text in steps of two characters, so it finds one of two neighbouring grams. Each run of
        `shortest` characters contains two neighbours of the yielded grams, which are the rarest ones with this
        property.
        """
        step = self.shortest - length
        starts = len(self.skeleton) - length

        def commonness(phase: int) -> float:
            """Return how common in texts the grams of a phase are."""
            pairs = {
                self.skeleton[start : start + 2]
                for offset in range(phase, starts, step)
                for start in (offset, offset + 1)
            }
            return sum(map(_pair_frequency, pairs))

        phase = min(range(min(step, starts)), key=commonness)
        offsets = {offset for start in range(phase, starts, step) for offset in (start, start + 1)}
        for offset in sorted(offsets):
            yield self.skeleton[offset : offset + length], offset


def _pair_frequency(pair: bytes) -> float:
    """Return how common a pair of characters is in texts."""
    first, second = pair
    frequency = _FREQUENCY.get(first, _RARE) * _FREQUENCY.get(second, _RARE)
    if pair.isalpha() or pair.isdigit():
        return frequency
    return frequency * _MIXED


def skeleton(data: bytes) -> bytes:
    """Return the ASCII letters and digits of a text, in lower case."""
    return data.translate(LOWER, PUNCTUATION)


def is_random(value: str) -> bool:
    """Return whether a value looks like a generated key, of which no part occurs in other texts."""
    if any(map(str.isspace, value)):
        return False
    secret_part = value[len(public_part(value)) :]
    distinct = len(set(secret_part.lower()))
    has_digits = any(map(str.isdigit, secret_part)) and any(map(str.isalpha, secret_part))
    if has_digits:
        return len(secret_part) >= 12 and distinct >= 6
    return len(secret_part) >= 16 and distinct >= 8 and not _is_words(secret_part)


def _is_words(text: str) -> bool:
    """Return whether a text without digits consists of words: `correct-horse-battery`, `getElementById`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text)
    return len(words) * 4 <= sum(map(len, words)) and max(map(len, words), default=0) <= 12


def encodings_of(value: str, *, has_parts: bool = True) -> list[KeyEncoding]:
    """Return those encodings of a value that have enough letters and digits to be searched for; there may be none.

    A part of a random value reveals it, unless `has_parts` is false.
    """
    size = len(to_bytes(value))
    has_letters = len(skeleton(to_bytes(value))) >= max(FRAGMENT, size // 2)
    random = has_parts and is_random(value)
    # The part after a public prefix may have fewer letters than the whole value.
    fewest = FRAGMENT if has_letters else max(FRAGMENT, size) + 1
    distinct: dict[bytes, KeyEncoding] = {}
    for encoding in _all_encodings(value, random):
        # Most values need no escapes, so most of their encodings have the same skeleton.
        if len(encoding.skeleton) >= fewest:
            distinct.setdefault(encoding.skeleton, encoding)
    return list(distinct.values())


def _all_encodings(value: str, is_random: bool) -> Iterator[KeyEncoding]:
    """Yield every encoding of a value: plain, escaped, reversed, hex and base64."""
    data = to_bytes(value)
    secret_part = value.removeprefix(public_part(value))
    public = len(skeleton(to_bytes(public_part(value))))
    yield replace(_build_encoding(PLAIN, data, is_random, FRAGMENT, public), common=_word_offsets(value))
    for text in dict.fromkeys(_escaped_forms(value)):
        # A shorter part could be the letters of an escape, such as `quot`.
        yield _build_encoding(ESCAPED, to_bytes(text), is_random, 2 * FRAGMENT, public)
    for numbers, forms in ((map(ord, value), _LETTERS), (data, _BYTES)):
        codes = list(numbers)
        for form, digits in forms.items():
            text = "".join(map(form.format, codes))
            yield _build_encoding(ESCAPED, to_bytes(text), is_random, FRAGMENT * digits)
    backwards = _build_encoding(REVERSED, to_bytes(secret_part)[::-1], is_random, FRAGMENT)
    last = len(backwards.skeleton) - 1
    yield replace(backwards, common=frozenset(last - offset for offset in _word_offsets(secret_part)))
    yield _build_encoding(HEX, data.hex().encode(), is_random, 2 * FRAGMENT)
    for core in base64_cores(data):
        yield _build_encoding(BASE64, core.encode(), is_random, SHORTEST)


def has_only_words(value: str) -> bool:
    """Return whether a value consists of words and punctuation, such as `shop_key`; False if it is empty."""
    return bool(value) and len(_word_offsets(value)) == len(skeleton(to_bytes(value)))


def _word_offsets(value: str) -> frozenset[int]:
    """Return the offsets in the skeleton of the words in an ASCII value: `Night` in `k_Night-7Fq2` is not secret."""
    offsets: set[int] = set()
    if not value.isascii():
        return frozenset()
    for match in _WORD.finditer(value):
        start = len(skeleton(to_bytes(value[: match.start()])))
        offsets |= set(range(start, start + len(match[0])))
    return frozenset(offsets)


_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Z]?[a-z]{3,11}(?![A-Za-z0-9])")

_LETTERS = {"\\u{:04x}": 5, "\\u{{{:x}}}": 3, "\\x{:02x}": 3, "&#{};": 3, "&#x{:x};": 3}
_BYTES = {"\\x{:02x}": 3, "{},": 3, "\\{:03o}": 3, "\\{:o}": 3, "0x{:02x},": 4}
"""Escapes of which a text may consist entirely, and the number of letters and digits of each: the codes of the letters,
and the bytes of the text in UTF-8.
"""


def _build_encoding(name: str, data: bytes, is_random: bool, part: int, public: int = 0) -> KeyEncoding:
    """Return an encoding with its skeleton and gaps; `part` characters reveal a random value, all of them any other."""
    lower = data.translate(LOWER)
    reduced = skeleton(data)
    positions = [index for index, byte in enumerate(lower) if byte not in PUNCTUATION]
    edges = [-1, *positions, len(lower)]
    gaps = tuple(lower[start + 1 : end] for start, end in pairwise(edges))
    shortest = len(reduced)
    if is_random:
        shortest = min(part, shortest)
    return KeyEncoding(name, reduced, gaps, shortest, public, is_random)


def _escaped_forms(value: str) -> Iterator[str]:
    """Yield a value with its punctuation escaped as in URLs, HTML, JSON and reprs."""
    yield quote(to_bytes(value), safe="")
    yield quote_plus(to_bytes(value))
    yield quote(quote(to_bytes(value), safe=""), safe="")
    yield escape(value)
    yield escape(escape(value))
    yield json.dumps(value)[1:-1]
    for form in ("\\u{:04x}", "\\x{:02x}", "&#{};", "&#x{:x};"):
        for is_kept in (_is_ascii_letter_or_digit, str.isalnum, str.isascii, _is_no_markup):
            yield _escaped_except(is_kept, map(ord, value), form)
    for form in ("\\x{:02x}", "\\{:03o}", "={:02x}"):
        for is_kept in (_is_ascii_letter_or_digit, str.isascii):
            yield _escaped_except(is_kept, to_bytes(value), form)


def _is_ascii_letter_or_digit(character: str) -> bool:
    """Return whether a character is a letter or digit of ASCII."""
    return character.isascii() and character.isalnum()


def _is_no_markup(character: str) -> bool:
    """Return whether a character is none of those that encoders of JSON escape for HTML."""
    return character not in "<>&"


def _escaped_except(is_kept: Callable[[str], bool], codes: Iterable[int], form: str) -> str:
    """Return a text with everything escaped that is not kept; `codes` are those of letters or bytes."""
    parts = (chr(code) if is_kept(chr(code)) else form.format(code) for code in codes)
    return "".join(parts)


def literals_of(value: str) -> dict[str, str]:
    """Return texts that show a value: plain, escaped, quoted, reversed, in base64; each with its encoding's name."""
    texts = {value, *_escaped_forms(value), quote(to_bytes(value))}
    texts.add(json.dumps(json.dumps(value)[1:-1])[1:-1])
    texts |= {ascii(value)[1:-1], repr(to_bytes(value))[2:-1], re.escape(value)}
    texts |= {value.encode("ascii", "xmlcharrefreplace").decode("ascii"), *_quoted_forms(value)}
    texts |= {text.replace("/", "\\/") for text in texts} | {text.replace("\\", "\\\\") for text in texts}
    texts |= {json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    cores = {core for text in texts for core in base64_cores(to_bytes(text))}
    cores |= {core.translate(_URL_SAFE) for core in cores}
    cases = {text for text in (value.upper(), value.lower(), value.swapcase()) if len(text) == len(value)}
    return {
        **dict.fromkeys(cores, BASE64),
        **dict.fromkeys(texts, ESCAPED),
        value[::-1]: REVERSED,
        **dict.fromkeys(cases, PLAIN),
        value: PLAIN,
    }


def _quoted_forms(value: str) -> Iterator[str]:
    """Yield a value as it is quoted in CSV and SQL, for TeamCity, and in Markdown."""
    yield value.replace('"', '""')
    yield value.replace("'", "''")
    yield re.sub(r"[|'\[\]]", r"|\g<0>", value)
    yield re.sub(r"[^\w\s]", r"\\\g<0>", value)


_URL_SAFE = str.maketrans("+/", "-_")


def base64_cores(data: bytes) -> Iterator[str]:
    """Yield the base64 digits of `data` that do not depend on the bytes around it, for each alignment."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data).decode("ascii")
        yield digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
