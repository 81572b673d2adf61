"""The budget for combinations: its parts, and the schema that the error names."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract import budget as budgets
from pytest_bctrl.contract.budget import Budget, BudgetError


def test_exceeding_the_budget_raises_an_error_with_the_location() -> None:
    budget = Budget(3)
    budget.spend("#/a", 3)
    with pytest.raises(BudgetError) as caught:
        budget.spend("#/b")
    assert "#/b: properties and alternatives combine in more than 3 ways (combine fewer: " in str(caught.value)


def test_parts_share_the_budget_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part may spend at most 10 steps, and no more than are left of the contract's 15."""
    monkeypatch.setattr(budgets, "POINTS", 10)
    monkeypatch.setattr(budgets, "MEAN", 1)
    contract = Budget.of_contract(objects=5)
    contract.part().spend("#/a", 10)
    with pytest.raises(BudgetError, match="more than 10 ways"):
        contract.part().spend("#/b", 11)
    with pytest.raises(BudgetError, match="more than 15 ways"):
        contract.part().spend("#/c", 6)


def test_the_error_names_the_innermost_schema_that_uses_half_of_the_budget() -> None:
    budget = Budget(10)

    def analyse() -> None:
        """Spend 11 of the 10 steps: 3 in the outer schema, 5 in the inner one, 3 in the leaf."""
        with budget.inside("outer", "#/outer"):
            budget.spend("#/outer", 3)
            with budget.inside("inner", "#/inner"):
                budget.spend("#/inner", 5)
                with budget.inside("leaf", "#/leaf"):
                    budget.spend("#/leaf", 3)

    with pytest.raises(BudgetError) as caught:
        analyse()
    assert ("#/inner", True) == (caught.value.where, "more than 5 ways" in caught.value.problem)


def test_a_schema_over_the_budget_is_analysed_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second part raises the same error without running its block."""
    monkeypatch.setattr(budgets, "POINTS", 10)
    contract = Budget.of_contract(objects=5)
    first, second = contract.part(), contract.part()
    with pytest.raises(BudgetError), first.inside("large", "#/large"):
        first.spend("#/large", 11)
    with pytest.raises(BudgetError, match="#/large: "), second.inside("large", "#/again"):
        pytest.fail("it is analysed again")


def test_a_schema_within_the_budget_raises_no_error() -> None:
    budget = Budget(10)
    for _ in range(2):
        with budget.inside("small", "#/small"):
            budget.spend("#/small", 5)
