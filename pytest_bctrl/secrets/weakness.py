"""Which secrets are too short or too common to be redacted wherever they appear."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pytest_bctrl.secrets.encodings import is_random
from pytest_bctrl.secrets.secret import SHORTEST

_DISTINCT = 4
"""Different characters that a secret has at least."""


def weakness(value: str) -> str:
    """Return why a secret cannot be redacted everywhere, in words; empty where it can.

    Each word that pytest or this package can print is in their source.
    """
    if len(value) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    if len(set(value)) < _DISTINCT:
        return f"has fewer than {_DISTINCT} different characters"
    if not is_random(value) and _is_printed(value.lower()):
        return "is a word that pytest or pytest-bctrl prints"
    return ""


def is_in_names(value: str, names: Iterable[str]) -> bool:
    """Return whether a secret is a part of the project's own names: of its paths, or of the ids of its tests."""
    return not is_random(value) and any(value.lower() in name.lower() for name in names)


def _is_printed(word: str) -> bool:
    return word in _sources()


@cache
def _sources() -> str:
    """Return the source of pytest and of this package, in lower case."""
    texts = []
    for package in ("_pytest", "pytest_bctrl"):
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            for path in sorted(Path(folder).rglob("*")):
                if path.suffix in _READ:
                    with suppress(OSError, UnicodeDecodeError):
                        texts.append(path.read_text("utf-8").lower())
    return "\n".join(texts)


_READ = (".py", ".toml", ".tsv", ".html", ".js", ".css")
