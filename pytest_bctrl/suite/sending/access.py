"""Decides whether a target that rejects a plain request can be tested, and says what to change if it cannot."""

from __future__ import annotations

from dataclasses import replace

from pytest_bctrl.checks.credentials import REFUSED
from pytest_bctrl.checks.protocol import is_retired, violation_outside_body
from pytest_bctrl.checks.response import Response
from pytest_bctrl.checks.run import PROTOCOL, check_response
from pytest_bctrl.checks.violation import findings
from pytest_bctrl.contract.key_fields import KeyField, field_of, key_fields, requirement
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.secrets.secret import KEY_VARIABLE
from pytest_bctrl.settings.secret_settings import KEY_HINT
from pytest_bctrl.suite.run import ContractRun
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
        raise outage(response, f"the target {problem}")
    # Every other request would be rejected alike, each time with a finding that says nothing new.
    protocol_findings = check_response(response, expected, aspects=PROTOCOL)
    if protocol_findings:
        raise NoAnswerError(protocol_findings[0], True)


def outage(response: Response, message: str, *, lacks_key: bool = False) -> NoAnswerError:
    """Return the error for a response that shows that the target cannot be tested."""
    expected = sorted(response.operation.success_statuses)
    violation = violation_outside_body("status_code_conformance", message, "status", expected, None)
    access_violation = replace(violation, required_statuses=tuple(expected))
    return NoAnswerError(findings(response, [access_violation])[0], True, is_outage=True, lacks_key=lacks_key)


def _access_problem(response: Response) -> str:
    """Return how the target rejects certificate, space or path (by 400 to 404), and what to check; else empty.

    A rejected credential is not among them: `rejected_credential` describes it.
    """
    if response.status == 400 and b"SSL certificate" in response.body:
        return "requires a client certificate: 400; set --bctrl-client-cert"
    if response.status in REFUSED:
        return (
            f"rejects a request without a key with {response.status}; set {KEY_VARIABLE}, and document the security of "
            "the operation"
        )
    has_space = any(parameter.setting == "space_id" for parameter in response.operation.path_parameters)
    if response.status == 404 and has_space:
        return _NO_SUCH_ROUTE if check_response(response, aspects=PROTOCOL) else _NO_SUCH_SPACE + _id_hint(response)
    if response.status == 404:
        return f"has nothing at this path: 404; check the base URL{_values_hint(response)}"
    return ""


def missing_key(response: Response) -> NoAnswerError:
    """Return the error for a target that rejects a request without a key, which the contract requires."""
    text = f"no API key is set, and the target rejects {response.operation.label} with {_said(response)}; {KEY_HINT}"
    return outage(response, text, lacks_key=True)


def rejected_credential(run: ContractRun, response: Response) -> str:
    """Return which credential a target rejects, where its value comes from, what the target says, and what to check."""
    fields, sources = _described_credential(run, response.operation)
    hint = "check that it is a credential of this API"
    if any(field == KeyField("Authorization") for field in key_fields(response.operation) or ()):
        hint += ", and that no word belongs in front of it (bctrl_key_prefix)"
    has_space = any(parameter.setting == "space_id" for parameter in response.operation.path_parameters)
    if response.status == 403:
        hint = f"check that it may {'list the space' if has_space else f'send {response.operation.label}'}"
    return f"the target rejects the credential with {_said(response)}: {fields} from {sources}; {hint}"


def expired_credential(run: ContractRun, response: Response) -> NoAnswerError:
    """Return the error for a credential that the target has accepted and rejects now."""
    fields, sources = _described_credential(run, response.operation)
    text = (
        f"the credential has expired during the run, which the target rejects with {_said(response)}: {fields} from "
        f"{sources}; use one that is valid for longer, or override the fixture bctrl_auth"
    )
    return outage(response, text)


def forbidden(run: ContractRun, response: Response, accepting: str) -> OperationNotCheckedError:
    """Return the error for an operation that rejects a credential which another one (`accepting`) accepts."""
    fields, sources = _described_credential(run, response.operation)
    text = f"forbidden: it rejects {fields} from {sources}, which {accepting} accepts, with {_said(response)}"
    return OperationNotCheckedError(text)


def _described_credential(run: ContractRun, operation: Operation) -> tuple[str, str]:
    """Return the credential that an operation requires, and where its values come from, as texts."""
    schemes = requirement(operation)
    fields = [f"{scheme.name} ({field_of(scheme) or scheme.type})" for scheme in schemes]
    sources = [run.credentials[scheme.name].source for scheme in schemes if scheme.name in run.credentials]
    if "bctrl_auth" in run.own_fixtures:
        sources = ["bctrl_auth"]
    return " and ".join(fields) or "a credential", " and ".join(dict.fromkeys(sources))


def _said(response: Response) -> str:
    """Return the status of a response and its message, if any, as one line without semicolons."""
    text = (response.header("WWW-Authenticate") or "") if not response.body else ""
    if isinstance(response.data, dict):
        # The usual names of messages (RFC 9457, 3.1; RFC 6749, 5.2).
        names = ("detail", "message", "error_description", "error", "title")
        text = next((data for name in names if isinstance(data := response.data.get(name), str)), "")
    elif response.media_type == "text/plain":
        text = response.body[: 4 * _SHOWN].decode("utf-8", "replace")
    shown = " ".join(text.replace(";", ",").split())[:_SHOWN]
    return f"{response.status} ({shown})" if shown else str(response.status)


_SHOWN = 160
"""Maximum number of characters of the message of a response that is shown."""


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
