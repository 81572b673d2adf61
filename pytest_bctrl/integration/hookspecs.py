"""The pytest hooks that a project implements in a `conftest.py` to add custom checks, scenarios and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bctrl.checks.run import Check
    from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario


@pytest.hookspec
def pytest_bctrl_checks() -> Sequence[Check]:  # type: ignore[empty-body]
    """Return custom checks, made by `@pytest_bctrl.contract_check`; the contract suite runs each of them."""


@pytest.hookspec
def pytest_bctrl_scenarios() -> Sequence[CustomScenario]:  # type: ignore[empty-body]
    """Return custom scenarios for the mock, made by `@pytest_bctrl.mock_scenario`."""


@pytest.hookspec
def pytest_bctrl_faults() -> Sequence[CustomFault]:  # type: ignore[empty-body]
    """Return custom faults for the mock, made by `@pytest_bctrl.mock_fault`."""
