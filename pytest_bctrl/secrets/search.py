"""Finds and masks secrets in a text: parts of random ones in any text, words as a whole where values are shown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter

from pytest_bctrl.secrets.decoding import url_decodings
from pytest_bctrl.secrets.encodings import ESCAPED, PLAIN, Form, forms_of, is_random
from pytest_bctrl.secrets.secret import REDACTED, to_bytes

_MASK = REDACTED.encode("ascii")
_LOWER = bytes(range(256)).lower()
_WHITE_SPACE = b" \t\n\r\x0b\x0c"
_BLOCK = 1 << 10

_ESCAPE = rb"(?:\x1b|\\+u001b|\\+x1b|\\+033|#x1b|&#27;|\|0x001b)"
_COLOUR = re.compile(_ESCAPE + rb"\|?(?:\[|\\u005b)[0-?]*[ -/]*[@-~]", re.IGNORECASE)
"""An escape code for colour, plain or escaped: in JSON, reprs, pytest's JUnit, XML, TeamCity."""
_TAG = re.compile(rb"(?:<|&lt;)/?span\b[^<>\n]{0,160}?(?:>|&gt;)")
"""Markup in place of colours, also inside an attribute."""
_CODES = re.compile(_COLOUR.pattern + b"|" + _TAG.pattern, re.IGNORECASE)
_NOISE = (
    (b"[", (b"\x1b", b"1b[", b"1B[", b"|[", b"033[", b"&#27;["), _COLOUR),
    (b"\\", (b"1b\\u005b",), _COLOUR),
    (b"span", (b"span",), _TAG),
    (
        b"\\",
        (b"\\",),
        re.compile(rb"\\+(?:[bfnrtv]|u00(?:0[0-9a-f]|20)|x(?:0[0-9a-f]|20))(?:E(?= ))?", re.IGNORECASE),
    ),
    (b"|", (b"|n", b"|r"), re.compile(rb"\|[nr](?:E(?= ))?")),
    (b"&", (b"&#",), re.compile(rb"&#(?:9|10|13|32|x[9ad]|x20);(?:E(?= ))?", re.IGNORECASE)),
    (b"br", (b"<br", b"&lt;br"), re.compile(rb"(?:<|&lt;)br ?/?(?:>|&gt;)(?:E(?= ))?")),
)
"""Colours, and line breaks, tabs and spaces as formats escape them.

A text with one of them contains the first bytes, which are searched for fastest, and one of the second.
"""
_HALF_ESCAPE = re.compile(rb"(?:\\+(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)|&#[0-9]{1,6}|&#x[0-9a-fA-F]{0,5})\Z")
_LONGEST_ESCAPE = 8

Span = tuple[int, int]
_GRAM = 5
"""Length of the texts that find a form: Python finds a text of up to five characters fastest."""
_FEWEST_FOUND, _FEWEST_DIGITS = 4, 8
"""Minimum length of a form that is searched for as a whole; of digits, as in base64, which other texts have too."""


class SecretForms:
    """The forms of one secret, and the texts that find them. It has no `repr`, so that no traceback shows it."""

    def __init__(self, value: str) -> None:
        self.is_random = is_random(value)
        forms = {_squeezed(to_bytes(form.text)): form for form in reversed([*forms_of(value)])}
        self.wholes = [
            (text, form)
            for text, form in forms.items()
            if len(text) >= (_FEWEST_FOUND if form.name in (PLAIN, ESCAPED) else _FEWEST_DIGITS)
        ]
        self.texts = {form.text: form.name in (PLAIN, ESCAPED) for _, form in self.wholes} | {value: True}
        """The forms as a text shows them, and whether each is a word of the text, unlike digits of base64."""
        self.grams = dict[bytes, tuple[bytes, Form, int]]()
        for text, form in forms.items() if self.is_random else ():
            # Each part of the shortest length contains one of them.
            for offset in range(form.public, len(text) - _GRAM + 1, form.shortest - _GRAM + 1):
                self.grams.setdefault(text[offset : offset + _GRAM], (text, form, offset))


