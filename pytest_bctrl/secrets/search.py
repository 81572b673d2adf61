"""Where secrets are in a text: one pass over its skeleton, in time that grows with its length alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from pytest_bctrl.secrets.encodings import LOWER, PUNCTUATION, Encoding

_LONG = 8
"""Characters of a run that can be found by longer grams."""
WINDOW = 1 << 16
OVERLAP = 512
"""Bytes that are read at once, and those that are read with the next, too: a run has fewer."""

_ESCAPE = rb"(?:\x1b|\\+u001b|\\+x1b|\\+033|#x1b|&#27;|\|0x001b)"
_COLOUR = re.compile(_ESCAPE + rb"\|?(?:\[|\\u005b)[0-?]*[ -/]*[@-~]", re.IGNORECASE)
"""An escape code for colour, plain and as formats write it: JSON, reprs, pytest's JUnit, XML, TeamCity."""
_LINK = re.compile(_ESCAPE + rb"\][^\x07\x1b]*(?:\x07|\x1b\\)?", re.IGNORECASE)
_TAG = re.compile(rb"(?:<|&lt;)/?span\b[^<>\n]{0,160}?(?:>|&gt;)")
"""Markup in place of colours, also inside an attribute."""
_COLOUR_MARKS = (b"\x1b", b"1b[", b"1B[", b"|[", b"033[", b"&#27;[")
_CONTROLS = re.compile(b"|".join(pattern.pattern for pattern in (_COLOUR, _LINK, _TAG)), re.IGNORECASE)
_JOINTS = frozenset({b"", *(bytes([byte]) for byte in b"%-_./+~| ")})
"""What may stand between two characters of a secret without meaning anything to the format around it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text that shows a secret: its start, its end, and the encoding."""

    start: int
    end: int
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters of a skeleton that are those of an encoding, from `offset` on."""

    start: int
    end: int
    encoding: Encoding
    offset: int


class _Index:
    """The grams of some encodings, and where a text may have one."""

    def __init__(self, encodings: Iterable[Encoding], length: int) -> None:
        self._length = length
        self._grams: defaultdict[bytes, list[tuple[Encoding, int]]] = defaultdict(list)
        for encoding in encodings:
            for gram, offset in encoding.grams(length):
                self._grams[gram].append((encoding, offset))
        # Two bytes of a skeleton are one character of UTF-16: a class of those is tested in one step.
        classes = []
        for start in range(0, length, 2):
            pairs = {gram[start : start + 2].decode("utf-16-le") for gram in self._grams}
            classes.append(f"[{''.join(sorted(pairs))}]")
        self._candidates = re.compile(f"{classes[0]}(?={''.join(classes[1:])})") if self._grams else None

    def hits(self, text: bytes, pairs: str) -> Iterator[tuple[int, Encoding, int]]:
        """Yield where a skeleton has a gram, with its encoding and its offset there; `pairs` is the same as UTF-16."""
        if self._candidates is not None:
            for match in self._candidates.finditer(pairs):
                position = 2 * match.start()
                for encoding, offset in self._grams.get(text[position : position + self._length], ()):
                    yield position, encoding, offset


class Search:
    """Finds the encodings of all secrets at once."""

    def __init__(self, encodings: Iterable[Encoding]) -> None:
        known = list(encodings)
        # A longer gram is in fewer texts by chance.
        self._indexes = (
            _Index((encoding for encoding in known if encoding.shortest < _LONG), 4),
            _Index((encoding for encoding in known if encoding.shortest >= _LONG), 6),
        )

    def spans(self, data: bytes) -> list[Span]:
        """Return the parts of a text that show a secret, in their order; none overlaps another."""
        if len(data) <= WINDOW:
            found = self._window(data)
            return _merged(found) if found else found
        found = []
        for start in range(0, len(data), WINDOW):
            first = max(0, start - OVERLAP)
            window = data[first : start + WINDOW + OVERLAP]
            found += (Span(first + one.start, first + one.end, one.encoding) for one in self._window(window))
        return _merged(found)

    def find(self, data: bytes) -> Encoding | None:
        """Return the encoding in which a secret is in a text, None where it is in none."""
        spans = self.spans(data)
        return spans[0].encoding if spans else None

    def _window(self, data: bytes) -> list[Span]:
        spans: list[Span] = []
        for blank in _without_controls(data):
            text = blank.translate(LOWER, PUNCTUATION)
            runs = self._runs(text)
            if runs:
                positions = [index for index, byte in enumerate(blank) if byte in _KEPT]
                spans += (span for run in runs for span in _pieces(data, positions, run))
        return spans

    def _runs(self, text: bytes) -> list[_Run]:
        runs: list[_Run] = []
        reached: dict[tuple[Encoding, int], int] = {}
        pairs = text[: len(text) & ~1].decode("utf-16-le")
        for index in self._indexes:
            for position, encoding, offset in index.hits(text, pairs):
                # One diagonal is one run: its other grams lead to the same.
                diagonal = (encoding, position - offset)
                if reached.get(diagonal, -1) >= position:
                    continue
                before = _common_suffix(text[max(0, position - offset) : position], encoding.skeleton[:offset])
                rest = encoding.skeleton[offset:]
                after = _common_prefix(text[position : position + len(rest)], rest)
                reached[diagonal] = position + after
                run = _Run(position - before, position + after, encoding, offset - before)
                if _tells(run):
                    runs.append(run)
        return runs


_KEPT = frozenset(range(256)) - frozenset(PUNCTUATION)


def _tells(run: _Run) -> bool:
    """Return whether a run gives its secret away: it is long enough, and more than public parts and words."""
    length = run.end - run.start
    encoding = run.encoding
    if length < encoding.shortest:
        return False
    if length == len(encoding.skeleton):
        return True
    return encoding.secret_characters(run.offset, run.offset + length) >= min(3, len(encoding.skeleton))


def _without_controls(data: bytes) -> list[bytes]:
    """Return a text with blanks in place of what a terminal does not show, of the same length.

    It is returned twice where it has links: what a link leads to is hidden, and can show a secret itself.
    """
    if b"\nE " in data:
        # How pytest marks the lines of an error.
        data = data.replace(b"\nE ", b"\n  ")
    if b"[" in data and any(mark in data for mark in _COLOUR_MARKS):
        data = _COLOUR.sub(_blank, data)
    if b"span" in data:
        data = _TAG.sub(_blank, data)
    return [data, _LINK.sub(_blank, data)] if b"\x1b]" in data else [data]


def _blank(match: re.Match[bytes]) -> bytes:
    return b" " * len(match[0])


def _common_prefix(one: bytes, other: bytes) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(index for index in range(length) if one[index] != other[index])


def _common_suffix(one: bytes, other: bytes) -> int:
    return _common_prefix(one[::-1], other[::-1])


def _pieces(data: bytes, positions: list[int], run: _Run) -> Iterator[Span]:
    """Yield where a run is in the text, in several pieces where what is between them belongs to the text's format."""
    encoding = run.encoding
    start = previous = positions[run.start]
    if positions[run.end - 1] - start == run.end - 1 - run.start:
        # All of it in one place, as most are.
        previous = positions[run.end - 1]
        run = replace(run, start=run.end - 1, offset=run.offset + run.end - 1 - run.start)
    for index in range(run.start + 1, run.end):
        position = positions[index]
        gap = data[previous + 1 : position]
        if gap and not _is_part(gap, encoding.gaps[run.offset + index - run.start]):
            yield Span(start, previous + 1, encoding)
            start = position
        previous = position
    if run.end - run.start + run.offset == len(encoding.skeleton):
        # A secret may end with punctuation, which formats escape.
        end = _trailing(encoding.gaps[-1]).match(data, previous + 1)
        previous = end.end() - 1 if end else previous
    yield Span(start, previous + 1, encoding)


def _is_part(gap: bytes, expected: bytes) -> bool:
    """Return whether what is between two characters of a secret is the secret's own, escaped or coloured."""
    rest = _CONTROLS.sub(b"", gap).replace(b"\\", b"").lower()
    return rest in _JOINTS or rest == expected.replace(b"\\", b"")


@lru_cache(maxsize=64)
def _trailing(gap: bytes) -> re.Pattern[bytes]:
    return re.compile(b"".join(rb"\\*" + re.escape(bytes([byte])) for byte in gap))


def controls(data: bytes) -> list[bytes]:
    """Return the escape codes and tags inside a text, which stay where the text is replaced."""
    return _CONTROLS.findall(data) if b"\x1b" in data or b"<" in data or b"&lt;" in data or b"[" in data else []


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if merged and span.start < merged[-1].end:
            if span.end > merged[-1].end:
                merged[-1] = Span(merged[-1].start, span.end, merged[-1].encoding)
        else:
            merged.append(span)
    return merged
