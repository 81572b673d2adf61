"""Decides whether a request is rejected, and builds error responses in the shape that the contract documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, has_valid_key, key_fields
from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema, concrete_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import documented_rejections
from pytest_bctrl.contract.schema.ref import is_of_type, type_name
from pytest_bctrl.contract.schema.shapes import located_values, with_value
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.request_checks.credentials import credential_violations
from pytest_bctrl.request_checks.operation import OperationChecks
from pytest_bctrl.request_checks.violation import BODY, MEDIA_TYPE, PARAMETERS, RequestViolation, findings_of
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import known_values, main_operation
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.secrets.secret import MASK, Secret

_INVALID = frozenset({400, 415, 422})
"""Statuses of invalid requests."""
SEED = 1

CODES: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "invalid_request"),
    401: ("unauthorized", "authentication"),
    403: ("forbidden", "permission"),
    404: ("not_found", "not_found"),
    405: ("method_not_allowed", "invalid_request"),
    406: ("not_acceptable", "invalid_request"),
    408: ("request_timeout", "invalid_request"),
    413: ("content_too_large", "invalid_request"),
    415: ("unsupported_media_type", "invalid_request"),
    422: ("unprocessable_content", "invalid_request"),
    429: ("rate_limited", "rate_limit"),
    431: ("header_fields_too_large", "invalid_request"),
    503: ("unavailable", "server"),
}
"""`code` and `reasonClass` by status; the published document names no values, so these are ours."""


class Refusals:
    """Builds error responses; `shape` is the index of one of several documented shapes (the last is the newest)."""

    def __init__(self, contract: Contract, *, shape: int = -1) -> None:
        self._contract = contract
        self._shape = shape
        # By the identity of the schemas, which live as long as the contract.
        self._minimal_bodies: dict[int, Any] = {}

    def response(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        operation: Operation | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> MockResponse:
        """Return an error response whose body the contract allows for `status`."""
        code, reason = CODES.get(status, ("server_error", "server") if status >= 500 else ("error", "error"))
        members: dict[str, Any] = dict.fromkeys(("detail", "error", "message"), message)
        members |= {"code": code, "title": code, "reasonClass": reason, "requestId": request_id, "status": status}
        documented = self._documented(status, operation)
        if documented is None:
            return problem_details(status, message, request_id, headers)
        media_type, schema = documented
        text = message
        if is_json(media_type):
            try:
                text = json.dumps(self._body(schema, members), ensure_ascii=False)
            except DocumentError:
                # No body can be generated for the documented schema.
                return problem_details(status, message, request_id, headers)
        data = text.encode("utf-8", "replace")
        content_type = ("Content-Type", concrete_media_type(media_type))
        fields = (content_type, *(headers or {}).items(), ("X-Request-Id", request_id))
        return MockResponse(status, fields, Payload(data), why=message)

    def _documented(self, status: int, operation: Operation | None) -> tuple[str, Schema] | None:
        """Return the media type and schema of an error response, or None if no error response is documented."""
        operation = operation or main_operation(self._contract)
        documented = operation.response_for(status)
        if documented is not None and documented.content and documented.json is None:
            return next(iter(documented.content.items()))
        specs = [spec for key, spec in operation.responses.items() if not key.startswith(("1", "2", "3"))]
        if documented is not None:
            specs.insert(0, documented)
        elif status in _INVALID:
            # Another error has another schema.
            specs = []
        for spec in specs:
            if spec.json is not None:
                return spec.json
        return None

    def _body(self, schema: Schema, members: Mapping[str, Any]) -> Any:
        """Return a minimal body of the schema, with `members` at every location that accepts them."""
        if id(schema) not in self._minimal_bodies:
            self._minimal_bodies[id(schema)] = Builder(self._contract, _MinimalChoices(self._shape)).value(schema)
        body = self._minimal_bodies[id(schema)]
        for located in list(located_values(self._contract, schema, body)):
            value = members.get(str(located.path[-1])) if located.path else None
            if value is not None and is_of_type(located.value, type_name(value)):
                filled = with_value(body, located.path, value)
                if accepts(self._contract, schema, filled):
                    body = filled
        return body


PROBLEM = "application/problem+json"


def problem_details(
    status: int, message: str, request_id: str, headers: Mapping[str, str] | None = None
) -> MockResponse:
    """Return an error response in the shape of RFC 9457, where the contract documents no other shape."""
    title = HTTPStatus(status).phrase if status in _STATUSES else "Error"
    body = {"type": "about:blank", "title": title, "status": status, "detail": message}
    fields = (("Content-Type", PROBLEM), *(headers or {}).items(), ("X-Request-Id", request_id))
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return MockResponse(status, fields, Payload(data), why=message)


_STATUSES = frozenset(status.value for status in HTTPStatus)


class _MinimalChoices(RoundRobin):
    """Chooses no optional member, the first of several alternatives, and the requested shape of the body."""

    def __init__(self, shape: int) -> None:
        super().__init__(SEED, optional=False)
        self._shape = shape

    def choose(self, location: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the index of the alternative; a location without a name is the body itself."""
        if location.strip("<>0123456789"):
            return 0
        return self._shape % max(1, alternatives)


