"""Error responses in the shape that the contract documents, or else as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Schema, concrete_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.schema.ref import is_of_type, type_name
from pytest_bctrl.contract.schema.shapes import located_values, with_value
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.http.message import MockResponse, Payload
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import main_operation
from pytest_bctrl.samples.text import RoundRobin

_INVALID = frozenset({400, 415, 422})
"""Statuses of invalid requests."""
SEED = 1

_MESSAGES = ("detail", "error", "message", "msg", "errormessage", "errormsg", "errordescription", "description")
"""Names of the properties with the text of an error, in lower case and without other characters than letters."""

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


class ErrorResponses:
    """Builds the error responses of a contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
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
        """Return an error response in a shape that the contract documents for errors, else as problem details."""
        code, reason = CODES.get(status, ("server_error", "server") if status >= 500 else ("error", "error"))
        members: dict[str, Any] = dict.fromkeys(_MESSAGES, message)
        members |= {"code": code, "title": code, "reasonclass": reason, "requestid": request_id, "status": status}
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
        """Return media type and schema of this error, else of another one except for 400, 415 and 422; or None."""
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
        """Return a minimal body of the schema, with `members` at every property of that name that accepts them.

        The names of properties are compared in lower case and without other characters than letters.
        """
        if id(schema) not in self._minimal_bodies:
            self._minimal_bodies[id(schema)] = Builder(self._contract, _MinimalChoices()).value(schema)
        body = self._minimal_bodies[id(schema)]
        for located in list(located_values(self._contract, schema, body)):
            name = "".join(filter(str.isalpha, str(located.path[-1]))) if located.path else ""
            value = members.get(name.lower())
            if value is not None and is_of_type(located.value, type_name(value)):
                filled = with_value(body, located.path, value)
                if accepts(self._contract, schema, filled):
                    body = filled
        return body


PROBLEM = "application/problem+json"


def problem_details(
    status: int, message: str, request_id: str, headers: Mapping[str, str] | None = None
) -> MockResponse:
    """Return an error response in the shape of RFC 9457, also if the contract documents another shape."""
    title = HTTPStatus(status).phrase if status in _STATUSES else "Error"
    body = {"type": "about:blank", "title": title, "status": status, "detail": message}
    fields = (("Content-Type", PROBLEM), *(headers or {}).items(), ("X-Request-Id", request_id))
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return MockResponse(status, fields, Payload(data), why=message)


_STATUSES = frozenset(status.value for status in HTTPStatus)


class _MinimalChoices(RoundRobin):
    """Chooses no optional member, the last shape of the body, which is the newest, and else the first alternative."""

    def __init__(self) -> None:
        super().__init__(SEED, optional=False)

    def choose(self, location: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the index of the last alternative at a location without a name, such as the body; else 0."""
        if location.strip("<>0123456789"):
            return 0
        return max(0, alternatives - 1)
