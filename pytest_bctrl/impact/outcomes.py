"""The outcomes of tests under a change: data that workers pass to the controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["fails", "passes", "skipped", "not covered", "not run"]


@dataclass(slots=True)
class TestOutcome:
    """How one test ends with one change.

    `line` is the first line of its failure, `where` the line of the project's code that raised it (`path:line`), and
    `note` an explanation, or the reason why the test was not run.
    """

    # pytest collects classes whose names begin with "Test".
    __test__ = False

    outcome: Outcome
    line: str = ""
    where: str = ""
    note: str = ""


@dataclass(slots=True)
class ChangeResult:
    """The result of one change: the outcome of each test that it can reach, by node id.

    `unfinished` is the reason why further tests were not run; empty if all were. `combination` names the changes of
    which the tests fail only with all at once.
    """

    tests: dict[str, TestOutcome] = field(default_factory=dict)
    unfinished: str = ""
    combination: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the result as plain data, for another process."""
        return asdict(self)

    def add(self, data: Mapping[str, Any]) -> None:
        """Add the outcomes of the same change from another process."""
        self.tests.update({test: TestOutcome(**outcome) for test, outcome in data["tests"].items()})
        self.unfinished = self.unfinished or data["unfinished"]
        self.combination = self.combination or data["combination"]
