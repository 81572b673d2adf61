"""The rules that hold for any contract: the table is data, `rules.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """One rule: what it looks for, who makes it and where that is said; `rules.toml` tells what each field holds."""

    level: str
    checks: str
    of: str
    said_in: str
    response: str
    documented: str = "{}"
    to: str = ""

    @property
    def http(self) -> str:
        """The answer that breaks it as it is sent, its body after an empty line."""
        head, _, rest = self.response.strip().partition("\n")
        status, _, media = head.partition(" ")
        fields, gap, body = rest.rpartition("\n\n")
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(int(status)).phrase}",
            *([f"Content-Type: {media}"] if media else []),
            *fields.splitlines(),
        ]
        return "\n".join([*lines, "", body if gap else rest])


@cache
def rules() -> Mapping[str, Rule]:
    """Return every rule by its name."""
    text = Path(__file__).with_name("rules.toml").read_text("utf-8")
    return {name: Rule(**fields) for name, fields in tomllib.loads(text).items()}


def rules_of(invariants: Iterable[Mapping[str, Any]], own: Iterable[str]) -> list[str]:
    """Return the names of all rules: those for any contract, the contract's invariants, and a project's own checks."""
    return list(dict.fromkeys([*rules(), *(str(rule["rule"]) for rule in invariants), *own]))
