"""The secrets of a process, and the redaction of texts. Other modules are imported when the first secret is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote

from pytest_bctrl.secrets.secret import KEY_VARIABLE, REDACTED, AddedSecret, Secret, secret

if TYPE_CHECKING:
    from pytest_bctrl.secrets.prepared import PreparedSecrets

MASK = REDACTED
"""The text that replaces a secret."""

T = TypeVar("T")


class Redaction:
    """Replaces each added secret in a text with `MASK`.

    A secret that is too short or too common is redacted only where a credential is expected; `notes` reports it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, AddedSecret] = {}
        self._prepared: PreparedSecrets | None = None
        self._preparing_threads: set[int] = set()

    def add(self, value: Secret | str, *, name: str = "a secret", has_parts: bool = True) -> None:
        """Redact a value from now on, in all encodings; `notes` calls it `name`, and omits it if that is empty.

        Parts of a random value are redacted too, unless `has_parts` is false. An empty value is ignored.
        """
        if not value:
            return
        text = secret(value).reveal()
        if text not in self._entries:
            self._add(AddedSecret(text, name, _weakness(text), has_parts))

    def add_derived(self, value: Secret | str, *, has_parts: bool = False) -> None:
        """Redact a credential derived from a secret, such as a token: as a whole, its parts too if `has_parts`.

        A short or common credential is ignored, and so is one that consists of words of a random secret, because words
        do not reveal it.
        """
        if not value:
            return
        from pytest_bctrl.secrets.encodings import has_only_words, is_random

        text = secret(value).reveal()
        values = (entry.value for entry in self._entries.values() if not entry.is_derived)
        is_public = has_only_words(text) and any(text in value and is_random(value) for value in values)
        if not _weakness(text) and not is_public:
            self._add(AddedSecret(text, "a credential", "", has_parts, is_derived=True))

    def _add(self, entry: AddedSecret) -> None:
        """Add a secret, unless its value is already redacted."""
        with self._lock:
            if entry.value not in self._entries:
                self._entries = {**self._entries, entry.value: entry}

    def forget(self, value: str) -> None:
        """Redact a value no more, unless it was added with a name."""
        with self._lock:
            entry = self._entries.get(value)
            if entry is not None and not entry.name:
                self._entries = {text: entry for text, entry in self._entries.items() if text != value}

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Redact the secrets of the environment: the API key, and the passwords of proxies."""
        self.add(environment.get(KEY_VARIABLE, ""), name=KEY_VARIABLE)
        for name, value in environment.items():
            if name.lower().endswith("_proxy") and "@" in value:
                password = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
                for text in dict.fromkeys((password, unquote(password))):
                    self.add(text, name=f"the password in {name}")

    def exempt(self, names: Iterable[str]) -> None:
        """Redact secrets of words that are part of `names` (paths, test ids) only where a credential is expected."""
        if not self._entries:
            return
        from pytest_bctrl.secrets.weakness import is_in_names

        joined = list(names)
        for entry in list(self._entries.values()):
            if not entry.weakness and is_in_names(entry.value, joined):
                reason = "is part of the project's paths or of a test's name"
                weak = AddedSecret(entry.value, entry.name, reason, entry.has_parts, is_derived=entry.is_derived)
                with self._lock:
                    self._entries = {**self._entries, entry.value: weak}

    def notes(self) -> list[str]:
        """Return a sentence for each secret with a name that is redacted only where a credential is expected."""
        named = [entry for entry in self._entries.values() if entry.name and entry.weakness]
        weak = dict.fromkeys((entry.name, entry.weakness) for entry in named)
        return [
            f"{name} {reason}, so it is redacted only where a credential is expected; use a longer, random one"
            for name, reason in weak
        ]

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __call__(self, text: str) -> str:
        """Return a text with all secrets masked; the same object if it contains none."""
        return self.part("", text)

    def part(self, before: str, text: str, *, keeps_structure: bool = False) -> str:
        """Return `text` with secrets masked, including those that begin in `before`, the text in front of it.

        With `keeps_structure`, a secret of words stays if the format of a file may need it: as a key, or as the name
        of a tag, an attribute or a function.
        """
        prepared = self._prepare()
        if prepared is None:
            return self._without_plain_secrets(text)
        return prepared.without_secrets(before, text, keeps_structure=keeps_structure)

    def data_bytes(self, data: bytes, *, before: bytes = b"", keeps_structure: bool = False) -> bytes:
        """Return bytes with secrets masked, as `part` does; their encoding must be compatible with ASCII."""
        prepared = self._prepare()
        if prepared is not None:
            return prepared.bytes_without_secrets(before, data, keeps_structure=keeps_structure)
        if not self._entries:
            return data
        return self._without_plain_secrets(data.decode("latin-1")).encode("latin-1")

    def find(self, text: str) -> str | None:
        """Return the name of the encoding of the first secret in `text`, such as `base64`; None if there is none.

        The complete text is decoded, and secrets that are too short or too common are found too.
        """
        prepared = self._prepare()
        if prepared is None:
            return None
        return prepared.find(text)

    def _prepare(self) -> PreparedSecrets | None:
        """Return the search for all secrets added so far; None without any, or while this thread prepares it.

        The imports of the preparation may be traced, and the trace is redacted without the search. The entries are
        replaced and never changed, so that no thread searches for fewer secrets while another prepares.
        """
        entries, prepared = self._entries, self._prepared
        if not entries:
            return None
        if prepared is None or prepared.entries is not entries:
            thread = get_ident()
            if thread in self._preparing_threads:
                return None
            self._preparing_threads.add(thread)
            try:
                from pytest_bctrl.secrets.prepared import PreparedSecrets

                prepared = self._prepared = PreparedSecrets(entries)
            finally:
                self._preparing_threads.discard(thread)
        return prepared

    def _without_plain_secrets(self, text: str) -> str:
        """Return a text with its plain secrets masked; encoded ones, and too short or too common ones, stay."""
        for value, entry in self._entries.items():
            if not entry.weakness and value in text:
                text = text.replace(value, MASK)
        return text

    def data(self, value: T) -> T:
        """Return a copy of plain data and this package's dataclasses without secrets; `value` if none are added."""
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


def _weakness(text: str) -> str:
    """Return why a secret is too short or too common, empty if it is not, and import all modules that redaction needs.

    An import can write to a redacted stream, as with `pytest --debug`, so nothing may be imported during redaction.
    """
    from pytest_bctrl.secrets import decoding, prepared  # noqa: F401
    from pytest_bctrl.secrets.weakness import weakness

    return weakness(text)
