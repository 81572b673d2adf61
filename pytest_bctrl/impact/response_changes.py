"""The changes between the contract in force and another spec: one for each finding of the drift gate.

This module has those of a whole response: it becomes an error, or its status, media type or a header field changes.
`body_changes` has those of values in a body.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from pytest_bctrl.contract.model import Contract, ResponseSpec
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.findings.finding import Finding
from pytest_bctrl.http.message import MockResponse, Payload, with_headers
from pytest_bctrl.http.routes import Routes
from pytest_bctrl.impact.body_changes import BodyChanges
from pytest_bctrl.impact.change import Change, ResponseContext, ResponseTransform, is_about_credentials
from pytest_bctrl.impact.contract_version import ContractVersion, is_at, operation_shapes
from pytest_bctrl.impact.error_responses import ChangedErrors
from pytest_bctrl.impact.paging_changes import PagingChanges
from pytest_bctrl.impact.request_changes import RequestChanges
from pytest_bctrl.request_checks.credentials import credential_violations
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock.admission import Admission, Rejection

_NOT_SENT = "it changes no request and no response"
_NOT_SHOWN = "no response that shows it could be generated"
_REMOVED_OPERATION_RULES = ("api-path-removed", "api-removed")
_STATUS_STEP = 6
"""What is added to a status that became a range, so that tests get another status of that range."""


def changes_from_drift(
    findings: Sequence[Finding], old: Contract, new: Contract, key: str, space_id: str
) -> list[Change]:
    """Return a change for each finding; one that cannot be run has a reason instead of a transform."""
    old_version, new_version = ContractVersion(old), ContractVersion(new)
    response_changes = _ResponseChanges(old_version, new_version, key, space_id)
    body_changes = BodyChanges(old_version, new_version, findings)
    return [response_changes.change(finding) or body_changes.change(finding) for finding in findings]


class _ResponseChanges:
    """Turns findings about whole responses into changes."""

    def __init__(self, old: ContractVersion, new: ContractVersion, key: str, space_id: str) -> None:
        self._old = old
        self._new = new
        self._key = key
        self._space_id = space_id
        self._routes = Routes(new.contract)
        self._errors = ChangedErrors(old, new)
        self._request_changes = RequestChanges(old, new, self._errors)
        self._paging_changes = PagingChanges(old, new)

    def change(self, finding: Finding) -> Change | None:
        """Return the change for one finding; None if it is about values in a body."""
        rule, shapes = finding.rule, tuple(operation_shapes(finding))
        if " callback:" in finding.operation or finding.operation.partition(" ")[2].startswith("webhook:"):
            return Change(finding, "drift", not_run_reason="the mock sends no webhooks or callbacks")
        if rule.startswith(_REMOVED_OPERATION_RULES):
            return Change(finding, "drift", self._removal_transform(shapes), request_shapes=shapes)
        if is_about_credentials(finding) and finding.level != "info":
            transform = self._rejection_transform(finding)
            return Change(finding, "drift", transform, request_shapes=shapes or tuple(self._old.operations))
        if finding.direction == "request":
            return self._request_changes.change(finding)
        if finding.direction != "response":
            return Change(finding, "drift", not_run_reason=_NOT_SENT)
        if "-status-" in rule:
            return self._status_change(finding)
        if rule.startswith("response-media-type"):
            return Change(finding, "drift", self._media_type_transform(finding))
        paged = self._paging_changes.change(finding)
        if paged is not None:
            return paged
        if finding.location.startswith("header ") or "response-header" in rule:
            return self._header_change(finding)
        return None

    def _removal_transform(self, removed_shapes: Sequence[str]) -> ResponseTransform:
        """Return a transform that responds to requests for removed operations with 404 or 405."""

        def respond_as_removed(context: ResponseContext) -> MockResponse:
            """Return 404 or 405 if the operation of the request was removed, else the response."""
            if context.operation_shape not in removed_shapes:
                return context.response
            rejection = Rejection(404, "the operation no longer exists")
            # If another template of the new contract matches the path, the path exists without this method.
            match = self._routes.match(context.request.target)
            if match and not match.of(context.request.method):
                rejection = rejection._replace(status=405, headers={"Allow": match.allow})
            return self._errors.response(context, rejection.status, rejection.reason, rejection.headers)

        return respond_as_removed

    def _rejection_transform(self, finding: Finding) -> ResponseTransform:
        """Return a transform that rejects requests whose credentials the new contract does not accept."""
        affected_shapes = operation_shapes(finding)
        admissions = {
            # Without parameters and body, only the credentials can be rejected.
            operation_shape: Admission(
                self._new.contract, replace(operation, parameters=(), request_body=None), self._key, self._space_id
            )
            for operation_shape, operation in self._new.operations.items()
            if operation_shape in affected_shapes or not affected_shapes
        }

        def reject(context: ResponseContext) -> MockResponse:
            """Return the rejection of the new contract for the request, or the response if there is none."""
            admission = admissions.get(context.operation_shape)
            if admission is None or context.response.status >= 400:
                return context.response
            if context.request.base_url and not self._lacks_new_credentials(context):
                return context.response
            rejection = admission.rejection(context.request, context.path_values)
            if rejection is None:
                return context.response
            return self._errors.response(context, rejection.status, rejection.reason, rejection.headers)

        return reject

    def _lacks_new_credentials(self, context: ResponseContext) -> bool:
        """Return whether a request has the credentials that the old contract requires, but not those of the new one."""
        old, new = (version.operations.get(context.operation_shape) for version in (self._old, self._new))
        if old is None or new is None or any(credential_violations(old, context.request)):
            return False
        return any(violation.level == "error" for violation in credential_violations(new, context.request))

    def _status_change(self, finding: Finding) -> Change:
        """Return the change of a removed or new success status; a change of an error status is not run."""
        if "non-success" in finding.rule:
            return Change(finding, "drift", not_run_reason="no spec defines when an error response is sent")
        responses = self._responses_after(finding)
        if not responses:
            return Change(finding, "drift", not_run_reason="the new spec has no other success response")
        is_range = finding.rule.endswith("generalized")

        def send_other_status(context: ResponseContext) -> MockResponse:
            """Return the response with the new status, and with a body that it documents."""
            response = responses.get(context.operation_shape)
            if response is None or not 200 <= context.response.status < 300:
                return context.response
            new_status = response.code
            if is_range:
                new_status += _STATUS_STEP
            if response.json is None:
                return _without_body(context.response, new_status)
            media_type, schema = response.json
            payload = context.response.payload
            if self._new.rejects_body(schema, payload.body):
                for body in self._new.example_bodies(schema)[:1]:
                    payload = Payload(encode(body))
            changed = replace(context.response, status=new_status, payload=payload)
            return with_headers(changed, {"Content-Type": media_type})

        return Change(finding, "drift", send_other_status)

    def _responses_after(self, finding: Finding) -> dict[str, ResponseSpec]:
        """Return the success response that replaces the current one, by operation shape."""
        status = str(finding.extra.get("status", ""))
        responses: dict[str, ResponseSpec] = {}
        for operation_shape in operation_shapes(finding):
            operation = self._new.operations.get(operation_shape)
            if operation is None or operation.success is None:
                continue
            # A status that was removed is that of no response.
            responses[operation_shape] = operation.responses.get(status, operation.success)
        return responses

    def _media_type_transform(self, finding: Finding) -> ResponseTransform:
        """Return a transform that sends the affected responses with another media type."""
        old_media_type = str(finding.expected).partition(";")[0].lower()

        def send_other_media_type(context: ResponseContext) -> MockResponse:
            """Return the response with the new media type and, if that is not JSON, another body."""
            operation = self._new.operations.get(context.operation_shape)
            response = operation.response_for(context.response.status) if operation else None
            sent_media_type = (context.response.header("content-type") or "").partition(";")[0].lower()
            is_affected = any(is_at(context, place) for place in finding.extra["places"])
            if response is None or not is_affected:
                return context.response
            if not sent_media_type or not fnmatchcase(sent_media_type, old_media_type):
                return context.response
            new_media_type = finding.observed or next(iter(response.content), None)
            if new_media_type is None:
                return _without_body(context.response, context.response.status)
            payload = context.response.payload
            if not is_json(new_media_type) and "*" not in new_media_type:
                payload = Payload(f"it is in {new_media_type}".encode())
            new_media_type = new_media_type.replace("*/", "application/").replace("*", "x-another")
            return with_headers(replace(context.response, payload=payload), {"Content-Type": new_media_type})

        return send_other_media_type

    def _header_change(self, finding: Finding) -> Change:
        """Return the change of a header field: it is omitted, or has the value of the gate's counterexample."""
        name = finding.location.removeprefix("header ").split(" ")[0]
        example = finding.extra.get("shown", {})
        value = example.get("value")
        text = value if isinstance(value, str) else json.dumps(value)
        is_omitted = finding.rule.endswith(("header-removed", "header-became-optional"))
        is_sendable = example.get("by") == "counterexample" and text.isprintable() and text.isascii()
        if not is_omitted and not is_sendable:
            return Change(finding, "drift", not_run_reason=_NOT_SHOWN)

        def change_header(context: ResponseContext) -> MockResponse:
            """Return the response without the header field, or with its new value."""
            if is_omitted and context.response.header(name) is None:
                return context.response
            if not any(is_at(context, place) for place in finding.extra["places"]):
                return context.response
            return with_headers(context.response, {name: None if is_omitted else text})

        return Change(finding, "drift", change_header)


def _without_body(response: MockResponse, status: int) -> MockResponse:
    """Return a response with a status and an empty body."""
    return with_headers(replace(response, status=status, payload=Payload(b"")), {"Content-Type": None})
