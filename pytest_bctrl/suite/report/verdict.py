"""The verdict of one contract test: it collects findings, applies the baseline, and fails the test."""

from __future__ import annotations

import json
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
from pytest_bctrl.suite.sending.tally import Tally


def without_item_ids(finding: Finding, received: Iterable[str] = ()) -> Finding:
    """Return the finding with every UUID replaced as in recordings, and of its item only the location.

    Of the command that reproduces it, only the values that were `received` are replaced: the others are from settings.
    """
    from pytest_bctrl.traffic.recordings.guard import without_uuids

    data = finding.as_dict()
    if "item" in data:
        data["item"] = {"location": data["item"]["location"]}
    clean = from_dict(json.loads(without_uuids(json.dumps(data, default=str))))
    command = finding.reproduce
    for value in received:
        command = command.replace(value, without_uuids(value))
    return replace(clean, reproduce=command)


VERDICT: pytest.StashKey[Verdict] = pytest.StashKey()


@dataclass(slots=True)
class Verdict:
    """Collects the findings of one test; `raise_if_failing` fails the test if one is at or above the failing level.

    - `stopped`: the test stopped the run, because the target cannot be tested; `lacks_key`: no key is set.
    - `not_checked`: what the test could not check, and why; `reproduce` is the command that shows the problem.
    - `frequency`: in how many of the responses an intermittent fault occurred.
    - `operation`: the label of the tested operation; `operation_gap` says why nothing about it could be checked.
    - `figures`: lines for the end of the run.
    - `received`: the values of parameters that responses contained.
    - `upstream`: the published document (`name`, `data`), for the attribution of drift.

    Findings that the baseline accepts do not fail the test; if they would, it is an expected failure.
    """

    fail_on: FailOn
    tally: Tally = field(default_factory=Tally)
    baseline: Baseline = field(default_factory=Baseline)
    levels: Levels = field(default_factory=Levels)
    hides_ids: bool = False
    received: Mapping[Any, str] = field(default_factory=dict)
    stopped: bool = False
    lacks_key: bool = False
    not_checked: str = ""
    reproduce: str = ""
    frequency: str = ""
    operation: str = ""
    operation_gap: str = ""
    figures: list[str] = field(default_factory=list)
    upstream: Mapping[str, Any] | None = None
    _collected: list[Finding] = field(init=False, default_factory=list)
    _switched_off: list[str] = field(init=False, default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All findings, equal ones merged with their counts added, and accepted ones marked."""
        findings = merge(self._collected)
        if self.stopped:
            # If the target cannot be tested, nothing was checked. The baseline cannot accept that.
            return findings
        return self.baseline.mark(findings, self.fail_on)

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data for the test's report: findings, counts, and what was not checked.

        It has the counts since the last verdict.
        """
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            **self.tally.pop(),
            "stopped": self.stopped,
            "lacks_key": self.lacks_key,
            "not_checked": self.not_checked,
            "reproduce": self.reproduce,
            "frequency": self.frequency,
            "operation": self.operation,
            "operation_gap": self.operation_gap,
            "figures": self.figures,
            "off": self._switched_off,
            "upstream": self.upstream,
        }

    def collect(self, findings: Iterable[Finding]) -> bool:
        """Add findings at their configured levels, and return whether one of them fails the test."""
        levelled, switched_off = self.levels.apply(findings)
        if self.hides_ids:
            levelled = [without_item_ids(finding, self.received.values()) for finding in levelled]
        self._collected.extend(levelled)
        self._switched_off.extend(switched_off)
        return bool(at_or_above(self.baseline.mark(levelled, self.fail_on), self.fail_on))

    def raise_if_failing(self, describe: Callable[[Sequence[Finding]], str] = breach) -> None:
        """Fail the test if a finding is at the failing level; ends it as an expected failure if all are accepted.

        The test is an expected failure if only the baseline keeps it from failing.
        """
        findings = self.findings
        failing = at_or_above(findings, self.fail_on)
        if failing:
            lines = filter(None, [describe(self.baseline.redact(failing)).rstrip(), self.frequency])
            pytest.fail(escape_lines("\n".join(lines)), pytrace=False)
        accepted = [finding for finding in findings if finding.extra.get("accepted")]
        suppressed = [finding for finding in accepted if at_or_above([replace(finding, extra={})], self.fail_on)]
        if suppressed:
            pytest.xfail("; ".join(dict.fromkeys(map(accepted_where, suppressed))))
            # With --runxfail the call above has no effect.
            pytest.fail(escape_lines(describe(self.baseline.redact(suppressed)).rstrip()), pytrace=False)
