"""The secrets of a process, and the redaction of texts. Other modules are imported when the first secret is added."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote

from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret, secret, to_bytes

if TYPE_CHECKING:
    from pytest_bctrl.secrets.literals import LiteralSearch
    from pytest_bctrl.secrets.search import Search, Span

MASK = "[redacted]"

_MASK = MASK.encode("ascii")
_MAX_DECODED = 1 << 17
"""Maximum number of bytes of a text that are decoded, without repetitions; all of it is searched without decoding."""
_LONG_TOKEN = b"1" * 16
_IN_TOKEN = bytes.maketrans(
    bytes(range(256)), bytes(b"01"[chr(byte) in f"{ascii_letters}{digits}+/_-%"] for byte in range(256))
)
_MAX_PADDING = 6
"""Maximum number of `=` after base32."""
_LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")
_CREDENTIAL = r"(?i:\b(?:bearer|basic|token|key|secret|password|credential)[\"']?(?:\s?[:=]\s?|\s)[\"']?)"
"""The text in front of a credential."""
_NEEDS_NO_ESCAPE = re.compile(r"[A-Za-z0-9_-]+")
_KEY_AHEAD = re.compile(rb"[^\"&\n]{0,200}(?:\"|&#34;|&quot;)\s*:")
_STRUCTURE_AHEAD = re.compile(rb"(?:\\*[\"'])?\s*[:=(]")

T = TypeVar("T")


class _Entry:
    """A secret that is redacted. It has no `repr`, so that no traceback shows it."""

    __slots__ = ("has_parts", "is_derived", "name", "value", "weakness")

    def __init__(
        self, value: str, name: str, weakness: str, has_parts: bool = True, *, is_derived: bool = False
    ) -> None:
        self.value = value
        self.name = name
        self.weakness = weakness
        self.has_parts = has_parts
        self.is_derived = is_derived


class Redaction:
    """Replaces each added secret in a text with `MASK`.

    A secret that is too short or too common is redacted only where a credential is expected; `notes` reports it.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._search: Search | None = None
        self._literals: dict[str, str] = {}
        self._weak: re.Pattern[str] | None = None
        self._exact: LiteralSearch | None = None
        self._is_stale = False

    def add(self, value: Secret | str, *, name: str = "a secret", has_parts: bool = True) -> None:
        """Redact a value from now on; `name` is its source in notes, and a value without a name gets no note.

        Parts of a random value are redacted too, unless `has_parts` is false.
        """
        if not value:
            return
        text = secret(value).reveal()
        if text not in self._entries:
            self._add(_Entry(text, name, _weakness(text), has_parts))

    def add_derived(self, value: Secret | str, *, has_parts: bool = False) -> None:
        """Redact a credential that was derived from a secret, as a whole unless `has_parts` is true.

        A credential that consists of words of a random secret is not redacted, because words do not reveal the secret.
        """
        if not value:
            return
        from pytest_bctrl.secrets.encodings import has_only_words, is_random

        text = secret(value).reveal()
        values = (entry.value for entry in self._entries.values() if not entry.is_derived)
        is_public = has_only_words(text) and any(text in value and is_random(value) for value in values)
        if not _weakness(text) and not is_public:
            self._add(_Entry(text, "a credential", "", has_parts, is_derived=True))

    def _add(self, entry: _Entry) -> None:
        if entry.value and entry.value not in self._entries:
            self._entries = {**self._entries, entry.value: entry}
            self._is_stale = True

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Redact the secrets of the environment: the API key, and the passwords of proxies."""
        self.add(environment.get(KEY_VARIABLE, ""), name=KEY_VARIABLE)
        for name, value in environment.items():
            if name.lower().endswith("_proxy") and "@" in value:
                password = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
                for text in dict.fromkeys((password, unquote(password))):
                    self.add(text, name=f"the password in {name}")

    def exempt(self, names: Iterable[str]) -> None:
        """Treat secrets as too common that are part of `names`: the project's paths, or the ids of its tests."""
        if not self._entries:
            return
        from pytest_bctrl.secrets.weakness import is_in_names

        joined = list(names)
        for entry in list(self._entries.values()):
            if not entry.weakness and is_in_names(entry.value, joined):
                reason = "is part of the project's paths or of a test's name"
                weak = _Entry(entry.value, entry.name, reason, entry.has_parts, is_derived=entry.is_derived)
                self._entries = {**self._entries, entry.value: weak}
                self._is_stale = True

    def notes(self) -> list[str]:
        """Return a sentence for each secret that is too short or too common to be redacted everywhere."""
        named = [entry for entry in self._entries.values() if entry.name and entry.weakness]
        weak = dict.fromkeys((entry.name, entry.weakness) for entry in named)
        return [
            f"{name} {reason}, so it is redacted only where a credential is expected; use a longer, random one"
            for name, reason in weak
        ]

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __call__(self, text: str) -> str:
        """Return a text without secrets; the same object if it has none."""
        return self.part("", text)

    def part(self, before: str, text: str, *, keeps_structure: bool = False) -> str:
        """Return `text` without secrets, including those that begin in `before`, the text in front of it.

        With `keeps_structure`, a secret of words stays if the format of a file may need it: as a key, or as the name
        of a tag, an attribute or a function.
        """
        if self._is_stale:
            self._compile()
        if self._weak is not None:
            text = self._weak.sub(_masked_group, text)
        context = to_bytes(before)
        data = to_bytes(text)
        clean = self._bytes(context, data, keeps_structure=keeps_structure)
        if clean is data:
            return text
        return clean.decode("utf-8", "surrogatepass")

    def data_bytes(self, data: bytes, *, before: bytes = b"", keeps_structure: bool = False) -> bytes:
        """Return bytes without secrets, as `part` does, in an encoding that is compatible with ASCII."""
        if self._is_stale:
            self._compile()
        return self._bytes(before, data, keeps_structure=keeps_structure)

    def find(self, text: str) -> str | None:
        """Return the encoding of the first secret in `text` (`plain`, `base64`, …), or None if it has no secret.

        The complete text is decoded, and secrets that are too short or too common are found too.
        """
        if self._is_stale:
            self._compile()
        if not self._entries:
            return None
        from pytest_bctrl.secrets import decoding
        from pytest_bctrl.secrets.encodings import PLAIN

        for encoding, reading in decoding.meanings(text, _legible(self._entries)):
            name = self._name_in(reading)
            if name == PLAIN:
                return encoding
            if name is not None:
                return name
        return None

    def _name_in(self, reading: str) -> str | None:
        """Return the name of the secret in a text; None if there is none."""
        if self._search is not None:
            encoding = self._search.find(to_bytes(reading))
            if encoding is not None:
                return encoding.name
        # In a query, `+` is a space.
        texts = (reading, reading.replace("+", " "))
        return next((name for literal, name in self._literals.items() for text in texts if literal in text), None)

    def data(self, value: T) -> T:
        """Return a copy of plain data, and of dataclasses of this package, without secrets."""
        if not self._entries:
            return value
        return cast("T", self._data(value, {}))

    def _data(self, value: Any, seen: dict[str, str]) -> Any:
        """Return data without secrets, names of members included; `seen` has the texts that were redacted already."""
        if isinstance(value, str):
            # Most texts of a large report are repeated.
            if value not in seen:
                seen[value] = self(value)
            return seen[value]
        if isinstance(value, bytes):
            return self.data_bytes(value)
        if isinstance(value, dict):
            return {self._data(name, seen): self._data(member, seen) for name, member in value.items()}
        if isinstance(value, list):
            return [self._data(member, seen) for member in value]
        if isinstance(value, tuple | set | frozenset):
            members = (self._data(member, seen) for member in value)
            if hasattr(value, "_fields"):
                return type(value)(*members)
            return type(value)(members)
        if hasattr(type(value), "__dataclass_fields__") and type(value).__module__.startswith("pytest_bctrl"):
            from dataclasses import fields, replace

            names = [field.name for field in fields(value) if field.init]
            parts = {name: self._data(getattr(value, name), seen) for name in names}
            return replace(cast("Any", value), **parts)
        return value

    def _compile(self) -> None:
        """Prepare the search for all encodings of the secrets that are registered now."""
        from pytest_bctrl.secrets.encodings import PLAIN, encodings_of, literals_of
        from pytest_bctrl.secrets.literals import LiteralSearch
        from pytest_bctrl.secrets.search import Search

        self._is_stale = False
        encodings, weak, exact = [], [], list[bytes]()
        literals: dict[str, str] = {}
        for entry in self._entries.values():
            if entry.weakness:
                weak.append(entry.value)
                if len(entry.value) >= _MIN_FOUND:
                    literals |= literals_of(entry.value)
                continue
            entry_encodings = encodings_of(entry.value, has_parts=entry.has_parts)
            has_plain = bool(entry_encodings) and entry_encodings[0].name == PLAIN
            if not has_plain:
                entry_literals = literals_of(entry.value)
                literals |= entry_literals
                exact += map(to_bytes, entry_literals)
            if entry.is_derived:
                entry_encodings = [encoding for encoding in entry_encodings if encoding.name == PLAIN]
            encodings += entry_encodings
            if has_plain and entry_encodings[0].is_random and _NEEDS_NO_ESCAPE.fullmatch(entry.value):
                exact.append(to_bytes(entry.value))
        self._literals = literals
        self._exact = LiteralSearch(exact)
        self._weak = None
        if weak:
            values = "|".join(map(re.escape, _longest_first(weak)))
            self._weak = re.compile(rf"({_CREDENTIAL})(?:{values})(?![\w-])")
        self._search = None
        if encodings:
            self._search = Search(encodings)

    def _bytes(self, before: bytes, data: bytes, *, keeps_structure: bool = False) -> bytes:
        if self._exact is not None:
            for value in self._exact.candidates(data):
                # Most secrets are not encoded, and this is the fastest way to find them.
                data = data.replace(value, _MASK)
        if self._search is None:
            return data
        spans = self._search.spans(data, before)
        searched = data
        if before and spans:
            searched = before + data
        keys = None
        if keeps_structure:
            spans = [span for span in spans if not (_may_be_name(searched, span) and _is_structure(searched, span))]
            keys = _Keys(searched)
        if spans:
            data = _masked(searched, spans, len(before), keys)
        return self._without_encoded(self._search, data)

    def _without_encoded(self, search: Search, data: bytes) -> bytes:
        """Return a text with `MASK` in place of the tokens that contain an encoded secret."""
        parts, copied, budget = [], 0, _MAX_DECODED
        has_secret: dict[bytes, bool] = {}
        for start, end in _tokens(data):
            token = data[start:end]
            if budget and token not in has_secret:
                decoded = token[:budget]
                budget -= len(decoded)
                has_secret[token] = self._is_decoded_in(search, decoded)
            if has_secret.get(token):
                parts += [data[copied:start], _MASK]
                copied = _end_of_padding(data, end)
            if not budget and not parts:
                break
        if not parts:
            return data
        return b"".join([*parts, data[copied:]])

    def _is_decoded_in(self, search: Search, token: bytes) -> bool:
        # A line of dashes has no text.
        if len(set(token)) < _DISTINCT:
            return False
        from pytest_bctrl.secrets import decoding

        readings = decoding.meanings(token.decode("ascii"), _LEGIBLE)
        next(readings)
        texts = (to_bytes(reading) for _, reading in readings)
        return any(search.find(text) is not None or self._has_literal(text) for text in texts)

    def _has_literal(self, data: bytes) -> bool:
        return self._exact is not None and self._exact.is_in(data)


