"""Reads objects from query names such as `filter[price][gt]` (style `deepObject`, OpenAPI 3.1, 4.8.12.3).

OpenAPI defines a single level of properties with primitive values. Deeper levels and lists are read as servers commonly
read them: `filter[tags][]=a&filter[tags][]=b`, and `filter[tags]=a&filter[tags]=b`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_KEYS = re.compile(r"(?:\[[^\[\]]*\])+")
_INDEX = re.compile(r"[0-9]*")
_DEEPEST = 100
"""Maximum number of levels that are read; the last one has the rest of a name."""


@dataclass(slots=True)
class Member:
    """A value in a query: its texts, or the members below it."""

    texts: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)

    def add(self, steps: Iterable[str], text: str) -> None:
        """Add a text at a path of steps below this member."""
        member = self
        for step in steps:
            member = member.members.setdefault(step, Member())
        member.texts.append(text)

    @property
    def is_indexed(self) -> bool:
        """Whether there are members and all are items of a list: `[]` or `[0]`."""
        return bool(self.members) and all(map(_INDEX.fullmatch, self.members))


def is_member(name: str, key: str) -> bool:
    """Return whether a query name is that of a member of `name`: `filter[price][gt]` of `filter`."""
    return key.startswith(f"{name}[") and _KEYS.fullmatch(key, len(name)) is not None


def read_members(name: str, pairs: Iterable[tuple[str, str]]) -> Member:
    """Return the tree of values that the pairs of a query have for a name and below it."""
    root = Member()
    for key, text in pairs:
        if key == name:
            root.texts.append(text)
        elif is_member(name, key):
            root.add(key[len(name) + 1 : -1].split("][", _DEEPEST - 1), text)
    return root
