"""Cases that Schemathesis generates: how many are asked, and what becomes of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bctrl.contract.read import from_document, load
from pytest_bctrl.samples.inputs import Inputs
from pytest_bctrl.suite.generate import for_each_case, operation_of, schema_of
from pytest_bctrl.suite.parameters import of_case
from tests.contract.documents import document


def test_what_a_visit_raises_ends_it_and_is_raised_once() -> None:
    contract = load()
    visited: list[Any] = []

    def visit(case: Any) -> None:
        visited.append(case)
        raise LookupError("no answer")

    with pytest.raises(LookupError, match="no answer"):
        for_each_case(operation_of(schema_of(contract), contract.operations[0]), 5, visit)
    assert 1 == len(visited)


@pytest.mark.parametrize(("given", "query"), [([], ""), (["a", "b"], "?tags=a%2Cb")])
def test_a_generated_value_that_arrives_as_one_that_is_not_allowed_is_left_out(given: list[str], query: str) -> None:
    """An empty list that is joined by commas arrives as a list of one empty text."""
    schema = {"type": "array", "items": {"type": "string", "minLength": 1}}
    parameter = {"name": "tags", "in": "query", "explode": False, "schema": schema}
    contract = from_document(document(parameters=[parameter]), "things.json")
    case = SimpleNamespace(query={"tags": given}, headers={}, cookies={})

    assert query == of_case(contract, contract.operations[0], Inputs(), case).query_text
