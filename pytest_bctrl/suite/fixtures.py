"""What the contract tests ask for: the target, the verdict and the parameters of each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_bctrl.checks.credentials import wrong_credentials
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.errors import SettingError
from pytest_bctrl.suite.observing import observer
from pytest_bctrl.suite.paths import probes
from pytest_bctrl.suite.run import RUN, ContractRun
from pytest_bctrl.suite.settle import settle
from pytest_bctrl.suite.target import Target
from pytest_bctrl.suite.verdict import VERDICT, Verdict


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Iterator[Target]:
    """The API under test."""
    made = Target(pytestconfig.stash[RUN], see=observer(pytestconfig).see_answer)
    yield made
    made.close()


@pytest.fixture
def verdict(request: pytest.FixtureRequest, target: Target) -> Verdict:
    """Where the test puts its findings."""
    run = request.config.stash[RUN]
    made = Verdict(run.fail_on, target.tally, run.baseline)
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
    run = metafunc.config.stash[RUN]
    if "secured" in metafunc.fixturenames:
        secured = [operation for operation in askable(run) if takes_bearer(operation)]
        metafunc.parametrize("secured", secured, ids=[_name(operation) for operation in secured])
        return
    wanted = set(metafunc.fixturenames)
    names = ["operation", *(name for name in ("rule", "credential", "value") if name in wanted)]
    rows = [row for operation in askable(run) for row in _rows(run, operation, names[1:])]
    metafunc.parametrize(names, [row[1:] for row in rows], ids=[str(row[0]) for row in rows])


def _name(operation: Operation) -> str:
    return operation.operation_id or operation.label


def askable(run: ContractRun) -> list[Operation]:
    """The operations that a safe request can reach with the settings there are."""
    return [
        operation
        for operation in run.contract.operations
        if operation.method == "GET"
        and all(parameter.setting in run.values for parameter in operation.path_parameters)
        and not any(parameter.required for parameter in operation.parameters if parameter.place != "path")
    ]


def require_operations(run: ContractRun) -> None:
    """Raise `SettingError` where a run could ask its target nothing: it would be green with nothing checked."""
    if run.target is None or askable(run):
        return
    unfilled = sorted(
        {
            parameter.name
            for operation in run.contract.operations
            for parameter in operation.parameters
            if (parameter.required or parameter.place == "path") and parameter.setting not in run.values
        }
    )
    reason = f"required parameters have no value: {', '.join(unfilled)}" if unfilled else "there is no GET"
    raise SettingError(
        f"no operation of the contract can be asked; {reason}",
        where=run.contract.name,
        mend="a path parameter takes a setting's value where the contract says so: x-bctrl-setting: space_id",
    )


def _rows(run: ContractRun, operation: Operation, about: list[str]) -> list[tuple[Any, ...]]:
    name = _name(operation)
    if about == ["rule"]:
        return [(f"{name}-{rule['rule']}", operation, rule) for rule in operation.invariants]
    if about == ["credential"]:
        return [
            (f"{name}-{credential.name.replace(' ', '-')}", operation, credential)
            for credential in (wrong_credentials(run.key) if takes_bearer(operation) else ())
        ]
    if about == ["value"]:
        return [
            (f"{name}-{value.name}", operation, value)
            for value in (probes(run.max_examples) if operation.path_parameters else ())
        ]
    return [(name, operation)]


def takes_bearer(operation: Operation) -> bool:
    """Whether a bearer token is the operation's one way to authenticate."""
    return bool(operation.security) and all(
        any(scheme.type == "http" and scheme.scheme == "bearer" for scheme in requirement)
        for requirement in operation.security
    )
