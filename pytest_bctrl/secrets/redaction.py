"""The secrets of a process, and the redaction of texts. Other modules are imported when a secret is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote

from pytest_bctrl.secrets.secret import KEY_VARIABLE, REDACTED, SHORTEST, Secret, secret, to_bytes

if TYPE_CHECKING:
    from pytest_bctrl.secrets.search import Search, SecretForms

MASK = REDACTED
"""The text that replaces a secret."""
_VALUES = frozenset({"observed", "sample", "reproduce", "item", "request", "response", "headers", "body"})
"""The members of findings and reports that hold values of an exchange."""

T = TypeVar("T")


class Redaction:
    """Replaces each added secret with `MASK`: random ones in any text, and those made of words in values alone.

    `notes` reports the latter.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._secrets: dict[str, SecretForms] = {}
        self._names: dict[str, None] = {}
        self._public_names: dict[str, None] = {}
        self._search: Search | None = None

    def add(self, value: Secret | str, *, name: str = "a secret") -> None:
        """Redact a value from now on, in all its forms; `notes` calls it `name`, and omits it if that is empty.

        A blank value is ignored.
        """
        if not value:
            return
        text = secret(value).reveal()
        if text in self._secrets or not text.strip():
            return
        from pytest_bctrl.secrets.search import SecretForms

        forms = SecretForms(text)
        with self._lock:
            self._secrets = {**self._secrets, text: forms}
            if name and not forms.is_random:
                self._names[name] = None
            self._prepare()

    def add_derived(self, value: Secret | str) -> None:
        """Redact a credential derived from a secret, such as a half of it, unless it is short."""
        if value and len(secret(value).reveal()) >= SHORTEST:
            self.add(value, name="")

    def exempt(self, names: Iterable[str]) -> None:
        """Show `names` (paths, test ids without parameters) as they are, even if they contain a random secret."""
        if self._secrets:
            with self._lock:
                self._public_names |= dict.fromkeys(names)
                self._prepare()

    def _prepare(self) -> None:
        """Replace the search, which other threads use meanwhile."""
        from pytest_bctrl.secrets.search import Search

        self._search = Search(list(self._secrets.values()), self._public_names)

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Redact the secrets of the environment: the API key, and the passwords of proxies."""
        self.add(environment.get(KEY_VARIABLE, ""), name=KEY_VARIABLE)
        for name, value in environment.items():
            if name.lower().endswith("_proxy") and "@" in value:
                password = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
                for text in dict.fromkeys((password, unquote(password))):
                    self.add(text, name=f"the password in {name}")

    def notes(self) -> list[str]:
        """Return a sentence for each secret with a name that is made of words."""
        return [
            f"{name} does not look random, so it is redacted only as a whole, in captured output and in the values of "
            "header fields, cookies, queries and bodies; use a random one"
            for name in self._names
        ]

    @property
    def has_words(self) -> bool:
        """Whether a secret is made of words."""
        return not all(forms.is_random for forms in self._secrets.values())

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def __call__(self, text: str) -> str:
        """Return a text with random secrets masked; the same object if it contains none."""
        return self.part("", text)

    def part(self, before: str, text: str) -> str:
        """Return `text` with random secrets masked, including those that begin in `before`, the text in front of it."""
        if self._search is None:
            return text
        data = to_bytes(text)
        clean = self._search.masked(to_bytes(before), data)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    def data_bytes(self, data: bytes, *, before: bytes = b"") -> bytes:
        """Return bytes with random secrets masked, as `part` does; their encoding must be compatible with ASCII."""
        return data if self._search is None else self._search.masked(before, data)

    def value(self, text: str) -> str:
        """Return a value, or captured output, with all secrets masked, those of words as a whole."""
        return text if self._search is None else self(self._search.without_words(text))

    def find(self, text: str) -> str | None:
        """Return the name of the form of the first secret in `text`, such as `base64`; None if there is none."""
        return None if self._search is None else self._search.find(text)

    def data(self, value: T) -> T:
        """Return a copy of plain data and this package's dataclasses without secrets; `value` if none are added."""
        if not self._secrets:
            return value
        return cast("T", self._data(value, {}))

    def _data(self, value: Any, seen: dict[tuple[str, str], str], name: str = "") -> Any:
        """Return data without secrets, names of members included.

        `seen` has the texts that were redacted already, and `name` is that of the member with a value of an exchange,
        or `message`.
        """
        if isinstance(value, str):
            # Most texts of a large report are repeated.
            if (name, value) not in seen:
                seen[name, value] = self._text(value, name)
            return seen[name, value]
        if isinstance(value, bytes):
            return self.data_bytes(value)
        if isinstance(value, dict):
            return {
                self._data(key, seen): self._data(member, seen, name or (key if key in _VALUES else ""))
                for key, member in value.items()
            }
        if isinstance(value, list):
            return [self._data(member, seen, name) for member in value]
        if isinstance(value, tuple | set | frozenset):
            members = (self._data(member, seen, name) for member in value)
            if hasattr(value, "_fields"):
                return type(value)(*members)
            return type(value)(members)
        if hasattr(type(value), "__dataclass_fields__") and type(value).__module__.startswith("pytest_bctrl"):
            from dataclasses import fields, replace

            names = [field.name for field in fields(value) if field.init]
            parts = {
                part: self._data(getattr(value, part), seen, name or (part if part in _VALUES | {"message"} else ""))
                for part in names
            }
            return replace(cast("Any", value), **parts)
        return value

    def _text(self, text: str, name: str) -> str:
        """Return a text of a member without secrets; in one of the package's own words, words only if quoted."""
        if self._search is not None and name:
            text = self._search.without_words(text, is_quoted=name in ("message", "reproduce"))
        return self(text)
