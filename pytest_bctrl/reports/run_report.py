"""What a report of a test run tells beside its findings: target, contract, times, tests, coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.observed.coverage import Coverage

Outcome = Literal["passed", "failed", "accepted", "skipped", "error", "not checked"]
"""How a test ended; `accepted`: it would have failed, and all that it found is accepted."""


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """One test of the run: its id, how it ended, its duration in seconds and, where it did not pass, why."""

    __test__ = False

    id: str
    outcome: Outcome
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that a writer is told about a run, beside findings and title.

    `target` is `mock`, `live` or empty where nothing was asked, `base_url` where that is; `started` is a time in
    ISO 8601 with its offset; `counts` has `requests`, `answers` and `bodies`. `is_complete` is false where the run
    ended before all of its tests had run. `shortfall` says that less of the contract was seen than was asked for.
    `observation` is what was seen, as plain data.
    """

    contract: Contract
    target: str = ""
    base_url: str = ""
    upstream: str = ""
    started: str = ""
    seconds: float = 0.0
    is_complete: bool = True
    tests: tuple[TestOutcome, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    coverage: Coverage | None = None
    shortfall: str = ""
    observation: Mapping[str, Any] | None = None

    def number_of(self, outcome: Outcome) -> int:
        """How many tests ended like this."""
        return sum(1 for test in self.tests if test.outcome == outcome)
