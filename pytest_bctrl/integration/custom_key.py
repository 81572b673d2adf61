"""Redacts the key that a fixture of the project returns in place of `bctrl_api_key`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.settings.lookup import FIXTURES
from pytest_bctrl.suite.report.sinks import redaction


class CustomKey:
    """The hook that sees the values of fixtures; the plugin registers it only in a run that may have such a key."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, object]:
        """Add the value of a custom `bctrl_api_key` to the redaction; the key of the mock is public."""
        __tracebackhide__ = True
        value = yield
        is_custom = fixturedef.argname == "bctrl_api_key" and fixturedef.func.__module__ not in FIXTURES
        if is_custom and isinstance(value, str | Secret):
            redaction(self._config).add(value, name="bctrl_api_key")
        return value
