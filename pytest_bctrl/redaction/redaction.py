"""The set of secrets of a process, and `redact(text) -> text`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar, cast
from urllib.parse import unquote

from pytest_bctrl.redaction import decoding
from pytest_bctrl.redaction.encodings import BASE64, PLAIN, base64_cores, encodings_of
from pytest_bctrl.redaction.search import Search, Span, controls
from pytest_bctrl.redaction.weakness import is_in_names, weakness
from pytest_bctrl.secret import Secret, secret

MASK = "[redacted]"
KEY_VARIABLE = "BCTRL_API_KEY"

_MASK = MASK.encode("ascii")
_DECODED_AT_MOST = 1 << 16
"""Bytes of one text that are decoded, beyond the encodings that are searched for as they are."""
_TOKEN = re.compile(r"""[^\s"'<>(),]{8,}""")
_DIGITS = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")
_CREDENTIAL = r"(?i:\b(?:bearer|basic|token|key|secret|password|credential)[\"']?(?:\s?[:=]\s?|\s)[\"']?)"
"""What stands in front of a value that is a credential there, whatever it is elsewhere."""
_STRUCTURE_AHEAD = re.compile(rb"(?:\\*[\"'])?\s*[:=(]")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class _Known:
    """One secret. It has no `repr`, so that no traceback shows it."""

    value: str
    name: str
    weakness: str
    has_parts: bool = True
    is_derived: bool = False


class Redaction:
    """Called with a text, it returns it with `MASK` in place of each secret that was added.

    A secret that is too short or too common is redacted only where a credential is expected; `notes` says so.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._search: Search | None = None
        self._literal: re.Pattern[str] | None = None
        self._weak: re.Pattern[str] | None = None
        self._random: list[bytes] = []
        self._is_stale = False

    def add(self, value: Secret | str, *, name: str = "a secret", has_parts: bool = True) -> None:
        """Redact a value from now on; `name` says in notes where it comes from.

        Unless it has no parts that tell anything, so are parts of a random one.
        """
        text = secret(value).reveal()
        self._add(_Known(text, name, weakness(text), has_parts))

    def add_derived(self, value: Secret | str) -> None:
        """Redact a credential that was made from a secret, as a whole; its parts are those of the secret."""
        text = secret(value).reveal()
        if not weakness(text):
            self._add(_Known(text, "a credential", "", has_parts=False, is_derived=True))

    def _add(self, known: _Known) -> None:
        if known.value and known.value not in self._known:
            self._known = {**self._known, known.value: known}
            self._is_stale = True

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Redact what the environment holds: the API key, and the passwords of proxies."""
        self.add(environment.get(KEY_VARIABLE, ""), name=KEY_VARIABLE)
        for name, value in environment.items():
            if name.lower().endswith("_proxy") and "@" in value:
                password = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
                for text in dict.fromkeys((password, unquote(password))):
                    self.add(text, name=f"the password in {name}")

    def exempt(self, names: Iterable[str]) -> None:
        """Treat words as too common that are part of `names`: of the project's paths, or of the ids of its tests."""
        joined = list(names)
        for known in list(self._known.values()):
            if not known.weakness and is_in_names(known.value, joined):
                weak = replace(known, weakness="is part of the project's paths or of a test's name")
                self._known = {**self._known, known.value: weak}
                self._is_stale = True

    def notes(self) -> list[str]:
        """Return a sentence for each secret that is too short or too common to be redacted everywhere."""
        weak = dict.fromkeys((known.name, known.weakness) for known in self._known.values() if known.weakness)
        return [
            f"{name} {reason}, so it is redacted only where a credential is expected; use a longer, random one"
            for name, reason in weak
        ]

    def __bool__(self) -> bool:
        return bool(self._known)

    def __call__(self, text: str) -> str:
        """Return a text without any secret; the same object where it has none."""
        return self.part("", text)

    def part(self, before: str, text: str, *, keeps_structure: bool = False) -> str:
        """Return `text` without the secrets in it, also those that begin in `before`, which stays as it is.

        With `keeps_structure` a secret that is made of words stays where the format of a file may need it: as a key or
        as the name of a tag, an attribute or a function.
        """
        if self._is_stale:
            self._compile()
        if self._weak is not None:
            text = self._weak.sub(_masked_group, text)
        if self._literal is not None:
            text = self._literal.sub(MASK, text)
        if self._search is None:
            return text
        context = _encode(before)
        data = _encode(text)
        clean = self._bytes(self._search, context, data, keeps_structure=keeps_structure)
        if clean is not data:
            text = clean.decode("utf-8", "surrogatepass")
        return self._without_encoded(self._search, text)

    def data_bytes(self, data: bytes, *, before: bytes = b"", keeps_structure: bool = False) -> bytes:
        """Return bytes without the secrets in them, as `part` does; their letters and digits are those of ASCII."""
        if self._is_stale:
            self._compile()
        if self._search is None:
            return data
        return self._bytes(self._search, before, data, keeps_structure=keeps_structure)

    def find(self, text: str) -> str | None:
        """Return the encoding in which a secret is in `text` (`plain`, `base64`, …), None where none is.

        Everything is decoded, whatever its size; secrets that are too short or too common are found too.
        """
        if self._is_stale:
            self._compile()
        weak = [known.value for known in self._known.values() if known.weakness and len(known.value) >= _FOUND_FROM]
        cores = [core for value in weak for core in base64_cores(value.encode("utf-8", "surrogatepass"))]
        if self._search is None and self._literal is None and not weak:
            return None
        for encoding, reading in decoding.meanings(text, _legible(self._known)):
            found = None if self._search is None else self._search.find(_encode(reading))
            if found is not None:
                return encoding if found.name == PLAIN else found.name
            if any(value in reading for value in weak) or (self._literal and self._literal.search(reading)):
                return encoding
            if any(core in reading for core in cores):
                return BASE64
        return None

    def data(self, value: T) -> T:
        """Return a copy of plain data, and of this package's own dataclasses, without any secret."""
        return cast("T", self._data(value, {}) if self._known else value)

    def _data(self, value: Any, seen: dict[str, str]) -> Any:
        if isinstance(value, str):
            # In ten thousand findings most texts are the same.
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
            return type(value)(*members) if hasattr(value, "_fields") else type(value)(members)
        if is_dataclass(value) and type(value).__module__.startswith("pytest_bctrl"):
            parts = {one.name: self._data(getattr(value, one.name), seen) for one in fields(value) if one.init}
            return replace(cast("Any", value), **parts)
        return value

    def _compile(self) -> None:
        self._is_stale = False
        encodings, literal, weak, random = [], [], [], list[bytes]()
        for known in self._known.values():
            if known.weakness:
                weak.append(known.value)
                continue
            found = encodings_of(known.value, has_parts=known.has_parts)
            encodings += found[:1] if known.is_derived else found
            if not found:
                literal.append(known.value)
            elif found[0].is_random:
                random.append(_encode(known.value))
        self._literal = (
            re.compile("|".join(map(re.escape, _longest_first(literal))), re.IGNORECASE) if literal else None
        )
        self._weak = None
        if weak:
            values = "|".join(map(re.escape, _longest_first(weak)))
            self._weak = re.compile(rf"({_CREDENTIAL})(?:{values})(?![\w-])")
        self._random = random
        self._search = Search(encodings) if encodings else None

    def _bytes(self, search: Search, before: bytes, data: bytes, *, keeps_structure: bool = False) -> bytes:
        for value in self._random:
            # Most are there as they are, and found fastest so.
            data = data.replace(value, _MASK)
        whole = before + data if before else data
        spans = search.spans(whole)
        if keeps_structure:
            spans = [span for span in spans if span.encoding.is_random or not _is_structure(whole, span)]
        return _masked(whole, spans, len(before)) if spans else data

    def _without_encoded(self, search: Search, text: str) -> str:
        """Return a text with `MASK` in place of the words and base64 that show a secret once they are decoded."""
        start = text[:_DECODED_AT_MOST]
        if not decoding.is_encoded(start):
            return text

        def shows(token: re.Match[str]) -> str:
            return MASK if self._is_decoded_in(search, token[0]) else token[0]

        clean = _TOKEN.sub(shows, _DIGITS.sub(shows, start))
        return text if clean == start else clean + text[_DECODED_AT_MOST:]

    def _is_decoded_in(self, search: Search, token: str) -> bool:
        if len(set(token)) < _DISTINCT or not decoding.is_encoded(token):
            return False
        found = decoding.meanings(token, _LEGIBLE)
        next(found)
        return any(search.find(_encode(reading)) is not None for _, reading in found)


