"""What the plugin's fixtures give: the live target where `--bctrl-live` asks for it, the bundled mock otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bctrl import settings
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.secret import Secret

if TYPE_CHECKING:
    from pytest_bctrl.traffic.mock import MockServer

_CONTRACT: pytest.StashKey[Contract] = pytest.StashKey()
_MOCK: pytest.StashKey[MockServer] = pytest.StashKey()


def contract(config: pytest.Config) -> Contract:
    """Return the contract in force, loaded once a process."""
    if _CONTRACT not in config.stash:
        try:
            config.stash[_CONTRACT] = load(settings.contract_path(config, {}))
        except BctrlError as error:
            raise pytest.UsageError(f"bctrl: {error}") from None
    return config.stash[_CONTRACT]


def mock(config: pytest.Config) -> MockServer:
    """Return the running mock server of this process; it stops with pytest."""
    if _MOCK not in config.stash:
        from pytest_bctrl.traffic.mock import MockServer

        server = MockServer(contract(config)).start()
        config.add_cleanup(server.stop)
        config.stash[_MOCK] = server
    return config.stash[_MOCK]


def api_key(config: pytest.Config, environment: Mapping[str, str]) -> Secret:
    """Return the key of the target."""
    return settings.api_key(environment) if config.option.bctrl_live else mock(config).api_key


def base_url(config: pytest.Config, environment: Mapping[str, str]) -> str:
    """Return the base URL of the target."""
    if not config.option.bctrl_live:
        return mock(config).url
    from pytest_bctrl.suite.run import live_base_url

    return live_base_url(contract(config), config, environment)


def space_id(config: pytest.Config, environment: Mapping[str, str]) -> str:
    """Return the id of a space that the key may list."""
    return settings.space_id(config, environment) if config.option.bctrl_live else mock(config).space_id


def schema(of: Contract) -> Any:
    """Return the Schemathesis schema; fails the test with the install command where the extra is missing."""
    from pytest_bctrl.suite.run import require_extra

    try:
        require_extra()
    except BctrlError as error:
        pytest.fail(f"bctrl_schema: {error}", pytrace=False)
    from pytest_bctrl.suite.generate import schema_of

    return schema_of(of)
