"""One contract run: what it talks to, what it holds the target to, and when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from pytest_bctrl.checks.run import Check
from pytest_bctrl.contract.in_force import ContractInForce, contract_of_config, load_cached, packaged_contract
from pytest_bctrl.contract.model import Contract, Operation
from pytest_bctrl.errors import SettingError
from pytest_bctrl.findings.finding import FailOn, Levels
from pytest_bctrl.samples.inputs import exemplified
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings import resolve as settings
from pytest_bctrl.settings import secret_settings, table
from pytest_bctrl.suite.baseline import Baseline
from pytest_bctrl.traffic.client import client
from pytest_bctrl.traffic.origin import Connection, base_url, connection, values

if TYPE_CHECKING:
    from pytest_bctrl.traffic.mock import MockServer

RUN: pytest.StashKey[ContractRun] = pytest.StashKey()

NODE = "bctrl"
"""What the ids of contract tests begin with."""

INSTALL = "pip install 'pytest-bctrl[contract]'"


@dataclass(frozen=True, slots=True)
class ContractRun:
    """The resolved settings of one run; `mock` is the bundled server, not yet started, where that is the target.

    There is no target where the run asks for nothing but the drift of the spec against `upstream`. `chosen` tells
    where the contract comes from.

    `probes` says whether requests that do not conform to the contract are sent, too.

    `checks` are the project's own, known once its `conftest.py` files are read.
    `values` are the settings that fill parameters, by the name that the contract gives them, or by the parameter's.
    `connection` is what all requests have in common. `no_suite` says why a live run is one of the
    project's own tests alone: the `contract` extra is not installed, or it makes recordings.
    """

    target: settings.Target | None
    contract: Contract
    base_url: str = ""
    key: Secret = field(default_factory=lambda: Secret(""))
    values: Mapping[str, str] = field(default_factory=dict)
    fail_on: FailOn = "error"
    max_examples: int = 20
    probes: settings.Probes = "all"
    upstream: str | None = None
    selftest: bool = False
    levels: Levels = field(default_factory=Levels)
    checks: tuple[Check, ...] = ()
    baseline: Baseline = field(default_factory=Baseline)
    chosen: ContractInForce = field(default_factory=packaged_contract)
    no_suite: str = ""
    mock: MockServer | None = None
    connection: Connection = field(default_factory=Connection)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of the contract, less the header parameters that every request has from the settings."""
        if not self.header_names:
            return self.contract.operations
        given = {("header", name) for name in self.header_names}
        return tuple(
            replace(one, parameters=tuple(own for own in one.parameters if (own.in_, own.name.lower()) not in given))
            for one in self.contract.operations
        )

    @property
    def header_names(self) -> frozenset[str]:
        """The header fields that every request has from the settings, in lower case."""
        return frozenset(name.lower() for name, *_ in self.connection.headers)

    @property
    def most_requests(self) -> int:
        """How many requests an operation gets at most, whatever the contract: 40, or more where more is asked for."""
        return max(40, 20 + self.max_examples)


def missing_extra() -> str:
    """Return which parts of the `contract` extra are not installed, in words; empty where it is there."""
    from importlib.util import find_spec

    missing = [name for name in ("schemathesis", "hypothesis", "jsonschema") if find_spec(name) is None]
    return f"{' and '.join(missing)} not installed, and the contract suite needs it" if missing else ""


def require_extra(needed_by: str = "--bctrl-mock, bctrl") -> None:
    """Raise `SettingError`, which names what needs it, where the `contract` extra is not installed."""
    if problem := missing_extra():
        raise SettingError(  # pragma: no cover - tests/base_install runs without the extra
            problem, where=needed_by, hint=INSTALL
        )


def resolve(source: settings.SettingSource, environment: Mapping[str, str]) -> ContractRun:
    """Resolve every setting before anything is sent or started.

    Raises `SettingError` or `DocumentError` with the name of what is missing or wrong.
    """
    target = settings.target(source)
    if target == "mock":
        require_extra()
    chosen = contract_of_config(source)
    contract = load_cached(chosen)
    run = ContractRun(
        target,
        contract,
        fail_on=settings.fail_on(source, environment),
        max_examples=settings.max_examples(source, environment),
        probes=settings.probes(source),
        upstream=settings.upstream(source, environment),
        selftest=bool(source.getoption("bctrl_selftest")),
        levels=settings.levels(source),
        chosen=chosen,
        no_suite=INSTALL if missing_extra() else "",
    )
    if run.selftest:
        # A contract that no mock can be made of is reported now, and not by a traceback while tests are collected.
        with_mock(run)
    if target == "live":
        run = aimed(run, source, environment)
        # What is wrong with proxies and certificates shows now.
        client(run.base_url, run.key, live=True, connection=run.connection).close()
        return run
    return with_mock(run) if target == "mock" else run


def aimed(run: ContractRun, source: settings.SettingSource, environment: Mapping[str, str]) -> ContractRun:
    """Return the run with the live API as its target: the key, real values, and the base URL, else the first server.

    Raises `SettingError` for what is missing or wrong.
    """
    contract = run.contract
    key, values = secret_settings.api_key(environment), live_values(contract, source, environment)
    common, first = connection(source, environment), contract.servers[0] if contract.servers else ""
    found = settings.find_value(table.BASE_URL, source, environment) or settings.SettingValue(
        first, table.BASE_URL.default
    )
    url = base_url(found.value, where=found.where, prefix=shared_prefix(contract), http_hosts=common.http_hosts)
    return replace(run, target="live", base_url=url, key=key, values=values, connection=common)


def live_values(contract: Contract, source: settings.SettingSource, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the real values of parameters; raises `SettingError` for a space id that is needed and not set.

    A contract for all of whose parameters `bctrl_values` or an example stands needs none.
    """
    known = values(source, environment)
    paths = [parameter for operation in contract.operations for parameter in operation.path_parameters]
    is_needed = any(one.name not in known and one.setting not in known for one in paths)
    if is_needed or settings.find_value(table.SPACE_ID, source, environment):
        return {"space_id": settings.space_id(source, environment), **known}
    return known


def with_mock(run: ContractRun) -> ContractRun:
    """Return the run with a mock server of its own as its target, not yet started.

    Raises `DocumentError` where the contract documents an answer that no mock can give.
    """
    from pytest_bctrl.traffic.mock import MockServer

    contract = exemplified(run.contract, {"space_id": ""})
    mock = MockServer(contract)
    mock.require_bodies()
    values = {"space_id": mock.space_id}
    return replace(run, target="mock", contract=contract, key=mock.api_key, values=values, mock=mock)


def shared_prefix(contract: Contract) -> str:
    """The first path segment that all operations share (`/v1`), or an empty string."""
    paths = [operation.path.split("/")[1:] for operation in contract.operations]
    firsts = {path[0] for path in paths}
    is_shared = len(firsts) == 1 and all(len(path) > 1 for path in paths) and "{" not in paths[0][0]
    return f"/{paths[0][0]}" if is_shared else ""
