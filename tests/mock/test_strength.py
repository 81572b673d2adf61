"""The proof that the checks catch what they are for, and that the mock's repertoire is whole."""

from __future__ import annotations

import pytest

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.mutants import rules
from pytest_bctrl.suite import selftest as module
from pytest_bctrl.suite.selftest import PAGING_FAULTS, faults_to_find, strength
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.faults import FAULTS
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS
from tests.contract.documents import contract_of

from .asking import listed
from .own_schemas import SCHEMAS


def test_every_mutant_is_caught_by_the_check_it_names(contract: Contract) -> None:
    outcome = strength(contract, contract.operations[0])
    assert outcome.survivors == ()
    assert outcome.false_alarms == ()
    assert str(outcome) == f"contract strength: {outcome.total} of {outcome.total} mutants caught"
    assert outcome.total > 250


def test_survivors_are_named(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """With checks that see nothing, all survive: the figure is one that can be bad."""
    monkeypatch.setattr(module, "check_response", lambda _response: [])
    outcome = strength(contract, contract.operations[0])
    assert len(outcome.survivors) == outcome.total
    assert "runtimes[*].status: enum ('active-unheard-of' is not listed)" in outcome.survivors


# "all" requires a name that it does not describe, and that is a finding of its own.
@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "all"])
def test_a_contract_of_ones_own_is_proven(name: str) -> None:
    """A body that keeps it can be made, and every mutant breaks something: none is held against the checks wrongly."""
    listed_in = {"type": "object", "properties": {"things": {"type": "array", "items": SCHEMAS[name]}}}
    contract = contract_of(listed_in)
    outcome = strength(contract, contract.operations[0])
    assert outcome.false_alarms == ()
    assert outcome.survivors == ()
    assert outcome.total > 3


def test_what_cannot_be_broken_is_said() -> None:
    """A pattern that takes everything, branches with room for all, and keywords that nothing is derived for."""
    schema = {"type": "object", "properties": {"a": {"pattern": ".*", "type": "string"}, "b": {"anyOf": [{}, {}]}}}
    contract = contract_of({**schema, "required": ["a", "b"], "not": {"required": ["c"]}})
    outcome = strength(contract, contract.operations[0])
    assert outcome.underived == ("(body): not", "a: pattern", "b: anyOf")


def test_the_repertoire_has_every_fault_and_every_rule(contract: Contract) -> None:
    samples = Samples(contract, contract.operations[0])
    names = [fault.name for fault in faults_to_find(samples)]
    assert {name.partition("(")[0] for name in names} == set(FAULTS) - {"delay", *PAGING_FAULTS}
    assert sum(name.startswith("break_rule") for name in names) == len(rules(samples))
    assert all(fault.check for fault in faults_to_find(samples))


def test_the_repertoire_can_be_played(mock: MockServer) -> None:
    """Scenarios by their name, faults as they are."""
    for name in SCENARIOS:
        mock.scenario(name)
    for fault in faults_to_find(mock.samples):
        with mock.fault(fault) as played:
            assert played.fault.check == fault.check
    assert listed(mock).status == 200
