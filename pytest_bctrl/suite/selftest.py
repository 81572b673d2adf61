"""The tests that `--bctrl-selftest` adds: proof that the suite finds what it should, and nothing else.

They ask no live target. A green run says that every conforming state of the mock passes, that every fault is found
by the check it names, and that every mutant derived from the contract is caught.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pytest_bctrl.checks.strength import strength
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.finding import Finding
from pytest_bctrl.reports.terminal import counted, describe
from pytest_bctrl.samples import Samples
from pytest_bctrl.samples.inputs import answers_with_json
from pytest_bctrl.suite.fixtures import askable
from pytest_bctrl.suite.judge import judge
from pytest_bctrl.suite.run import RUN, ContractRun, with_mock
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.verdict import VERDICT, Verdict
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.fault import Fault
from pytest_bctrl.traffic.mock.repertoire import CONFORMING, faults_to_find
from pytest_bctrl.traffic.retry import RetryPolicy

pytestmark = pytest.mark.bctrl_contract

IMPATIENT = RetryPolicy(statuses=frozenset({429}), budget=2.0, attempts=2, first_wait=0.01)
"""Enough for a server in this process, and a fault that hangs costs two seconds instead of thirty."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test every operation, and every scenario, or every fault of it."""
    run = with_mock(metafunc.config.stash[RUN])
    rows: list[tuple[str, tuple[object, ...]]] = []
    names = ["operation", *(name for name in ("scenario", "fault") if name in metafunc.fixturenames)]
    for operation in filter(answers_with_json, askable(run)):
        label = operation.operation_id or operation.label
        if "scenario" in names:
            rows += [(f"{label}-{name}", (operation, name)) for name in CONFORMING]
        elif "fault" in names:
            faults = faults_to_find(Samples(run.contract, operation))
            rows += [(f"{label}-{fault.name}", (operation, fault)) for fault in faults]
        else:
            rows.append((label, (operation,)))
    metafunc.parametrize(names, [row for _, row in rows], ids=[name for name, _ in rows])


@pytest.fixture
def run(request: pytest.FixtureRequest) -> ContractRun:
    """The run, with a mock server of this test's own as its target."""
    return with_mock(request.config.stash[RUN])


@pytest.fixture
def verdict(request: pytest.FixtureRequest, run: ContractRun) -> Verdict:
    """Where a test leaves what it has to say."""
    made: Verdict = Verdict(run.fail_on)
    request.node.stash[VERDICT] = made
    return made


def test_every_mutant_is_caught(operation: Operation, run: ContractRun, verdict: Verdict) -> None:
    """For every keyword at every place of the contract, a body that breaks just that is found."""
    outcome = strength(run.contract, operation)
    verdict.figures = [f"{operation.label}: {outcome}"]
    verdict.figures += [f"{operation.label}: not caught: {name}" for name in outcome.survivors]
    verdict.figures += [f"{operation.label}: no mutant for {rule}" for rule in outcome.underived]
    if not outcome.is_full:
        alarms = [f"found on the sample, which conforms: {line}" for line in describe(outcome.false_alarms)]
        pytest.fail("\n".join([str(outcome), *outcome.survivors, *alarms]), pytrace=False)


def test_conforming_scenario_passes(operation: Operation, scenario: str, run: ContractRun) -> None:
    """Under a scenario that keeps the contract, nothing at all is found."""
    with _mock(run) as mock:
        mock.scenario(scenario)
        found = _judged(run, operation)
    if found:
        pytest.fail("\n".join([f"scenario {scenario}: {counted(found)}", *describe(found)]), pytrace=False)


def test_fault_is_found(operation: Operation, fault: Fault, run: ContractRun) -> None:
    """A fault is found by the check that it names, at the level that it names."""
    with _mock(run) as mock:
        mock.fault(fault)
        found = _judged(run, operation)
    if not any(finding.rule == fault.check and finding.level == fault.level for finding in found):
        wanted = f"fault {fault.name}: {fault.check} at level {fault.level} was not found"
        pytest.fail("\n".join([wanted, *describe(found)]), pytrace=False)


@contextmanager
def _mock(run: ContractRun) -> Iterator[MockServer]:
    if run.mock is None:
        raise RuntimeError("the self-test runs against the mock")
    with run.mock as server:
        yield server


def _judged(run: ContractRun, operation: Operation) -> list[Finding]:
    target = Target(replace(run, mock=None, base_url=run.mock.url if run.mock else ""), IMPATIENT, timeout=1.0)
    try:
        return judge(target, operation)
    finally:
        target.close()
