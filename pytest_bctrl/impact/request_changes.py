"""Changes of requests: a request that the new contract rejects because of a change gets an error response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pytest_bctrl.checks.violation import Violation
from pytest_bctrl.contract.model import Operation
from pytest_bctrl.contract.schema.locations import without_tags
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.findings.fingerprint import shape
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.impact.change import Change, ResponseContext
from pytest_bctrl.impact.contract_version import ContractVersion, operation_shapes
from pytest_bctrl.impact.error_responses import ChangedErrors
from pytest_bctrl.request_checks.operation import OperationChecks
from pytest_bctrl.request_checks.violation import MEDIA_TYPE
from pytest_bctrl.traffic.mock.admission import rejection_status

_BODY = "requestBody"


class _KindAtLocation(NamedTuple):
    """Identifies the cause of a violation, for a comparison of two contracts."""

    place: str
    kind: str


class RequestChanges:
    """Turns findings about requests into changes."""

    def __init__(self, old: ContractVersion, new: ContractVersion, errors: ChangedErrors) -> None:
        self._old = old
        self._new = new
        self._errors = errors
        self._checks: dict[int, OperationChecks] = {}

    def change(self, finding: Finding) -> Change:
        """Return the change of a finding about requests: those that it makes invalid are rejected."""
        shapes = operation_shapes(finding)

        def reject(context: ResponseContext) -> MockResponse:
            """Return an error response if the new contract rejects the request due to the change, else the response."""
            old, new = (version.operations.get(context.operation_shape) for version in (self._old, self._new))
            if old is None or new is None or context.operation_shape not in shapes:
                return context.response
            if finding.level == "info" or context.response.status >= 400:
                return context.response
            violation = next(self._violations(finding, context, old, new), None)
            if violation is None:
                return context.response
            status = rejection_status(new, violation)
            return self._errors.response(context, status, f"{violation.location}: {violation.message}")

        return Change(finding, "drift", reject, request_shapes=tuple(shapes))

    def _violations(
        self, finding: Finding, context: ResponseContext, old: Operation, new: Operation
    ) -> Iterator[Violation]:
        """Yield the violations of a request that only the new contract has and that a finding explains."""
        locations = [
            place["location"]
            for place in finding.extra["places"]
            if shape(place["operation"]) == context.operation_shape
        ]
        old_causes = {
            _KindAtLocation(violation.location, violation.kind)
            for violation in self._errors_in(self._old, old, context.request)
        }
        for violation in self._errors_in(self._new, new, context.request):
            is_new = _KindAtLocation(violation.location, violation.kind) not in old_causes
            if is_new and any(_explains(finding, location, violation) for location in locations):
                yield violation

    def _errors_in(self, version: ContractVersion, operation: Operation, request: Request) -> list[Violation]:
        """Return the violations of a request at level error under one of the contracts, which has the operation."""
        checks = self._checks_of(version, operation)
        violations = [*checks.parameters.path_violations(version.path_values(operation, request))]
        violations += checks.parameters.violations(request)
        if request.body or operation.request_body is not None:
            violations += checks.body.violations(request)
        return [violation for violation in violations if violation.level == "error"]

    def _checks_of(self, version: ContractVersion, operation: Operation) -> OperationChecks:
        """Return the checks of an operation, created once."""
        if id(operation) not in self._checks:
            self._checks[id(operation)] = OperationChecks(version.contract, operation)
        return self._checks[id(operation)]


def _explains(finding: Finding, location: str, violation: Violation) -> bool:
    """Return whether a change explains a violation of a request: by media type, else by location and keyword."""
    if "media-type" in finding.rule:
        return violation.rule == MEDIA_TYPE
    if not _is_at(location, violation.location):
        return False
    if "required" in finding.rule:
        return violation.kind == "missing"
    keyword = _changed_keyword(finding.extra.get("revision", {}))
    return violation.kind != "missing" and (not keyword or violation.kind == keyword)


def _is_at(finding_location: str, violation_location: str) -> bool:
    """Return whether a violation is at the location of a finding, which writes `requestBody` for `body`."""
    location = without_tags(finding_location, positions=False) if "<" in finding_location else finding_location
    if location.startswith(_BODY):
        location = f"body{location.removeprefix(_BODY)}"
    if location.startswith("path "):
        return violation_location == location.replace("{", "").replace("}", "")
    if location.startswith("header "):
        return violation_location.lower() == location.lower()
    return violation_location == location


_KEYWORDS = frozenset(
    {"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "maxLength", "minLength", "pattern"}
    | {"format", "enum", "const", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties"}
)
"""Keywords of the value itself, by which a violation is attributed if several changes affect one location."""


def _changed_keyword(position: Mapping[str, object]) -> str:
    """Return the keyword at the end of the pointer of a changed part; empty unless it is one of `_KEYWORDS`."""
    keyword = str(position.get("pointer", "")).rpartition("/")[2]
    return keyword if keyword in _KEYWORDS else ""