class Search:
    """Finds and masks the forms of some secrets. It is never changed, so any thread can use it.

    In `public_names`, such as paths of the project, nothing is masked.
    """

    def __init__(self, secrets: Sequence[SecretForms] = (), public_names: Iterable[str] = ()) -> None:
        self._wholes = [searched for secret in secrets for searched in secret.wholes]
        self._grams: dict[bytes, list[tuple[bytes, Form, int]]] = {}
        for secret in secrets:
            for gram, occurrence in secret.grams.items():
                self._grams.setdefault(gram, []).append(occurrence)
        words = {text: is_word for secret in secrets if not secret.is_random for text, is_word in secret.texts.items()}
        self._words = _pattern(words, _VALUE)
        self._quoted_words = _pattern(words, _QUOTED)
        self._public_names: list[bytes] = []
        self._public_names = [name for name in map(to_bytes, public_names) if self._spans(name)]

    def masked(self, before: bytes, data: bytes) -> bytes:
        """Return `data` with random secrets masked, including those that begin in `before`, the text in front of it.

        The same object if it has none. Codes for colours stay.
        """
        if not self._grams:
            return data
        text = before + data if before else data
        parts, end = [], len(before)
        for start, stop in self._spans(text):
            if stop > end:
                start = max(start, end)
                parts += [text[end:start], _MASK, *_CODES.findall(text[start:stop])]
                end = stop
        return b"".join([*parts, text[end:]]) if parts else data

    def without_words(self, text: str, *, is_quoted: bool = False) -> str:
        """Return a value with secrets of words masked; with `is_quoted`, only where the text quotes them."""
        pattern = self._quoted_words if is_quoted else self._words
        return pattern.sub(REDACTED, text) if pattern else text

    def find(self, text: str) -> str | None:
        """Return the name of the form of the first secret in a text, URL-encoded or not; None if there is none."""
        default = PLAIN
        for reading in url_decodings(text):
            squeezed = _squeezed(to_bytes(reading))
            forms = [form for form_text, form in self._wholes if form_text in squeezed]
            forms += [form for _, _, form in self._runs(squeezed)]
            if forms:
                return default if forms[0].name == PLAIN else forms[0].name
            default = ESCAPED
        return None

    def _spans(self, data: bytes) -> list[Span]:
        """Return the parts of a text that show too much of a random secret, in order and without overlaps."""
        runs = sorted(self._runs(_squeezed(data)), key=itemgetter(0, 1))
        if not runs:
            return []
        position_of = _positions(_without_noise(data, _spaces))
        spans: list[Span] = []
        for first, last, _ in runs:
            start, stop = position_of(first), position_of(last - 1) + 1
            half_escape = _HALF_ESCAPE.search(data, max(0, start - _LONGEST_ESCAPE), start)
            if half_escape:
                start = half_escape.start()
            # Both ends are between characters of UTF-8.
            while stop < len(data) and data[stop] & 0xC0 == 0x80:
                stop += 1
            while start and data[start] & 0xC0 == 0x80:
                start -= 1
            if spans and start <= spans[-1][1]:
                spans[-1] = spans[-1][0], max(stop, spans[-1][1])
            else:
                spans.append((start, stop))
        return self._without_public_names(data, spans)

    def _without_public_names(self, data: bytes, spans: list[Span]) -> list[Span]:
        """Return those spans of a text that are in no public name."""
        for name in self._public_names:
            for occurrence in re.finditer(re.escape(name), data):
                spans = [span for span in spans if span[0] < occurrence.start() or span[1] > occurrence.end()]
        return spans

    def _runs(self, text: bytes) -> Iterator[tuple[int, int, Form]]:
        """Yield start, end and form of each part of a squeezed text that shows too much of a random secret."""
        ends: dict[tuple[bytes, int], int] = {}
        for gram, occurrences in self._grams.items():
            at = text.find(gram)
            while at >= 0:
                for form_text, form, offset in occurrences:
                    # Other parts of the same run are not extended again.
                    diagonal = (form_text, at - offset)
                    if at < ends.get(diagonal, 0):
                        continue
                    start = at - _common_length(text[max(0, at - offset) : at][::-1], form_text[:offset][::-1])
                    end = at + _common_length(text[at : at + len(form_text) - offset], form_text[offset:])
                    ends[diagonal] = end
                    secret_start = max(start, at - offset + form.public)
                    if end - secret_start >= form.shortest:
                        yield start, end, form
                at = text.find(gram, at + 1)


def _without_noise(data: bytes, spaces: bytes | Callable[[re.Match[bytes]], bytes]) -> bytes:
    """Return a text with spaces in place of colours, and of line breaks as formats escape them."""
    for mark, marks, pattern in _NOISE:
        if mark in data and any(mark in data for mark in marks):
            data = pattern.sub(spaces, data)
    # The prefix of error lines in pytest's output.
    return data.replace(b"\nE ", b"\n  ")


def _spaces(match: re.Match[bytes]) -> bytes:
    """Return spaces of the same length."""
    return b" " * len(match[0])


def _squeezed(data: bytes) -> bytes:
    """Return a text without colours and white space, in lower case: it is the same however a secret is wrapped."""
    return _without_noise(data, b" ").translate(_LOWER, _WHITE_SPACE)


def _positions(blank: bytes) -> Callable[[int], int]:
    """Return a function that returns the position in a text of a character of the squeezed text."""
    sizes = (len(blank[at : at + _BLOCK].translate(None, _WHITE_SPACE)) for at in range(0, len(blank), _BLOCK))
    starts = list(accumulate(sizes, initial=0))

    @lru_cache(maxsize=2)
    def in_block(block: int) -> list[int]:
        """Return the positions of the characters in a block that are no white space."""
        data = blank[block * _BLOCK : (block + 1) * _BLOCK]
        return [block * _BLOCK + at for at, byte in enumerate(data) if byte not in _WHITE_SPACE]

    def position_of(index: int) -> int:
        """Return the position of a character."""
        block = bisect_right(starts, index) - 1
        return in_block(block)[index - starts[block]]

    return position_of


def _common_length(first: bytes, second: bytes) -> int:
    """Return the length of the common beginning of two texts."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    return next(at for at in range(length) if first[at] != second[at])


_VALUE = r"(?<![\w./\\-])(?<!::)(?<!\w\[)(?:%s)(?![\w/\\-]|\.\w|::)"
"""Matches a whole word, outside of other words, paths, file names and test ids."""
_QUOTED = r"(?:(?<=[\"'`=])|(?<=[:=] )|(?<=(?i:bearer) ))(?:%s)(?=[\"'`&\s,;]|\Z)"
"""Matches a word as a value in a text that has words of its own."""


def _pattern(words: Mapping[str, bool], context: str) -> re.Pattern[str] | None:
    """Return a pattern of secrets of words: of plain ones in a context, of digits anywhere; None without any."""
    if not words:
        return None
    ordered = sorted(words, key=len, reverse=True)
    plain = "|".join(re.escape(word) for word in ordered if words[word])
    digits = [re.escape(word) for word in ordered if not words[word]]
    return re.compile("|".join([context.replace("%s", plain), *digits]))