def _tokens(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each run of at least 16 characters of base64 and of URL encodings."""
    marks = data.translate(_IN_TOKEN)
    start = marks.find(_LONG_TOKEN)
    while start >= 0:
        end = marks.find(b"0", start)
        if end < 0:
            end = len(data)
        yield start, end
        start = marks.find(_LONG_TOKEN, end)


def _end_of_padding(data: bytes, end: int) -> int:
    return end + len(data[end : end + _MAX_PADDING]) - len(data[end : end + _MAX_PADDING].lstrip(b"="))


_MIN_FOUND = 4
"""Minimum length of a weak secret that is searched for in recordings."""
_DISTINCT = 6
"""Minimum number of different characters of a token that is decoded."""


def _weakness(text: str) -> str:
    """Return the reason why a secret is too short or too common, and import all modules that redaction needs.

    An import can write to a redacted stream, as with `pytest --debug`, so nothing may be imported during redaction.
    """
    from pytest_bctrl.secrets import decoding, literals  # noqa: F401
    from pytest_bctrl.secrets.weakness import weakness

    return weakness(text)


def _legible(secrets: Collection[str]) -> re.Pattern[bytes]:
    """Return a pattern of the parts of decoded base64 that can contain a secret; other text decodes to noise."""
    letters = rb"\t\n\r\x20-\x7e"
    if not all(map(str.isascii, secrets)):
        letters += rb"\x80-\xff"
    if not all(map(str.isprintable, secrets)):
        letters = rb"\x00-\xff"
    return re.compile(rb"[%b]{%d,}" % (letters, max(1, min(map(len, secrets), default=1))))


def _longest_first(values: Sequence[str]) -> list[str]:
    return sorted(values, key=len, reverse=True)


def _masked_group(match: re.Match[str]) -> str:
    return match[1] + MASK


class _Keys:
    """Masks for the keys of JSON objects: different keys, such as `Key` and `key`, have different masks."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._numbers: dict[bytes, int] = {}

    def mask(self, span: Span) -> bytes:
        """Return the mask of a span: `MASK`, or a numbered mask for a key."""
        if _KEY_AHEAD.match(self._data, span.end) is None:
            return _MASK
        number = self._numbers.setdefault(self._data[span.start : span.end], len(self._numbers) + 2)
        return b"%b %d]" % (_MASK[:-1], number)


def _masked(data: bytes, spans: Iterable[Span], first: int, keys: _Keys | None) -> bytes:
    """Return `data` from `first` on, with `MASK` in place of the spans; colour codes in them are kept."""
    from pytest_bctrl.secrets.search import controls

    parts, end = [], first
    for span in spans:
        if span.end <= first:
            continue
        mask = _MASK
        if keys is not None:
            mask = keys.mask(span)
        parts += [data[end : max(end, span.start)], mask, *controls(data[max(first, span.start) : span.end])]
        end = span.end
    return b"".join([*parts, data[end:]])


def _may_be_name(data: bytes, span: Span) -> bool:
    """Return whether a span may be a name of the format: a secret of words, or a lower-case word of a random secret."""
    return not span.encoding.is_random or _LOWER_CASE_WORD.fullmatch(data, span.start, span.end) is not None


_LOWER_CASE_WORD = re.compile(rb"[a-z_]{1,12}")


def _is_structure(data: bytes, span: Span) -> bool:
    """Return whether a file's format may need the word in this position: as a key, a tag, an attribute, a function."""
    before = data[max(0, span.start - 1) : span.start]
    return before in (b"<", b"/", b".", b"#", b"$") or _STRUCTURE_AHEAD.match(data, span.end) is not None
