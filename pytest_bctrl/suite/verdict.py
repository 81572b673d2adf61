"""What a contract test does with its findings: keep them for the report, fail where they are bad enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from pytest_bctrl.checks.violation import merge
from pytest_bctrl.finding import FailOn, Finding, Levels, at_or_above
from pytest_bctrl.reports.terminal import describe, headline
from pytest_bctrl.suite.baseline import Baseline, is_borne

VERDICT: pytest.StashKey[Verdict] = pytest.StashKey()


class Verdict:
    """Collects the findings of one test; `give` fails the test where one is at or above the failing level.

    `stopped` tells that the test stopped the whole run, because the target cannot be asked; `not_checked` says what
    the test could not look at, and why, and `reproduce` asks the same by hand; `figures` are lines for the end of the
    run; `upstream` is the published document (`name`, `data`), for whoever asks who moved. Findings that the baseline
    accepts do not fail the test; where they would have, it is an expected failure.
    """

    def __init__(
        self,
        fail_on: FailOn,
        tally: Counter[str] | None = None,
        baseline: Baseline | None = None,
        levels: Levels | None = None,
    ) -> None:
        self.stopped = False
        self.not_checked = ""
        self.reproduce = ""
        self.upstream: Mapping[str, Any] | None = None
        self.figures: list[str] = []
        self._fail_on: FailOn = fail_on
        self._baseline = baseline
        self._tally = Counter() if tally is None else tally
        self._before = self._tally.copy()
        self._collected: list[Finding] = []
        self._levels = levels or Levels()
        self._off: list[str] = []

    @property
    def findings(self) -> list[Finding]:
        """All that was collected, equal ones folded into one with their counts added."""
        found = merge(self._collected)
        # That the target cannot be asked is no finding to bear: nothing was checked.
        return found if self._baseline is None or self.stopped else self._baseline.mark(found, self._fail_on)

    def as_dict(self) -> dict[str, Any]:
        """What the report carries, as plain data: findings, and what the test sent and saw."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "tally": dict(self._tally - self._before),
            "stopped": self.stopped,
            "not_checked": self.not_checked,
            "reproduce": self.reproduce,
            "figures": self.figures,
            "off": self._off,
            "upstream": self.upstream,
        }

    def collect(self, found: Iterable[Finding]) -> None:
        """Keep findings for the end of the test, at their configured levels."""
        kept, off = self._levels.apply(found)
        self._collected.extend(kept)
        self._off.extend(off)

    def give(self, describe: Callable[[Sequence[Finding]], Iterable[str]] = describe) -> None:
        """Fail the test, with the findings as its message in the words of `describe`, or let it pass."""
        found = self.findings
        failing = at_or_above(found, self._fail_on)
        if failing:
            pytest.fail("\n".join([headline(failing), *describe(failing)]), pytrace=False)
        borne = [finding for finding in found if is_borne(finding, self._fail_on)]
        if borne:
            why = (finding.extra["accepted"] for finding in borne)
            said = ("accepted until {expires}: {reason} ({where})".format(**entry) for entry in why)
            pytest.xfail("; ".join(dict.fromkeys(said)))
            # Under --runxfail the call above does nothing.
            pytest.fail("\n".join([headline(borne), *describe(borne)]), pytrace=False)
