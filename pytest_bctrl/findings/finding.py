"""Findings, which every check and the drift gate return and every report reads, and the levels of rules."""

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

UNEXPECTED_STATUS = "the status is documented, but not expected for this request"
NOT_REJECTED = "the request should be rejected, and succeeds"
UNSENDABLE_VALUE = "a value that no client sends is rejected in front of the application"
"""Messages of findings that have one cause."""

FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check or of the drift gate.

    `location` is generalised (`runtimes[*].status`): a list index never appears in it. `count` of `total`
    checked locations show the finding; `sample` is one of them, with its exact location. In a drift
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
        """Return the finding as a dictionary: its fields in order, and then the values of `extra`."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "extra"}
        return {**values, **self.extra}


def from_dict(values: Mapping[str, Any]) -> Finding:
    """Return the finding that `as_dict` wrote; values without a field of their own become `extra`."""
    fields = {name: value for name, value in values.items() if name in Finding.__slots__ and name != "extra"}
    extra = {name: value for name, value in values.items() if name not in Finding.__slots__}
    return Finding(**fields, extra=extra)


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
    """One line of `bctrl_levels`: the findings that it selects, and their level; `where` names the setting."""

    rule: str
    location: str
    level: str
    where: str
    status: str = ""

    @property
    def name(self) -> str:
        """The left side of the line without spaces: `rule`, `rule[404]`, `rule@location` or `rule[404]@location`."""
        rule = f"{self.rule}[{self.status}]" if self.status else self.rule
        return f"{rule}@{self.location}" if self.location else rule

    def is_about(self, finding: Finding) -> bool:
        """Return whether the line selects a finding."""
        status = str(finding.extra.get("status", ""))
        is_status = self.status in ("", status, f"{status[:1]}XX")
        return finding.rule == self.rule and self.location in ("", finding.location) and is_status


@dataclass(frozen=True, slots=True)
class Levels:
    """All configured levels; a line with location or status wins over one without, a later line over earlier ones."""

    entries: tuple[LevelSetting, ...] = ()

    @property
    def off(self) -> tuple[LevelSetting, ...]:
        """The lines that switch findings off."""
        return tuple(entry for entry in self.entries if entry.level == OFF)

    def apply(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[str]]:
        """Return the findings at their configured levels, and for each finding switched off the name of its line."""
        leveled, off = [], []
        for finding in findings:
            matching = (entry for entry in reversed(self.entries) if entry.is_about(finding))
            entry = max(matching, key=lambda entry: (bool(entry.location), bool(entry.status)), default=None)
            if entry is None:
                leveled.append(finding)
            elif entry.level == OFF:
                off.append(entry.name)
            else:
                level = next(level for level in LEVELS if level == entry.level)
                leveled.append(replace(finding, level=level))
        return leveled, off

    def require_known(self, rules: Sequence[str]) -> None:
        """Raise `SettingError` for a line whose rule is not among `rules`."""
        for entry in self.entries:
            if entry.rule not in rules:
                raise SettingError(
                    f"there is no rule {entry.rule!r}", where=entry.where, hint=f"choose one of: {', '.join(rules)}"
                )


def parse_levels(lines: Iterable[str], where: str) -> Levels:
    """Return the levels that the lines of a setting configure; raises `SettingError` for a malformed line or level."""
    entries = []
    for line in filter(None, map(str.strip, lines)):
        left, equals, level = (part.strip() for part in line.rpartition("="))
        match = _LEFT.fullmatch(left)
        if not equals or not match:
            hint = "write rule = level, or rule@location = level, or rule[404]@location = level"
            raise SettingError(f"{line!r} is not a level of a rule", where=where, hint=hint)
        if level not in CHOICES:
            raise SettingError(
                f"unknown level {level!r} of {left}", where=where, hint=f"choose one of: {', '.join(CHOICES)}"
            )
        entries.append(
            LevelSetting(match["rule"], match["location"] or "", level, where, (match["status"] or "").upper())
        )
    return Levels(tuple(entries))
