"""Reads and applies the baseline, the list of accepted findings.

allow:
  - fingerprint: 3f0a9c51d2e84b67
    rule: response-property-enum-value-added
    reason: the dashboard handles it since 4.2
    until: 2027-03-01
  - rule: response_schema_conformance
    location: runtimes[*].status
    reason: we treat an unknown status as stopped
    until: 2027-01-31
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_bctrl.contract.document import read_file
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError, SettingError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from pytest_bctrl.findings.finding import Finding

FILE = "bctrl-baseline.yaml"
"""The default name of the baseline, for the contract suite, `pytest-bctrl check` and `pytest-bctrl drift` alike."""

DRIFT_SETTINGS_FILE = "bctrl-drift.yaml"
"""The default name of the file with the settings of the drift gate."""

DAYS = 90
"""Days for which a finding is accepted if no date is given."""

_ENTRY_KEYS = frozenset(("fingerprint", "rule", "location", "operation", "reason", "status", "until"))
_ENTRY_HINT = "an entry has fingerprint, or rule, location and perhaps operation and status; reason; until"


class BaselineEntry(NamedTuple):
    """An accepted finding, identified by its fingerprint, or all findings of a rule at a location."""

    reason: str
    until: date
    line: int
    fingerprint: str = ""
    rule: str = ""
    location: str = ""
    operation: str = ""
    status: str = ""

    def covers(self, finding: Finding) -> bool:
        """Return whether the entry, expired or not, names the finding: by fingerprint, or by rule and each location."""
        if self.fingerprint and self.fingerprint in (finding.fingerprint, finding.extra.get("change")):
            return True
        locations = finding.extra.get("places", ())
        if len(locations) > 1:
            return all(self.covers_location(location) for location in locations)
        if self.fingerprint:
            return False
        return self._matches(finding.rule, finding.location, finding.operation, finding.extra.get("status", ""))

    def covers_location(self, location: Mapping[str, Any]) -> bool:
        """Return whether the entry, expired or not, names a finding at this location, one of its `places`."""
        if self.fingerprint:
            return self.fingerprint == str(location["fingerprint"])
        status = location.get("status", "")
        return self._matches(location["rule"], location["location"], location["operation"], status)

    def _matches(self, rule: str, location: str, operation: str, status: object) -> bool:
        """Return whether rule and location are those of the entry, as are operation and status if it has them."""
        is_here = (self.rule, self.location) == (rule, location) and self.operation in ("", operation)
        return is_here and self.status in ("", str(status))

    @property
    def name(self) -> str:
        """The name of the entry in messages: its fingerprint, or rule and location."""
        return self.fingerprint or f"{self.rule} at {self.location or 'the operation'}"


class BaselineFile(NamedTuple):
    """The entries of a baseline; none if the file does not exist."""

    path: str
    entries: tuple[BaselineEntry, ...] = ()

    def of_rules(self, rules: Container[str]) -> BaselineFile:
        """Return the baseline with the entries of these rules, and those that name no rule."""
        return self._replace(entries=tuple(entry for entry in self.entries if not entry.rule or entry.rule in rules))

    def without_rules(self, rules: Container[str]) -> BaselineFile:
        """Return the baseline without the entries that name any of these rules."""
        return self._replace(entries=tuple(entry for entry in self.entries if entry.rule not in rules))


class PartitionedFindings(NamedTuple):
    """Findings that remain and those that the baseline accepts, with notes on the baseline.

    Each of `accepted` has the reason, the expiry date and the location of its entry under `accepted`.
    """

    remaining: list[Finding]
    accepted: list[Finding]
    notes: tuple[str, ...]


def load_baseline(path: Path, name: str) -> BaselineFile:
    """Read a baseline, empty if the file does not exist; messages call it `name`.

    Raises `DocumentError`, naming the line, for a file that is not a baseline.
    """
    if not path.exists():
        # Parsing an empty text would import PyYAML.
        return BaselineFile(name)
    return parse_baseline(read_baseline_text(path, name), name)


def read_baseline_text(path: Path, name: str, *, keep_line_ends: bool = False) -> str:
    """Return the text of a baseline, empty if there is no file. Raises `DocumentError` if it cannot be read."""
    if not path.exists():
        return ""
    return read_file(path, "give a list of accepted findings", name=name, keep_line_ends=keep_line_ends)


def parse_baseline(text: str, name: str) -> BaselineFile:
    """Return the baseline in a text; raises `DocumentError`, naming the line, if it is not a baseline."""
    hint = f"its key is allow; levels belong in {DRIFT_SETTINGS_FILE}"
    lines: dict[str, int] = {}
    data = read_mapping(text, name, lines, ("allow",), hint)
    return BaselineFile(name, _read_entries(data, name, lines))


def read_mapping(text: str, path: str, lines: dict[str, int], keys: tuple[str, ...], hint: str) -> dict[str, Any]:
    """Read a YAML mapping with none but these keys, and store the line of each pointer in `lines`.

    Raises `DocumentError` with the hint for anything else.
    """
    data = read_yaml(text, path, lines)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise DocumentError("not a mapping", where=path, hint=hint)
    unknown_keys = data.keys() - set(keys)
    if unknown_keys:
        key = min(unknown_keys)
        raise error_at(path, lines, f"/{key}", f"{key!r} is not known", hint)
    return data


def error_at(path: str, lines: Mapping[str, int], pointer: str, problem: str, hint: str) -> DocumentError:
    """Return an error that names the line of a pointer into the file."""
    return DocumentError(problem, where=f"{path}:{lines.get(pointer, 1)}", hint=hint)


def _read_entries(data: Mapping[str, Any], path: str, lines: Mapping[str, int]) -> tuple[BaselineEntry, ...]:
    """Return the entries under `allow`. Raises `DocumentError`, naming the line, for a wrong one."""
    entries = data.get("allow")
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise error_at(path, lines, "/allow", "'allow' is not a list", "begin each entry with a dash")
    return tuple(_read_entry(entry, f"/allow/{index}", path, lines) for index, entry in enumerate(entries))


def _read_entry(data: Any, pointer: str, path: str, lines: Mapping[str, int]) -> BaselineEntry:
    """Return an entry. Raises `DocumentError`, naming the line, if it is malformed, for example without a reason."""
    if not isinstance(data, dict) or data.keys() - _ENTRY_KEYS:
        raise error_at(path, lines, pointer, "the entry is not of the right form", _ENTRY_HINT)
    for key in ("fingerprint", "rule"):
        if not isinstance(data.get(key, ""), str):
            raise error_at(path, lines, pointer, f"{key}: {data[key]!r} is not text", "put it in quotes")
    texts = {key: str(value).strip() for key, value in data.items() if value is not None}
    if not texts.get("reason"):
        raise error_at(path, lines, pointer, "the entry gives no reason", _ENTRY_HINT)
    rule = texts.get("rule", "")
    if not texts.get("fingerprint") and not (rule and "location" in texts):
        raise error_at(path, lines, pointer, "the entry names no finding", _ENTRY_HINT)
    ignored_keys = sorted(texts.keys() & {"location", "operation", "status"}) if texts.get("fingerprint") else []
    if ignored_keys:
        problem = f"the entry has a fingerprint, so its {ignored_keys[0]} would be ignored"
        raise error_at(path, lines, pointer, problem, f"remove the {ignored_keys[0]}, or the fingerprint")
    until = _expiry_of_entry(texts.pop("until", ""), pointer, path, lines)
    return BaselineEntry(until=until, line=lines.get(pointer, 1), **texts)


def _expiry_of_entry(text: str, pointer: str, path: str, lines: Mapping[str, int]) -> date:
    """Return the expiry date of an entry. Raises `DocumentError` if it is missing or not a date."""
    problem = f"until: {text!r} is not a date" if text else "the entry has no expiry date"
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise error_at(path, lines, pointer, problem, "until: 2027-01-31") from None


def apply_baseline(findings: Sequence[Finding], baseline: BaselineFile, today: date) -> PartitionedFindings:
    """Separate the findings that entries accept from those that remain; expired entries accept nothing."""
    marked_findings = [mark_accepted(finding, baseline, today) for finding in findings]
    accepted_findings = [finding for finding in marked_findings if finding.extra.get("accepted")]
    remaining = [finding for finding in marked_findings if not finding.extra.get("accepted")]
    notes: tuple[str, ...] = ()
    if accepted_findings:
        notes = (f"{len(accepted_findings)} of {len(findings)} findings are accepted by {baseline.path}",)
    return PartitionedFindings(remaining, accepted_findings, notes)


def mark_accepted(finding: Finding, baseline: BaselineFile, today: date) -> Finding:
    """Return the finding with the unexpired entry that accepts it under `accepted`; unchanged if there is none."""
    entry = _accepting_entry(finding, [entry for entry in baseline.entries if entry.until >= today])
    if entry is None:
        return finding
    return with_acceptance(finding, entry.reason, entry.until, f"{baseline.path}:{entry.line}")


def _accepting_entry(finding: Finding, entries: Sequence[BaselineEntry]) -> BaselineEntry | None:
    """Return the entry that covers the finding, or the first to expire of those that cover it together; else None."""
    for entry in entries:
        if entry.covers(finding):
            return entry
    locations = finding.extra.get("places", ())
    if len(locations) < 2:
        return None
    entry_of_each = [next((entry for entry in entries if entry.covers_location(at)), None) for at in locations]
    covering = [entry for entry in entry_of_each if entry]
    if len(covering) < len(locations):
        return None
    return min(covering, key=lambda entry: entry.until)


def with_acceptance(finding: Finding, reason: str, until: date, where: str) -> Finding:
    """Return the finding with the reason, the expiry date and the location of its entry under `accepted`."""
    from dataclasses import replace

    acceptance = {"reason": reason, "expires": until.isoformat(), "where": where}
    return replace(finding, extra={**finding.extra, "accepted": acceptance})


def baseline_notes(findings: Sequence[Finding], baseline: BaselineFile, today: date) -> list[str]:
    """Return a note for each entry that has expired, matches none of the findings, or covers only a part of one."""
    notes = []
    for entry in baseline.entries:
        note = _entry_note(entry, findings, baseline, today)
        if note:
            notes.append(f"{baseline.path}:{entry.line}: {note}")
    return notes


def _entry_note(entry: BaselineEntry, findings: Sequence[Finding], baseline: BaselineFile, today: date) -> str:
    """Return the note on an entry that is stale, expired or covers only a part of a finding; else empty."""
    partly_covered = _partly_covered(entry, findings)
    if partly_covered is None and not any(entry.covers(finding) for finding in findings):
        remedy = "remove it"
        if not entry.rule:
            remedy = "remove it, or add the rule of the finding if another command reports it"
        return f"the entry for {entry.name} is stale: no finding matches it; {remedy}"
    if entry.until < today:
        return f"the entry for {entry.name} expired on {entry.until}; fix it, or extend its date"
    if partly_covered is None or mark_accepted(partly_covered, baseline, today).extra.get("accepted"):
        return ""
    remedy = f"to accept all {partly_covered.count}, write fingerprint: {partly_covered.fingerprint}"
    return f"the entry for {entry.name} covers only some locations of a change; {remedy}"


def _partly_covered(entry: BaselineEntry, findings: Sequence[Finding]) -> Finding | None:
    """Return the first finding with several locations of which the entry covers any; None if there is none."""
    for finding in findings:
        locations = finding.extra.get("places", ())
        if len(locations) > 1 and any(entry.covers_location(location) for location in locations):
            return finding
    return None


def expiry_date(reason: str | None, until: str | None, today: date, prefix: str = "--") -> date:
    """Return the date until which findings are accepted, `DAYS` from today if `until` is not given.

    `prefix` precedes the names of the options `accept` and `until` in messages. Raises `SettingError` for an empty
    reason, for a date without a reason, and for an invalid or past date.
    """
    where = f"{prefix}until"
    if reason is not None and not reason.strip():
        raise SettingError("the reason is empty", where=f"{prefix}accept", hint="give the reason for accepting it")
    if until is None:
        return today + timedelta(days=DAYS)
    if reason is None:
        hint = f'{prefix}accept "why" {where} 2027-01-31'
        raise SettingError(f"it requires {prefix}accept", where=where, hint=hint)
    try:
        expiry = date.fromisoformat(until)
    except ValueError:
        raise SettingError(f"{until!r} is not a date", where=where, hint="such as 2027-01-31") from None
    if expiry < today:
        raise SettingError(f"{expiry} is past", where=where, hint="give a date in the future")
    return expiry