_FOUND_FROM = 4
"""Characters from which on a weak secret is searched for in what is recorded."""
_DISTINCT = 6
"""Different characters of a token that is decoded: a rule of dashes is none."""


def _legible(known: Mapping[str, _Known]) -> re.Pattern[bytes]:
    """The parts of decoded base64 that can hold a secret: what was no base64 decodes to noise, which has none."""
    letters = rb"\t\n\r\x20-\x7e"
    if not all(map(str.isascii, known)):
        letters += rb"\x80-\xff"
    if not all(map(str.isprintable, known)):
        letters = rb"\x00-\xff"
    return re.compile(rb"[%b]{%d,}" % (letters, max(1, min(map(len, known), default=1))))


def _longest_first(values: Sequence[str]) -> list[str]:
    return sorted(values, key=len, reverse=True)


def _masked_group(match: re.Match[str]) -> str:
    return match[1] + MASK


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _masked(data: bytes, spans: Iterable[Span], first: int) -> bytes:
    """Return `data` from `first` on, with `MASK` in place of the spans; codes for colour in them stay."""
    parts, end = [], first
    for span in spans:
        if span.end <= first:
            continue
        parts += [data[end : max(end, span.start)], _MASK, *controls(data[max(first, span.start) : span.end])]
        end = span.end
    return b"".join([*parts, data[end:]]) if parts else data[first:]


def _is_structure(data: bytes, span: Span) -> bool:
    """Return whether a word stands where a file's format may need it: as a key, a tag, an attribute, a function."""
    before = data[max(0, span.start - 1) : span.start]
    return before in (b"<", b"/", b".", b"#", b"$") or _STRUCTURE_AHEAD.match(data, span.end) is not None
