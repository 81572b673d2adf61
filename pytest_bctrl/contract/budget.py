"""The budget for combinations, shared by everything that multiplies the alternatives of a contract.

It counts steps and never seconds, so that a document has the same result on a busy machine.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from pytest_bctrl.errors import DocumentError

STEPS = 20_000
"""Schemas that may apply to one value and what is on one way into it, all together; values that a sample may hold for
each item that was asked for.
"""

POINTS = 50_000
"""Points of coverage, or nodes of a report, that one documented body may have."""

MEAN = 100
"""Those that a whole contract may have for each of its schemas, beyond those of one body."""

COMBINATIONS = 1_024
"""Combinations of alternatives that are told apart at one location: of ten that each have two, all."""

EXPANDED = 2_187
"""Combinations of alternatives of a schema that the engine is asked to expand, for a sample or a proof: of seven
conditions with three outcomes each (the property is missing, is another, is this one), all.
"""


class BudgetError(DocumentError):
    """The alternatives of a schema combine in more ways than the budget allows."""

    def __init__(self, steps: int, where: str) -> None:
        hint = "combine fewer: each anyOf, oneOf, if and repeated $ref multiplies those around it"
        super().__init__(f"properties and alternatives combine in more than {steps:,} ways", where, hint)


class Budget:
    """Counts the steps of an analysis of one contract.

    The analysis of a part of it has a budget of its own (`part`). A schema that takes half of one or more is
    remembered, and no other part that reaches it is analysed as far.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._whole: Budget | None = None
        self._spent = 0
        self._error: BudgetError | None = None
        self._large: dict[Hashable, BudgetError] = {}

    @classmethod
    def of_contract(cls, schemas: int) -> Budget:
        """Return the budget of an analysis of a whole contract that has so many schemas."""
        return cls(POINTS + MEAN * schemas)

    def part(self) -> Budget:
        """Return the budget of one body; its steps are taken from this one too."""
        budget = Budget(POINTS)
        budget._whole, budget._large = self, self._large
        return budget

    def spend(self, where: str, steps: int = 1) -> None:
        """Take steps; raises `BudgetError`, which names `where`, if the budget does not have them."""
        self._spent += steps
        if self._spent > self._steps:
            raise BudgetError(self._steps, where)
        if self._whole is not None:
            self._whole.spend(where, steps)

    @contextmanager
    def inside(self, key: Hashable, where: str) -> Iterator[None]:
        """Analyse a schema, which `key` identifies and which is at `where`.

        Raises the same `BudgetError` again if it is known to be too large. Where the budget runs out inside, the error
        names the innermost schema that takes half of it.
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
