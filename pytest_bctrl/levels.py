"""The level of a finding by configuration: `rule = level`, or `rule@location = level`, one a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pytest_bctrl.errors import SettingError
from pytest_bctrl.finding import LEVELS, Finding

OFF = "off"
CHOICES = (*LEVELS, OFF)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: which findings it is about, and their level; `where` is the setting that it stands in."""

    rule: str
    location: str
    level: str
    where: str

    @property
    def name(self) -> str:
        """The left side, as it was written."""
        return f"{self.rule}@{self.location}" if self.location else self.rule

    def is_about(self, finding: Finding) -> bool:
        """Whether a finding is one of those."""
        return finding.rule == self.rule and self.location in ("", finding.location)


@dataclass(frozen=True, slots=True)
class Levels:
    """All lines; one with a location goes before one without, and a later before an earlier."""

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
        return max(found, key=lambda entry: bool(entry.location), default=None)

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
        rule, _, location = (part.strip() for part in left.partition("@"))
        if not equals or not rule:
            raise SettingError(
                f"{line!r} is no level of a rule", where=where, mend="write rule = level, or rule@location = level"
            )
        if level not in CHOICES:
            raise SettingError(
                f"unknown level {level!r} of {left}", where=where, mend=f"choose one of: {', '.join(CHOICES)}"
            )
        entries.append(Entry(rule, location, level, where))
    return Levels(tuple(entries))
