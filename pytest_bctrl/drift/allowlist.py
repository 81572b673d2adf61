"""What is known and borne for a while: the gate's file, with findings that are allowed until a date, and levels.

levels:
  response-optional-property-added: warning
sunset-days: 30
allow:
  - fingerprint: 3f0a9c51d2e84b67
    reason: the dashboard copes with it since 4.2
    until: 2027-03-01
  - rule: response-property-enum-value-added
    location: runtimes[*].status
    reason: we treat an unknown status as stopped
    until: 2027-01-31
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_bctrl.finding import Finding, Level

FILE = "bctrl-drift.yaml"
_KEYS = frozenset(("fingerprint", "rule", "location", "operation", "reason", "until"))


class Entry(NamedTuple):
    """One thing that is allowed: a finding by its fingerprint, or all of a rule at a location."""

    reason: str
    until: date
    line: int
    fingerprint: str = ""
    rule: str = ""
    location: str = ""
    operation: str = ""

    def covers(self, finding: Finding) -> bool:
        """Tell whether the entry speaks of this finding."""
        if self.fingerprint:
            return self.fingerprint == finding.fingerprint
        same = self.rule == finding.rule and self.location == finding.location
        return same and self.operation in ("", finding.operation)

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return self.fingerprint or f"{self.rule} at {self.location or 'the operation'}"


class GateFile(NamedTuple):
    """The gate's file as read; empty where there is none."""

    path: str
    entries: tuple[Entry, ...] = ()
    levels: Mapping[str, Level] = MappingProxyType({})
    sunset_days: int = 0


class Judged(NamedTuple):
    """Findings parted by the allow-list, and what is wrong with the list itself."""

    remaining: list[Finding]
    allowed: list[Finding]
    notes: tuple[str, ...]


def read_gate_file(text: str, path: str) -> GateFile:
    """Read the gate's file. Raises `DocumentError`, naming the line, for anything that is not of its form."""
    lines: dict[str, int] = {}
    data = read_yaml(text, path, lines)
    if data is None:
        return GateFile(path)
    if not isinstance(data, dict):
        raise DocumentError("not a mapping", where=path, mend="its keys are levels, sunset-days and allow")
    unknown = data.keys() - {"levels", "sunset-days", "allow"}
    if unknown:
        raise _wrong(
            path,
            lines,
            f"/{min(unknown)}",
            f"{min(unknown)!r} is not known",
            "its keys are levels, sunset-days and allow",
        )
    days = data.get("sunset-days", 0)
    if isinstance(days, bool) or not isinstance(days, int) or days < 0:
        raise _wrong(path, lines, "/sunset-days", f"sunset-days is {days!r}", "give a number of days, 0 for none")
    entries = [] if data.get("allow") is None else data["allow"]
    if not isinstance(entries, list):
        raise _wrong(path, lines, "/allow", "'allow' is not a list", "begin each entry with a dash")
    read = tuple(_entry(entry, f"/allow/{index}", path, lines) for index, entry in enumerate(entries))
    return GateFile(path, read, _levels(data.get("levels"), path, lines), days)


def _wrong(path: str, lines: Mapping[str, int], pointer: str, problem: str, mend: str) -> DocumentError:
    return DocumentError(problem, where=f"{path}:{lines.get(pointer, 1)}", mend=mend)


def _levels(given: Any, path: str, lines: Mapping[str, int]) -> dict[str, Level]:
    from pytest_bctrl.drift.rules import rules
    from pytest_bctrl.finding import LEVELS

    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _wrong(path, lines, "/levels", "'levels' is not a mapping", "write rule: level")
    for rule, level in given.items():
        if rule not in rules():
            raise _wrong(
                path, lines, f"/levels/{rule}", f"there is no rule {rule!r}", "docs/reference/drift-rules.md lists the rules"
            )
        if level not in LEVELS:
            raise _wrong(
                path, lines, f"/levels/{rule}", f"{level!r} is no level", f"the levels are {', '.join(LEVELS)}"
            )
    return given


