"""Adds findings to a list of accepted ones; what stands in it stays as it is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pytest_bctrl.baseline.allowlist import list_text
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


def until_of(reason: str | None, until: str | None, today: date) -> date:
    """Return the day that `--until` of a command names; raises `SettingError` for what is wrong in it or `--accept`."""
    if reason is not None:
        require_reason(reason, "--accept")
    elif until is not None:
        raise SettingError("it goes with --accept", where="--until", mend='--accept "why" --until 2027-01-31')
    return last_day(until, today, "--until")


def accept(path: Path, findings: Sequence[Finding], reason: str, until: date) -> None:
    """Add entries for `findings` to the file, made anew where it is not there, whole or not at all.

    Raises `DocumentError` where the file cannot be read, is not a list of this form, or cannot be written.
    """
    from pytest_bctrl.contract.build import write_atomically

    write_atomically(path, with_entries(list_text(path, str(path)), str(path), findings, reason, until))


def with_entries(text: str, path: str, findings: Sequence[Finding], reason: str, until: date) -> str:
    """Return the text of a list with entries for `findings` added.

    Raises `DocumentError` for a list that is written on one line.
    """
    import json

    lines: dict[str, int] = {}
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
