"""What a contract test does with its findings: keep them, accept those of the list, fail where they are bad enough."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.escaping import escape_lines
from pytest_bctrl.findings.finding import FailOn, Finding, Levels, at_or_above, from_dict
from pytest_bctrl.reports.terminal import breach
from pytest_bctrl.reports.wording import accepted_where
from pytest_bctrl.suite.baseline import Baseline
from pytest_bctrl.traffic.recordings.guard import without_uuids


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
