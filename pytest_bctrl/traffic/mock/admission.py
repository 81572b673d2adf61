"""Decides whether a request to an operation is rejected, with which status, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, has_key, has_valid_key, is_verifiable, key_fields
from pytest_bctrl.contract.model import Contract, Operation, Parameter
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.message import Request
from pytest_bctrl.request_checks.credentials import CERTIFICATE, has_credential
from pytest_bctrl.request_checks.operation import OperationChecks
from pytest_bctrl.request_checks.violation import BODY, MEDIA_TYPE, PARAMETERS, findings_of
from pytest_bctrl.samples.inputs import existing_path_values
from pytest_bctrl.secrets.secret import MASK

"""The first word of the reason why a path value is rejected that names nothing in the mock."""


class Rejection(NamedTuple):
    """The reason why a request is rejected: the status, a message, and further header fields."""

    status: int
    reason: str
    headers: Mapping[str, str] = {}


class Decision(NamedTuple):
    """Whether a request is rejected, and the findings about it; an accepted request may have warnings."""

    rejection: Rejection | None
    findings: tuple[Finding, ...]


class Admission:
    """The requirements of one operation on its requests, for one key and one space."""

    def __init__(
        self,
        contract: Contract,
        operation: Operation,
        key: str,
        space_id: str,
        checks: OperationChecks | None = None,
        *,
        only_known_ids: bool = False,
    ) -> None:
        self._contract = contract
        self._operation = operation
        self._key = key
        self._space_id = space_id
        self.checks = checks or OperationChecks(contract, operation)
        self._only_known_ids = only_known_ids
        schemes = {scheme for requirement in operation.security for scheme in requirement}
        self._unverifiable = [scheme for scheme in schemes if not is_verifiable(scheme)]
        self._field_names = sorted(
            {"authorization", "cookie", "content-type", "content-encoding"}
            | {scheme.field.lower() for scheme in schemes if scheme.in_ == "header"}
            | {parameter.name.lower() for parameter in operation.parameters if parameter.in_ == "header"}
        )
        """The header fields of a request that a decision depends on."""
        self._accepted: dict[tuple[Any, ...], Decision] = {}
        self._latest: tuple[Request | None, Decision] = None, _ACCEPTED

    def rejection(self, request: Request, values: Mapping[str, str]) -> Rejection | None:
        """Return the rejection of a request, for its credential first, or None if the request is accepted."""
        return self.decide(request, values).rejection

    def decide(self, request: Request, values: Mapping[str, str]) -> Decision:
        """Return whether a request is rejected, and its findings; remembers the decision on short accepted requests."""
        latest, decision = self._latest
        if latest is request:
            # The parser returns the same object for the same bytes.
            return decision
        if len(request.body) + len(request.target) > _SHORT:
            return self._decide(request, values)
        # Clients repeat themselves. Not for rejected requests, whose message may depend on any header field.
        key = request.method, request.target, request.body, *map(request.header, self._field_names)
        remembered = self._accepted.get(key)
        if remembered is None:
            remembered = self._decide(request, values)
            if remembered.rejection is not None:
                return remembered
            if len(self._accepted) >= _REMEMBERED:
                self._accepted.clear()
            self._accepted[key] = remembered
        self._latest = request, remembered
        return remembered

    def has_resource(self, values: Mapping[str, str]) -> bool:
        """Return whether path values conform to the contract and name something in the mock."""
        return not self._unknown_path_value(values) and not self.checks.parameters.path_violations(values)

    def _decide(self, request: Request, values: Mapping[str, str]) -> Decision:
        """Return the decision on a request, without the cache: on its credential, path values, then content."""
        violations = list(self.checks.violations(request, values))
        rejection = self._unauthorized(request) or self._unknown_path_value(values) or self._invalid(violations)
        if not violations:
            return Decision(rejection, ())
        return Decision(rejection, tuple(findings_of(violations, self._operation, request, self._contract, values)))

    def _unauthorized(self, request: Request) -> Rejection | None:
        """Return the rejection of a request with a missing or wrong credential; None if it has the right one."""
        operation = self._operation
        if self._has_valid_credentials(request):
            return None
        # The message describes the first alternative that has a header field.
        field = next(iter(key_fields(operation) or ()), None)
        credential, is_present = "credential", False
        if field is not None:
            credential = _CREDENTIALS.get(field, f"key in {field.name}")
            if field.prefix and field.name != "Cookie" and field not in _CREDENTIALS:
                credential += f" after {field.prefix.strip()!r}"
            is_present = request.header(field.name.lower()) is not None
            if field.in_query:
                is_present = any(name == field.name for name, _ in request.query)
        message = f"the {credential} is {'not accepted' if is_present else 'missing'}"
        texts = (request.target, *(value for _, value in request.headers))
        if any(MASK in unquote(text) for text in texts):
            message += "; it is the mask of a secret: send .reveal()"
        status = operation.first_documented(401, 403)
        scheme = next((scheme.scheme for scheme in self._unverifiable if scheme.type == "http"), "")
        value = challenge(field, is_sent=is_present)
        if field is None and scheme:
            value = f'{scheme.capitalize()} realm="bctrl", nonce="{_NONCE}", qop="auth"'
        return Rejection(status, message, {"WWW-Authenticate": value})

    def _has_valid_credentials(self, request: Request) -> bool:
        """Return whether a request has the required credentials; of a kind that the mock cannot verify, with any value.

        A client certificate is taken for granted, since a plain connection has none, unless a request has a wrong
        credential instead. The value of a digest cannot be validated.
        """
        operation, key = self._operation, self._key
        if has_valid_key(operation, key, request.header, request.query):
            return True
        if not self._unverifiable:
            return False
        wrong = {
            scheme
            for requirement in operation.security
            for scheme in requirement
            if is_verifiable(scheme)
            and has_credential(scheme, request)
            and not has_key(scheme, key, request.header, request.query)
        }
        if wrong:
            return False
        return any(
            all(scheme.type == CERTIFICATE or has_credential(scheme, request) for scheme in requirement)
            for requirement in operation.security
        )

    def _unknown_path_value(self, values: Mapping[str, str]) -> Rejection | None:
        """Return the rejection of a request whose path value names nothing in the mock; None if all name something."""
        for parameter, accepted_values in self._path_values:
            if accepted_values and values.get(parameter.name) not in accepted_values:
                name = parameter.name
                if parameter.setting == "space_id":
                    name = "space"
                status = self._operation.first_documented(404, 400, 403, 422)
                return Rejection(status, f"unknown {name}; the mock has {', '.join(accepted_values)}")
        return None

    @cached_property
    def _path_values(self) -> list[tuple[Parameter, list[str]]]:
        """The path parameters whose value must exist (all, or only the space), each with the values accepted.

        The space is such a parameter. An example of any other parameter does not mean that no other value exists.
        """
        settings = {"space_id": self._space_id}
        return [
            (parameter, existing_path_values(self._contract, parameter, settings))
            for parameter in self._operation.path_parameters
            if self._only_known_ids or parameter.setting == "space_id"
        ]

    def _invalid(self, violations: Iterable[Violation]) -> Rejection | None:
        """Return the rejection of a request with errors; None if it has none, or has a wrong `Accept` alone."""
        errors = [violation for violation in violations if violation.level == "error"]
        if not errors:
            return None
        reasons = [_reason(violation) for violation in errors[:_REASONS]]
        if len(errors) > _REASONS:
            reasons.append(f"and {len(errors) - _REASONS} more")
        return Rejection(rejection_status(self._operation, errors[0]), "; ".join(reasons))


_ACCEPTED = Decision(None, ())
_NONCE = "bctrl"
"""The nonce of a digest, which the mock does not validate."""
_REMEMBERED, _SHORT = 128, 4096
"""Maximum number of accepted requests that are remembered, and the maximum length of their target and body."""

_REASONS = 5
"""Maximum number of violations in the message of an error response; the journal has all."""


def _reason(violation: Violation) -> str:
    """Return a violation as a reason of a rejection: location, message, and the expected value if it is short."""
    if violation.kind == "missing" and not violation.path:
        return f"{violation.place} is required and missing"
    reason = f"{violation.location}: {violation.message}"
    if violation.expected is None or violation.kind in _PLAIN:
        return reason
    values = violation.expected if isinstance(violation.expected, list) else [violation.expected]
    expected = " or ".join(value if isinstance(value, str) else json.dumps(value, default=str) for value in values)
    if len(expected) > _SHOWN:
        return reason
    return f"{reason} (expected {expected})"


_SHOWN = 200
_PLAIN = ("missing", "syntax", "coding", "charset")
"""Kinds of violations of a whole value, which has no expected value to show."""


def rejection_status(operation: Operation, violation: Violation) -> int:
    """Return the status with which an operation rejects a request: a documented one if possible, else 400."""
    if violation.rule == PARAMETERS and not violation.place.startswith("path "):
        return status_for_malformed(operation)
    preferred = _PREFERRED.get(violation.rule, (400, 422))
    if violation.kind in _PLAIN and not violation.path:
        preferred = (400, 422)
    exact = [status for status in preferred if str(status) in operation.responses]
    return exact[0] if exact else next((status for status in preferred if _documents_status(operation, status)), 400)


_PREFERRED: Mapping[str, tuple[int, ...]] = {
    PARAMETERS: (400, 422, 404),
    MEDIA_TYPE: (415, 400, 422),
    BODY: (422, 400),
}
"""The statuses that fit a violated rule, the best first."""


def _documents_status(operation: Operation, status: int) -> bool:
    """Return whether an operation documents a status itself or by a range such as `4XX`, and not only by `default`."""
    response = operation.response_for(status)
    return response is not None and response.status != "default"


def status_for_malformed(operation: Operation) -> int:
    """Return the lowest documented rejection status of an operation; 400 if it documents none."""
    return min(documented_rejections(operation), default=400)


_CREDENTIALS = {BEARER: "bearer token", BASIC: "user and password"}


def challenge(field: KeyField | None, *, is_sent: bool) -> str:
    """Return the value of `WWW-Authenticate` for a credential field, with an error code for a bearer that `is_sent`."""
    if field is None:
        return 'ApiKey realm="bctrl"'
    if field not in _CREDENTIALS:
        return f'ApiKey realm="bctrl", field="{field.name}"'
    if is_sent and field.is_bearer:
        return f'{field.prefix}realm="bctrl", error="invalid_token"'
    return f'{field.prefix}realm="bctrl"'
