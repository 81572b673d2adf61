"""What a contract test does with its findings: keep them, accept those of the list, fail where they are bad enough."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

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
from pytest_bctrl.checks.violation import merge
from pytest_bctrl.contract.files import shown_path
from pytest_bctrl.errors import SettingError
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.findings.finding import FailOn, Finding, Levels, at_or_above, from_dict
from pytest_bctrl.reports.terminal import breach
from pytest_bctrl.reports.wording import accepted_where
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.traffic.recordings.guard import without_uuids


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


def resolve_baseline(source: settings.Source, environment: Mapping[str, str], root: Path, today: date) -> Baseline:
    """Return the baseline that the settings ask for: the list given, else the one in `root`, if it is there.

    Raises `SettingError` for a wrong setting and `DocumentError` for a list that cannot be read.
    """
    given = settings.given(settings.ALLOW_LIST, source, environment)
    reason: Any = source.getoption("bctrl_accept")
    until: Any = source.getoption("bctrl_until")
    last = last_day(reason, until, today, "--bctrl-")
    path = root / FILE if given is None else (Path() if given.where.startswith("--") else root) / given.value
    if given and reason is None and not path.is_file():
        raise SettingError(f"{given.value!r} is not a file", where=given.where, hint="--bctrl-accept=REASON writes one")
    allow_list = load_allow_list(path.absolute(), shown_path(path))
    return Baseline(path.absolute(), allow_list, today, reason, last)


def without_ids(finding: Finding) -> Finding:
    """Return the finding with every UUID replaced as in recordings, and without other ids and names of items.

    What reproduces it stays: its ids are the ones of the settings.
    """
    data = finding.as_dict()
    if "item" in data:
        data["item"] = {"location": data["item"]["location"]}
    clean = from_dict(json.loads(without_uuids(json.dumps(data, default=str))))
    return replace(clean, reproduce=finding.reproduce)


VERDICT: pytest.StashKey[Verdict] = pytest.StashKey()


@dataclass(slots=True)
class Verdict:
    """Collects the findings of one test; `give` fails the test where one is at or above the failing level.

    `stopped` tells that the test stopped the whole run, because the target cannot be asked; `not_checked` says what
    the test could not look at, and why, and `reproduce` asks the same by hand; `often` tells that a fault comes and
    goes; `gaps` says what the engines left out; `figures` are lines for the end of the run; `upstream` is the published
    document (`name`, `data`), for whoever asks who moved. What the baseline accepts does not fail the test; where it
    would have, it is an expected failure.
    """

    fail_on: FailOn
    tally: Counter[str] = field(default_factory=Counter)
    baseline: Baseline = field(default_factory=Baseline)
    levels: Levels = field(default_factory=Levels)
    hides_ids: bool = False
    stopped: bool = False
    not_checked: str = ""
    reproduce: str = ""
    often: str = ""
    gaps: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    upstream: Mapping[str, Any] | None = None
    _before: Counter[str] = field(init=False)
    _collected: list[Finding] = field(init=False, default_factory=list)
    _off: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._before = self.tally.copy()

    @property
    def findings(self) -> list[Finding]:
        """All that was collected, equal ones folded into one with their counts added."""
        found = merge(self._collected)
        # That the target cannot be asked is not a finding to accept: nothing was checked.
        return found if self.stopped else self.baseline.mark(found, self.fail_on)

    def as_dict(self) -> dict[str, Any]:
        """What the report carries, as plain data: findings, and what the test sent and saw."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "tally": dict(self.tally - self._before),
            "stopped": self.stopped,
            "not_checked": self.not_checked,
            "reproduce": self.reproduce,
            "often": self.often,
            "gaps": self.gaps,
            "figures": self.figures,
            "off": self._off,
            "upstream": self.upstream,
        }

    def collect(self, found: Iterable[Finding]) -> bool:
        """Keep findings for the end of the test, at their configured levels, and return whether one fails it."""
        levelled, off = self.levels.apply(found)
        kept = list(map(without_ids, levelled) if self.hides_ids else levelled)
        self._collected.extend(kept)
        self._off.extend(off)
        return bool(at_or_above(self.baseline.mark(kept, self.fail_on), self.fail_on))

    def give(self, words: Callable[[Sequence[Finding]], str] = breach) -> None:
        """Fail the test, with the findings as its message in the words of `words`, or let it pass."""
        found = self.findings
        failing = at_or_above(found, self.fail_on)
        if failing:
            pytest.fail(escape_lines("\n".join(filter(None, [words(failing).rstrip(), self.often]))), pytrace=False)
        known = [finding for finding in found if finding.extra.get("accepted")]
        suppressed = [finding for finding in known if at_or_above([replace(finding, extra={})], self.fail_on)]
        if suppressed:
            pytest.xfail("; ".join(dict.fromkeys(map(accepted_where, suppressed))))
            # Under --runxfail the call above does nothing.
            pytest.fail(escape_lines(words(suppressed).rstrip()), pytrace=False)
