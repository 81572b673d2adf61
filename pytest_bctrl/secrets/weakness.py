"""Finds secrets that are too short or too common to be redacted everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.secret import SHORTEST

_DISTINCT = 4
"""Minimum number of different characters of a secret."""


def weakness(value: str) -> str:
    """Return the reason why a secret cannot be redacted everywhere, such as its length; empty if it can.

    Every word that pytest or this package can print is in their source.
    """
    if len(value) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    if len(set(value)) < _DISTINCT:
        return f"has fewer than {_DISTINCT} different characters"
    if not is_random(value) and _is_printed(value.lower()):
        return "is a word that pytest or pytest-bctrl prints"
    return ""


def is_in_names(value: str, names: Iterable[str]) -> bool:
    """Return whether a secret that does not look random is part of one of `names`: paths of the project or test ids."""
    return not is_random(value) and any(value.lower() in name.lower() for name in names)


def _is_printed(word: str) -> bool:
    """Return whether pytest or this package may print a word, because it is in their source."""
    return word in _source_text()


@cache
def _source_text() -> str:
    """Return the source of pytest and of this package as one text in lower case."""
    texts = []
    for package in ("_pytest", "pytest_bctrl"):
        for folder in import_module(package).__path__:
            for path in sorted(Path(folder).rglob("*")):
                if path.suffix in _READ:
                    with suppress(OSError, UnicodeDecodeError):
                        texts.append(path.read_text("utf-8").lower())
    return "\n".join(texts)


_READ = (".py", ".toml", ".tsv", ".html", ".js", ".css")
