"""The result of verifying that two schemas keep their promise to the consumer."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

BUDGET_USED_UP = "the budget for counterexamples is used up"
"""The reason why the evidence of a change is only its rule, although a search might show more."""
Verdict = Literal["proven", "refuted", "undecided"]


class Verification(NamedTuple):
    """The verdict on two schemas; `value` is a counterexample, if `has_value`."""

    verdict: Verdict
    value: Any = None
    has_value: bool = False
