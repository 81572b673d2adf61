"""The strength of the checks: they detect every mutant."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.model import Contract
from tests.contract.documents import contract_of

from .own_schemas import SCHEMAS
from .strength import undetected_mutants


def test_every_mutant_is_detected_by_its_check(contract: Contract) -> None:
    assert [] == undetected_mutants(contract, contract.operations[0], least=250)


# "all" requires a name that it does not describe, and that is a finding of its own.
@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "all"])
def test_every_mutant_of_a_custom_contract_is_detected(name: str) -> None:
    listed_in = {"type": "object", "properties": {"things": {"type": "array", "items": SCHEMAS[name]}}}
    contract = contract_of(listed_in)

    assert [] == undetected_mutants(contract, contract.operations[0], least=4)
