"""Takes what the workers of pytest-xdist saw, in the process that reports; it loads nothing until one did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CARRIED = "bctrl_observed"
"""Where a worker's report, or its output, carries what was seen."""


class Gathering:
    """The hooks that pass it to `add`; nothing stays on the reports."""

    def __init__(self, add: Callable[[dict[str, Any]], None]) -> None:
        self._add = add

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a report carries."""
        self._take(vars(report))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker saw after its last report."""
        self._take(getattr(node, "workeroutput", {}))

    def _take(self, carrier: dict[str, Any]) -> None:
        carried = carrier.pop(CARRIED, None)
        if carried is not None:
            self._add(carried)
