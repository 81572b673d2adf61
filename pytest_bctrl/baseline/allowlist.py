"""Reads a list of accepted findings, parts findings by it, and adds to it; what stands in it stays as it is.

allow:
  - fingerprint: 3f0a9c51d2e84b67
    reason: the dashboard copes with it since 4.2
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
from pytest_bctrl.escaping import escape_line, escape_yaml
from pytest_bctrl.findings.fingerprint import place_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_bctrl.findings.finding import Finding

FILE = "bctrl-baseline.yaml"
"""The list of the contract suite and of `pytest-bctrl check`; the drift gate's own file holds levels too."""

DAYS = 90
"""For how long a finding is accepted where no date is given."""

_KEYS = frozenset(("fingerprint", "rule", "location", "operation", "reason", "status", "until"))


class Entry(NamedTuple):
    """One thing that is allowed: a finding by its fingerprint, or all of a rule at a location."""

    reason: str
    until: date
    line: int
    fingerprint: str = ""
    rule: str = ""
    location: str = ""
    operation: str = ""
    status: str = ""

    def covers(self, finding: Finding) -> bool:
        """Tell whether the entry speaks of this finding, at each of its places where it has several."""
        places = finding.extra.get("places", ())
        if self.fingerprint and self.fingerprint in (finding.fingerprint, finding.extra.get("change")):
            return True
        if len(places) > 1:
            return all(self.covers_place(finding, place) for place in places)
        is_status = self.status in ("", str(finding.extra.get("status", "")))
        return is_status and self._names(finding.rule, finding.location, finding.operation)

    def covers_place(self, finding: Finding, place: Mapping[str, Any]) -> bool:
        """Tell whether the entry speaks of a change at one of its places."""
        if self.fingerprint:
            return self.fingerprint == place_fingerprint(finding, place)
        return self._names(place["rule"], place["location"], place["operation"])

    def _names(self, rule: str, location: str, operation: str) -> bool:
        return (self.rule, self.location) == (rule, location) and self.operation in ("", operation)

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return self.fingerprint or f"{self.rule} at {self.location or 'the operation'}"


class AllowList(NamedTuple):
    """A list as read; empty where there is none."""

    path: str
    entries: tuple[Entry, ...] = ()


class Judged(NamedTuple):
    """Findings parted by an allow-list, and what is wrong with the list itself.

    Each of `allowed` says so under `accepted`: its reason, the day on which that expires, and where it is written.
    """

    remaining: list[Finding]
    allowed: list[Finding]
    notes: tuple[str, ...]


def load_allow_list(path: Path, name: str) -> AllowList:
    """Read a file that holds a list and nothing else, empty where there is none; `name` is what messages call it.

    Raises `DocumentError`, naming the line, for what is not of its form.
    """
    text = list_text(path, name)
    lines: dict[str, int] = {}
    data = read_mapping(text, name, lines, ("allow",)) if text else {}
    return AllowList(name, read_entries(data, name, lines))


def list_text(path: Path, name: str) -> str:
    """Return the text of a list's file, empty where there is none. Raises `DocumentError` where it cannot be read."""
    return read_file(path, "give a list of accepted findings", name=name) if path.exists() else ""


def read_mapping(text: str, path: str, lines: dict[str, int], keys: tuple[str, ...]) -> dict[str, Any]:
    """Read YAML that holds none but these keys; `lines` takes the line of every pointer. Raises `DocumentError`."""
    data = read_yaml(text, path, lines)
    known = f"its keys are {' and '.join(filter(None, (', '.join(keys[:-1]), keys[-1])))}"
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise DocumentError("not a mapping", where=path, hint=known)
    unknown = data.keys() - set(keys)
    if unknown:
        raise wrong(path, lines, f"/{min(unknown)}", f"{min(unknown)!r} is not known", known)
    return data


def read_entries(
    data: Mapping[str, Any], path: str, lines: Mapping[str, int], refused: Callable[[str], str] = lambda rule: ""
) -> tuple[Entry, ...]:
    """Read what stands under `allow`; `refused` tells why a rule's name is wrong. Raises `DocumentError`."""
    entries = [] if data.get("allow") is None else data["allow"]
    if not isinstance(entries, list):
        raise wrong(path, lines, "/allow", "'allow' is not a list", "begin each entry with a dash")
    return tuple(_entry(entry, f"/allow/{index}", path, lines, refused) for index, entry in enumerate(entries))


