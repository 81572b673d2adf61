"""How a text can stand in another: plain, URL-encoded, JSON- or HTML-escaped, in base64, hex or reversed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 4
"""Characters that a value has at least to be looked for in all spellings: a shorter one would be found everywhere."""
TELLING = 8
"""Characters from which on the letters' case does not count, nor whether the value is reversed or in hex."""

_ROUNDS = 4
_DEPTH = 2
"""How often base64 inside base64 is decoded."""
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})"
    r"""|\\x([0-9a-fA-F]{2})|\\(["'\\/bfnrt])"""
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_URL_SAFE = str.maketrans("+/", "-_")
_STANDARD = str.maketrans("-_", "+/")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_WRAPPED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}+\s+)+[A-Za-z0-9+/_-]+")
"""Base64 in lines; tried at the begin of a run alone, and whole, or a long run would be read once for each letter."""
_SPACE = re.compile(r"\s+")
_ENCODED = re.compile(r"[%\\&+]|[A-Za-z0-9+/_-]{16}")
"""What a text has that can hold a value in another spelling than those that are looked for as they are."""


@dataclass(frozen=True, slots=True, repr=False)
class Sought:
    """Values to look for, in all their spellings; it has no `repr`, so that no traceback shows them."""

    exact: Mapping[str, str]
    """Texts to find letter by letter, to how the value stands there."""
    loose: Mapping[str, str]
    """The same in lower case, for texts in lower case."""
    legible: re.Pattern[bytes]
    """The parts of decoded base64 that can hold a value: what was no base64 decodes to noise, which has none."""


def sought(values: Iterable[Value]) -> Sought | None:
    """Return what to look for where none of several values must be, None where each is shorter than `SHORTEST`."""
    exact: dict[str, str] = {}
    loose: dict[str, str] = {}
    plain = []
    for value in values:
        if value.wanted is not None:
            exact.update(value.wanted.exact)
            loose.update(value.wanted.loose)
            plain.append(value.plain)
    return Sought(exact, loose, _legible(plain)) if plain else None


def _base64(value: str) -> set[str]:
    """The digits that show a value at every alignment (RFC 4648, 4 and 5)."""
    escaped = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    # A short text in base64 is not read on, so what stands in it is looked for as it is.
    slashed = [text.replace("/", "\\/") for text in escaped]
    spelled = {value, quote(value, safe=""), quote_plus(value), *escaped, *slashed}
    cores = {core for text in spelled for core in _cores(text.encode("utf-8", "surrogateescape"))}
    return cores | {core.translate(_URL_SAFE) for core in cores}


def _legible(values: Sequence[str]) -> re.Pattern[bytes]:
    letters = rb"\t\n\r\x20-\x7e"
    if not all(map(str.isascii, values)):
        letters += rb"\x80-\xff"
    if not all(map(str.isprintable, values)):
        letters = rb"\x00-\xff"
    # No spelling is shorter than the value itself.
    return re.compile(rb"[%b]{%d,}" % (letters, max(1, min(map(len, values)))))


def _cores(data: bytes) -> Iterator[str]:
    """What base64 shows of `data` whatever stands before and after it: the digits that depend on it alone.

    Of `SHORTEST` bytes they are four at least.
    """
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data).decode("ascii")
        yield digits[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]


def found_as(text: str, wanted: Sought) -> str | None:
    """Return how one of the values stands in `text` (`plain`, `base64`, …), None where none does."""
    if not _ENCODED.search(text):
        return _found(text, wanted)
    for how, reading in meanings(text, wanted.legible):
        found = _found(reading, wanted)
        if found is not None:
            return how if found == _PLAIN else found
    return None


_PLAIN = "plain"


def _found(text: str, wanted: Sought) -> str | None:
    found = next((how for needle, how in wanted.exact.items() if needle in text), None)
    lower = text.lower() if found is None and wanted.loose else ""
    return found or next((how for needle, how in wanted.loose.items() if needle in lower), None)


def meanings(text: str, legible: re.Pattern[bytes], depth: int = _DEPTH) -> Iterator[tuple[str, str]]:
    """Yield all `readings` of `text`, also of what is in base64 in them, each after how it stands there.

    Of decoded base64 only what `legible` matches is read on.
    """
    decoded: set[str] = set()
    for number, reading in enumerate(readings(text)):
        yield ("URL-encoded or escaped" if number else _PLAIN), reading
        if not depth:
            continue
        joined = [_SPACE.sub("", lines) for lines in _WRAPPED.findall(reading)]
        yield from (("base64", one) for one in joined)
        runs = {*_RUN.findall(reading), *joined} - decoded
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
    high, low, wide, narrow, letter = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    return chr(int(wide or narrow, 16)) if wide or narrow else _CONTROLS.get(letter, letter)


