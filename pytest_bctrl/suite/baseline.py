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
    """The accepted findings; if the run accepts what fails now, also the reason and the expiry."""

    path: Path = Path(FILE)
    allow_list: AllowList = field(default_factory=lambda: AllowList(FILE))
    today: date = field(default_factory=date.today)
    reason: str | None = None
    until: date = date.max

    def mark(self, findings: Sequence[Finding], fail_on: FailOn) -> list[Finding]:
        """Return the findings with accepted ones marked; with a reason, these include all that would fail."""
        marked_findings = [accepted(finding, self.allow_list, self.today) for finding in findings]
        if self.reason is None:
            return marked_findings
        failing = {id(finding) for finding in at_or_above(marked_findings, fail_on)}
        return [
            marked(finding, self.reason, self.until, self.allow_list.path) if id(finding) in failing else finding
            for finding in marked_findings
        ]

    def write(self, findings: Sequence[Finding]) -> list[Finding]:
        """Add the findings that this run accepts to the baseline, and return those that it did not contain yet.

        Raises `DocumentError` if that is not possible.
        """
        accepted_findings = [finding for finding in findings if finding.extra.get("accepted")]
        # A finding that the baseline already contains also has the line of its entry.
        unlisted = [
            finding for finding in accepted_findings if finding.extra["accepted"]["where"] == self.allow_list.path
        ]
        # One entry covers the findings of several engines about the same fault.
        first_of = {finding.fingerprint: finding for finding in reversed(unlisted)}
        added = [finding for finding in unlisted if first_of[finding.fingerprint] is finding]
        if added and self.reason is not None:
            accept(self.path, added, self.reason, self.until)
        return added

    def notes(self, findings: Sequence[Finding], *, is_complete: bool) -> list[str]:
        """Return the problems of the baseline; an incomplete run only examines entries that cover a finding."""
        entries = [
            entry
            for entry in self.allow_list.entries
            if is_complete or any(entry.covers(finding) for finding in findings)
        ]
        return list_notes(findings, self.allow_list._replace(entries=tuple(entries)), self.today)


def resolve_baseline(
    source: settings.SettingSource, environment: Mapping[str, str], root: Path, today: date
) -> Baseline:
    """Return the baseline of the settings: the configured file, or the default one in `root` if it exists.

    Raises `SettingError` for a wrong setting, and `DocumentError` for a file that cannot be read.
    """
    setting = settings.find_value(table.ALLOW_LIST, source, environment)
    reason: Any = source.getoption("bctrl_accept")
    until: Any = source.getoption("bctrl_until")
    last = last_day(reason, until, today, "--bctrl-")
    path = root / FILE
    if setting is not None:
        path = Path(setting.value) if setting.where.startswith("--") else root / setting.value
        if reason is None and not path.is_file():
            hint = "--bctrl-accept=REASON writes one"
            raise SettingError(f"{setting.value!r} is not a file", where=setting.where, hint=hint)
    allow_list = load_allow_list(path.absolute(), shown_path(path))
    return Baseline(path.absolute(), allow_list, today, reason, last)
