"""Adds findings to a list of accepted ones, or extends the date of their entries; all else in it stays as it is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pytest_bctrl.baseline.allowlist import list_text, read_entries
from pytest_bctrl.contract.yaml_source import read_yaml
from pytest_bctrl.errors import DocumentError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_bctrl.finding import Finding

DAYS = 90
"""For how long a finding is accepted where no date is given."""


def last_day(text: str | None, today: date, option: str) -> date:
    """Return the day until which to accept, `DAYS` from now where none is given; `option` is what errors name."""
    if text is None:
        return today + timedelta(days=DAYS)
    try:
        until = date.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{text!r} is not a date", where=option, mend="such as 2027-01-31") from None
    if until < today:
        raise SettingError(f"{until} is past", where=option, mend="give a date to come")
    return until


def require_reason(reason: str, option: str) -> str:
    """Return the reason; raises `SettingError` where it says nothing."""
    if not reason.strip():
        raise SettingError("the reason is empty", where=option, mend="say why a consumer bears it")
    return reason


def accept(path: Path, findings: Sequence[Finding], reason: str, until: date) -> None:
    """Add entries for `findings` to the file, made anew where it is not there, whole or not at all.

    Raises `DocumentError` where the file cannot be read, is not a list of this form, or cannot be written.
    """
    from pytest_bctrl.contract.build import write_atomically

    write_atomically(path, with_entries(list_text(path, str(path)), str(path), findings, reason, until))


def with_entries(text: str, path: str, findings: Sequence[Finding], reason: str, until: date) -> str:
    """Return the text of a list with entries for `findings` added; one that is there already gets reason and date.

    Raises `DocumentError` for a list that is written on one line.
    """
    import json

    text, findings = _renewed(text, path, findings, reason, until)
    lines: dict[str, int] = {}
    read_yaml(text, path, lines)
    if not findings:
        return text
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
        raise _on_one_line(path, start)
    later = [line for pointer, line in lines.items() if line > start and pointer.count("/") == 1]
    end = min(later, default=len(rows) + 1) - 1
    while end > start and not rows[end - 1].strip():
        end -= 1
    shifted = [" " * column + row[2:] for row in added]
    return "\n".join([*rows[:end], *shifted, *rows[end:], ""])


def _renewed(text: str, path: str, findings: Sequence[Finding], reason: str, until: date) -> tuple[str, list[Finding]]:
    """Write reason and date into the entries of findings that the list holds; return the text and the others."""
    import json

    lines: dict[str, int] = {}
    data = read_yaml(text, path, lines) or {}
    entries = read_entries(data, path, lines)
    rest = [finding for finding in findings if not any(entry.covers(finding) for entry in entries)]
    rows = text.splitlines()
    values = {"reason": json.dumps(reason, ensure_ascii=False), "until": until.isoformat()}
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
    mend = "give each entry lines of its own"
    return DocumentError("'allow' is written on one line", where=f"{path}:{line}", mend=mend)


def _goes_on(row: str, first: str) -> bool:
    """Tell a line that goes on with the value that the first one begins: it is further in."""
    depth = len(first) - len(first.lstrip(" -"))
    return bool(row.strip()) and len(row) - len(row.lstrip()) > depth
