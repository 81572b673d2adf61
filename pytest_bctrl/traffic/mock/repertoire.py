"""All that a contract suite can be proven with: scenarios that it has to pass, and faults that it has to find."""

from __future__ import annotations

from pytest_bctrl.samples.mutants import rules
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.fault import Fault
from pytest_bctrl.traffic.mock.faults import FAULTS, break_rule, delay, fault, for_contract, sequence, status
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS

CONFORMING: tuple[str, ...] = tuple(SCENARIOS)
"""The names of the scenarios: under each of them the mock keeps its contract, at every level."""

_WITH_ARGUMENTS = {status.__name__, delay.__name__, sequence.__name__, break_rule.__name__}


def faults_to_find(samples: Samples) -> list[Fault]:
    """Return every fault that breaks the contract, each once, with the `check` and `level` it has to be found by.

    For `break_rule` that is one fault for every rule of the contract.
    """
    plain = [fault(name) for name in FAULTS if name not in _WITH_ARGUMENTS]
    made = [status(500), sequence(None, 500), *plain, *(break_rule(rule) for rule in rules(samples))]
    return [for_contract(one, samples) for one in made]
