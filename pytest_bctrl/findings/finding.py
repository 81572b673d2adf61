"""What every check and the drift gate return, all that a report reads, and the levels that a project gives rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from pytest_bctrl.errors import SettingError

Level = Literal["error", "warning", "info"]
FailOn = Literal["error", "warning", "info", "never"]
Direction = Literal["none", "request", "response"]

LEVELS: tuple[Level, ...] = get_args(Level)
"""From highest to lowest."""

FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check or the drift gate found.

    `location` is generalised (`runtimes[*].status`): a list index never appears in it. `count` of `total`
    places that were looked at show the finding; `sample` is one of them, with its exact place. In a drift
    finding `expected` is the old side and `observed` the new one.
    """

    rule: str
    level: Level
    location: str
    message: str
    expected: Any = None
    observed: Any = None
    count: int = 1
    total: int | None = None
    sample: Any = None
    operation: str = ""
    direction: Direction = "none"
    fingerprint: str = ""
    reproduce: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain JSON data, keys in the order of the fields."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "extra"}
        return {**values, **self.extra}


def from_dict(values: Mapping[str, Any]) -> Finding:
    """Return the finding that `as_dict` wrote; what is no field of it is `extra`."""
    own = {name: value for name, value in values.items() if name in Finding.__slots__ and name != "extra"}
    return Finding(**own, extra={name: value for name, value in values.items() if name not in Finding.__slots__})


def at_or_above(findings: Iterable[Finding], fail_on: FailOn) -> list[Finding]:
    """Return the findings that fail a run under `fail_on`, in their order; accepted ones never do."""
    if fail_on == "never":
        return []
    limit = LEVELS.index(fail_on)
    return [
        finding for finding in findings if LEVELS.index(finding.level) <= limit and not finding.extra.get("accepted")
    ]


OFF = "off"
_LEFT = re.compile(r"(?P<rule>[^@\[\]\s]+)\s*(\[(?P<status>\d(\d\d|[xX][xX]))\])?\s*(@\s*(?P<location>.*))?", re.DOTALL)
CHOICES = (*LEVELS, OFF)


@dataclass(frozen=True, slots=True)
class LevelSetting:
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

    entries: tuple[LevelSetting, ...] = ()

    @property
    def off(self) -> tuple[LevelSetting, ...]:
        """What is switched off."""
        return tuple(entry for entry in self.entries if entry.level == OFF)

    def apply(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[str]]:
        """Return the findings at their configured level, and the names of the entries that switched one off each."""
        kept, off = [], []
        for finding in findings:
            about = (entry for entry in reversed(self.entries) if entry.is_about(finding))
            entry = max(about, key=lambda entry: (bool(entry.location), bool(entry.status)), default=None)
            if entry is None:
                kept.append(finding)
            elif entry.level == OFF:
                off.append(entry.name)
            else:
                level = next(level for level in LEVELS if level == entry.level)
                kept.append(replace(finding, level=level))
        return kept, off

    def require_known(self, rules: Sequence[str]) -> None:
        """Raise `SettingError` for a rule that is none of `rules`."""
        for entry in self.entries:
            if entry.rule not in rules:
                raise SettingError(
                    f"there is no rule {entry.rule!r}", where=entry.where, hint=f"choose one of: {', '.join(rules)}"
                )


def parse_levels(lines: Iterable[str], where: str) -> Levels:
    """Read the lines of a setting; raises `SettingError`, naming `where`, for a line that is none and a wrong level."""
    entries = []
    for line in filter(None, map(str.strip, lines)):
        left, equals, level = (part.strip() for part in line.rpartition("="))
        found = _LEFT.fullmatch(left)
        if not equals or not found:
            hint = "write rule = level, or rule@location = level, or rule[404]@location = level"
            raise SettingError(f"{line!r} is not a level of a rule", where=where, hint=hint)
        if level not in CHOICES:
            raise SettingError(
                f"unknown level {level!r} of {left}", where=where, hint=f"choose one of: {', '.join(CHOICES)}"
            )
        entries.append(
            LevelSetting(found["rule"], found["location"] or "", level, where, (found["status"] or "").upper())
        )
    return Levels(tuple(entries))
