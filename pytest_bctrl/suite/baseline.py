"""The accepted findings of a contract run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

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
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import table


@dataclass(frozen=True, slots=True)
class Baseline:
    """The list of accepted findings, and, where the run is to write what fails now, the reason and the last day."""

    path: Path = Path(FILE)
    allow_list: AllowList = field(default_factory=lambda: AllowList(FILE))
    today: date = field(default_factory=date.today)
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
        # What the list holds already names its line.
        listed = [finding for finding in findings if finding.extra.get("accepted")]
        unlisted = [finding for finding in listed if finding.extra["accepted"]["where"] == self.allow_list.path]
        # Of a fault that several engines found, one entry covers all findings.
        first_of = {finding.fingerprint: finding for finding in reversed(unlisted)}
        fresh = [finding for finding in unlisted if first_of[finding.fingerprint] is finding]
        if fresh and self.reason is not None:
            accept(self.path, fresh, self.reason, self.until)
        return fresh

    def notes(self, findings: Sequence[Finding], *, is_whole: bool) -> list[str]:
        """Return what is wrong with the list; a run that saw but a part tells of entries that cover a finding alone."""
        known = self.allow_list.entries
        held = [entry for entry in known if is_whole or any(entry.covers(finding) for finding in findings)]
        return list_notes(findings, self.allow_list._replace(entries=tuple(held)), self.today)


def resolve_baseline(
    source: settings.SettingSource, environment: Mapping[str, str], root: Path, today: date
) -> Baseline:
    """Return the baseline that the settings ask for: the list given, else the one in `root`, if it is there.

    Raises `SettingError` for a wrong setting and `DocumentError` for a list that cannot be read.
    """
    given = settings.find_value(table.ALLOW_LIST, source, environment)
    reason: Any = source.getoption("bctrl_accept")
    until: Any = source.getoption("bctrl_until")
    last = last_day(reason, until, today, "--bctrl-")
    path = root / FILE if given is None else (Path() if given.where.startswith("--") else root) / given.value
    if given and reason is None and not path.is_file():
        raise SettingError(f"{given.value!r} is not a file", where=given.where, hint="--bctrl-accept=REASON writes one")
    allow_list = load_allow_list(path.absolute(), shown_path(path))
    return Baseline(path.absolute(), allow_list, today, reason, last)