def wrong(path: str, lines: Mapping[str, int], pointer: str, problem: str, hint: str) -> DocumentError:
    """An error that names the line of a pointer into the file."""
    return DocumentError(problem, where=f"{path}:{lines.get(pointer, 1)}", hint=hint)


def _entry(given: Any, pointer: str, path: str, lines: Mapping[str, int], refused: Callable[[str], str]) -> Entry:
    hint = "an entry has fingerprint, or rule, location and perhaps status; reason; until"
    if not isinstance(given, dict) or given.keys() - _KEYS:
        raise wrong(path, lines, pointer, "the entry is not of the right form", hint)
    texts = {key: str(value).strip() for key, value in given.items() if value is not None}
    if not texts.get("reason"):
        raise wrong(path, lines, pointer, "the entry gives no reason", hint)
    if not texts.get("fingerprint") and not (texts.get("rule") and "location" in texts):
        raise wrong(path, lines, pointer, "the entry names no finding", hint)
    if texts.get("rule") and refused(texts["rule"]):
        raise wrong(path, lines, pointer, f"there is no rule {texts['rule']!r}", refused(texts["rule"]))
    written = texts.pop("until", "")
    try:
        until = date.fromisoformat(written)
    except ValueError:
        problem = f"until: {written!r} is not a date" if written else "the entry has no date until which it holds"
        raise wrong(path, lines, pointer, problem, "until: 2027-01-31") from None
    return Entry(until=until, line=lines.get(pointer, 1), **texts)


def judge(findings: Sequence[Finding], allow_list: AllowList, today: date) -> Judged:
    """Part findings by an allow-list. An entry that expired allows nothing; one that met nothing is stale."""
    marked = [accepted(finding, allow_list, today) for finding in findings]
    allowed = [finding for finding in marked if finding.extra.get("accepted")]
    notes = list_notes(findings, allow_list, today)
    if allowed:
        notes.append(f"{len(allowed)} of {len(findings)} findings are allowed by {allow_list.path}")
    return Judged([finding for finding in marked if not finding.extra.get("accepted")], allowed, tuple(notes))


def accepted(finding: Finding, allow_list: AllowList, today: date) -> Finding:
    """Return the finding with the entry that covers it and has not expired under `accepted`, else as it is."""
    entries = [entry for entry in allow_list.entries if entry.until >= today]
    covering = next((entry for entry in entries if entry.covers(finding)), None)
    places = finding.extra.get("places", ()) if entries and covering is None else ()
    if len(places) > 1:
        each = [next((entry for entry in entries if entry.covers_place(finding, place)), None) for place in places]
        covering = min((entry for entry in each if entry), key=lambda entry: entry.until) if all(each) else None
    if covering is None:
        return finding
    return marked(finding, covering.reason, covering.until, f"{allow_list.path}:{covering.line}")


def marked(finding: Finding, reason: str, until: date, where: str) -> Finding:
    """Return the finding with why, and until when, it is accepted."""
    from dataclasses import replace

    said = {"reason": reason, "expires": until.isoformat(), "where": where}
    return replace(finding, extra={**finding.extra, "accepted": said})


def list_notes(findings: Sequence[Finding], allow_list: AllowList, today: date) -> list[str]:
    """Return what is wrong with the list: entries that expired, and entries that met none of all the findings."""
    notes = []
    several = [one for one in findings if len(one.extra.get("places", ())) > 1]
    for entry in allow_list.entries:
        where = f"{allow_list.path}:{entry.line}"
        part = next((one for one in several if any(entry.covers_place(one, at) for at in one.extra["places"])), None)
        if not any(entry.covers(finding) for finding in findings) and part is None:
            notes.append(f"{where}: the entry for {entry.name} is stale: nothing like it is found; remove it")
        elif entry.until < today:
            notes.append(f"{where}: the entry for {entry.name} expired on {entry.until}; fix it, or extend its date")
        elif part is not None and not accepted(part, allow_list, today).extra.get("accepted"):
            whole = f"to accept all {part.count}, write fingerprint: {part.fingerprint}"
            notes.append(f"{where}: the entry for {entry.name} covers some of the places of a change; {whole}")
    return notes


