"""The contract suite against the mock: every scenario conforms, and each fault is found by the check that it names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from pytest_bctrl.contract.read import load
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.mutants import rules
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.suite.run import ContractRun
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.client import TIMEOUT
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.faults import FAULTS
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.retry import Pace, RetryPolicy
from tests.run_probes import BODY_TESTS, run_probes

CONTRACT = load()
IMPATIENT = RetryPolicy(statuses=frozenset({429}), budget=2.0, attempts=2, first_wait=0.01)
RULES = rules(Samples(CONTRACT, CONTRACT.operations[0]))

CONFORMING = ("delay", "slow_body")
PAGING = ("repeat_page", "lost_item", "endless_cursor")
"""The faults of pages; the packaged contract has none, and `test_pages.py` applies them to other contracts."""

WITH_ARGUMENTS = {"status": "status(500)"}


def findings_of(set_up: Callable[[MockServer], object], *tests: str, timeout: float = TIMEOUT) -> list[Finding]:
    """Return the findings of the suite, or of some of its tests, for a mock in a certain state."""
    mock = MockServer(CONTRACT, is_exhaustive=True)
    set_up(mock)
    connection = Connection(pace=Pace(max_wait=0.0))
    values = {"space_id": mock.space_id}
    run = ContractRun("mock", CONTRACT, "", Secret(mock.api_key), values, mock=mock, connection=connection)
    with closing(Target(run, IMPATIENT, timeout)) as target:
        return run_probes(target, *tests)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_passes_the_contract_suite(name: str) -> None:
    arguments = {"seconds": 0.02} if name == "slow" else {}

    assert [] == findings_of(lambda mock: mock.scenario(name, **arguments))


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - {"break_rule", *CONFORMING, *PAGING}))
def test_each_fault_is_found_by_the_check_that_it_names(name: str) -> None:
    applied = []
    # A fault that hangs would take the usual time-out per request.
    timeout = 1.0 if name == "hang" else TIMEOUT

    findings = findings_of(
        lambda mock: applied.append(mock.fault(WITH_ARGUMENTS.get(name, name)).fault), timeout=timeout
    )

    assert (applied[0].check, applied[0].level) in {(finding.rule, finding.level) for finding in findings}


@pytest.mark.parametrize("rule", RULES)
def test_each_broken_rule_of_the_contract_is_found(rule: str) -> None:
    applied = []

    findings = findings_of(lambda mock: applied.append(mock.fault("break_rule", rule).fault), *BODY_TESTS)

    assert (applied[0].check, applied[0].level) in {(finding.rule, finding.level) for finding in findings}
