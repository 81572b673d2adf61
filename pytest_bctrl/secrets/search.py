"""Searches a text for secrets in one pass over its skeleton, in linear time."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter

from pytest_bctrl.secrets.encodings import LOWER, PUNCTUATION, KeyEncoding

_LONG = 12
"""Minimum length of a run that is searched for with longer grams."""
_SHORT_GRAM, _LONG_GRAM = 4, 6
PAIRS = "utf-16-le"
"""The codec that reads two bytes of a skeleton as one character."""
_FEW = 20
"""Maximum number of encodings that are searched for in one pass over a text; a secret has about ten."""
WINDOW = 1 << 16
OVERLAP = 512
"""Number of bytes that are searched together, and by which windows overlap; a run is shorter than the overlap."""

_BLOCK = 1 << 10

_ESCAPE = rb"(?:\x1b|\\+u001b|\\+x1b|\\+033|#x1b|&#27;|\|0x001b)"
_COLOUR = re.compile(_ESCAPE + rb"\|?(?:\[|\\u005b)[0-?]*[ -/]*[@-~]", re.IGNORECASE)
"""An escape code for colour, plain or escaped: in JSON, reprs, pytest's JUnit, XML, TeamCity."""
_LINK = re.compile(_ESCAPE + rb"\][^\x07\x1b]*(?:\x07|\x1b\\)?", re.IGNORECASE)
_TAG = re.compile(rb"(?:<|&lt;)/?span\b[^<>\n]{0,160}?(?:>|&gt;)")
"""Markup in place of colours, also inside an attribute."""
_WHITE_SPACE = {
    b"\\": rb"\\+(?:[bfnrtv]|u00(?:0[0-9a-f]|20)|x(?:0[0-9a-f]|20))",
    b"|": rb"\|[nr]",
    b"&#": rb"&#(?:9|10|13|32|x[9ad]|x20);",
    b"<br": rb"<br ?/?>",
    b"&lt;br": rb"&lt;br ?/?&gt;",
}
"""Escaped line breaks, tabs and spaces, whose letters do not belong to the text, by their first characters: in JSON,
TeamCity, XML and HTML.
"""
_WHITE_SPACE_PATTERNS = {mark: re.compile(pattern, re.IGNORECASE) for mark, pattern in _WHITE_SPACE.items()}
_AMPERSANDS = re.compile(rb"&(?:amp;)+(?=#)")
"""The start of an escaped character reference, as in an HTML report of a text with such references."""
_COLOUR_MARKS = (b"\x1b", b"1b[", b"1B[", b"|[", b"033[", b"&#27;[")
_CONTROLS = re.compile(b"|".join(pattern.pattern for pattern in (_COLOUR, _LINK, _TAG)), re.IGNORECASE)
_JOINTS = frozenset({b"", *(bytes([byte]) for byte in b"%-_./+~| ")})
"""Punctuation between two characters of a secret that has no meaning in a format."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text that shows a secret: its start, its end, and the encoding."""

    start: int
    end: int
    encoding: KeyEncoding


@dataclass(frozen=True, slots=True)
class _Run:
    """A part of a text's skeleton that equals a part of an encoding's skeleton, from `offset` on."""

    start: int
    end: int
    encoding: KeyEncoding
    offset: int


class Index:
    """The grams of some encodings, and a pattern that finds candidates for them in a text.

    `length` is the length of all grams; by default it depends on the encoding.
    """

    def __init__(self, encodings: Iterable[KeyEncoding], length: int | None = None) -> None:
        grams = [
            (gram, encoding, offset)
            for encoding in encodings
            for gram, offset in encoding.grams(length or _gram_length(encoding))
        ]
        self._grams: defaultdict[str, list[tuple[bytes, KeyEncoding, int]]] = defaultdict(list)
        for gram, encoding, offset in grams:
            self._grams[gram[:_SHORT_GRAM].decode(PAIRS)].append((gram, encoding, offset))
        self._candidates: re.Pattern[str] | None = None
        if grams:
            following = []
            for length in sorted({len(gram) for gram, _, _ in grams}):
                same = [gram for gram, _, _ in grams if len(gram) == length]
                following.append("".join(_character_class(same, start) for start in range(2, length, 2)))
            first = _character_class((gram for gram, _, _ in grams), 0)
            # The group is the match and the next pair. A pattern that begins with a class is searched for fastest.
            self._candidates = re.compile(f"{first}(?={'|'.join(following)})(?<=(?=(..)).)", re.DOTALL)

    def hits(self, text: bytes, pairs: str) -> list[tuple[int, KeyEncoding, int]]:
        """Return position, encoding and offset of each gram in a text's skeleton; `pairs` is the skeleton as UTF-16.

        Most candidates are not grams, so they are compared with the grams all at once.
        """
        if self._candidates is None:
            return []
        hits = []
        for candidate in self._grams.keys() & self._candidates.findall(pairs):
            for position in _gram_positions(candidate, pairs):
                for gram, encoding, offset in self._grams[candidate]:
                    if text.startswith(gram, position):
                        hits.append((position, encoding, offset))
        return sorted(hits, key=itemgetter(0))


