"""The pytest plugin: options, fixtures and markers. It imports nothing but pytest until one of them is used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.secret import Secret
    from pytest_bctrl.traffic.mock import MockServer

_VALUES = (
    ("bctrl_base_url", "URL", "Base URL of the live API; also BCTRL_BASE_URL, BCTRL_API_BASE_URL"),
    ("bctrl_space_id", "ID", "Id of the space to list, needed with --bctrl-live; also BCTRL_SPACE_ID"),
    ("bctrl_contract", "PATH", "OpenAPI 3.1 document to hold the API to, in place of the packaged contract"),
    ("bctrl_fail_on", "LEVEL", "Mildest finding that fails a contract test: error (default), warning, info, never"),
    ("bctrl_upstream", "SOURCE", "Page, file or URL of the spec as published now: check that it has not drifted"),
    ("bctrl_max_examples", "N", "How many values of the path parameters the contract suite tries (default: 20)"),
)

_MARKERS = (
    "bctrl_contract: a test of the contract suite, added by --bctrl-mock and --bctrl-live",
    "bctrl_scenario(name, **arguments): the scenario that the mock server plays in this test",
    "bctrl_live: a test that talks to the live API; skipped unless --bctrl-live is given",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options and their ini keys; the key itself comes from BCTRL_API_KEY alone."""
    group = parser.getgroup("bctrl", "bctrl API contract")
    group.addoption(
        "--bctrl-live",
        action="store_true",
        help="Check the live API against its contract and aim the fixtures at it; the key comes from BCTRL_API_KEY",
    )
    group.addoption(
        "--bctrl-mock", action="store_true", help="Check the bundled mock server against the contract; needs no network"
    )
    group.addoption(
        "--bctrl-selftest",
        action="store_true",
        help="Prove the contract suite on the bundled mock: every scenario passes, every fault and mutant is found",
    )
    for name, metavar, text in _VALUES:
        group.addoption(f"--{name.replace('_', '-')}", dest=name, metavar=metavar, default=None, help=text)
        parser.addini(name, text, type="string", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and, where a flag asks for it, the contract run."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    option = config.option
    if option.bctrl_live or option.bctrl_mock or option.bctrl_selftest or option.bctrl_upstream:
        from pytest_bctrl.suite.start import start

        start(config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what talks to the live API, unless the run is meant to."""
    if not item.config.option.bctrl_live and item.get_closest_marker("bctrl_live") is not None:
        pytest.skip("talks to the live API: give --bctrl-live to run it")


@pytest.fixture(scope="session")
def bctrl_contract(pytestconfig: pytest.Config) -> Contract:
    """The contract: operations, schemas and servers, read from the packaged document or --bctrl-contract."""
    from pytest_bctrl import fixture_values

    return fixture_values.contract(pytestconfig)


@pytest.fixture(scope="session")
def bctrl_api_key(pytestconfig: pytest.Config) -> Secret:
    """The API key as a `Secret`: BCTRL_API_KEY with --bctrl-live, else the mock's. Override to take it elsewhere."""
    from pytest_bctrl import fixture_values

    return fixture_values.api_key(pytestconfig, os.environ)


@pytest.fixture(scope="session")
def bctrl_base_url(pytestconfig: pytest.Config) -> str:
    """The base URL of the target, without a trailing slash: the live API with --bctrl-live, else the mock."""
    from pytest_bctrl import fixture_values

    return fixture_values.base_url(pytestconfig, os.environ)


@pytest.fixture(scope="session")
def bctrl_space_id(pytestconfig: pytest.Config) -> str:
    """The id of a space that the key may list: the setting with --bctrl-live, else the mock's."""
    from pytest_bctrl import fixture_values

    return fixture_values.space_id(pytestconfig, os.environ)


@pytest.fixture
def bctrl_client(bctrl_base_url: str, bctrl_api_key: Secret, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """An authenticated `httpx.Client` on the target; with --bctrl-live it sends GET, HEAD and OPTIONS only."""
    from pytest_bctrl.traffic.client import client

    _as_new(request)
    with client(bctrl_base_url, bctrl_api_key, live=request.config.option.bctrl_live) as made:
        yield made


@pytest.fixture
def bctrl_async_client(bctrl_base_url: str, bctrl_api_key: Secret, request: pytest.FixtureRequest) -> httpx.AsyncClient:
    """An authenticated `httpx.AsyncClient` on the target, as safe as `bctrl_client`; needs no closing."""
    from pytest_bctrl.traffic.client import async_client

    _as_new(request)
    return async_client(bctrl_base_url, bctrl_api_key, live=request.config.option.bctrl_live)


def _as_new(request: pytest.FixtureRequest) -> None:
    """Have the mock begin anew for this test, in the scenario that the test is marked with, where it is the target."""
    if not request.config.option.bctrl_live:
        request.getfixturevalue("bctrl_mock")


@pytest.fixture
def bctrl_mock(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """The mock server of this test: `.url`, `.api_key`, `.space_id`, `.runtimes`, `.requests`; new for each test."""
    from pytest_bctrl import fixture_values

    with fixture_values.mock_for(request) as server:
        yield server


@pytest.fixture(scope="session")
def bctrl_schema(bctrl_contract: Contract) -> Any:
    """The contract as a Schemathesis schema, for `@bctrl_schema.parametrize()` and the like (extra `contract`)."""
    from pytest_bctrl import fixture_values

    return fixture_values.schema(bctrl_contract)
