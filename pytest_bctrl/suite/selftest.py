"""The tests that `--bctrl-selftest` adds: they prove that the suite finds every fault, and nothing else.

They send no requests to a live target. They pass if every conforming state of the mock passes, the check named by each
fault finds it, and every mutant derived from the contract is caught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import pytest

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_response
from pytest_bctrl.contract.key_fields import field_to_reject
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.wording import counted
from pytest_bctrl.samples.inputs import existing_path_values, main_operation, responds_with_json
from pytest_bctrl.samples.mutants import mutants, rules, rules_without_mutant
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.space_id import SPACE_ID
from pytest_bctrl.samples.text import encode
from pytest_bctrl.suite.operations import reason_not_requested
from pytest_bctrl.suite.plan.catalogue import BODY_TESTS
from pytest_bctrl.suite.plan.pages import is_followed
from pytest_bctrl.suite.report.verdict import VERDICT, Verdict
from pytest_bctrl.suite.run import ContractRun, with_mock
from pytest_bctrl.suite.run_key import RUN
from pytest_bctrl.suite.run_probes import run_probes
from pytest_bctrl.suite.sending.target import Target
from pytest_bctrl.traffic.client import TIMEOUT
from pytest_bctrl.traffic.mock import MockServer
from pytest_bctrl.traffic.mock.change import Fault
from pytest_bctrl.traffic.mock.faults import (
    FAULTS,
    any_key,
    any_space,
    break_rule,
    delay,
    duplicate_key,
    endless_cursor,
    fault,
    for_contract,
    hang,
    lost_item,
    malformed_json,
    plain_errors,
    repeat_page,
    sequence,
    slow_body,
    status,
)
from pytest_bctrl.traffic.mock.json_bodies import with_repeated_key, without_last_character
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS, empty, lifecycle, many
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.retry import Pace, RetryPolicy

_MANY = 300
"""The default number of items in the scenario `many`."""

FindingKey: TypeAlias = tuple[str, str, str, int]
"""Rule, location, observed value and count, which identify a finding in two runs."""

IMPATIENT = RetryPolicy(statuses=frozenset({429}), budget=2.0, attempts=2, first_wait=0.01)
"""A short retry budget for a server in this process: a fault that hangs costs two seconds instead of thirty."""

HANG_TIMEOUT = 1.0
"""The time-out in seconds if the mock is to hang. For all else the usual one applies, as the machine may be busy."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize each test with the operations that respond with JSON, and with their scenarios or faults."""
    run = with_mock(metafunc.config.stash[RUN])
    rows: list[tuple[str, tuple[object, ...]]] = []
    names = ["operation", *(name for name in ("scenario", "fault") if name in metafunc.fixturenames)]
    for operation in filter(responds_with_json, run.contract.operations):
        label = operation.operation_id or operation.label
        if len(names) == 1:
            rows.append((label, (operation,)))
        elif reason_not_requested(run, operation) or not _is_provable(run.contract, operation):
            # `test_every_mutant_is_caught` reports it once.
            continue
        elif "scenario" in names:
            rows += [(f"{label}-{name}", (operation, name)) for name in _scenarios(run.contract)]
        else:
            faults = faults_to_find(Samples(run.contract, operation))
            rows += [(f"{label}-{fault.name}", (operation, fault)) for fault in faults]
    metafunc.parametrize(names, [row for _, row in rows], ids=[escape_line(name) for name, _ in rows])


def _is_provable(contract: Contract, operation: Operation) -> bool:
    """Return whether bodies can be generated from the contract, and none of them has a finding."""
    try:
        return not false_alarms(Samples(contract, operation))
    except BctrlError:
        return False


def _scenarios(contract: Contract) -> list[str]:
    """Return the scenarios that apply to the contract, with their arguments; all conform to it."""
    samples = Samples(contract, main_operation(contract))
    # A short delay is enough, and a list must not be longer than the contract allows.
    arguments = {"slow": "slow(0.02)"}
    if samples.most_items < _MANY:
        arguments["many"] = f"many({samples.most_items})"
    excluded = set[str]()
    if not samples.lists:
        excluded.update(LIST_SCENARIOS)
    try:
        lifecycle(samples, SPACE_ID, 1)
    except BctrlError:
        # The items have no states.
        excluded.add(lifecycle.__name__)
    return [arguments.get(name, name) for name in SCENARIOS if name not in excluded]


@pytest.fixture(scope="session")
def usual(request: pytest.FixtureRequest) -> Callable[[Operation], frozenset[FindingKey]]:
    """A function that returns the keys of an operation's findings without a fault; none if it documents rejections."""
    run = with_mock(request.config.stash[RUN])

    @cache
    def finding_keys(operation: Operation) -> frozenset[FindingKey]:
        """Return the keys of the findings without a fault."""
        if not _undocumented_rejections(operation):
            return frozenset()
        return frozenset(map(_finding_key, _findings_of_run(run, operation)))

    return finding_keys


