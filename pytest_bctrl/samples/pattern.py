"""Texts that match a pattern of ECMA 262, made by walking it; what a character may be, the engine is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from random import Random
from typing import Any

from pytest_bctrl.contract.engine import matches

_LONGEST = 10_000
_TOKEN = re.compile(
    r"(?P<edge>[\^$]|\\[bB]|\(\?[a-z]+\))|(?P<open>\((?:\?(?::|<?[=!]|<[^>]*>))?)|(?P<close>[|)])"
    r"|\\(?P<back>[1-9]\d*)"
    r"|(?P<set>\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\.|.)",
    re.DOTALL,
)
_TIMES = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<least>\d+)(?P<open>,(?P<most>\d*))?\})\??")
_SIGNS = {"*": (0, _LONGEST), "+": (1, _LONGEST), "?": (0, 1)}


def matching(pattern: str, source: Random, more: int = 3) -> str | None:
    """Return a text that matches `pattern` from end to end, or None where none can be made.

    A repetition is made `more` times more often than it has to be, at most. What a pattern wants to see ahead is
    written there at times, and the rest of what it looks at left aside: whatever was made is tried against it.
    """
    try:
        made = "".join(_Walk(source, more).one_of(_Parser(pattern).alternatives()))
    except (LookupError, RecursionError):
        return None
    return made if matches(pattern, made) else None


@dataclass
class _Part:
    """A piece of a pattern and how often it is repeated: a group, a group's text again, or a character of a set."""

    kind: str
    value: Any = None
    key: str = ""
    least: int = 1
    most: int = 1


@dataclass
class _Parser:
    pattern: str
    at: int = 0
    groups: int = 0

    def alternatives(self) -> list[list[_Part]]:
        """Read up to the end of a group, or of the pattern."""
        found: list[list[_Part]] = [[]]
        while token := _TOKEN.match(self.pattern, self.at):
            self.at = token.end()
            if token["close"] == ")":
                break
            if token["close"]:
                found.append([])
            elif not token["edge"]:
                found[-1].append(self._repeated(self._part(token)))
        return found

    def _part(self, token: re.Match[str]) -> _Part:
        if token["open"] in ("(?=", "(?!", "(?<=", "(?<!"):
            return _Part("ahead" if token["open"] == "(?=" else "aside", self.alternatives())
        if token["open"]:
            self.groups += token["open"] != "(?:"
            key = "" if token["open"] == "(?:" else str(self.groups)
            return _Part("group", self.alternatives(), key)
        return _Part("back", key=token["back"]) if token["back"] else _Part("set", token["set"])

    def _repeated(self, part: _Part) -> _Part:
        times = _TIMES.match(self.pattern, self.at)
        if times is not None:
            self.at = times.end()
            if times["sign"]:
                part.least, part.most = _SIGNS[times["sign"]]
            else:
                part.least = int(times["least"])
                part.most = int(times["most"] or _LONGEST) if times["open"] else part.least
        return part


@dataclass
class _Walk:
    source: Random
    more: int
    known: dict[str, str] = field(default_factory=dict)
    left: int = _LONGEST

    def one_of(self, alternatives: list[list[_Part]]) -> Iterator[str]:
        for part in self.source.choice(alternatives):
            for _ in range(self.source.randint(part.least, max(part.least, min(part.most, part.least + self.more)))):
                yield from self._made(part)

    def _made(self, part: _Part) -> Iterator[str]:
        self.left -= 1
        if self.left < 0:
            raise LookupError("the pattern asks for a text that is too long")
        if part.kind == "set":
            yield self.source.choice(_characters(part.value))
        elif part.kind == "back":
            yield self.known.get(part.key, "")
        elif part.kind == "group" and part.key:
            self.known[part.key] = "".join(self.one_of(part.value))
            yield self.known[part.key]
        elif part.kind == "group" or (part.kind == "ahead" and self.source.random() < 0.5):
            yield from self.one_of(part.value)


@lru_cache(maxsize=256)
def _characters(one: str) -> list[str]:
    """Characters that a piece of a pattern takes: the most readable ones that it does."""
    if len(one) == 1 and one != ".":
        return [one]
    common = [letter for letter in map(chr, range(0x20, 0x7F)) if matches(f"^{one}$", letter)]
    rare = (letter for letter in map(chr, chain(range(0x20), range(0x7F, 0xD800), range(0x10000, 0x1F000, 7))))
    return (
        [letter for letter in common if letter.isalnum()]
        or common
        or list(islice((letter for letter in rare if matches(f"^{one}$", letter)), 16))
    )
