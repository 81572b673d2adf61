"""A value that must never be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from pytest_bctrl.errors import BctrlError

KEY_VARIABLE = "BCTRL_API_KEY"
"""The environment variable of the API key."""
SHORTEST = 8
"""Minimum length of a secret: a shorter one would be found in most texts."""

MASK = "**********"
"""The text that replaces the value of a secret."""
REDACTED = "[redacted]"
"""The text that replaces a secret in output."""


class Secret:
    """An API key: `str`, `repr`, f-strings, pickles and tracebacks show a mask, only `reveal()` shows the value.

    Two secrets are compared in constant time. A pickled or copied secret has lost its value: `reveal()` on it
    raises `BctrlError`.
    """

    __slots__ = ("_reveal",)
    _reveal: Callable[[], str]

    def __init__(self, value: str) -> None:
        # A closure, so that neither vars(), __slots__ walking nor a debugger's repr of the object shows it.
        self._reveal = lambda: value

    def reveal(self) -> str:
        """Return the value itself; only code that sends it needs this."""
        return self._reveal()

    def __repr__(self) -> str:
        return f"<Secret {MASK}>"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        """Return whether there is a key: a blank value is none."""
        return bool(self.reveal().strip())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(to_bytes(self.reveal()), to_bytes(other.reveal()))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _lost_secret, ()


def secret(value: Secret | str) -> Secret:
    """Return a value as a `Secret`."""
    return value if isinstance(value, Secret) else Secret(value)


def to_bytes(text: str) -> bytes:
    """Return a text as UTF-8, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


_PUBLIC = re.compile(r"(?:[a-z]+[_-]){1,3}")


def public_part(key: str) -> str:
    """Return the public prefix of a key, such as `sk_live_`; empty if it has none."""
    match = _PUBLIC.match(key)
    if match is None or len(key) - match.end() < SHORTEST:
        return ""
    return match[0]


def _lost_secret() -> Secret:
    """Return a secret whose value was lost, for example by copying; revealing it raises an error."""
    value_lost = Secret("")
    object.__setattr__(value_lost, "_reveal", _raise_lost)
    return value_lost


def _raise_lost() -> NoReturn:
    """Raise `BctrlError`, because a pickled or copied secret has no value."""
    raise BctrlError(
        "the secret lost its value when it was pickled or copied",
        hint="pass the environment variable's name instead",
    )