_CUT = re.compile(r"(\.\.\.|…|\[\d+ chars\])")
"""What stands where a long value was cut, by pytest, unittest and findings: a secret's two ends may be around it."""
_GLUE = re.compile(r"""(['"])\n[ \t]*[-+]?[ \t]*b?\1""")
"""What stands where `pprint` writes one value on several lines."""
_END = 4
"""Characters of an end that give nothing away."""
_PARTS = [
    re.compile(pattern)
    for pattern in (
        r"[A-Za-z0-9+/_-]{6,}={0,2}",
        r"""[^\s"'<>(),]+""",
        r"\S+",
        r"[^\r\n]+",
        r"(?s:.+)",
    )
]
"""What is hidden whole where a value is in it, the smallest first: a run of base64 digits, a word, a line, all."""


class Value:
    """One value to hide, and how it is taken out of a text; the rest is left to be read."""

    def __init__(self, plain: str) -> None:
        self.plain = plain

    @cached_property
    def wanted(self) -> Sought | None:
        """What to look for, None where the value is shorter than `SHORTEST`."""
        value = self.plain
        if len(value) < SHORTEST:
            return None
        exact = {**dict.fromkeys(_base64(value), "base64"), value: _PLAIN}
        loose = {}
        if len(value) >= TELLING:
            encoded = value.encode("utf-8", "surrogateescape").hex()
            loose = {value[::-1].lower(): "reversed", encoded: "hex", value.lower(): _PLAIN}
        return Sought(exact, loose, _legible([value]))

    @cached_property
    def _whole(self) -> list[str]:
        """The ways to write all of it, the longest first: each takes no letter from what stands around it."""
        value, encoded = self.plain, self.plain.encode("utf-8", "surrogateescape")
        texts = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]]
        texts += [text.replace("/", "\\/") for text in texts] + [ascii(value)[1:-1], escape(value)]
        texts += ["".join(f"%{byte:02X}" for byte in encoded), "".join(f"\\x{byte:02x}" for byte in encoded)]
        texts += ["".join(f"&#x{ord(letter):x};" for letter in value), "".join(f"&#{ord(one)};" for one in value)]
        found = {value, quote(value, safe=""), quote(value), quote_plus(value), *texts}
        if len(value) >= TELLING:
            found |= {value[::-1], encoded.hex()}
        return sorted({cased for text in found for cased in (text, text.replace("\\", "\\\\"))}, key=len, reverse=True)

    @cached_property
    def _forms(self) -> Collection[str]:
        cores = _cores(self.plain.encode("utf-8", "surrogateescape"))
        return dict.fromkeys(cased for form in (*self._whole, *cores) for cased in (form, form.upper(), form.lower()))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The value as all of it is written: the exact place, so that JSON stays JSON."""
        return re.compile("|".join(map(re.escape, self._whole)), re.IGNORECASE if len(self.plain) >= TELLING else 0)

    def without(self, text: str, mask: str) -> str:
        """Return `text` with `mask` in place of the value, and of the least around it where it is encoded."""
        if self.wanted is None or not self._is_in(text, mask):
            return text
        text = mask.join(self._pattern.sub(lambda _: mask, piece) for piece in text.split(mask))
        for parts in _PARTS:
            if self._is_in(text, mask):
                pieces = text.split(mask)
                text = mask.join(parts.sub(lambda part: self._masked(part[0], mask), piece) for piece in pieces)
        return text

    def _is_in(self, text: str, mask: str) -> bool:
        return any(self._masked(piece, mask) == mask for piece in text.split(mask))

    def _masked(self, text: str, mask: str) -> str:
        return text if self.wanted is None or found_as(text, self.wanted) is None else mask

    def without_ends(self, text: str, mask: str) -> str:
        """Return `text` without the value's ends where it was cut short; a value too short to look for is replaced."""
        if self.wanted is None:
            return text.replace(repr(self.plain)[1:-1], mask).replace(self.plain, mask)
        parts = _CUT.split(text)
        if len(parts) > 1:
            text = "".join(self._without_ends(parts, mask))
        # Whoever cuts a text may say nothing of it.
        head = _head(text, self.plain)
        return text if head < TELLING else text[:-head] + mask

    def _without_ends(self, parts: list[str], mask: str) -> list[str]:
        """Return what stands before and after each cut, which every second part is, without the value's ends."""
        for form in self._forms:
            for index in range(0, len(parts) - 1, 2):
                head = _head(parts[index], form)
                after = parts[index + 2]
                tail = next((size for size in range(len(form), _END, -1) if after.startswith(form[-size:])), 0)
                parts[index] = parts[index][:-head] + mask if head else parts[index]
                parts[index + 2] = mask + after[tail:] if tail else after
        return parts


def glued(text: str) -> str:
    """Return a text with the values that `pprint` wrote on several lines on one."""
    return _GLUE.sub("", text)


def _head(text: str, form: str) -> int:
    """How many first letters of `form` the text ends with, where they are more than give nothing away."""
    if form[: _END + 1] not in text[-len(form) :]:
        return 0
    return next((size for size in range(len(form), _END, -1) if text.endswith(form[:size])), 0)
