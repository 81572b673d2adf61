"""Collects the observations of pytest-xdist workers in the process that reports, without loading anything before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CARRIED = "bctrl_observed"
"""The key of observations in a worker's reports and in its output."""


class Gathering:
    """Hooks that remove observations from reports and pass them to `add`."""

    def __init__(self, add: Callable[[dict[str, Any]], None]) -> None:
        self._add = add

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what a report carries."""
        self._collect(vars(report))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect what a worker observed after its last report."""
        self._collect(getattr(node, "workeroutput", {}))

    def _collect(self, carrier: dict[str, Any]) -> None:
        """Remove observations from data and pass them to `add`."""
        observations = carrier.pop(CARRIED, None)
        if observations is not None:
            self._add(observations)