@pytest.fixture
def run(request: pytest.FixtureRequest) -> ContractRun:
    """The run, with a new mock server as its target."""
    return with_mock(request.config.stash[RUN])


@pytest.fixture
def verdict(request: pytest.FixtureRequest, run: ContractRun) -> Verdict:
    """The new verdict of the test, which the test fills in and reports show."""
    test_verdict: Verdict = Verdict(run.fail_on)
    request.node.stash[VERDICT] = test_verdict
    return test_verdict


def test_every_mutant_is_caught(operation: Operation, run: ContractRun, verdict: Verdict) -> None:
    """For each keyword at each location in a response, a body that violates only this keyword has a finding."""
    try:
        outcome = strength(run.contract, operation)
    except BctrlError as error:
        raise _failure([f"{operation.label}: {_NOT_PROVABLE}: {error}"]) from None
    verdict.figures = [f"{operation.label}: {outcome}"]
    verdict.figures += [f"{operation.label}: not caught: {name}" for name in outcome.survivors]
    verdict.figures += [f"{operation.label}: no mutant for {rule}" for rule in outcome.underived]
    reason = reason_not_requested(run, operation)
    if reason:
        verdict.figures.append(f"{operation.label}: not tested with faults: {reason}")
    undocumented = sorted(_undocumented_rejections(operation))
    verdict.figures += [f"{operation.label}: {status} is not documented" for status in undocumented]
    if outcome.false_alarms:
        alarms = describe(outcome.false_alarms)
        raise _failure([f"{operation.label}: {_NOT_PROVABLE}; give the schema 'examples'", *alarms])
    if outcome.survivors:
        raise _failure([str(outcome), *outcome.survivors])


def test_conforming_scenario_passes(operation: Operation, scenario: str, run: ContractRun) -> None:
    """A scenario that conforms to the contract has no findings, except rejections that it does not document."""
    _mock(run).scenario(scenario)
    expected = [("status_code_conformance", status) for status in _undocumented_rejections(operation)]
    findings = [
        finding for finding in _findings_of_run(run, operation) if (finding.rule, finding.observed) not in expected
    ]
    if findings:
        raise _failure([f"scenario {scenario}: {counted(findings)}", *describe(findings)])


def test_fault_is_found(
    operation: Operation, fault: Fault, run: ContractRun, usual: Callable[[Operation], frozenset[FindingKey]]
) -> None:
    """The check that a fault names finds it, at the level that the fault names."""
    _mock(run).fault(fault)
    tests = BODY_TESTS if fault.name.startswith(break_rule.__name__) else ()
    timeout = TIMEOUT
    if fault.name == hang().name:
        timeout = HANG_TIMEOUT
    fault_findings = _findings_of_run(run, operation, *tests, timeout=timeout)
    findings = [finding for finding in fault_findings if _finding_key(finding) not in usual(operation)]
    if not any(finding.rule == fault.check and _has_level(finding, fault) for finding in findings):
        message = f"fault {fault.name}: {fault.check} at level {fault.level} was not found"
        raise _failure([message, *describe(findings)])


def _failure(lines: Iterable[str]) -> BaseException:
    """Return an exception that fails a test with these lines, which may contain names from the contract."""
    return pytest.fail.Exception("\n".join(map(escape_line, lines)), pytrace=False)


def _has_level(finding: Finding, fault: Fault) -> bool:
    """Return whether a finding has the level of a fault, or a lower one because it only breaks the overlay."""
    return finding.level == fault.level or finding.message.endswith(OVERLAY_ALONE)


_NOT_PROVABLE = "no valid body can be generated from the contract, so nothing is proven"


def _undocumented_rejections(operation: Operation) -> frozenset[int]:
    """Return the statuses with which the mock must reject requests although the contract does not document them."""
    rejections = {401: not operation.is_public, 404: bool(operation.path_parameters)}
    return frozenset(status for status, applies in rejections.items() if applies and not operation.response_for(status))


def _finding_key(finding: Finding) -> FindingKey:
    """Return a key of what a finding says."""
    return finding.rule, finding.location, str(finding.observed), finding.count


def _mock(run: ContractRun) -> MockServer:
    """Return the mock server of a run; raises `RuntimeError` if there is none."""
    if run.mock is None:  # pragma: no cover - set by with_mock, which the type cannot express
        raise RuntimeError("the self-test runs against the mock")
    return run.mock


