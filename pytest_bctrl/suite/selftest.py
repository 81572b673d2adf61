"""The tests that `--bctrl-selftest` adds: proof that the suite finds what it should, and nothing else.

They ask no live target. A green run says that every conforming state of the mock passes, that every fault is found
by the check it names, and that every mutant derived from the contract is caught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import pytest

from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import check_answer
from pytest_bctrl.contract.key_fields import credential_field
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.contract.schema.shapes import located_values
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.escaping import escape_line
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.observed.overlay_alone import OVERLAY_ALONE
from pytest_bctrl.reports.terminal import describe
from pytest_bctrl.reports.wording import counted
from pytest_bctrl.samples.inputs import answers_with_json, known_values, main_operation
from pytest_bctrl.samples.mutants import mutants, rules, underived
from pytest_bctrl.samples.sample import SPACE_ID, Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.suite.plan.catalogue import OF_THE_BODY, run_probes, why_not_asked
from pytest_bctrl.suite.plan.pages import is_followed
from pytest_bctrl.suite.report.verdict import VERDICT, Verdict
from pytest_bctrl.suite.run import RUN, ContractRun, with_mock
from pytest_bctrl.suite.sending.target import Target
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
    lost_item,
    plain_errors,
    repeat_page,
    sequence,
    status,
)
from pytest_bctrl.traffic.mock.scenarios import SCENARIOS, empty, lifecycle, many
from pytest_bctrl.traffic.origin import Connection
from pytest_bctrl.traffic.retry import Pace, RetryPolicy

_MANY = 300
"""How many items the scenario `many` has by itself."""

Fact: TypeAlias = tuple[str, str, str, int]
"""Rule, place, what was observed and how often: what makes a finding the same in two runs."""

IMPATIENT = RetryPolicy(statuses=frozenset({429}), budget=2.0, attempts=2, first_wait=0.01)
"""Enough for a server in this process, and a fault that hangs costs two seconds instead of thirty."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test every operation, and every scenario, or every fault of it."""
    run = with_mock(metafunc.config.stash[RUN])
    rows: list[tuple[str, tuple[object, ...]]] = []
    names = ["operation", *(name for name in ("scenario", "fault") if name in metafunc.fixturenames)]
    for operation in filter(answers_with_json, run.contract.operations):
        label = operation.operation_id or operation.label
        if len(names) == 1:
            rows.append((label, (operation,)))
        elif why_not_asked(run, operation) or not _is_provable(run.contract, operation):
            # `test_every_mutant_is_caught` says so, once.
            continue
        elif "scenario" in names:
            rows += [(f"{label}-{name}", (operation, name)) for name in _played(run.contract)]
        else:
            faults = faults_to_find(Samples(run.contract, operation))
            rows += [(f"{label}-{fault.name}", (operation, fault)) for fault in faults]
    metafunc.parametrize(names, [row for _, row in rows], ids=[escape_line(name) for name, _ in rows])


def _is_provable(contract: Contract, operation: Operation) -> bool:
    """Whether a body can be made of the contract that keeps it."""
    try:
        return not false_alarms(Samples(contract, operation))
    except BctrlError:
        return False


def _played(contract: Contract) -> list[str]:
    """The scenarios that the contract has room for, which all keep it: where nothing is listed, no list is empty."""
    samples = Samples(contract, main_operation(contract))
    # An answer that is late is as good after a short while; a list is as long as the contract allows.
    brief = {"slow": "slow(0.02)"} | ({"many": f"many({samples.most_items})"} if samples.most_items < _MANY else {})
    left_out = set() if samples.lists else {*OF_LISTS}
    try:
        lifecycle(samples, SPACE_ID, 1)
    except BctrlError:
        # Its items have no states.
        left_out.add(lifecycle.__name__)
    return [brief.get(name, name) for name in SCENARIOS if name not in left_out]


