"""The findings that a contract run bears: those of its list, and those that it was told to accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pytest_bctrl import settings
from pytest_bctrl.baseline.allowlist import (
    FILE,
    AllowList,
    accept,
    accepted,
    last_day,
    list_notes,
    load_allow_list,
    marked,
)
from pytest_bctrl.errors import SettingError
from pytest_bctrl.finding import FailOn, Finding, at_or_above


@dataclass(frozen=True, slots=True)
class Baseline:
    """The list of accepted findings, and, where the run is to write what fails now, the reason and the last day."""

    path: Path
    allow_list: AllowList
    today: date
    reason: str | None = None
    until: date = date.max

    def mark(self, findings: Sequence[Finding], fail_on: FailOn) -> list[Finding]:
        """Return the findings with what is accepted marked; with a reason to write, all that would fail is."""
        known = [accepted(finding, self.allow_list, self.today) for finding in findings]
        if self.reason is None:
            return known
        failing = {id(finding) for finding in at_or_above(known, fail_on)}
        return [
            marked(finding, self.reason, self.until, self.allow_list.path) if id(finding) in failing else finding
            for finding in known
        ]

    def write(self, findings: Sequence[Finding]) -> list[Finding]:
        """Add what this run accepts, and the list does not hold yet, to the list; returns it.

        Raises `DocumentError` where that cannot be done.
        """
        held = [accepted(replace(finding, extra={}), self.allow_list, self.today) for finding in findings]
        pairs = zip(findings, held, strict=True)
        fresh = [finding for finding, known in pairs if finding.extra.get("accepted") and not known.extra]
        if fresh and self.reason is not None:
            accept(self.path, fresh, self.reason, self.until)
        return fresh

    def expired(self, findings: Sequence[Finding]) -> list[str]:
        """Return which entries have expired and would have covered a finding; for a run that saw but a part."""
        held = [entry for entry in self.allow_list.entries if any(entry.covers(finding) for finding in findings)]
        return list_notes(findings, self.allow_list._replace(entries=tuple(held)), self.today)

    def notes(self, findings: Sequence[Finding]) -> list[str]:
        """Return what is wrong with the list after a run that looked at everything."""
        return list_notes(findings, self.allow_list, self.today)


def resolve_baseline(source: settings.Source, environment: Mapping[str, str], root: Path, today: date) -> Baseline:
    """Return the baseline that the settings ask for: the list given, else the one in `root`, if it is there.

    Raises `SettingError` for a wrong setting and `DocumentError` for a list that cannot be read.
    """
    given = settings.given(settings.ALLOW_LIST, source, environment)
    reason = source.getoption("bctrl_accept")
    until = source.getoption("bctrl_until")
    if reason is None and until is not None:
        raise SettingError("it goes with --bctrl-accept", where="--bctrl-until", mend="give the reason too")
    path = root / FILE if given is None else (Path() if given.where.startswith("--") else root) / given.value
    if given and reason is None and not path.is_file():
        raise SettingError(f"{given.value!r} is no file", where=given.where, mend="--bctrl-accept=REASON writes one")
    allow_list = load_allow_list(path.absolute(), _shown(path))
    if reason is None:
        return Baseline(path.absolute(), allow_list, today)
    last = last_day(str(reason), None if until is None else str(until), today, "--bctrl-")
    return Baseline(path.absolute(), allow_list, today, str(reason), last)


def _shown(path: Path) -> str:
    """The path as a reader knows it: relative, where it is below the working directory."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def is_borne(finding: Finding, fail_on: FailOn) -> bool:
    """Whether a finding would fail the run if it were not accepted."""
    return bool(finding.extra.get("accepted")) and bool(at_or_above([replace(finding, extra={})], fail_on))
