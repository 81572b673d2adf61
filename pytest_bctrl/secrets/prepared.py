"""The search for a set of secrets, prepared once and used for each text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from string import ascii_letters, digits

from pytest_bctrl.secrets import decoding
from pytest_bctrl.secrets.encodings import PLAIN, encodings_of, literals_of
from pytest_bctrl.secrets.literals import LiteralSearch
from pytest_bctrl.secrets.masking import MASK, masked
from pytest_bctrl.secrets.search import Search
from pytest_bctrl.secrets.secret import SHORTEST, AddedSecret, to_bytes

_MAX_DECODED = 1 << 17
"""Maximum number of bytes of a text that are decoded, without repetitions; all of it is searched without decoding."""
_LONG_TOKEN = b"1" * 16
_IN_TOKEN = bytes.maketrans(
    bytes(range(256)), bytes(b"01"[chr(byte) in f"{ascii_letters}{digits}+/_-%"] for byte in range(256))
)
_MAX_PADDING = 6
"""Maximum number of `=` after base32."""
_MIN_FOUND = 4
"""Minimum length of a weak secret that is searched for in recordings."""
_DISTINCT = 6
"""Minimum number of different characters of a token that is decoded."""
_LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")
_LEGIBLE_UTF_8 = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]{8,}")
_CREDENTIAL = rb"(?i:\b(?:bearer|basic|token|key|secret|password|credential)%b)"
"""The text in front of a credential."""
_ANY = rb"[\"']?(?:\s?[:=]\s?|\s)[\"']?"
_VALID = rb"(?:[\"']\s?[:=]\s?[\"']|\s?[:=]\s?[\"']?|\s[\"']?)"
"""The text between a word and a credential: any, and such that JSON stays valid, where only a string can be masked."""
_NEEDS_NO_ESCAPE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE_MARKS = (b"\\", b"%", b"&#", b"&#x")
"""The beginnings of escapes."""


class PreparedSecrets:
    """Finds and masks some secrets. `entries` are the secrets by value, a mapping that is never changed."""

    def __init__(self, entries: Mapping[str, AddedSecret]) -> None:
        self.entries = entries
        strong = [entry for entry in entries.values() if not entry.weakness]
        encodings, exact = [], list[bytes]()
        self._literals: dict[str, str] = {}
        for entry in strong:
            entry_encodings = encodings_of(entry.value, has_parts=entry.has_parts)
            has_plain = bool(entry_encodings) and entry_encodings[0].name == PLAIN
            if not has_plain:
                entry_literals = literals_of(entry.value)
                self._literals |= entry_literals
                exact += map(to_bytes, entry_literals)
            if entry.is_derived:
                entry_encodings = [encoding for encoding in entry_encodings if encoding.name == PLAIN]
            encodings += entry_encodings
            if has_plain and entry_encodings[0].is_random and _NEEDS_NO_ESCAPE.fullmatch(entry.value):
                exact.append(to_bytes(entry.value))
        self._exact = LiteralSearch(exact)
        self._search = Search(encodings)
        self._legible = _LEGIBLE
        if not all(entry.value.isascii() for entry in strong):
            self._legible = _LEGIBLE_UTF_8
        self._prepare_weak([entry.value for entry in entries.values() if entry.weakness])

    def _prepare_weak(self, values: Sequence[str]) -> None:
        """Prepare the search for secrets that are too short or too common to be redacted everywhere."""
        self._weak: dict[bool, re.Pattern[bytes]] = {}
        if values:
            alternatives = b"|".join(map(re.escape, sorted(map(to_bytes, values), key=len, reverse=True)))
            for keeps_structure, between in ((False, _ANY), (True, _VALID)):
                pattern = rb"(%b)(?:%b)(?![\w-])" % (_CREDENTIAL % between, alternatives)
                self._weak[keeps_structure] = re.compile(pattern)
        for value in values:
            if len(value) >= _MIN_FOUND:
                self._literals |= literals_of(value)
        long = [value for value in values if len(value) >= SHORTEST]
        self._weak_search = Search(encoding for value in long for encoding in encodings_of(value))

    def without_secrets(self, before: str, text: str, *, keeps_structure: bool) -> str:
        """Return `text` with the secrets masked, including those that begin in `before`, as `Redaction.part` does."""
        data = to_bytes(text)
        clean = self.bytes_without_secrets(to_bytes(before), data, keeps_structure=keeps_structure)
        if clean is data:
            return text
        return clean.decode("utf-8", "surrogatepass")

    def bytes_without_secrets(self, before: bytes, data: bytes, *, keeps_structure: bool) -> bytes:
        """Return `data` with the secrets masked, in encoded tokens too, the weak ones after a word for a credential.

        The same object if it has none.
        """
        if self._weak:
            masked_data, count = self._weak[keeps_structure].subn(_masked_group, data)
            if count:
                data = masked_data
        for value in self._exact.candidates(data):
            if keeps_structure and any(mark + value in data for mark in _ESCAPE_MARKS):
                # Its first characters may belong to an escape, which the search below masks as a whole.
                continue
            # Most secrets are not encoded, and this is the fastest way to find them.
            data = data.replace(value, MASK)
        if not self._search:
            return data
        spans = self._search.spans(data, before)
        if spans:
            data = masked(before, data, spans, keeps_structure=keeps_structure)
        return self._without_encoded(data)

    def _without_encoded(self, data: bytes) -> bytes:
        """Return a text with `MASK` in place of the tokens that contain an encoded secret; decodes up to a limit."""
        parts, copied, budget = [], 0, _MAX_DECODED
        has_secret: dict[bytes, bool] = {}
        for start, end in _token_spans(data):
            token = data[start:end]
            if budget and token not in has_secret:
                decoded = token[:budget]
                budget -= len(decoded)
                has_secret[token] = self._is_decoded_in(decoded)
            if has_secret.get(token):
                parts += [data[copied:start], MASK]
                copied = _end_of_padding(data, end)
            if not budget and not parts:
                break
        if not parts:
            return data
        return b"".join([*parts, data[copied:]])

    def _is_decoded_in(self, token: bytes) -> bool:
        """Return whether a token contains a secret in an encoding; False for one that is not encoded."""
        # A line of dashes has no text.
        if len(set(token)) < _DISTINCT:
            return False
        readings = decoding.decodings(token.decode("ascii"), self._legible)
        next(readings)
        texts = (to_bytes(reading) for _, reading in readings)
        return any(self._search.find(text) is not None or self._exact.is_in(text) for text in texts)

    def find(self, text: str) -> str | None:
        """Return the name of the encoding of the first secret in `text`, such as `base64`; None if there is none."""
        for encoding, reading in decoding.decodings(text, _legible(self.entries)):
            name = self._name_in(reading)
            if name == PLAIN:
                return encoding
            if name is not None:
                return name
        return None

    def _name_in(self, reading: str) -> str | None:
        """Return the name of the encoding of a secret, also a weak one, in a decoded text; None without a secret."""
        data = to_bytes(reading)
        for search in filter(None, (self._search, self._weak_search)):
            encoding = search.find(data)
            if encoding is not None:
                return encoding.name
        # In a query, `+` is a space.
        texts = (reading, reading.replace("+", " "))
        return next((name for literal, name in self._literals.items() for text in texts if literal in text), None)


def _token_spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each run of at least 16 letters, digits and characters `+/_-%`."""
    marks = data.translate(_IN_TOKEN)
    start = marks.find(_LONG_TOKEN)
    while start >= 0:
        end = marks.find(b"0", start)
        if end < 0:
            end = len(data)
        yield start, end
        start = marks.find(_LONG_TOKEN, end)


def _end_of_padding(data: bytes, end: int) -> int:
    """Return the end of the padding of `=` that follows a token at `end`; `end` itself if there is none."""
    return end + len(data[end : end + _MAX_PADDING]) - len(data[end : end + _MAX_PADDING].lstrip(b"="))


def _legible(secrets: Collection[str]) -> re.Pattern[bytes]:
    """Return a pattern of the parts of decoded base64 that can contain a secret; other text decodes to noise."""
    letters = rb"\t\n\r\x20-\x7e"
    if not all(map(str.isascii, secrets)):
        letters += rb"\x80-\xff"
    if not all(map(str.isprintable, secrets)):
        letters = rb"\x00-\xff"
    return re.compile(rb"[%b]{%d,}" % (letters, max(1, min(map(len, secrets), default=1))))


def _masked_group(match: re.Match[bytes]) -> bytes:
    """Return the text in front of a weak secret, and the mask."""
    return match[1] + MASK
