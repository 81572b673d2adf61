"""The drift gate's file: findings that are allowed until a date, and levels.

levels:
  response-optional-property-added: warning
sunset-days: 30
allow:
  - fingerprint: 3f0a9c51d2e84b67
    reason: the dashboard copes with it since 4.2
    until: 2027-03-01
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.baseline.allowlist import AllowList, Entry, read_entries, read_mapping, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.findings.finding import Level

FILE = "bctrl-drift.yaml"
_KEYS = ("levels", "sunset-days", "allow")
_RULES = "pytest-bctrl explain lists the rules"


class GateFile(NamedTuple):
    """The gate's file as read; empty where there is none."""

    path: str
    entries: tuple[Entry, ...] = ()
    levels: Mapping[str, Level] = MappingProxyType({})
    sunset_days: int = 0

    @property
    def allow_list(self) -> AllowList:
        """The entries alone, as findings are judged by them."""
        return AllowList(self.path, self.entries)


def read_gate_file(text: str, path: str) -> GateFile:
    """Read the gate's file. Raises `DocumentError`, naming the line, for anything that is not of its form."""
    lines: dict[str, int] = {}
    data = read_mapping(text, path, lines, _KEYS)
    days = data.get("sunset-days", 0)
    if isinstance(days, bool) or not isinstance(days, int) or days < 0:
        raise wrong(path, lines, "/sunset-days", f"sunset-days is {days!r}", "give a number of days, 0 for none")
    entries = read_entries(data, path, lines, _refused)
    return GateFile(path, entries, _levels(data.get("levels"), path, lines), days)


def _refused(rule: str) -> str:
    from pytest_bctrl.drift.rules import rules

    return "" if rule in rules() else _RULES


def _levels(given: Any, path: str, lines: Mapping[str, int]) -> dict[str, Level]:
    from pytest_bctrl.findings.finding import LEVELS

    if given is None:
        return {}
    if not isinstance(given, dict):
        raise wrong(path, lines, "/levels", "'levels' is not a mapping", "write rule: level")
    for rule, level in given.items():
        if _refused(str(rule)):
            raise wrong(path, lines, f"/levels/{rule}", f"there is no rule {rule!r}", _RULES)
        if level not in LEVELS:
            hint = f"the levels are {', '.join(LEVELS)}"
            raise wrong(path, lines, f"/levels/{rule}", f"{level!r} is not a level", hint)
    return given