@pytest.fixture(scope="session")
def usual(request: pytest.FixtureRequest) -> Callable[[Operation], frozenset[Fact]]:
    """What is found without any fault: nothing, but where the contract leaves out how a request is refused."""
    run = with_mock(request.config.stash[RUN])

    @cache
    def found(operation: Operation) -> frozenset[Fact]:
        if not _silent(operation):
            return frozenset()
        return frozenset(map(_fact, _judged(run, operation)))

    return found


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
    try:
        outcome = strength(run.contract, operation)
    except BctrlError as error:
        raise _failure([f"{operation.label}: {_NOT_MADE}: {error}"]) from None
    verdict.figures = [f"{operation.label}: {outcome}"]
    verdict.figures += [f"{operation.label}: not caught: {name}" for name in outcome.survivors]
    verdict.figures += [f"{operation.label}: no mutant for {rule}" for rule in outcome.underived]
    not_asked = why_not_asked(run, operation)
    verdict.figures += [f"{operation.label}: not asked, so no fault of it is tried: {not_asked}"] if not_asked else []
    verdict.figures += [f"{operation.label}: {status} is not documented" for status in sorted(_silent(operation))]
    if outcome.false_alarms:
        alarms = describe(outcome.false_alarms)
        raise _failure([f"{operation.label}: {_NOT_MADE}; give the schema 'examples'", *alarms])
    if outcome.survivors:
        raise _failure([str(outcome), *outcome.survivors])


def test_conforming_scenario_passes(operation: Operation, scenario: str, run: ContractRun) -> None:
    """Under a scenario that keeps the contract, nothing at all is found."""
    _mock(run).scenario(scenario)
    unsaid = [("status_code_conformance", status) for status in _silent(operation)]
    found = [one for one in _judged(run, operation) if (one.rule, one.observed) not in unsaid]
    if found:
        raise _failure([f"scenario {scenario}: {counted(found)}", *describe(found)])


def test_fault_is_found(
    operation: Operation, fault: Fault, run: ContractRun, usual: Callable[[Operation], frozenset[Fact]]
) -> None:
    """A fault is found by the check that it names, at the level that it names."""
    _mock(run).fault(fault)
    tests = OF_THE_BODY if fault.name.startswith(break_rule.__name__) else ()
    found = [one for one in _judged(run, operation, *tests) if _fact(one) not in usual(operation)]
    if not any(finding.rule == fault.check and _has_level(finding, fault) for finding in found):
        wanted = f"fault {fault.name}: {fault.check} at level {fault.level} was not found"
        raise _failure([wanted, *describe(found)])


def _failure(lines: Iterable[str]) -> BaseException:
    """Return what fails a test with these lines, each of which may repeat names of the contract."""
    return pytest.fail.Exception("\n".join(map(escape_line, lines)), pytrace=False)


def _has_level(finding: Finding, fault: Fault) -> bool:
    """Whether a finding has the level that a fault names, or one below it where nothing published is broken."""
    return finding.level == fault.level or finding.message.endswith(OVERLAY_ALONE)


_NOT_MADE = "no body can be made of the contract that keeps it, so nothing is proven"


def _silent(operation: Operation) -> frozenset[int]:
    """The statuses with which the mock has to refuse what is wrong, where the contract documents neither."""
    refusals = {401: not operation.is_public, 404: bool(operation.path_parameters)}
    return frozenset(status for status, gives in refusals.items() if gives and not operation.response_for(status))


def _fact(finding: Finding) -> Fact:
    return finding.rule, finding.location, str(finding.observed), finding.count


def _mock(run: ContractRun) -> MockServer:
    if run.mock is None:  # pragma: no cover - with_mock gave it one, which the type cannot say
        raise RuntimeError("the self-test runs against the mock")
    return run.mock


def _judged(run: ContractRun, operation: Operation, *tests: str) -> list[Finding]:
    # What one fault says of limits is not learned for the next.
    fresh = replace(run, connection=Connection(pace=Pace(patience=0.0)))
    with closing(Target(fresh, IMPATIENT, timeout=1.0)) as target:
        return run_probes(target, *tests, only=operation)


