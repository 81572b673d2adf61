"""The strength of the checks: they catch every mutant, and the self-test covers every fault and rule."""

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


def test_every_mutant_is_detected_by_its_check(contract: Contract) -> None:
    """`strength` of the packaged contract has over 250 mutants, no survivor, and no false alarm."""
    outcome = strength(contract, contract.operations[0])
    assert outcome.survivors == ()
    assert outcome.false_alarms == ()
    assert str(outcome) == f"contract strength: {outcome.total} of {outcome.total} mutants caught"
    assert outcome.total > 250


def test_all_mutants_survive_without_checks(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """If `check_response` returns no findings, `strength` lists every mutant as a survivor."""
    monkeypatch.setattr(module, "check_response", lambda _response: [])
    outcome = strength(contract, contract.operations[0])
    assert len(outcome.survivors) == outcome.total
    assert "runtimes[*].status: enum ('active-unheard-of' is not listed)" in outcome.survivors


# "all" requires a name that it does not describe, and that is a finding of its own.
@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "all"])
def test_every_mutant_of_a_custom_contract_is_detected(name: str) -> None:
    """A conforming body can be generated, and every mutant violates the contract."""
    listed_in = {"type": "object", "properties": {"things": {"type": "array", "items": SCHEMAS[name]}}}
    contract = contract_of(listed_in)
    outcome = strength(contract, contract.operations[0])
    assert outcome.false_alarms == ()
    assert outcome.survivors == ()
    assert outcome.total > 3


def test_keywords_without_mutants_are_listed() -> None:
    """A pattern that matches everything, branches that accept everything, and unsupported keywords."""
    schema = {"type": "object", "properties": {"a": {"pattern": ".*", "type": "string"}, "b": {"anyOf": [{}, {}]}}}
    contract = contract_of({**schema, "required": ["a", "b"], "not": {"required": ["c"]}})
    outcome = strength(contract, contract.operations[0])
    assert outcome.underived == ("(body): not", "a: pattern", "b: anyOf")


def test_the_self_test_covers_every_fault_and_every_rule(contract: Contract) -> None:
    """`faults_to_find` has each fault but delays and those of pages, and a `break_rule` per rule."""
    samples = Samples(contract, contract.operations[0])
    names = [fault.name for fault in faults_to_find(samples)]
    assert {name.partition("(")[0] for name in names} == set(FAULTS) - {"delay", "slow_body", *PAGING_FAULTS}
    assert sum(name.startswith("break_rule") for name in names) == len(rules(samples))
    assert all(fault.check for fault in faults_to_find(samples))


def test_every_scenario_and_fault_of_the_self_test_can_be_set(mock: MockServer) -> None:
    """One after the other; afterwards the mock responds with 200."""
    for name in SCENARIOS:
        mock.scenario(name)
    for fault in faults_to_find(mock.samples):
        with mock.fault(fault) as played:
            assert played.fault.check == fault.check
    assert listed(mock).status == 200
