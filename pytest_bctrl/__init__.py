"""A pytest plugin and contract-testing kit for the bctrl API's List Runtimes endpoint.

Names are imported when they are first used: pytest imports this package at every start, used or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_bctrl._version import __version__

if TYPE_CHECKING:
    from pytest_bctrl.checks.response import Response
    from pytest_bctrl.checks.run import Check, Problem, contract_check
    from pytest_bctrl.conformance import assert_conforms, check
    from pytest_bctrl.findings.finding import Finding
    from pytest_bctrl.http.message import MockResponse
    from pytest_bctrl.samples.sample import Samples
    from pytest_bctrl.suite.schema import schema
    from pytest_bctrl.traffic.mock.change import RequestContext
    from pytest_bctrl.traffic.mock.custom import mock_fault, mock_scenario

__all__ = [
    "Check",
    "Finding",
    "MockResponse",
    "Problem",
    "RequestContext",
    "Response",
    "Samples",
    "__version__",
    "assert_conforms",
    "check",
    "contract_check",
    "mock_fault",
    "mock_scenario",
    "schema",
]

_HOMES = {
    "Check": "pytest_bctrl.checks.run",
    "Finding": "pytest_bctrl.findings.finding",
    "MockResponse": "pytest_bctrl.http.message",
    "Problem": "pytest_bctrl.checks.run",
    "RequestContext": "pytest_bctrl.traffic.mock.change",
    "Response": "pytest_bctrl.checks.response",
    "Samples": "pytest_bctrl.samples.sample",
    "assert_conforms": "pytest_bctrl.conformance",
    "check": "pytest_bctrl.conformance",
    "contract_check": "pytest_bctrl.checks.run",
    "mock_fault": "pytest_bctrl.traffic.mock.custom",
    "mock_scenario": "pytest_bctrl.traffic.mock.custom",
    "schema": "pytest_bctrl.suite.schema",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pytest_bctrl' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