def _findings_of_run(run: ContractRun, operation: Operation, *tests: str, timeout: float = TIMEOUT) -> list[Finding]:
    """Run the suite, or some tests of it, for an operation without waiting, and return the findings."""
    # Each run has a new pace, since rate limits of one fault do not apply to the next.
    new_run = replace(run, connection=Connection(pace=Pace(max_wait=0.0)))
    with closing(Target(new_run, IMPATIENT, timeout, only=operation)) as target:
        return run_probes(target, *tests, only=operation)


LIST_SCENARIOS = frozenset({empty.__name__, many.__name__})
"""The scenarios that need a response with a list."""

PAGING_FAULTS = frozenset({repeat_page.__name__, lost_item.__name__, endless_cursor.__name__})
"""The faults of paginated lists."""

_WITH_ARGUMENTS = {status.__name__, delay.__name__, slow_body.__name__, sequence.__name__, break_rule.__name__}


def _ineffective_faults(samples: Samples) -> Iterator[str]:
    """Yield the names of faults that have no effect on this operation, such as `any_key` without a credential."""
    operation = samples.operation
    is_guarded = field_to_reject(samples.contract, operation) is not None
    has_known_values = any(
        existing_path_values(samples.contract, parameter, {"space_id": ""}) for parameter in operation.path_parameters
    )
    if not is_guarded:
        yield any_key.__name__
    if not has_known_values:
        yield any_space.__name__
    if not _documents_rejection_body(operation, is_guarded=is_guarded, has_known_values=has_known_values):
        yield plain_errors.__name__
    # The only body that the mock of a contract run serves.
    body = encode(samples.sample())
    if not with_repeated_key(body):
        yield duplicate_key.__name__
    if not without_last_character(body):
        yield malformed_json.__name__
    if not is_followed(samples):
        yield from PAGING_FAULTS


def _documents_rejection_body(operation: Operation, *, is_guarded: bool, has_known_values: bool) -> bool:
    """Return whether the contract documents the body of a rejection that requests can cause."""
    has_parameters = bool(operation.other_parameters)
    rejections = {401: is_guarded, 404: has_known_values, 400: has_parameters, 422: has_parameters}
    documented = [operation.response_for(status) for status, applies in rejections.items() if applies]
    return any(response is not None and response.content for response in documented)


def faults_to_find(samples: Samples) -> list[Fault]:
    """Return each fault that violates the contract, with the `check` and `level` of the expected finding.

    `break_rule` has one fault per rule of the contract.
    """
    names = FAULTS.keys() - _WITH_ARGUMENTS - set(_ineffective_faults(samples))
    simple_faults = [fault(name) for name in FAULTS if name in names]
    simple_faults = [simple_fault for simple_fault in simple_faults if not simple_fault.hinders(samples)]
    rule_faults = [break_rule(rule) for rule in rules(samples)]
    faults = [status(500), sequence(None, 500), *simple_faults, *rule_faults]
    return [for_contract(effective_fault, [samples]) for effective_fault in faults]


@dataclass(frozen=True, slots=True)
class Strength:
    """The outcome for one operation, out of `total` mutants.

    `survivors` are the names of mutants that no check caught. `false_alarms` are findings on valid bodies; with any of
    them, caught mutants prove nothing. `underived` are rules for which no mutant can be derived, as
    `location: keyword`.
    """

    total: int
    survivors: tuple[str, ...]
    false_alarms: tuple[Finding, ...]
    underived: tuple[str, ...]

    def __str__(self) -> str:
        """Return the figure, such as `contract strength: 290 of 290 mutants caught`."""
        return f"contract strength: {self.total - len(self.survivors)} of {self.total} mutants caught"


def strength(contract: Contract, operation: Operation) -> Strength:
    """Return how many mutants of an operation's success response the checks catch, and which survive.

    Raises `DocumentError` if the operation documents no JSON success response.
    """
    samples = Samples(contract, operation)
    derived = mutants(samples)
    survivors = []
    for mutant in derived:
        caught = [(finding.rule, finding.level) for finding in _findings(samples, mutant.body)]
        if (mutant.check, mutant.level) not in caught:
            survivors.append(mutant.name)
    return Strength(
        total=len(derived),
        survivors=tuple(survivors),
        false_alarms=tuple(false_alarms(samples)),
        underived=tuple(rules_without_mutant(samples)),
    )


def false_alarms(samples: Samples) -> list[Finding]:
    """Return the findings of generated valid bodies; empty if the contract's checks accept them all, as they should."""
    return [finding for body in samples.bodies() for finding in _findings(samples, body)]


def _findings(samples: Samples, body: Any) -> list[Finding]:
    """Return the findings of the checks for a generated body."""
    response = Response(
        contract=samples.contract,
        operation=samples.operation,
        status=samples.status,
        headers=(("Content-Type", samples.media_type),),
        body=encode(body),
        path_values=samples.parameters(SPACE_ID),
    )
    return check_response(response)