def last_day(reason: str | None, until: str | None, today: date, prefix: str = "--") -> date:
    """Return the day until which to accept, `DAYS` from now where none is given.

    Raises `SettingError`, naming the option `accept` or `until` behind `prefix`, for a reason that says nothing, for a
    day without a reason, and for one that is not a date or past.
    """
    where = f"{prefix}until"
    if reason is not None and not reason.strip():
        raise SettingError("the reason is empty", where=f"{prefix}accept", hint="say why it is accepted")
    if until is None:
        return today + timedelta(days=DAYS)
    if reason is None:
        hint = f'{prefix}accept "why" {where} 2027-01-31'
        raise SettingError(f"it goes with {prefix}accept", where=where, hint=hint)
    try:
        last = date.fromisoformat(until)
    except ValueError:
        raise SettingError(f"{until!r} is not a date", where=where, hint="such as 2027-01-31") from None
    if last < today:
        raise SettingError(f"{last} is past", where=where, hint="give a date to come")
    return last


def accept(path: Path, findings: Sequence[Finding], reason: str, until: date) -> None:
    """Add entries for `findings` to the file, which is made where it is not there, whole or not at all.

    Raises `DocumentError` where the file cannot be read, is not a list of this form, or cannot be written.
    """
    from pytest_bctrl.contract.build import write_files

    write_files({path: with_entries(list_text(path, str(path)), str(path), findings, reason, until)})


def with_entries(text: str, path: str, findings: Sequence[Finding], reason: str, until: date) -> str:
    """Return the text of a list with entries for `findings` added; one that is there already gets reason and date.

    Raises `DocumentError` for a list that is written on one line.
    """
    import json

    values = {"reason": escape_yaml(json.dumps(reason, ensure_ascii=False)), "until": until.isoformat()}
    text, findings = _renewed(text, path, findings, values)
    lines: dict[str, int] = {}
    read_yaml(text, path, lines)
    if not findings:
        return text
    added = []
    for finding in findings:
        place = escape_line(
            " ".join(f"{finding.rule} at {finding.location or finding.operation or 'the document'}".split())
        )
        added += [f"  # {place}", f"  - fingerprint: {finding.fingerprint}"]
        added += [f"    {key}: {value}" for key, value in values.items()]
    rows = text.splitlines()
    if "/allow" not in lines:
        rows.append("allow:")
    end = start = lines.get("/allow", len(rows))
    if "/allow/0" in lines:
        first = rows[lines["/allow/0"] - 1]
        if not first.lstrip().startswith("- "):
            raise _on_one_line(path, start)
        added = [" " * (len(first) - len(first.lstrip())) + row[2:] for row in added]
        later = [line for pointer, line in lines.items() if line > start and pointer.count("/") == 1]
        end = min(later, default=len(rows) + 1) - 1
        while not rows[end - 1].strip():
            end -= 1
    else:
        rows[start - 1] = "allow:"
    return "\n".join([*rows[:end], *added, *rows[end:], ""])


def _renewed(text: str, path: str, findings: Sequence[Finding], values: Mapping[str, str]) -> tuple[str, list[Finding]]:
    """Write reason and date into the entries of findings that the list holds; return the text and the others."""
    lines: dict[str, int] = {}
    data = read_yaml(text, path, lines) or {}
    entries = read_entries(data, path, lines)
    rest = [finding for finding in findings if not any(entry.covers(finding) for entry in entries)]
    rows = text.splitlines()
    for index, entry in reversed(list(enumerate(entries))):
        if not any(entry.covers(finding) for finding in findings):
            continue
        starts = {key: lines[f"/allow/{index}/{key}"] for key in data["allow"][index]}
        if len({*starts.values()}) < len(starts):
            raise _on_one_line(path, entry.line)
        for key, start in sorted(starts.items(), key=lambda item: -item[1]):
            if key in values:
                end = start
                while end < len(rows) and end + 1 not in lines.values() and _goes_on(rows[end], rows[start - 1]):
                    end += 1
                head = rows[start - 1].partition(f"{key}:")[0]
                rows[start - 1 : end] = [f"{head}{key}: {values[key]}"]
    return "\n".join([*rows, ""]) if rows else text, rest


def _on_one_line(path: str, line: int) -> DocumentError:
    hint = "give each entry lines of its own"
    return DocumentError("'allow' is written on one line", where=f"{path}:{line}", hint=hint)


def _goes_on(row: str, first: str) -> bool:
    """Tell a line that goes on with the value that the first one begins: it is further in."""
    depth = len(first) - len(first.lstrip(" -"))
    return bool(row.strip()) and len(row) - len(row.lstrip()) > depth
