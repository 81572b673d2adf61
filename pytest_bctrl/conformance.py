"""`check` and `assert_conforms`: check any response against the contract, in a project's own tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_bctrl.checks.response import response_from
from pytest_bctrl.checks.run import Check, check_response
from pytest_bctrl.contract.in_force import current_contract
from pytest_bctrl.contract.model import Contract
from pytest_bctrl.findings.finding import FailOn, Finding, at_or_above
from pytest_bctrl.reports.terminal import breach


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
    Raises `BctrlError` for any other object.
    """
    return check_response(response_from(response, contract or current_contract(), operation), custom=checks)


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
