"""The set of secrets of a process, and `redact(text) -> text`. It imports what it needs with the first secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote

from pytest_bctrl.secrets.secret import KEY_VARIABLE, Secret, secret

if TYPE_CHECKING:
    from pytest_bctrl.secrets.search import Search, Span

MASK = "[redacted]"

_MASK = MASK.encode("ascii")
_DECODED_AT_MOST = 1 << 17
"""Bytes of one text that are decoded, beyond the encodings that are searched for as they are."""
_TOKEN = re.compile(rb"(?:%[0-9a-fA-F]{2}|[A-Za-z0-9+/_-]){16,}={0,2}")
"""What base64 and URL encodings consist of, and no format needs."""
_LEGIBLE = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")
_CREDENTIAL = r"(?i:\b(?:bearer|basic|token|key|secret|password|credential)[\"']?(?:\s?[:=]\s?|\s)[\"']?)"
"""What stands in front of a value that is a credential there, whatever it is elsewhere."""
_NEEDS_NO_ESCAPE = re.compile(r"[A-Za-z0-9_-]+")
_KEY_AHEAD = re.compile(rb"[^\"&\n]{0,200}(?:\"|&#34;|&quot;)\s*:")
_STRUCTURE_AHEAD = re.compile(rb"(?:\\*[\"'])?\s*[:=(]")

T = TypeVar("T")


class _Known:
    """One secret. It has no `repr`, so that no traceback shows it."""

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
    """Called with a text, it returns it with `MASK` in place of each secret that was added.

    A secret that is too short or too common is redacted only where a credential is expected; `notes` says so.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._search: Search | None = None
        self._literals: dict[str, str] = {}
        self._weak: re.Pattern[str] | None = None
        self._exact: list[bytes] = []
        self._is_stale = False

    def add(self, value: Secret | str, *, name: str = "a secret", has_parts: bool = True) -> None:
        """Redact a value from now on; `name` says in notes where it comes from, and without one there is no note.

        Unless it has no parts that tell anything, so are parts of a random one.
        """
        if not value:
            return
        text = secret(value).reveal()
        if text not in self._known:
            self._add(_Known(text, name, _weakness(text), has_parts))

    def add_derived(self, value: Secret | str, *, has_parts: bool = False) -> None:
        """Redact a credential that was made from a secret: as a whole, unless it has parts that are not the secret's.

        The words of a random secret are no part that gives it away, as in the secret itself.
        """
        if not value:
            return
        from pytest_bctrl.secrets.encodings import has_only_words, is_random

        text = secret(value).reveal()
        secrets = (known.value for known in self._known.values() if not known.is_derived)
        is_public = has_only_words(text) and any(text in whole and is_random(whole) for whole in secrets)
        if not _weakness(text) and not is_public:
            self._add(_Known(text, "a credential", "", has_parts, is_derived=True))

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
        if not self._known:
            return
        from pytest_bctrl.secrets.weakness import is_in_names

        joined = list(names)
        for known in list(self._known.values()):
            if not known.weakness and is_in_names(known.value, joined):
                reason = "is part of the project's paths or of a test's name"
                weak = _Known(known.value, known.name, reason, known.has_parts, is_derived=known.is_derived)
                self._known = {**self._known, known.value: weak}
                self._is_stale = True

    def notes(self) -> list[str]:
        """Return a sentence for each secret that is too short or too common to be redacted everywhere."""
        named = [known for known in self._known.values() if known.name and known.weakness]
        weak = dict.fromkeys((known.name, known.weakness) for known in named)
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
        context = _encode(before)
        data = _encode(text)
        clean = self._bytes(context, data, keeps_structure=keeps_structure)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    def data_bytes(self, data: bytes, *, before: bytes = b"", keeps_structure: bool = False) -> bytes:
        """Return bytes without the secrets in them, as `part` does; their letters and digits are those of ASCII."""
        if self._is_stale:
            self._compile()
        return self._bytes(before, data, keeps_structure=keeps_structure)

    def find(self, text: str) -> str | None:
        """Return the encoding in which a secret is in `text` (`plain`, `base64`, …), None where none is.

        Everything is decoded, whatever its size; secrets that are too short or too common are found too.
        """
        if self._is_stale:
            self._compile()
        if not self._known:
            return None
        from pytest_bctrl.secrets import decoding
        from pytest_bctrl.secrets.encodings import PLAIN

        for encoding, reading in decoding.meanings(text, _legible(self._known)):
            name = self._name_in(reading)
            if name is not None:
                return encoding if name == PLAIN else name
        return None

    def _name_in(self, reading: str) -> str | None:
        found = None if self._search is None else self._search.find(_encode(reading))
        if found is not None:
            return found.name
        # A query has `+` for a space.
        texts = (reading, reading.replace("+", " "))
        return next((name for literal, name in self._literals.items() for text in texts if literal in text), None)

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
        if hasattr(type(value), "__dataclass_fields__") and type(value).__module__.startswith("pytest_bctrl"):
            from dataclasses import fields, replace

            parts = {one.name: self._data(getattr(value, one.name), seen) for one in fields(value) if one.init}
            return replace(cast("Any", value), **parts)
        return value

    def _compile(self) -> None:
        from pytest_bctrl.secrets.encodings import encodings_of, literals_of
        from pytest_bctrl.secrets.search import Search

        self._is_stale = False
        encodings, weak, exact = [], [], list[bytes]()
        literals: dict[str, str] = {}
        for known in self._known.values():
            if known.weakness:
                weak.append(known.value)
                literals |= literals_of(known.value) if len(known.value) >= _FOUND_FROM else {}
                continue
            found = encodings_of(known.value, has_parts=known.has_parts)
            encodings += found[:1] if known.is_derived else found
            if not found:
                shown = literals_of(known.value)
                literals |= shown
                exact += map(_encode, shown)
            elif found[0].is_random and _NEEDS_NO_ESCAPE.fullmatch(known.value):
                exact.append(_encode(known.value))
        self._literals = literals
        self._exact = sorted(exact, key=len, reverse=True)
        self._weak = None
        if weak:
            values = "|".join(map(re.escape, _longest_first(weak)))
            self._weak = re.compile(rf"({_CREDENTIAL})(?:{values})(?![\w-])")
        self._search = Search(encodings) if encodings else None

    def _bytes(self, before: bytes, data: bytes, *, keeps_structure: bool = False) -> bytes:
        for value in self._exact:
            # Most are there as they are, and found fastest so.
            data = data.replace(value, _MASK)
        if self._search is None:
            return data
        whole = before + data if before else data
        spans = self._search.spans(whole)
        if keeps_structure:
            spans = [span for span in spans if not (_may_be_name(whole, span) and _is_structure(whole, span))]
        if spans:
            data = _masked(whole, spans, len(before), _Keys(whole) if keeps_structure else None)
        return self._without_encoded(self._search, data)

    def _without_encoded(self, search: Search, data: bytes) -> bytes:
        """Return a text with `MASK` in place of the words that show a secret once they are decoded."""
        start = data[:_DECODED_AT_MOST]
        if _TOKEN.search(start) is None:
            return data

        def decoded(token: re.Match[bytes]) -> bytes:
            return _MASK if self._is_decoded_in(search, token[0]) else token[0]

        clean = _TOKEN.sub(decoded, start)
        return data if clean == start else clean + data[_DECODED_AT_MOST:]

    def _is_decoded_in(self, search: Search, token: bytes) -> bool:
        # A rule of dashes is no base64, nor is a path in lower case.
        if b"%" not in token and (len(set(token)) < _DISTINCT or token.islower()):
            return False
        from pytest_bctrl.secrets import decoding

        readings = decoding.meanings(token.decode("ascii"), _LEGIBLE)
        next(readings)
        return any(search.find(_encode(reading)) is not None for _, reading in readings)


