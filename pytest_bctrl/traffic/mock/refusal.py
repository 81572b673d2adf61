"""Decides whether a request is rejected, and builds error responses in the shape that the contract documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

from pytest_bctrl.contract.engine import accepts, iter_errors
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, cookies, has_valid_key, key_fields
from pytest_bctrl.contract.model import Contract, Operation, Parameter, Schema, concrete_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import documented_rejections, read_field, read_pairs
from pytest_bctrl.contract.schema.ref import is_of_type, type_name
from pytest_bctrl.contract.schema.shapes import located_values, with_value
from pytest_bctrl.http.message import MockResponse, Payload, Request
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import known_values, main_operation
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.secrets.secret import MASK, Secret

JSON = "application/json"
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
        media_type, schema = self._documented(status, operation)
        text = message
        if is_json(media_type):
            text = json.dumps(self._body(schema, members), ensure_ascii=False)
        data = text.encode("utf-8", "replace")
        content_type = ("Content-Type", concrete_media_type(media_type))
        fields = (content_type, *(headers or {}).items(), ("X-Request-Id", request_id))
        return MockResponse(status, fields, Payload(data), why=message)

    def _documented(self, status: int, operation: Operation | None) -> tuple[str, Schema]:
        operation = operation or main_operation(self._contract)
        documented = operation.response_for(status)
        if documented is not None and documented.content and documented.json is None:
            return next(iter(documented.content.items()))
        specs = [spec for key, spec in operation.responses.items() if not key.startswith(("1", "2", "3"))]
        if documented is not None:
            specs.insert(0, documented)
        for spec in specs:
            if spec.json is not None:
                return spec.json
        return JSON, _UNDOCUMENTED

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


_UNDOCUMENTED: Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("code", "message", "requestId")},
            "required": ["code", "message", "requestId"],
        }
    },
    "required": ["error"],
}


class Rejection(NamedTuple):
    """The reason why a request is rejected: the status, a message, and further header fields."""

    status: int
    reason: str
    headers: Mapping[str, str] = {}


class Admission:
    """The requirements of one operation on its requests, for one key and one space."""

    def __init__(self, contract: Contract, operation: Operation, key: Secret, space_id: str) -> None:
        self._contract = contract
        self._operation = operation
        self._key = key
        self._space_id = space_id

    def rejection(self, request: Request, values: Mapping[str, str]) -> Rejection | None:
        """Return why a request is rejected, a wrong credential first, or None if it is accepted."""
        return self._unauthorized(request) or self._unknown_path_value(values) or self._invalid_parameter(request)

    def _unauthorized(self, request: Request) -> Rejection | None:
        operation = self._operation
        if has_valid_key(operation, self._key.reveal(), request.header, request.query):
            return None
        # The message describes the first alternative that has a header field.
        field = next(iter(key_fields(self._contract, operation) or ()), None)
        credential, is_present = "credential", False
        if field is not None:
            credential = _CREDENTIALS.get(field, f"key in {field.name}")
            is_present = request.header(field.name.lower()) is not None
        message = f"the {credential} is {'not accepted' if is_present else 'missing'}"
        texts = (request.target, *(value for _, value in request.headers))
        if any(MASK in unquote(text) for text in texts):
            message += "; it is the mask of a secret: send .reveal()"
        status = operation.first_documented(401, 403)
        return Rejection(status, message, {"WWW-Authenticate": challenge(field, given=is_present)})

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
    def _query_names(self) -> set[str]:
        """The names of the query parameters, and of the keys in the query."""
        schemes = {scheme for group in self._operation.security for scheme in group}
        keys = {scheme.field for scheme in schemes if scheme.in_ == "query"}
        return keys | {parameter.name for parameter in self._operation.other_parameters if parameter.in_ == "query"}

    @cached_property
    def _path_values(self) -> list[tuple[Parameter, list[str]]]:
        """The path parameters, each with the values that the mock accepts."""
        settings = {"space_id": self._space_id}
        return [
            (parameter, known_values(self._contract, parameter, settings))
            for parameter in self._operation.path_parameters
        ]

    def _invalid_parameter(self, request: Request) -> Rejection | None:
        for parameter in self._operation.other_parameters:
            problem = self._problem(parameter, self._read(parameter, request))
            if problem:
                return Rejection(malformed(self._operation), f"{parameter.in_} {parameter.name}{problem}")
        return None

    def _problem(self, parameter: Parameter, values: list[Any]) -> str:
        if not values:
            return " is required and missing" if parameter.required else ""
        for value in values:
            for error in iter_errors(self._contract, parameter.schema, value):
                return f": {error.message[:200]}"
        return ""

    def _read(self, parameter: Parameter, request: Request) -> list[Any]:
        """Return the value of a parameter in a request, in a list, or an empty list if it is missing."""
        if parameter.in_ == "query":
            return read_pairs(self._contract, parameter, request.query, self._query_names)
        text = request.header(parameter.name.lower())
        if parameter.in_ == "cookie":
            text = next(iter(cookies(request.header("cookie"), parameter.name)), None)
        if text is None:
            return []
        return [read_field(self._contract, parameter, text)]


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