class Rejection(NamedTuple):
    """The reason why a request is rejected: the status, a message, further header fields, and the findings."""

    status: int
    reason: str
    headers: Mapping[str, str] = {}
    findings: tuple[Finding, ...] = ()


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
        key: Secret,
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
        self._decisions: dict[int, tuple[Request, Decision]] = {}

    def rejection(self, request: Request, values: Mapping[str, str]) -> Rejection | None:
        """Return why a request is rejected, a wrong credential first, or None if it is accepted."""
        return self.decide(request, values).rejection

    def decide(self, request: Request, values: Mapping[str, str]) -> Decision:
        """Return whether a request is rejected, a wrong credential first, and the findings about it."""
        # Clients repeat themselves, and the parser then returns the same object.
        remembered = self._decisions.get(id(request))
        if remembered is not None and remembered[0] is request:
            return remembered[1]
        decision = self._decide(request, values)
        if len(request.body) + len(request.target) <= _SHORT:
            if len(self._decisions) >= _REMEMBERED:
                self._decisions.clear()
            self._decisions[id(request)] = request, decision
        return decision

    def _decide(self, request: Request, values: Mapping[str, str]) -> Decision:
        rejection = self._unauthorized(request) or self._unknown_path_value(values)
        if rejection is not None:
            return Decision(rejection, rejection.findings)
        return self._validated(request, values)

    def _unauthorized(self, request: Request) -> Rejection | None:
        operation = self._operation
        if has_valid_key(operation, self._key.reveal(), request.header, request.query):
            return None
        # The message describes the first alternative that has a header field.
        field = next(iter(key_fields(self._contract, operation) or ()), None)
        credential, is_present = "credential", False
        if field is not None:
            credential = _CREDENTIALS.get(field, f"key in {field.name}")
            if field.prefix and field.name != "Cookie" and field not in _CREDENTIALS:
                credential += f" after {field.prefix.strip()!r}"
            is_present = request.header(field.name.lower()) is not None
        message = f"the {credential} is {'not accepted' if is_present else 'missing'}"
        texts = (request.target, *(value for _, value in request.headers))
        if any(MASK in unquote(text) for text in texts):
            message += "; it is the mask of a secret: send .reveal()"
        status = operation.first_documented(401, 403)
        # A credential of the right kind and with another value conforms to the contract.
        findings = self._findings(request, credential_violations(operation, request))
        return Rejection(status, message, {"WWW-Authenticate": challenge(field, given=is_present)}, findings)

    def _unknown_path_value(self, values: Mapping[str, str]) -> Rejection | None:
        for parameter, accepted_values in self._path_values:
            if accepted_values and values.get(parameter.name) not in accepted_values:
                name = parameter.name
                if parameter.setting == "space_id":
                    name = "space"
                status = self._operation.first_documented(404, 400, 403, 422)
                return Rejection(status, f"there is no such {name}; the mock has {', '.join(accepted_values)}")
        return None

    @cached_property
    def _path_values(self) -> list[tuple[Parameter, list[str]]]:
        """The path parameters that name something that exists, each with the values that the mock accepts.

        The space is such a parameter. An example of any other parameter does not mean that no other value exists.
        """
        settings = {"space_id": self._space_id}
        return [
            (parameter, known_values(self._contract, parameter, settings))
            for parameter in self._operation.path_parameters
            if self._only_known_ids or parameter.setting == "space_id"
        ]

    def _validated(self, request: Request, values: Mapping[str, str]) -> Decision:
        checks = self.checks
        violations = [*checks.parameters.path_violations(values), *checks.parameters.violations(request)]
        if request.body or self._operation.request_body is not None:
            violations += checks.body.violations(request)
        if not violations:
            return _ACCEPTED
        findings = self._findings(request, violations)
        errors = [violation for violation in violations if violation.level == "error"]
        if not errors:
            return Decision(None, findings)
        reasons = [_reason(violation) for violation in errors[:_REASONS]]
        if len(errors) > _REASONS:
            reasons.append(f"and {len(errors) - _REASONS} more")
        status = rejection_status(self._operation, errors[0])
        return Decision(Rejection(status, "; ".join(reasons), {}, findings), findings)

    def _findings(self, request: Request, violations: Iterable[RequestViolation]) -> tuple[Finding, ...]:
        path = request.target.partition("?")[0]
        return tuple(findings_of(violations, self._operation.label, request.method, path))


