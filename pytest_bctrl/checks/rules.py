"""The rules that hold for any contract: the table is data, `rules.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """One rule: what it checks, who defines it and where; `rules.toml` describes each field."""

    level: str
    checks: str
    fix: str
    of: str
    said_in: str
    response: str
    documented: str = "{}"
    to: str = ""

    @property
    def http(self) -> str:
        """The example response that breaks the rule, as HTTP text."""
        head, _, remainder = self.response.strip().partition("\n")
        status, _, media = head.partition(" ")
        fields, separator, body = remainder.rpartition("\n\n")
        if not separator:
            body = remainder
        lines = [f"HTTP/1.1 {status} {HTTPStatus(int(status)).phrase}"]
        if media:
            lines.append(f"Content-Type: {media}")
        return "\n".join([*lines, *fields.splitlines(), "", body])


@cache
def rules() -> Mapping[str, Rule]:
    """Return all rules of checks by name, read once from `rules.toml`."""
    text = Path(__file__).with_name("rules.toml").read_text("utf-8")
    return {name: Rule(**fields) for name, fields in tomllib.loads(text).items()}


def rules_of(invariants: Iterable[Mapping[str, Any]], custom: Iterable[str]) -> list[str]:
    """Return the names of all rules: the general ones, the contract's invariants, and a project's custom checks."""
    return list(dict.fromkeys([*rules(), *(str(rule["rule"]) for rule in invariants), *custom]))
