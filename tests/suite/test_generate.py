"""What becomes of the cases that Schemathesis generates."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_bctrl.contract.read import from_document
from pytest_bctrl.suite.parameters import of_case
from tests.contract.documents import document


@pytest.mark.parametrize(("given", "query"), [(["a,b", "c"], ""), ([], "?tags="), (["a", "b"], "?tags=a%2Cb")])
def test_a_generated_value_that_arrives_as_one_that_is_not_allowed_is_left_out(given: list[str], query: str) -> None:
    """A text with a comma arrives as two."""
    schema = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 2}
    parameter = {"name": "tags", "in": "query", "explode": False, "schema": schema}
    contract = from_document(document(parameters=[parameter]), "things.json")
    case = SimpleNamespace(query={"tags": given}, headers={}, cookies={})

    assert query == of_case(contract, contract.operations[0], {}, case).query_text
