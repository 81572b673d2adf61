"""What the contract tests ask for: the target, the verdict and the parameters of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from itertools import islice
from typing import Any

import pytest

from pytest_bctrl.checks.answer import Answer
from pytest_bctrl.checks.credentials import wrong_credentials
from pytest_bctrl.contract.key_fields import guarded_by, key_fields
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.inputs import unfilled
from pytest_bctrl.suite.observing import observer
from pytest_bctrl.suite.parameters import mistakes, variations
from pytest_bctrl.suite.paths import probes
from pytest_bctrl.suite.run import RUN, ContractRun
from pytest_bctrl.suite.settle import settle
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.verdict import VERDICT, Verdict


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[Target]:
    """The API under test."""
    sees = observer(pytestconfig)

    def see(answer: Answer, query: str, headers: tuple[tuple[str, str], ...]) -> None:
        sees.see_answer(answer, query=query, request_headers=headers)

    made = Target(pytestconfig.stash[RUN], see=see)
    yield made
    made.close()


@pytest.fixture
def verdict(request: pytest.FixtureRequest, target: Target) -> Verdict:
    """Where the test puts its findings."""
    run = request.config.stash[RUN]
    made = Verdict(run.fail_on, target.tally, run.baseline, run.levels)
    request.node.stash[VERDICT] = made
    return made


@pytest.fixture(scope="session")
def schema(pytestconfig: pytest.Config) -> Any:
    """Schemathesis's view of the contract."""
    from pytest_bctrl.suite.generate import schema_of

    made = schema_of(pytestconfig.stash[RUN].contract)
    settle()
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test every operation that can be asked, and what the test is about."""
    names = parameters_of(metafunc.function)
    rows = rows_for(metafunc.config.stash[RUN], names)
    metafunc.parametrize(names, [row[1:] for row in rows], ids=[str(row[0]) for row in rows])


def parameters_of(test: Callable[..., object]) -> list[str]:
    """Return what a test of the suite is given for each operation: the operation, and one thing that it is about."""
    return [name for name in signature(test).parameters if name in _SELECTED or name in _ABOUT]


def has_rows(run: ContractRun, test: Callable[..., object]) -> bool:
    """Whether there is anything for a test of the suite to look at."""
    names = parameters_of(test)
    return not names or bool(rows_for(run, names))


def rows_for(run: ContractRun, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return a name and the values of `names` for every test that can be run; none where there is nothing to ask."""
    rows: list[tuple[Any, ...]] = []
    selected, *about = names
    for operation in askable(run):
        title = operation.operation_id or operation.label
        if not _SELECTED[selected](run, operation):
            continue
        if not about:
            rows.append((title, operation))
        for name in about:
            for text, value in _ABOUT[name](run, operation):
                # A check of one's own is looked for by its own name first.
                rows.append((f"{text}-{title}" if name == "own" else f"{title}-{text}", operation, value))
    return rows


def askable(run: ContractRun) -> list[Operation]:
    """The operations that a safe request can reach with the settings there are and what the contract says."""
    return [operation for operation in run.contract.operations if not why_not_asked(run, operation)]


def why_not_asked(run: ContractRun, operation: Operation) -> str:
    """Return why an operation is not asked, in words; empty where it is."""
    if not operation.is_safe:
        return f"{operation.method} could change something, and the suite sends safe methods only"
    missing = unfilled(run.contract, operation, run.values)
    if missing:
        return f"nothing gives a value for {', '.join(missing)}; an example in the contract would"
    if key_fields(run.contract, operation) is None:
        return "its security is neither a bearer token nor an API key in a header"
    return ""


def require_operations(run: ContractRun) -> None:
    """Raise `SettingError` where a run could ask its target nothing: it would be green with nothing checked."""
    if run.target is None or askable(run):
        return
    unfilled_names = sorted(
        {
            name
            for operation in run.contract.operations
            if operation.is_safe
            for name in unfilled(run.contract, operation, run.values)
        }
    )
    reasons = [why_not_asked(run, operation) for operation in run.contract.operations if operation.is_safe]
    reason = next(iter(reasons), "none has a safe method")
    if unfilled_names:
        reason = f"required parameters have no value: {', '.join(unfilled_names)}"
    raise SettingError(
        f"no operation of the contract can be asked; {reason}",
        where=run.contract.name,
        mend="give a path parameter an example, or take it from a setting: x-bctrl-setting: space_id",
    )


_Named = Iterator[tuple[str, Any]]


def _rules(run: ContractRun, operation: Operation) -> _Named:
    for rule in operation.invariants:
        yield rule["rule"], rule


def _credentials(run: ContractRun, operation: Operation) -> _Named:
    guard = guarded_by(run.contract, operation)
    for credential in wrong_credentials(run.key, guard) if guard else ():
        yield credential.name.replace(" ", "-"), credential


def _path_values(run: ContractRun, operation: Operation) -> _Named:
    for value in probes(run.max_examples) if operation.path_parameters else ():
        yield value.name, value


def _variations(run: ContractRun, operation: Operation) -> _Named:
    for variation in islice(variations(run.contract, operation, run.values), run.max_examples):
        yield variation.name.replace(" ", "-"), variation


def _mistakes(run: ContractRun, operation: Operation) -> _Named:
    for mistake in islice(mistakes(run.contract, operation, run.values), run.max_examples):
        yield mistake.name.replace(" ", "-"), mistake


def _own(run: ContractRun, operation: Operation) -> _Named:
    for check in run.checks:
        if check.looks_at(operation.operation_id, operation.label):
            yield check.name, check


_SELECTED: Mapping[str, Callable[[ContractRun, Operation], bool]] = {
    "operation": lambda run, operation: True,
    "secured": lambda run, operation: operation.method == "GET" and guarded_by(run.contract, operation) is not None,
    "placed": lambda run, operation: bool(operation.path_parameters),
    "queried": lambda run, operation: bool(operation.other_parameters),
}
"""Which operations a test is about, by the name of its parameter."""

_ABOUT: Mapping[str, Callable[[ContractRun, Operation], _Named]] = {
    "rule": _rules,
    "credential": _credentials,
    "value": _path_values,
    "variation": _variations,
    "mistake": _mistakes,
    "own": _own,
}
"""What a test is about, by the name of its parameter: what there is of it, each with its name in the test's id."""