_ACCEPTED = Decision(None, ())
_REMEMBERED, _SHORT = 128, 4096
"""Maximum number of requests whose decisions are remembered, and the maximum length of their target and body."""

_REASONS = 5
"""Maximum number of violations in the message of an error response; the journal has all."""


def _reason(violation: RequestViolation) -> str:
    """Return the location and the message of a violation, with the expected value if it is short."""
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


def rejection_status(operation: Operation, violation: RequestViolation) -> int:
    """Return the status with which an operation rejects a request: a documented one if possible, else 400."""
    if violation.rule == PARAMETERS and not violation.place.startswith("path "):
        return malformed(operation)
    preferred = _PREFERRED.get(violation.rule, (400, 422))
    if violation.kind in _PLAIN and not violation.path:
        preferred = (400, 422)
    exact = [status for status in preferred if str(status) in operation.responses]
    return exact[0] if exact else next((status for status in preferred if _documents_range(operation, status)), 400)


_PREFERRED: Mapping[str, tuple[int, ...]] = {
    PARAMETERS: (400, 422, 404),
    MEDIA_TYPE: (415, 400, 422),
    BODY: (422, 400),
}
"""The statuses that fit a violated rule, the best first."""


def _documents_range(operation: Operation, status: int) -> bool:
    response = operation.response_for(status)
    return response is not None and response.status != "default"


def malformed(operation: Operation) -> int:
    """Return the documented status for malformed requests, by default 400."""
    return min(documented_rejections(operation), default=400)


_CREDENTIALS = {BEARER: "bearer token", BASIC: "user and password"}


def challenge(field: KeyField | None, *, given: bool) -> str:
    """Return the value of `WWW-Authenticate`: no error code if no credential was sent (RFC 6750, 3.1)."""
    if field is None:
        return 'ApiKey realm="bctrl"'
    if field not in _CREDENTIALS:
        return f'ApiKey realm="bctrl", field="{field.name}"'
    if given and field.is_bearer:
        return f'{field.prefix}realm="bctrl", error="invalid_token"'
    return f'{field.prefix}realm="bctrl"'