def _gram_positions(candidate: str, pairs: str) -> Iterator[int]:
    """Yield the positions in the skeleton of a gram of two pairs."""
    index = pairs.find(candidate)
    while index >= 0:
        yield 2 * index
        index = pairs.find(candidate, index + 1)


def _gram_length(encoding: KeyEncoding) -> int:
    """Return the length of the grams of an encoding; fewer texts contain a longer gram by chance."""
    if encoding.shortest < _LONG:
        return _SHORT_GRAM
    return _LONG_GRAM


def _character_class(grams: Iterable[bytes], start: int) -> str:
    """Return a regular expression class of the two bytes that each gram has at `start`.

    Two bytes of a skeleton are one character of UTF-16, so a class of pairs is tested in one step.
    """
    pairs = {gram[start : start + 2].decode(PAIRS) for gram in grams}
    return f"[{re.escape(''.join(sorted(pairs)))}]"


class Search:
    """Finds the encodings of all secrets at once."""

    def __init__(self, encodings: Iterable[KeyEncoding]) -> None:
        encodings = list(encodings)
        self._indexes = [Index(encodings)]
        if len(encodings) > _FEW:
            # The pattern of all would match too many texts.
            long = [encoding for encoding in encodings if encoding.shortest >= _LONG]
            short = [encoding for encoding in encodings if encoding.shortest < _LONG]
            self._indexes = [Index(short), Index(long)]
        self._has_encodings = bool(encodings)

    def __bool__(self) -> bool:
        """Return whether there is an encoding to search for."""
        return self._has_encodings

    def spans(self, data: bytes, before: bytes = b"") -> list[Span]:
        """Return the parts of `before + data` that show a secret, in order and without overlaps."""
        if len(data) <= WINDOW:
            return _merged(self._spans_in_window(before + data))
        # A long text is not copied.
        spans = self._spans_in_window(before + data[: WINDOW + OVERLAP])
        for start in range(WINDOW, len(data), WINDOW):
            first = start - OVERLAP
            window = self._spans_in_window(data[first : start + WINDOW + OVERLAP])
            first += len(before)
            spans += (Span(first + span.start, first + span.end, span.encoding) for span in window)
        return _merged(spans)

    def find(self, data: bytes) -> KeyEncoding | None:
        """Return the encoding of the first secret in a text, or None if it has no secret."""
        for span in self.spans(data):
            return span.encoding
        return None

    def _spans_in_window(self, data: bytes) -> list[Span]:
        """Return the parts of a piece of data that show a secret, which may overlap."""
        spans: list[Span] = []
        for blank in _without_control_sequences(data):
            text = blank.translate(LOWER, PUNCTUATION)
            runs = self._matching_runs(text)
            if runs:
                positions = _Positions(blank)
                spans += (span for run in runs for span in _spans_of_run(data, positions.of(run), run))
        return spans

    def _matching_runs(self, text: bytes) -> list[_Run]:
        """Return the parts of a text's skeleton that equal a long enough part of a secret's skeleton."""
        runs: list[_Run] = []
        reached: dict[tuple[KeyEncoding, int], int] = {}
        pairs = text[: len(text) & ~1].decode(PAIRS)
        for index in self._indexes:
            for position, encoding, offset in index.hits(text, pairs):
                # All grams on a diagonal belong to the same run.
                diagonal = (encoding, position - offset)
                if reached.get(diagonal, -1) >= position:
                    continue
                before = _common_suffix(text[max(0, position - offset) : position], encoding.skeleton[:offset])
                following = encoding.skeleton[offset:]
                after = _common_prefix(text[position : position + len(following)], following)
                reached[diagonal] = position + after
                run = _Run(position - before, position + after, encoding, offset - before)
                if _reveals(run):
                    runs.append(run)
        return runs


_ALPHANUMERIC = frozenset(range(256)) - frozenset(PUNCTUATION)


def _reveals(run: _Run) -> bool:
    """Return whether a run reveals its secret: it is all of it, or long enough and more than public parts and words."""
    length = run.end - run.start
    encoding = run.encoding
    if length < encoding.shortest:
        return False
    if length == len(encoding.skeleton):
        return True
    return encoding.count_secret_characters(run.offset, run.offset + length) >= min(3, len(encoding.skeleton))


