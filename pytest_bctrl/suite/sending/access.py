"""Decides whether a target that rejects a plain request can be tested, and says what to change if it cannot."""

from __future__ import annotations

from dataclasses import replace

from pytest_bctrl.checks.protocol import is_retired, violation_outside_body
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.key_fields import KeyField, key_fields
from pytest_bctrl.suite.sending.transport_errors import NoAnswerError, OperationNotCheckedError


def is_rejected(response: Response) -> bool:
    """Return whether a response is a redirect or a client error that the contract does not document as a success."""
    return 300 <= response.status < 500 and response.status not in response.operation.success_statuses


def rejected_operation(response: Response) -> OperationNotCheckedError:
    """Return the error for an operation whose plain request is rejected, while others may be accepted.

    A response that the contract documents is not a finding. Of any other, the findings are those of the response.
    """
    problems = [*check_response(response, aspects=["retired"]), *check_response(response, aspects=PROTOCOL)]
    if problems:
        return OperationNotCheckedError(f"its request is rejected with {response.status}", problems)
    reason = f"its request is rejected with {response.status}, which the contract documents"
    return OperationNotCheckedError("; ".join(filter(None, [reason, _remedy(response)])))


def _remedy(response: Response) -> str:
    """Return what to change after a rejection: the key (401, 403) or path values (400, 404, 422); empty for others."""
    if response.status in (401, 403):
        return "use a key that may send it"
    names = [parameter.setting or parameter.name for parameter in response.operation.path_parameters]
    if response.status in (400, 404, 422) and names:
        return f"set values that exist: bctrl_values, {', '.join(names)}"
    return ""


def require_access(response: Response) -> None:
    """Raise `NoAnswerError` if this rejection of the plain request prevents all other tests.

    That is: the operation is retired; key, space or route are rejected; or the rejection itself violates the contract.
    """
    if is_retired(response):
        raise NoAnswerError(check_response(response, aspects=["retired"])[0], True)
    expected = sorted(response.operation.success_statuses)
    problem = _access_problem(response)
    if problem:
        rule, message = "status_code_conformance", f"the target {problem}"
        violation = violation_outside_body(rule, message, "status", expected, None)
        access_violation = replace(violation, required_statuses=tuple(expected))
        raise NoAnswerError(findings(response, [access_violation])[0], True, is_outage=True)
    # Every other request would be rejected alike, each time with a finding that says nothing new.
    protocol_findings = check_response(response, expected, aspects=PROTOCOL)
    if protocol_findings:
        raise NoAnswerError(protocol_findings[0], True)


def _access_problem(response: Response) -> str:
    """Return how the target rejects certificate, key, space or path (by 400 to 404), and what to check; else empty."""
    if response.status == 400 and b"SSL certificate" in response.body:
        return "requires a client certificate: 400; set --bctrl-client-cert"
    if response.status == 401:
        return _rejected_key_text(response)
    has_space = any(parameter.setting == "space_id" for parameter in response.operation.path_parameters)
    if response.status == 403:
        purpose = "list the space" if has_space else f"send {response.operation.label}"
        return f"rejects the key with 403; check that BCTRL_API_KEY may {purpose}"
    if response.status == 404 and has_space:
        return _NO_SUCH_ROUTE if check_response(response, aspects=PROTOCOL) else _NO_SUCH_SPACE + _id_hint(response)
    if response.status == 404:
        return f"has nothing at this path: 404; check the base URL{_values_hint(response)}"
    return ""


def _rejected_key_text(response: Response) -> str:
    """Return what is wrong if the target rejects a request with 401, and what to set."""
    fields = key_fields(response.contract, response.operation)
    if not fields:
        return "rejects a request without a key with 401; set BCTRL_API_KEY, and document the security of the operation"
    problem = "rejects the key with 401; check that BCTRL_API_KEY holds a key of this API"
    if fields[0] == KeyField("Authorization"):
        problem += ", and that no word belongs in front of it (bctrl_key_prefix)"
    return problem


def _id_hint(response: Response) -> str:
    """Return a hint if the value of the space id looks like a name; empty otherwise."""
    for parameter in response.operation.path_parameters:
        value = response.path_values.get(parameter.name, "")
        if parameter.setting == "space_id" and not any(letter.isdigit() for letter in value):
            return " (an id such as a UUID, not a name)"
    return ""


def _values_hint(response: Response) -> str:
    """Return a hint to check the values of the path parameters; empty if there are none."""
    names = [parameter.name for parameter in response.operation.path_parameters]
    return f", and that the values of {', '.join(names)} exist (bctrl_values)" if names else ""


_NO_SUCH_SPACE = (
    "does not have this space: 404; check that BCTRL_SPACE_ID, or --bctrl-space-id, names a space of this key"
)
_NO_SUCH_ROUTE = (
    "has neither this space nor this route: its 404 is not the documented one; check the base URL, "
    "and that BCTRL_SPACE_ID names a space of this key"
)
