"""The fixtures of the plugin that no recording changes. It imports pytest alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from pytest_bctrl.contract.model import Contract
    from pytest_bctrl.secrets.secret import Secret
    from pytest_bctrl.traffic.mock import MockServer
    from pytest_bctrl.traffic.mock.space import Space


@pytest.fixture(scope="session")
def bctrl_contract(pytestconfig: pytest.Config) -> Contract:
    """The contract: operations, schemas and servers, of --bctrl-contract, else `contracts/`, else the packaged one."""
    from pytest_bctrl.integration import fixture_values

    return fixture_values.contract(pytestconfig)


@pytest.fixture(scope="session")
def bctrl_api_key(pytestconfig: pytest.Config) -> Secret:
    """The API key as a `Secret`: BCTRL_API_KEY with --bctrl-live, else the mock's. Override it to take it elsewhere."""
    from pytest_bctrl.integration import fixture_values

    return fixture_values.api_key(pytestconfig)


def _scope_of_auth(fixture_name: str, config: pytest.Config) -> Literal["function", "session"]:
    """Return the scope of `bctrl_auth`: a project may override the key in any scope, and then its own is as narrow."""
    from pytest_bctrl.settings.lookup import overrides_of

    return "function" if overrides_of("bctrl_api_key", config) else "session"


@pytest.fixture(scope=_scope_of_auth)
def bctrl_auth(pytestconfig: pytest.Config, bctrl_api_key: Secret | str, bctrl_base_url: str) -> httpx.Auth | None:
    """The `httpx.Auth` of the clients and of the contract suite; None without credentials. Override it to get tokens.

    By default, it adds the key and the values of `bctrl_credentials` to the requests that need them. Its scope is the
    session, unless the project overrides `bctrl_api_key`.
    """
    from pytest_bctrl.integration import fixture_values

    return fixture_values.auth(pytestconfig, bctrl_api_key, bctrl_base_url)


@pytest.fixture(scope="session")
def bctrl_base_url(pytestconfig: pytest.Config) -> str:
    """The base URL of the target, without a trailing slash: the live API with --bctrl-live, else the mock."""
    from pytest_bctrl.integration import fixture_values

    return fixture_values.base_url(pytestconfig)


@pytest.fixture(scope="session")
def bctrl_space_id(pytestconfig: pytest.Config) -> str:
    """The id of a space that the key may list: the setting or the mock's; a replayed test gets its recording's."""
    from pytest_bctrl.integration import fixture_values

    return fixture_values.space_id(pytestconfig, os.environ)


@pytest.fixture(scope="session")
def bctrl_mock_server(pytestconfig: pytest.Config) -> Iterator[MockServer]:
    """One mock server for the whole run, which no test resets: `.url`, and `.space()` for a space per test."""
    from pytest_bctrl.integration.fixture_values import new_mock, trust_mock

    with new_mock(pytestconfig) as server:
        trust_mock(pytestconfig, server)
        yield server


@pytest.fixture
def bctrl_mock_space(request: pytest.FixtureRequest, bctrl_mock_server: MockServer) -> Iterator[Space]:
    """A space of this test's own on `bctrl_mock_server`: `.url`, `.api_key`, `.space_id`, and all of `bctrl_mock`."""
    from pytest_bctrl.integration.fixture_values import space_for

    with space_for(request, bctrl_mock_server) as space:
        yield space


@pytest.fixture(scope="session")
def bctrl_schema(bctrl_contract: Contract) -> Any:
    """The contract as a Schemathesis schema inside a test; `pytest_bctrl.schema()` at module level gives the same."""
    from pytest_bctrl.suite.schema import for_tests

    return for_tests(bctrl_contract)
