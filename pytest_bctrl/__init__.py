"""A pytest plugin and contract-testing kit for the bctrl API's List Runtimes endpoint.

The public names are those in `__all__`, and the modules `pytest_bctrl.samples`, `pytest_bctrl.strategies` and
`pytest_bctrl.drift`. Names are imported when they are first used, because pytest imports this package at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bctrl._version import __version__
    from pytest_bctrl.checks.response import Response
    from pytest_bctrl.checks.run import Check, Problem, contract_check
    from pytest_bctrl.checks.strict_json import Parsed
    from pytest_bctrl.conformance import assert_conforms, check, check_request
    from pytest_bctrl.contract.model import (
        Contract,
        Encoding,
        MediaType,
        Operation,
        Parameter,
        RequestBody,
        ResponseSpec,
        SecurityScheme,
    )
    from pytest_bctrl.contract.read import load as load_contract
    from pytest_bctrl.errors import BctrlError, DocumentError, SettingError, UnreachableError, UnsafeRequestError
    from pytest_bctrl.findings.finding import FailOn, Finding, Level, at_or_above
    from pytest_bctrl.http.message import MockResponse, Payload, Request
    from pytest_bctrl.recorded.recording_session import RecordedTest
    from pytest_bctrl.samples.sample import Samples
    from pytest_bctrl.secrets.secret import Secret
    from pytest_bctrl.suite.schema import schema
    from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay, RequestContext
    from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario, mock_fault, mock_scenario
    from pytest_bctrl.traffic.mock.error_responses import ErrorResponses
    from pytest_bctrl.traffic.mock.journal import Journal, JournalEntry
    from pytest_bctrl.traffic.mock.operation_mock import OperationMock
    from pytest_bctrl.traffic.mock.parse import ServerLimits
    from pytest_bctrl.traffic.mock.scenarios import Scenario
    from pytest_bctrl.traffic.mock.server import MockServer
    from pytest_bctrl.traffic.mock.source import BodySource
    from pytest_bctrl.traffic.mock.space import Space

__all__ = [
    "BctrlError",
    "BodySource",
    "Check",
    "Contract",
    "CustomFault",
    "CustomScenario",
    "DocumentError",
    "Encoding",
    "ErrorResponses",
    "FailOn",
    "Fault",
    "FaultInPlay",
    "Finding",
    "Journal",
    "JournalEntry",
    "Level",
    "MediaType",
    "MockResponse",
    "MockServer",
    "Operation",
    "OperationMock",
    "Parameter",
    "Parsed",
    "Payload",
    "Problem",
    "RecordedTest",
    "Request",
    "RequestBody",
    "RequestContext",
    "Response",
    "ResponseSpec",
    "Samples",
    "Scenario",
    "Secret",
    "SecurityScheme",
    "ServerLimits",
    "SettingError",
    "Space",
    "UnreachableError",
    "UnsafeRequestError",
    "__version__",
    "assert_conforms",
    "at_or_above",
    "check",
    "check_request",
    "contract_check",
    "load_contract",
    "mock_fault",
    "mock_scenario",
    "schema",
]

_HOMES = {
    "__version__": "pytest_bctrl._version:__version__",
    "BctrlError": "pytest_bctrl.errors:BctrlError",
    "BodySource": "pytest_bctrl.traffic.mock.source:BodySource",
    "Check": "pytest_bctrl.checks.run:Check",
    "Contract": "pytest_bctrl.contract.model:Contract",
    "CustomFault": "pytest_bctrl.traffic.mock.custom:CustomFault",
    "CustomScenario": "pytest_bctrl.traffic.mock.custom:CustomScenario",
    "DocumentError": "pytest_bctrl.errors:DocumentError",
    "Encoding": "pytest_bctrl.contract.model:Encoding",
    "FailOn": "pytest_bctrl.findings.finding:FailOn",
    "Fault": "pytest_bctrl.traffic.mock.change:Fault",
    "FaultInPlay": "pytest_bctrl.traffic.mock.change:FaultInPlay",
    "Finding": "pytest_bctrl.findings.finding:Finding",
    "Journal": "pytest_bctrl.traffic.mock.journal:Journal",
    "JournalEntry": "pytest_bctrl.traffic.mock.journal:JournalEntry",
    "Level": "pytest_bctrl.findings.finding:Level",
    "MediaType": "pytest_bctrl.contract.model:MediaType",
    "MockResponse": "pytest_bctrl.http.message:MockResponse",
    "MockServer": "pytest_bctrl.traffic.mock.server:MockServer",
    "Operation": "pytest_bctrl.contract.model:Operation",
    "OperationMock": "pytest_bctrl.traffic.mock.operation_mock:OperationMock",
    "Parameter": "pytest_bctrl.contract.model:Parameter",
    "Parsed": "pytest_bctrl.checks.strict_json:Parsed",
    "Payload": "pytest_bctrl.http.message:Payload",
    "Problem": "pytest_bctrl.checks.run:Problem",
    "RecordedTest": "pytest_bctrl.recorded.recording_session:RecordedTest",
    "ErrorResponses": "pytest_bctrl.traffic.mock.error_responses:ErrorResponses",
    "Request": "pytest_bctrl.http.message:Request",
    "RequestBody": "pytest_bctrl.contract.model:RequestBody",
    "RequestContext": "pytest_bctrl.traffic.mock.change:RequestContext",
    "Response": "pytest_bctrl.checks.response:Response",
    "ResponseSpec": "pytest_bctrl.contract.model:ResponseSpec",
    "Samples": "pytest_bctrl.samples.sample:Samples",
    "Scenario": "pytest_bctrl.traffic.mock.scenarios:Scenario",
    "Secret": "pytest_bctrl.secrets.secret:Secret",
    "SecurityScheme": "pytest_bctrl.contract.model:SecurityScheme",
    "ServerLimits": "pytest_bctrl.traffic.mock.parse:ServerLimits",
    "SettingError": "pytest_bctrl.errors:SettingError",
    "Space": "pytest_bctrl.traffic.mock.space:Space",
    "UnreachableError": "pytest_bctrl.errors:UnreachableError",
    "UnsafeRequestError": "pytest_bctrl.errors:UnsafeRequestError",
    "assert_conforms": "pytest_bctrl.conformance:assert_conforms",
    "at_or_above": "pytest_bctrl.findings.finding:at_or_above",
    "check": "pytest_bctrl.conformance:check",
    "check_request": "pytest_bctrl.conformance:check_request",
    "contract_check": "pytest_bctrl.checks.run:contract_check",
    "load_contract": "pytest_bctrl.contract.read:load",
    "mock_fault": "pytest_bctrl.traffic.mock.custom:mock_fault",
    "mock_scenario": "pytest_bctrl.traffic.mock.custom:mock_scenario",
    "schema": "pytest_bctrl.suite.schema:schema",
}
"""Where each public name is defined, as `module:name`."""


# Type checkers read the imports above, and report a name that this function would only reject at run time.
if not TYPE_CHECKING:  # pragma: no branch

    def __getattr__(name):
        """Import a public name when it is first used."""
        if name not in _HOMES:
            raise AttributeError(f"module 'pytest_bctrl' has no attribute {name!r}")
        from pkgutil import resolve_name

        value = resolve_name(_HOMES[name])
        globals()[name] = value
        return value