def _entry(given: Any, pointer: str, path: str, lines: Mapping[str, int]) -> Entry:
    from pytest_bctrl.drift.rules import rules

    mend = "an entry has fingerprint, or rule and location; reason; until"
    if not isinstance(given, dict) or given.keys() - _KEYS:
        raise _wrong(path, lines, pointer, "the entry is not of the right form", mend)
    texts = {key: str(value).strip() for key, value in given.items() if value is not None}
    if not texts.get("reason"):
        raise _wrong(path, lines, pointer, "the entry gives no reason", mend)
    if not texts.get("fingerprint") and not (texts.get("rule") and "location" in texts):
        raise _wrong(path, lines, pointer, "the entry names no finding", mend)
    if texts.get("rule") and texts["rule"] not in rules():
        raise _wrong(path, lines, pointer, f"there is no rule {texts['rule']!r}", "docs/reference/drift-rules.md lists the rules")
    try:
        until = date.fromisoformat(texts.pop("until", ""))
    except ValueError:
        raise _wrong(path, lines, pointer, "the entry has no date until which it holds", "until: 2027-01-31") from None
    return Entry(until=until, line=lines.get(pointer, 1), **texts)


def judge(findings: Sequence[Finding], gate: GateFile, today: date) -> Judged:
    """Part findings by the allow-list. An entry that expired allows nothing; one that met nothing is stale."""
    alive = [entry for entry in gate.entries if entry.until >= today]
    allowed = [finding for finding in findings if any(entry.covers(finding) for entry in alive)]
    notes = []
    for entry in gate.entries:
        where = f"{gate.path}:{entry.line}"
        if not any(entry.covers(finding) for finding in findings):
            notes.append(f"{where}: the entry for {entry.name} is stale: nothing like it is found; remove it")
        elif entry.until < today:
            notes.append(f"{where}: the entry for {entry.name} expired on {entry.until}; mend it, or accept it anew")
    if allowed:
        notes.append(f"{len(allowed)} of {len(findings)} findings are allowed by {gate.path}")
    taken = {id(finding) for finding in allowed}
    return Judged([finding for finding in findings if id(finding) not in taken], allowed, tuple(notes))


def with_entries(text: str, path: str, findings: Sequence[Finding], reason: str, until: date) -> str:
    """Return the text of the gate's file with entries for `findings` added; what stands in it stays as it is."""
    import json

    lines: dict[str, int] = {}
    read_gate_file(text, path)
    read_yaml(text, path, lines)
    added = []
    for finding in findings:
        place = " ".join(f"{finding.rule} at {finding.location or finding.operation or 'the document'}".split())
        added += [
            f"  # {place}",
            f"  - fingerprint: {finding.fingerprint}",
            f"    reason: {json.dumps(reason, ensure_ascii=False)}",
            f"    until: {until.isoformat()}",
        ]
    rows = text.splitlines()
    if "/allow" not in lines:
        return "\n".join([*rows, "allow:", *added, ""])
    start = lines["/allow"]
    if "/allow/0" not in lines:
        rows[start - 1] = "allow:"
        return "\n".join([*rows[:start], *added, *rows[start:], ""])
    column = len(rows[lines["/allow/0"] - 1]) - len(rows[lines["/allow/0"] - 1].lstrip())
    if not rows[lines["/allow/0"] - 1].lstrip().startswith("- "):
        raise DocumentError(
            "'allow' is written on one line", where=f"{path}:{start}", mend="give each entry lines of its own"
        )
    later = [line for pointer, line in lines.items() if line > start and pointer.count("/") == 1]
    end = min(later, default=len(rows) + 1) - 1
    while end > start and not rows[end - 1].strip():
        end -= 1
    shifted = [" " * column + row[2:] for row in added]
    return "\n".join([*rows[:end], *shifted, *rows[end:], ""])