OF_LISTS = frozenset({empty.__name__, many.__name__})
"""The names of those that need an answer which lists something."""

OF_PAGES = frozenset({repeat_page.__name__, lost_item.__name__, endless_cursor.__name__})
"""The names of the faults of lists that page."""

_WITH_ARGUMENTS = {status.__name__, delay.__name__, sequence.__name__, break_rule.__name__}


def _pointless(samples: Samples) -> Iterator[str]:
    """The faults that change nothing here: who asks no credential cannot let everyone in."""
    operation = samples.operation
    is_guarded = credential_field(samples.contract, operation) is not None
    has_places = any(known_values(samples.contract, one, {"space_id": ""}) for one in operation.path_parameters)
    if not is_guarded:
        yield any_key.__name__
    if not has_places:
        yield any_space.__name__
    refusals = {401: is_guarded, 404: has_places, 400: operation.other_parameters, 422: operation.other_parameters}
    given = (operation.response_for(status) for status, gives in refusals.items() if gives)
    if not any(one is not None and one.content for one in given):
        yield plain_errors.__name__
    spots = (spot for body in samples.bodies() for spot in located_values(samples.contract, samples.schema, body))
    if not any(isinstance(spot.value, dict) and spot.value for spot in spots):
        yield duplicate_key.__name__
    if not is_followed(samples):
        yield from OF_PAGES


def faults_to_find(samples: Samples) -> list[Fault]:
    """Return every fault that breaks the contract, each once, with the `check` and `level` it has to be found by.

    For `break_rule` that is one fault for every rule of the contract.
    """
    names = FAULTS.keys() - _WITH_ARGUMENTS - set(_pointless(samples))
    plain = [made for name in FAULTS if name in names for made in [fault(name)] if not made.hinders(samples)]
    made = [status(500), sequence(None, 500), *plain, *(break_rule(rule) for rule in rules(samples))]
    return [for_contract(one, [samples]) for one in made]


@dataclass(frozen=True, slots=True)
class Strength:
    """The outcome for one operation, out of `total` mutants.

    `survivors` are the names of the mutants that no check caught. `false_alarms` are findings on the sample itself,
    which keeps the contract: with any of them, what was caught says nothing. `underived` are the rules for which no
    mutant can be derived, as `location: keyword`.
    """

    total: int
    survivors: tuple[str, ...]
    false_alarms: tuple[Finding, ...]
    underived: tuple[str, ...]

    def __str__(self) -> str:
        """The one figure: `contract strength: 290 of 290 mutants caught`."""
        return f"contract strength: {self.total - len(self.survivors)} of {self.total} mutants caught"


def strength(contract: Contract, operation: Operation) -> Strength:
    """Derive every mutant of the operation's successful answer, hold each to all checks, and count.

    Raises `DocumentError` where the operation documents no successful JSON answer.
    """
    samples = Samples(contract, operation)
    derived = mutants(samples)
    return Strength(
        total=len(derived),
        survivors=tuple(
            mutant.name
            for mutant in derived
            if (mutant.check, mutant.level) not in [(one.rule, one.level) for one in _findings(samples, mutant.body)]
        ),
        false_alarms=tuple(false_alarms(samples)),
        underived=tuple(underived(samples)),
    )


def false_alarms(samples: Samples) -> list[Finding]:
    """Return what is found on bodies that were made of the contract, and so should keep it."""
    return [finding for body in samples.bodies() for finding in _findings(samples, body)]


def _findings(samples: Samples, body: Any) -> list[Finding]:
    response = Response(
        contract=samples.contract,
        operation=samples.operation,
        status=samples.status,
        headers=(("Content-Type", samples.media_type),),
        body=encode(body),
        path_values=samples.parameters(SPACE_ID),
    )
    return check_answer(response)
