"""The budget for combinations, shared by everything that multiplies the alternatives of a contract.

It counts steps and never seconds, so that a document has the same result on a busy machine.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from pytest_bctrl.errors import DocumentError

STEPS = 20_000
"""Maximum number of schemas that apply to a value and along a path into it, and of values per sampled item."""

POINTS = 50_000
"""Maximum number of coverage points, or of nodes in a report, per documented body."""

MEAN = 100
"""Additional coverage points or nodes per object with keywords, such as a schema, beyond those of one body."""

COMBINATIONS = 1_024
"""Maximum number of combinations of alternatives that are distinguished at a location, as of ten with two each."""

EXPANDED = 2_187
"""Maximum number of combinations of a schema's alternatives that the engine expands for a sample or a proof.

It is enough for seven conditions with three outcomes each: the property is missing, has another value, or has this one.
"""


class BudgetError(DocumentError):
    """The alternatives of a schema combine in more ways than the budget allows."""

    def __init__(self, steps: int, where: str) -> None:
        hint = "combine fewer: each anyOf, oneOf, if and repeated $ref multiplies those around it"
        super().__init__(f"properties and alternatives combine in more than {steps:,} ways", where, hint)


class Budget:
    """Counts the steps of the analysis of a contract.

    The analysis of each body has a separate budget (`part`). A schema that takes at least half of it is remembered, and
    the analysis of other bodies stops when it reaches that schema.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._parent: Budget | None = None
        self._spent = 0
        self._error: BudgetError | None = None
        self._large: dict[Hashable, BudgetError] = {}

    @classmethod
    def of_contract(cls, objects: int) -> Budget:
        """Return the budget for a contract whose document has this number of objects with keywords, such as schemas."""
        return cls(POINTS + MEAN * objects)

    def part(self) -> Budget:
        """Return a new budget for one body; its steps also count towards this budget."""
        budget = Budget(POINTS)
        budget._parent, budget._large = self, self._large
        return budget

    def spend(self, where: str, steps: int = 1) -> None:
        """Count steps, also in the parent budget; raises `BudgetError`, naming `where`, if either is exceeded."""
        self._spent += steps
        if self._spent > self._steps:
            raise BudgetError(self._steps, where)
        if self._parent is not None:
            self._parent.spend(where, steps)

    @contextmanager
    def inside(self, key: Hashable, where: str) -> Iterator[None]:
        """Name `where` in the `BudgetError` of a block that took half of the budget; raise that at once for its `key`.

        The block calls `spend`. The innermost such block is named. The next block with its `key` is not run, also for
        another body.
        """
        if key in self._large:
            raise self._large[key]
        before = self._spent
        try:
            yield
        except BudgetError as error:
            if self._spent - before < self._steps // 2:
                raise
            self._error = self._error or BudgetError(self._steps // 2, where)
            self._large[key] = self._error
            raise self._error from error
