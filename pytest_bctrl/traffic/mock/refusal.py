"""Error answers in the shape that the contract documents for them, and header fields that it requires."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_bctrl.contract.engine import accepts
from pytest_bctrl.contract.model import Contract, Operation, Schema, is_json
from pytest_bctrl.contract.parameters import field_of
from pytest_bctrl.contract.schema.shapes import located, replaced
from pytest_bctrl.contract.show import is_of_type, type_name
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import main_operation
from pytest_bctrl.samples.text import Rotation
from pytest_bctrl.traffic.mock.message import Answer, Payload

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


def completed(contract: Contract, operation: Operation, answer: Answer) -> Answer:
    """Return an answer with a sample of each field that the contract requires with its status and that it has not."""
    documented = operation.response_for(answer.status)
    missing = [
        (field.name, field_of(field, Builder(contract, Rotation(SEED)).value(field.schema)))
        for field in (documented.headers if documented is not None else ())
        if field.required and answer.header(field.name) is None
    ]
    return replace(answer, headers=(*answer.headers, *missing)) if missing else answer


class Refusals:
    """Builds error answers; `shape` picks the branch where the contract documents several (the last: the newest)."""

    def __init__(self, contract: Contract, *, shape: int = -1) -> None:
        self._contract = contract
        self._shape = shape
        # By the schema's identity, which the contract keeps.
        self._least: dict[int, Any] = {}

    def answer(
        self,
        status: int,
        message: str,
        request_id: str,
        *,
        operation: Operation | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return an error answer whose body the contract allows for `status`."""
        code, reason = CODES.get(status, ("server_error", "server") if status >= 500 else ("error", "error"))
        known = {
            "code": code,
            "detail": message,
            "error": message,
            "message": message,
            "reasonClass": reason,
            "requestId": request_id,
            "status": status,
            "title": code,
        }
        media, schema = self._documented(status, operation)
        text = json.dumps(self._body(schema, known), ensure_ascii=False) if is_json(media) else message
        data = text.encode("utf-8", "replace")
        fields = (("Content-Type", media), *(headers or {}).items(), ("X-Request-Id", request_id))
        answer = Answer(status, fields, Payload(data), why=message)
        return answer if operation is None else completed(self._contract, operation, answer)

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
        for one in list(located(self._contract, schema, made)):
            given = known.get(str(one.path[-1])) if one.path else None
            if given is not None and is_of_type(one.value, type_name(given)):
                filled = replaced(made, one.path, given)
                made = filled if accepts(self._contract, schema, filled) else made
        return made


class _Least(Rotation):
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
