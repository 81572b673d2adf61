"""The one place that knows every secret of a process, and the one way in which text is freed of them.

Whatever shows or writes text is handed the `Hiding` of its process: nothing is kept on modules, so that two runs in one
process (as of a plugin's own tests) hide what is theirs. It imports what it needs with the first secret.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_bctrl.secret import Secret
    from pytest_bctrl.spellings import Sought, Value

MASK = "[secret hidden]"
KEY_VARIABLE = "BCTRL_API_KEY"

_READABLE = ("filename", "filename2", "strerror", "text", "msg")
"""What built-in exceptions show beside their arguments."""
_REPORTS = tuple(f"_pytest.{name}" for name in ("_code", "junitxml", "nodeid", "reports", "subtests"))
_REPORTS += ("pytest_subtests", "allure_commons")
"""Modules whose objects are changed in place: whoever else holds one must see it clean."""

_SHORT, _KNOWN = 500, 5_000
"""Characters of a text that is remembered to be clean, and how many such there are at most."""

T = TypeVar("T")


class Hiding:
    """Called with a text, it returns it with `MASK` in place of each secret that it was given."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._sought: Sought | None = None
        self._clean: set[str] = set()

    def add(self, value: Secret | str, *, is_key: bool = False) -> None:
        """Hide a value from now on; of a key each half too: a target may repeat the wrong credentials made of it.

        One of less than four characters is hidden only where it stands as it is.
        """
        if not value:
            return
        from pytest_bctrl.secret import secret
        from pytest_bctrl.spellings import TELLING, Value, sought

        text = secret(value).reveal()
        middle = (len(text) - 1) // 2
        halves = [text[:middle], text[middle + 1 :]] if is_key and middle >= TELLING else []
        values = self._values | {one: Value(one) for one in (text, *halves) if one not in self._values}
        # The longest first, so that none is looked for in what another leaves.
        self._values = dict(sorted(values.items(), key=lambda item: -len(item[0])))
        self._sought = sought(self._values.values())
        self._clean.clear()

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Hide what the environment holds: the API key, and the passwords of proxies."""
        self.add(environment.get(KEY_VARIABLE, ""), is_key=True)
        for name, value in environment.items():
            if name.lower().endswith("_proxy") and "@" in value:
                from urllib.parse import unquote

                from pytest_bctrl.spellings import SHORTEST

                password = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
                for spelled in (password, unquote(password)):
                    if len(spelled) >= SHORTEST:
                        self.add(spelled)

    def __call__(self, text: str) -> str:
        """Return a text without any secret."""
        if not self._values or text in self._clean:
            return text
        # A secret that is a word of the mask is not looked for in the mask.
        clean = MASK.join(map(self._without, text.split(MASK)))
        if clean != text:
            return clean
        # Each report of a test has its ids again, and so has whoever hands the report on.
        if len(text) < _SHORT and len(self._clean) < _KNOWN:
            self._clean.add(text)
        # The same object where nothing is hidden: some plugins know a test by that of its id.
        return text

    def found_as(self, text: str) -> str | None:
        """Return how a secret stands in `text` (`plain`, `base64`, …), None where none does."""
        from pytest_bctrl.spellings import found_as

        return None if self._sought is None else found_as(text, self._sought)

    def _without(self, text: str) -> str:
        from pytest_bctrl.spellings import glued

        for value in self._values.values():
            text = value.without_ends(text, MASK)
        for reading in (text, glued(text)):
            if self.found_as(reading) is not None:
                text = reading
                for value in self._values.values():
                    text = value.without(text, MASK)
        return text

    def data(self, value: T) -> T:
        """Return a copy of plain data and of dataclasses without any secret; what is pytest's is changed in place."""
        return cast("T", self._data(value, {}) if self._values else value)

    def _data(self, value: Any, seen: dict[object, Any]) -> Any:
        if isinstance(value, str):
            # In ten thousand findings most texts are the same.
            clean = seen[value] if value in seen else seen.setdefault(value, self(value))
            return value if clean == value else clean
        if isinstance(value, bytes):
            return self(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if id(value) in seen:
            return seen[id(value)]
        if isinstance(value, list | dict):
            made = seen[id(value)] = copy(value)
            made.clear()
            if isinstance(made, list):
                made.extend(self._data(member, seen) for member in value)
            else:
                made.update({self._data(key, seen): self._data(value[key], seen) for key in value})
            return made
        if isinstance(value, tuple | set | frozenset):
            members = (self._data(member, seen) for member in value)
            return type(value)(*members) if hasattr(value, "_fields") else type(value)(members)
        return self._object(value, seen)

    def _object(self, value: Any, seen: dict[object, Any]) -> Any:
        from dataclasses import fields, is_dataclass, replace

        module = type(value).__module__
        if not module.startswith(("pytest_bctrl", *_REPORTS)):
            return value
        names = [one.name for one in fields(value)] if is_dataclass(value) else []
        if module.startswith(_REPORTS):
            seen[id(value)] = value
            for name in dict.fromkeys((*names, *getattr(value, "__dict__", ()))):
                member = getattr(value, name)
                clean = self._data(member, seen)
                if clean is not member:
                    # The classes of pytest's traceback texts are frozen dataclasses in some versions.
                    object.__setattr__(value, name, clean)
            return value
        parts = {name: self._data(getattr(value, name), seen) for name in names}
        return replace(cast("Any", value), **parts) if names else value

    def error(self, error: BaseException | None) -> None:
        """Free what an exception shows, and what led to it, of every secret, in place."""
        waiting, seen = [error], set[int]()
        while waiting:
            one = waiting.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
            args = tuple(map(self._argument, one.args))
            if args != one.args:
                one.args = args
            for name in (*_READABLE, *vars(one)):
                text = getattr(one, name, None)
                if isinstance(text, str | list):
                    with suppress(AttributeError):
                        setattr(one, name, self.data(text))

    def _argument(self, value: Any) -> Any:
        clean = self.data(value)
        shown = repr(clean)
        return clean if self(shown) == shown else self(shown)

    def stream(self, stream: Any) -> Callable[[], None]:
        """Have all text that is written to a stream, by whoever holds it, hidden; return what ends that.

        On the process's own streams it does not end: what fails as the interpreter ends is shown there too.
        """
        import sys

        # Of the object itself, since others took it before: the terminal reporter, pytest's capture, log handlers.
        before = stream.write
        with suppress(AttributeError):
            stream.write = self.writer(before)

        def end() -> None:
            if stream not in (sys.__stdout__, sys.__stderr__):
                with suppress(AttributeError):
                    stream.write = before

        return end

    def writer(self, write: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return what writes a text without its secrets by means of `write`."""
        return lambda text: write(self(text))
