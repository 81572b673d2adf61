"""Whether a request is let in, and error answers in the shape that the contract documents for them."""

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
    """Builds error answers; `shape` picks the branch where the contract documents several (the last: the newest)."""

    def __init__(self, contract: Contract, *, shape: int = -1) -> None:
        self._contract = contract
        self._shape = shape
        # By the schema's identity, which the contract keeps.
        self._least: dict[int, Any] = {}

    def response(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        operation: Operation | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> MockResponse:
        """Return an error answer whose body the contract allows for `status`."""
        code, reason = CODES.get(status, ("server_error", "server") if status >= 500 else ("error", "error"))
        known: dict[str, Any] = dict.fromkeys(("detail", "error", "message"), message)
        known |= {"code": code, "title": code, "reasonClass": reason, "requestId": request_id, "status": status}
        media, schema = self._documented(status, operation)
        text = json.dumps(self._body(schema, known), ensure_ascii=False) if is_json(media) else message
        data = text.encode("utf-8", "replace")
        fields = (("Content-Type", concrete_media_type(media)), *(headers or {}).items(), ("X-Request-Id", request_id))
        return MockResponse(status, fields, Payload(data), why=message)

    def _documented(self, status: int, operation: Operation | None) -> tuple[str, Schema]:
        operation = operation or main_operation(self._contract)
        documented = operation.response_for(status)
        if documented is not None and documented.content and documented.json is None:
            return next(iter(documented.content.items()))
        specs = [spec for key, spec in operation.responses.items() if not key.startswith(("1", "2", "3"))]
        for spec in [documented, *specs] if documented else specs:
            if spec.json is not None:
                return spec.json
        return JSON, _UNDOCUMENTED

    def _body(self, schema: Schema, known: Mapping[str, Any]) -> Any:
        """The least that the schema allows, with what is known in every place that takes it."""
        if id(schema) not in self._least:
            self._least[id(schema)] = Builder(self._contract, _Least(self._shape)).value(schema)
        made = self._least[id(schema)]
        for one in list(located_values(self._contract, schema, made)):
            given = known.get(str(one.path[-1])) if one.path else None
            if given is not None and is_of_type(one.value, type_name(given)):
                filled = with_value(made, one.path, given)
                made = filled if accepts(self._contract, schema, filled) else made
        return made


class _Least(RoundRobin):
    """Takes nothing that may be left out, the first of several alternatives, and of whole bodies the one asked for."""

    def __init__(self, shape: int) -> None:
        super().__init__(SEED, optional=False)
        self._shape = shape

    def deal(self, place: str, alternatives: int, *, counts: bool = True) -> int:
        """Return the alternative; a place without a name is the body itself."""
        return 0 if place.strip("<>0123456789") else self._shape % max(1, alternatives)


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


class Refused(NamedTuple):
    """Why a request is not let in: the status to answer with, the reason in words, and further header fields."""

    status: int
    reason: str
    headers: Mapping[str, str] = {}


class Admission:
    """What one operation asks of a request, for one key and one space."""

    def __init__(self, contract: Contract, operation: Operation, key: Secret, space_id: str) -> None:
        self._contract = contract
        self._operation = operation
        self._key = key
        self._space_id = space_id

    def refusal(self, request: Request, values: Mapping[str, str]) -> Refused | None:
        """Return why a request is refused, the credential first; None where it is let in."""
        return self._unauthorized(request) or self._unknown(values) or self._invalid(request)

    def _unauthorized(self, request: Request) -> Refused | None:
        operation = self._operation
        if has_valid_key(operation, self._key.reveal(), request.header, request.query):
            return None
        # What a client is to bring: the first way that there is in a header field.
        field = next(iter(key_fields(self._contract, operation) or ()), None)
        given = field is not None and request.header(field.name.lower()) is not None
        what = "credential" if field is None else _WORDS.get(field, f"key in {field.name}")
        sent = (request.target, *(value for _, value in request.headers))
        hint = "; it is the mask of a secret: send .reveal()" if any(MASK in unquote(text) for text in sent) else ""
        return Refused(
            operation.first_documented(401, 403),
            f"the {what} is {'not accepted' if given else 'missing'}{hint}",
            {"WWW-Authenticate": challenge(field, given=given)},
        )

    def _unknown(self, values: Mapping[str, str]) -> Refused | None:
        for parameter, known in self._known:
            if known and values.get(parameter.name) not in known:
                what = "space" if parameter.setting == "space_id" else parameter.name
                status = self._operation.first_documented(404, 400, 403, 422)
                return Refused(status, f"there is no such {what}; the mock has {', '.join(known)}")
        return None

    @cached_property
    def _query_names(self) -> set[str]:
        """What belongs to a parameter of the query, or to a key in it."""
        keys = {one.field for schemes in self._operation.security for one in schemes if one.in_ == "query"}
        return keys | {one.name for one in self._operation.other_parameters if one.in_ == "query"}

    @cached_property
    def _known(self) -> list[tuple[Parameter, list[str]]]:
        given = {"space_id": self._space_id}
        return [(one, known_values(self._contract, one, given)) for one in self._operation.path_parameters]

    def _invalid(self, request: Request) -> Refused | None:
        for parameter in self._operation.other_parameters:
            found = self._read(parameter, request)
            broken = (error for value in found for error in iter_errors(self._contract, parameter.schema, value))
            problem = next((f": {error.message[:200]}" for error in broken), "")
            if parameter.required and not found:
                problem = " is required and missing"
            if problem:
                return Refused(malformed(self._operation), f"{parameter.in_} {parameter.name}{problem}")
        return None

    def _read(self, parameter: Parameter, request: Request) -> list[Any]:
        """The value that a request gives a parameter, as a list of one; an empty list where it gives none."""
        if parameter.in_ == "query":
            return read_pairs(self._contract, parameter, request.query, self._query_names)
        text = request.header(parameter.name.lower())
        if parameter.in_ == "cookie":
            text = next(iter(cookies(request.header("cookie"), parameter.name)), None)
        return [] if text is None else [read_field(self._contract, parameter, text)]


def malformed(operation: Operation) -> int:
    """The status by which the contract says that a request is malformed; 400 where it says nothing."""
    return min(documented_rejections(operation), default=400)


_WORDS = {BEARER: "bearer token", BASIC: "user and password"}


def challenge(field: KeyField | None, *, given: bool) -> str:
    """The value of `WWW-Authenticate`: no error code where no credential was given (RFC 6750, 3.1)."""
    if field in _WORDS:
        return f'{field.prefix}realm="bctrl"' + (', error="invalid_token"' if given and field.is_bearer else "")
    return 'ApiKey realm="bctrl"' + (f', field="{field.name}"' if field else "")
