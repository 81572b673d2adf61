"""Puts a mask in place of the secrets in a text, and leaves a text in JSON, XML or HTML valid."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pytest_bctrl.secrets.search import Span, controls
from pytest_bctrl.secrets.secret import REDACTED

MASK = REDACTED.encode("ascii")
_KEY_AHEAD = re.compile(rb"[^\"&\n]{0,200}(?:\"|&#34;|&quot;)\s*:")
# A name may go on after a word of a secret, such as the key `testCaseId` of Allure.
_STRUCTURE_AHEAD = re.compile(rb"[A-Za-z]{0,20}(?:\\*[\"'])?\s*[:=(]")
_WORD = re.compile(rb"[a-z_]{1,12}|[a-z]{3,6}[A-Z][a-z]{3,6}")
_LONGEST_ESCAPE = 12
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
    rb"|\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|[bfnrt])"
    rb"|&#(?:[0-9]{1,7}|x[0-9A-Fa-f]{1,6});|%[0-9A-Fa-f]{2}"
)
"""One character of a text that is written as an escape: in JSON, reprs, XML and URLs."""


def masked(before: bytes, data: bytes, spans: Iterable[Span], *, keeps_structure: bool) -> bytes:
    """Return `data`, without `before`, with a mask in place of the spans of `before + data`; colour codes are kept.

    With `keeps_structure`, names that the format may need stay, different keys of JSON have different masks, and no
    half of an escape is left.
    """
    text = data
    if before:
        text = before + data
    masks = _Masks(text, keeps_structure=keeps_structure)
    first = len(before)
    parts, end = [], first
    if keeps_structure:
        spans = [_with_whole_escape(text, span) for span in spans]
    for span in spans:
        if span.end <= first or (keeps_structure and _may_be_name(text, span) and _is_structure(text, span)):
            continue
        part = text[max(first, span.start) : span.end]
        parts += [text[end : max(end, span.start)], masks.of(span), *controls(part)]
        end = span.end
    return b"".join([*parts, text[end:]])


def _with_whole_escape(text: bytes, span: Span) -> Span:
    """Return a span with the beginning of the escape that it starts in, if any: half of an escape is invalid."""
    for start in range(max(0, span.start - _LONGEST_ESCAPE), span.start):
        escape = _ESCAPE.match(text, start)
        if escape is None or escape.end() <= span.start:
            continue
        before = text[max(0, start - 64) : start]
        is_escaped_itself = text.startswith(b"\\", start) and (len(before) - len(before.rstrip(b"\\"))) % 2
        if not is_escaped_itself:
            return replace(span, start=start)
    return span


class _Masks:
    """The masks of the spans of a text, numbered for keys of JSON objects, such as `Key` and `key`."""

    def __init__(self, text: bytes, *, keeps_structure: bool) -> None:
        self._text = text
        self._keeps_structure = keeps_structure
        self._numbers: dict[bytes, int] = {}

    def of(self, span: Span) -> bytes:
        """Return the mask for a secret at a span: `MASK`, or a numbered one for the key of a JSON object."""
        if not self._keeps_structure or _KEY_AHEAD.match(self._text, span.end) is None:
            return MASK
        number = self._numbers.setdefault(self._text[span.start : span.end], len(self._numbers) + 2)
        return b"%b %d]" % (MASK[:-1], number)


def _may_be_name(data: bytes, span: Span) -> bool:
    """Return whether a span may be a name of the format: a secret of words, or a word (`testCase`) of a random one."""
    return not span.encoding.is_random or _WORD.fullmatch(data, span.start, span.end) is not None


def _is_structure(data: bytes, span: Span) -> bool:
    """Return whether a file's format may need the word at a span: in a key, a tag, an attribute, or a function."""
    before = data[max(0, span.start - 1) : span.start]
    return before in (b"<", b"/", b".", b"#", b"$") or _STRUCTURE_AHEAD.match(data, span.end) is not None
