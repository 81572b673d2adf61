"""`check`, `assert_conforms` and `check_request`: check responses and requests in a project's own tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_bctrl.checks.response import response_from
from pytest_bctrl.checks.run import Check, check_response
from pytest_bctrl.checks.violation import Violation, findings
from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.reports.terminal import breach
from pytest_bctrl.request_checks.client_requests import read_request
from pytest_bctrl.request_checks.run import request_findings


def check(
    response: Any,
    *,
    contract: Contract | None = None,
    operation: str | None = None,
    checks: Iterable[Check] = (),
) -> list[Finding]:
    """Return the findings of a response under the contract, worst first.

    `response` is one of httpx, httpx2, requests, urllib3, werkzeug (Flask), Django or Starlette, or a bare body
    (bytes, str or data), which counts as a 200. `operation` is an operation id, needed only if the URL does
    not determine it. `checks` are custom checks, run in addition to those of the contract.
    A body that is not validated, such as XML, is a warning, `response_not_checked`.
    Raises `BctrlError` for any other object.
    """
    received = response_from(response, contract or current_contract(), operation)
    all_findings = check_response(received, custom=checks)
    if received.unvalidated:
        message = f"the body was not checked: {received.unvalidated}"
        all_findings += findings(received, [Violation("response_not_checked", "warning", message, place="body")])
    return all_findings


def check_request(
    request: Any,
    url: str | None = None,
    *,
    headers: Any = None,
    body: Any = None,
    contract: Contract | None = None,
    operation: str | None = None,
) -> list[Finding]:
    """Return the findings of a request under the contract, worst first.

    `request` is one of httpx, httpx2, requests, aiohttp or urllib, or a `pytest_bctrl.Request`. Or it is a method, with
    a `url`, `headers` (a mapping or pairs) and a `body` (bytes, str, or data that is sent as JSON). Path and method
    determine the operation, or `operation` names it by its id if the URL has a prefix that the contract does not have.

    A body that is a stream is not read; a finding of the rule `request_not_checked` says so.
    Raises `BctrlError` for any other object.
    """
    return request_findings(read_request(request, url, headers, body), contract or current_contract(), operation)


def assert_conforms(
    response: Any,
    *,
    fail_on: FailOn = "error",
    contract: Contract | None = None,
    operation: str | None = None,
) -> None:
    """Raise `AssertionError`, with the findings as its message, if a response violates the contract.

    `fail_on` is the lowest level that fails: `error`, `warning` (undocumented properties too) or `info`.
    """
    __tracebackhide__ = True
    failing = at_or_above(check(response, contract=contract, operation=operation), fail_on)
    if failing:
        raise AssertionError(breach(failing).rstrip())
