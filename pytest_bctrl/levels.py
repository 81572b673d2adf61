"""The level of a finding by configuration: `rule = level`, or `rule[status]@location = level`, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pytest_bctrl.errors import SettingError
from pytest_bctrl.finding import LEVELS, Finding

OFF = "off"
_LEFT = re.compile(r"(?P<rule>[^@\[\]\s]+)\s*(\[(?P<status>\d(\d\d|[xX][xX]))\])?\s*(@\s*(?P<location>.*))?", re.DOTALL)
CHOICES = (*LEVELS, OFF)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: which findings it is about, and their level; `where` is the setting that it stands in."""

    rule: str
    location: str
    level: str
    where: str
    status: str = ""

    @property
    def name(self) -> str:
        """The left side, as it was written."""
        rule = f"{self.rule}[{self.status}]" if self.status else self.rule
        return f"{rule}@{self.location}" if self.location else rule

    def is_about(self, finding: Finding) -> bool:
        """Whether a finding is one of those."""
        status = str(finding.extra.get("status", ""))
        is_status = self.status in ("", status, f"{status[:1]}XX")
        return finding.rule == self.rule and self.location in ("", finding.location) and is_status


@dataclass(frozen=True, slots=True)
class Levels:
    """All lines; one that says more (location, status) goes before one that says less, a later before an earlier."""

    entries: tuple[Entry, ...] = ()

    @property
    def off(self) -> tuple[Entry, ...]:
        """What is switched off."""
        return tuple(entry for entry in self.entries if entry.level == OFF)

    def apply(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[str]]:
        """Return the findings at their configured level, and the names of the entries that switched one off each."""
        kept, off = [], []
        for finding in findings:
            entry = self._entry(finding)
            if entry is None:
                kept.append(finding)
            elif entry.level == OFF:
                off.append(entry.name)
            else:
                level = next(level for level in LEVELS if level == entry.level)
                kept.append(replace(finding, level=level))
        return kept, off

    def _entry(self, finding: Finding) -> Entry | None:
        found = (entry for entry in reversed(self.entries) if entry.is_about(finding))
        return max(found, key=lambda entry: (bool(entry.location), bool(entry.status)), default=None)

    def require_known(self, rules: Sequence[str]) -> None:
        """Raise `SettingError` for a rule that is none of `rules`."""
        for entry in self.entries:
            if entry.rule not in rules:
                raise SettingError(
                    f"there is no rule {entry.rule!r}", where=entry.where, mend=f"choose one of: {', '.join(rules)}"
                )


def parse_levels(lines: Iterable[str], where: str) -> Levels:
    """Read the lines of a setting; raises `SettingError`, naming `where`, for a line that is none and a wrong level."""
    entries = []
    for line in filter(None, map(str.strip, lines)):
        left, equals, level = (part.strip() for part in line.rpartition("="))
        found = _LEFT.fullmatch(left)
        if not equals or not found:
            mend = "write rule = level, or rule@location = level, or rule[404]@location = level"
            raise SettingError(f"{line!r} is no level of a rule", where=where, mend=mend)
        if level not in CHOICES:
            raise SettingError(
                f"unknown level {level!r} of {left}", where=where, mend=f"choose one of: {', '.join(CHOICES)}"
            )
        entries.append(Entry(found["rule"], found["location"] or "", level, where, (found["status"] or "").upper()))
    return Levels(tuple(entries))
