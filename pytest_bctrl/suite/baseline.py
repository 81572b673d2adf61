"""The accepted findings of a contract run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pytest_bctrl.baseline.baseline_file import (
    FILE,
    BaselineFile,
    baseline_notes,
    expiry_date,
    load_baseline,
    mark_accepted,
    with_acceptance,
)
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.drift.rules import rules as drift_rules
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.settings import lookup, table


@dataclass(frozen=True, slots=True)
class Baseline:
    """The accepted findings; if the run accepts what fails now, also the reason and the expiry.

    `redact` returns a copy of plain data without secrets, for the file.
    """

    path: Path = Path(FILE)
    file: BaselineFile = field(default_factory=lambda: BaselineFile(FILE))
    today: date = field(default_factory=date.today)
    reason: str | None = None
    until: date = date.max
    redact: Callable[[Any], Any] = copy

    def mark(self, findings: Sequence[Finding], fail_on: FailOn) -> list[Finding]:
        """Return all findings; accepted ones are marked, and with a `reason` also those that would fail the run."""
        marked_findings = [mark_accepted(finding, self.file, self.today) for finding in findings]
        if self.reason is None:
            return marked_findings
        failing = {id(finding) for finding in at_or_above(marked_findings, fail_on)}
        return [
            with_acceptance(finding, self.reason, self.until, self.file.path) if id(finding) in failing else finding
            for finding in marked_findings
        ]

    def write(self, findings: Sequence[Finding]) -> list[Finding]:
        """Add the findings that this run accepts to the baseline file, and return those that it did not contain.

        Raises `DocumentError` if that is not possible.
        """
        accepted_findings = [finding for finding in findings if finding.extra.get("accepted")]
        # A finding that the baseline already contains also has the line of its entry.
        unlisted = [finding for finding in accepted_findings if finding.extra["accepted"]["where"] == self.file.path]
        # One entry covers the findings of several engines about the same fault.
        first_of = {finding.fingerprint: finding for finding in reversed(unlisted)}
        added = [finding for finding in unlisted if first_of[finding.fingerprint] is finding]
        if added and self.reason is not None:
            from pytest_bctrl.baseline.write_entries import add_to_baseline

            findings_to_write, reason = self.redact((added, self.reason))
            add_to_baseline(self.path, findings_to_write, reason, self.until)
        return added

    def notes(self, findings: Sequence[Finding], *, is_complete: bool) -> list[str]:
        """Return notes on the baseline: of a complete run on all entries, else only on those that cover a finding."""
        if not self.file.entries:
            return []
        entries = [
            entry
            for entry in self.file.without_rules(drift_rules()).entries
            if is_complete or any(entry.covers(finding) for finding in findings)
        ]
        return baseline_notes(findings, self.file._replace(entries=tuple(entries)), self.today)


def resolve_baseline(source: lookup.SettingSource, environment: Mapping[str, str], root: Path, today: date) -> Baseline:
    """Return the baseline of the settings: the configured file, else the default one in `root`, which may not exist.

    Raises `SettingError` for a wrong setting, and `DocumentError` for a file that cannot be read.
    """
    setting = lookup.find_value(table.BASELINE, source, environment)
    reason: Any = source.getoption("bctrl_accept")
    until: Any = source.getoption("bctrl_until")
    last = expiry_date(reason, until, today, "--bctrl-")
    path = root / FILE
    if setting is not None:
        path = Path(setting.value) if setting.where.startswith("--") else root / setting.value
        if reason is None and not path.is_file():
            hint = "--bctrl-accept=REASON writes one"
            raise SettingError(f"{setting.value!r} is not a file", where=setting.where, hint=hint)
    file = load_baseline(path.absolute(), shown_path(path))
    return Baseline(path.absolute(), file, today, reason, last)