_FOUND_FROM = 4
"""Characters from which on a weak secret is searched for in what is recorded."""
_DISTINCT = 6
"""Different characters of a token that is decoded."""


def _weakness(text: str) -> str:
    """Return why a secret is too short or too common, with all modules imported that redact it.

    An import can write to a redacted stream, as with `pytest --debug`, so that none may happen while text is redacted.
    """
    from pytest_bctrl.secrets import decoding, search  # noqa: F401
    from pytest_bctrl.secrets.weakness import weakness

    return weakness(text)


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


class _Keys:
    """Masks for the keys of JSON objects: two that differ, in the case of their letters say, differ once redacted."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._numbers: dict[bytes, int] = {}

    def mask(self, span: Span) -> bytes:
        """Return what takes the place of a span; a key that is the secret as it is has `MASK` itself."""
        if _KEY_AHEAD.match(self._data, span.end) is None:
            return _MASK
        number = self._numbers.setdefault(self._data[span.start : span.end], len(self._numbers) + 2)
        return b"%b %d]" % (_MASK[:-1], number)


def _masked(data: bytes, spans: Iterable[Span], first: int, keys: _Keys | None) -> bytes:
    """Return `data` from `first` on, with `MASK` in place of the spans; codes for colour in them stay."""
    from pytest_bctrl.secrets.search import controls

    parts, end = [], first
    for span in spans:
        if span.end <= first:
            continue
        mask = _MASK if keys is None else keys.mask(span)
        parts += [data[end : max(end, span.start)], mask, *controls(data[max(first, span.start) : span.end])]
        end = span.end
    return b"".join([*parts, data[end:]]) if parts else data[first:]


def _may_be_name(data: bytes, span: Span) -> bool:
    """Return whether a span may be a name of the format: a secret of words, or a lower-case word in a random one."""
    return not span.encoding.is_random or _LOWER_CASE_WORD.fullmatch(data, span.start, span.end) is not None


_LOWER_CASE_WORD = re.compile(rb"[a-z_]{1,12}")


def _is_structure(data: bytes, span: Span) -> bool:
    """Return whether a word stands where a file's format may need it: as a key, a tag, an attribute, a function."""
    before = data[max(0, span.start - 1) : span.start]
    return before in (b"<", b"/", b".", b"#", b"$") or _STRUCTURE_AHEAD.match(data, span.end) is not None