def _without_control_sequences(data: bytes) -> list[bytes]:
    """Return variants of a text in which blanks of the same length replace control sequences and line breaks.

    A text with links is returned with and without their targets, because a hidden target can contain a secret. One with
    escaped line breaks or ampersands is returned with and without them, because a secret can contain a backslash.
    """
    # Most texts do not contain the first byte, which is by far the fastest to search for.
    if b"\n" in data and b"\nE " in data:
        # The prefix of error lines in pytest's output.
        data = data.replace(b"\nE ", b"\n  ")
    if b"[" in data and any(mark in data for mark in _COLOUR_MARKS):
        data = _COLOUR.sub(_blank, data)
    if (b"<" in data or b"&" in data) and b"span" in data:
        data = _TAG.sub(_blank, data)
    texts = [data]
    if b"\x1b" in data and b"\x1b]" in data:
        texts.append(_LINK.sub(_blank, data))
    without_breaks = texts[-1]
    if b"&" in data and b"&amp;" in data:
        without_breaks = _AMPERSANDS.sub(_last_ampersand, without_breaks)
    for mark, pattern in _WHITE_SPACE_PATTERNS.items():
        if mark[:1] in without_breaks and mark in without_breaks:
            without_breaks = pattern.sub(_blank, without_breaks)
    if without_breaks != texts[-1]:
        texts.append(without_breaks)
    return texts


def _last_ampersand(match: re.Match[bytes]) -> bytes:
    """Return an ampersand after blanks, as long as the match."""
    return b"&".rjust(len(match[0]))


def _blank(match: re.Match[bytes]) -> bytes:
    """Return spaces of the same length."""
    return b" " * len(match[0])


def _common_prefix(first: bytes, second: bytes) -> int:
    """Return the length of the common beginning."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    return next(index for index in range(length) if first[index] != second[index])


def _common_suffix(first: bytes, second: bytes) -> int:
    """Return the length of the common end."""
    return _common_prefix(first[::-1], second[::-1])


class _Positions:
    """The positions in a text of the characters of its skeleton, computed only where a run is."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        blocks = range(0, len(data), _BLOCK)
        sizes = (len(data[start : start + _BLOCK].translate(None, PUNCTUATION)) for start in blocks)
        self._starts = list(accumulate(sizes, initial=0))
        """The offset in the skeleton at which each block of the text starts."""
        self._in_block: dict[int, list[int]] = {}

    def of(self, run: _Run) -> list[int]:
        """Return the position of each character of a run."""
        first = bisect_right(self._starts, run.start) - 1
        last = bisect_left(self._starts, run.end)
        positions = [position for block in range(first, last) for position in self._of_block(block)]
        start = run.start - self._starts[first]
        return positions[start : start + run.end - run.start]

    def _of_block(self, block: int) -> list[int]:
        """Return the positions of the letters and digits in a block of the text, computed once."""
        if block not in self._in_block:
            start = block * _BLOCK
            data = self._data[start : start + _BLOCK]
            self._in_block[block] = [start + index for index, byte in enumerate(data) if byte in _ALPHANUMERIC]
        return self._in_block[block]


def _spans_of_run(data: bytes, positions: list[int], run: _Run) -> Iterator[Span]:
    """Yield the spans of a run in the text: several if other text, such as markup of its format, interrupts the secret.

    `positions` are those of the characters of the run.
    """
    encoding = run.encoding
    start = previous = positions[0]
    if positions[-1] - start == len(positions) - 1:
        # Most runs have no gaps.
        previous = positions[-1]
    else:
        for position, expected in zip(positions[1:], encoding.gaps[run.offset + 1 :], strict=False):
            gap = data[previous + 1 : position]
            if gap and not _belongs_to_secret(gap, expected):
                yield Span(start, previous + 1, encoding)
                start = position
            previous = position
    if run.end - run.start + run.offset == len(encoding.skeleton):
        # A secret may end with punctuation, which formats escape.
        end = _trailing_pattern(encoding.gaps[-1]).match(data, previous + 1)
        if end is not None:
            previous = end.end() - 1
    yield Span(start, previous + 1, encoding)


def _belongs_to_secret(gap: bytes, expected: bytes) -> bool:
    """Return whether the bytes between two characters of a secret belong to the secret, escaped or coloured."""
    punctuation = _CONTROLS.sub(b"", gap).replace(b"\\", b"").lower()
    return punctuation in _JOINTS or punctuation == expected.replace(b"\\", b"")


@lru_cache(maxsize=64)
def _trailing_pattern(gap: bytes) -> re.Pattern[bytes]:
    """Return a pattern for the characters after a secret, each of which may be escaped."""
    return re.compile(b"".join(rb"\\*" + re.escape(bytes([byte])) for byte in gap))


def controls(data: bytes) -> list[bytes]:
    """Return the escape codes and tags inside a text, which are kept when the text is replaced."""
    if any(mark in data for mark in (b"\x1b", b"<", b"&lt;", b"[")):
        return _CONTROLS.findall(data)
    return []


def _merged(spans: list[Span]) -> list[Span]:
    """Return the union of spans, sorted: overlapping ones become one, with the encoding of the first."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if merged and span.start < merged[-1].end:
            if span.end > merged[-1].end:
                merged[-1] = Span(merged[-1].start, span.end, merged[-1].encoding)
        else:
            merged.append(span)
    return merged
