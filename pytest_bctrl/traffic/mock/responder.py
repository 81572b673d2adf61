"""The responder: a request in, an answer out; no sockets, no clock. First, whether the request is let in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_bctrl.contract.engine import errors
from pytest_bctrl.contract.key_fields import BASIC, BEARER, KeyField, cookies, key_fields, lets_in
from pytest_bctrl.contract.model import Contract, Operation, Parameter, ResponseSpec
from pytest_bctrl.contract.parameters import Pair, documented_refusals, read_field, read_pairs
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import known_values
from pytest_bctrl.samples.text import Rotation
from pytest_bctrl.secret import MASK, Secret
from pytest_bctrl.traffic.mock.message import Answer, Payload, Request, accepts, preferred_status, usable_request_id
from pytest_bctrl.traffic.mock.refusal import SEED, Refusals, completed
from pytest_bctrl.traffic.mock.routes import Match, Routes
from pytest_bctrl.traffic.mock.stage import Stage


class Responder:
    """Answers as the contract says the API does, for one key and one space."""

    def __init__(self, contract: Contract, key: Secret, space_id: str, stage: Stage, refusals: Refusals) -> None:
        self._contract = contract
        self._key = key
        self._stage = stage
        self._refusals = refusals
        self._routes = Routes(contract)
        self._usual = {
            operation.label: operation.success or ResponseSpec("204", "", {}, ()) for operation in contract.operations
        }
        self._doors = {
            operation.label: Admission(contract, operation, key, space_id) for operation in contract.operations
        }

    def respond(self, request: Request) -> Answer:
        """Return the answer to one request, as scenario and faults leave it."""
        request_id = self._request_id(request)
        match = self._routes.match(request.target)
        operation = match.of(request.method) if match else None
        answer = self._answer(request, match, operation, request_id)
        asked = operation or self._stage.main
        if operation is not None:
            answer = completed(self._contract, operation, answer)

        def granted() -> Answer:
            return completed(self._contract, asked, self._success(Request("GET", request.target), asked, request_id))

        return self._stage.play(request, answer, granted, asked)

    def refuse(self, status: int, message: str) -> Answer:
        """Return the answer to what was no proper request, such as 400 to garbage; no fault changes it."""
        return self._refusals.answer(status, message, self._stage.next_request_id())

    def _request_id(self, request: Request) -> str:
        given = usable_request_id(request.header("x-request-id"))
        # A key that strayed into this field must not come back in header, body and journal.
        return given if given and self._key.reveal() not in given else self._stage.next_request_id()

    def _answer(self, request: Request, match: Match | None, operation: Operation | None, request_id: str) -> Answer:
        if match is None:
            if request.method == "OPTIONS" and request.target == "*":
                return Answer(204, (("Allow", "GET, HEAD, OPTIONS"), ("X-Request-Id", request_id)))
            known = ", ".join(dict.fromkeys(operation.path for operation in self._contract.operations))
            return self._refusals.answer(404, f"there is nothing at this path; the contract has {known}", request_id)
        if request.method == "OPTIONS" and "OPTIONS" not in match.operations:
            return Answer(204, (("Allow", match.allow), ("X-Request-Id", request_id)))
        if operation is None:
            return self._refusals.answer(
                405, f"this path does not take {request.method}", request_id, headers={"Allow": match.allow}
            )
        return self._refusal(request, operation, match, request_id) or self._success(request, operation, request_id)

    def _refusal(self, request: Request, operation: Operation, match: Match, request_id: str) -> Answer | None:
        refused = self._doors[operation.label].refusal(request, match.values)
        if refused is not None and refused.status == 401:
            return self._refused(refused, operation, request_id)
        media = (self._usual[operation.label].json or ("",))[0]
        if media and not accepts(request.header("accept"), media.partition(";")[0].strip()):
            message = f"this operation answers with {media}"
            return self._refusals.answer(406, message, request_id, operation=operation)
        return None if refused is None else self._refused(refused, operation, request_id)

    def _refused(self, refused: Refused, operation: Operation, request_id: str) -> Answer:
        return self._refusals.answer(
            refused.status, refused.reason, request_id, operation=operation, headers=refused.headers
        )

    def _non_json(self, response: ResponseSpec, request_id: str) -> Answer:
        """An answer in the first documented media type, with a text that its schema allows; bare without one."""
        identified = ("X-Request-Id", request_id)
        for media, schema in response.content.items():
            value = Builder(self._contract, Rotation(SEED)).value(schema)
            body = value if isinstance(value, str) else "a sample"
            # A range of media types is none.
            fields = (("Content-Type", "text/plain" if "*" in media else media), identified)
            return Answer(response.code, fields, Payload(body.encode()))
        return Answer(response.code, (identified,))

    def _success(self, request: Request, operation: Operation, request_id: str) -> Answer:
        status = preferred_status(request.header("prefer"))
        usual = self._usual[operation.label]
        if status is None or status == usual.code:
            if usual.json is None:
                return self._non_json(usual, request_id)
            number = self._stage.next_success() if operation is self._stage.main else 0
            payload = self._stage.source_of(operation).payload(number)
            return Answer(usual.code, (("Content-Type", usual.json[0]), ("X-Request-Id", request_id)), payload)
        applied = {"Preference-Applied": f"code={status}"}
        if status == 429:
            applied["Retry-After"] = "1"
        if status < 400:
            return Answer(status, (*applied.items(), ("X-Request-Id", request_id)))
        if status == 401:
            applied["WWW-Authenticate"] = challenge(BEARER, given=True)
        message = f"this status was asked for with Prefer: code={status}"
        return self._refusals.answer(status, message, request_id, operation=operation, headers=applied)


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
        if lets_in(operation, self._key.reveal(), request.header, _query(request)):
            return None
        # What a client is to bring: the first way that there is in a header field.
        field = next(iter(key_fields(self._contract, operation) or ()), None)
        given = field is not None and request.header(field.name.lower()) is not None
        what = "credential" if field is None else _WORDS.get(field, f"key in {field.name}")
        sent = (request.target, *(value for _, value in request.headers))
        hint = "; it is the mask of a secret: send .reveal()" if any(MASK in unquote(text) for text in sent) else ""
        return Refused(
            operation.status_among(401, 403),
            f"the {what} is {'not accepted' if given else 'missing'}{hint}",
            {"WWW-Authenticate": challenge(field, given=given)},
        )

    def _unknown(self, values: Mapping[str, str]) -> Refused | None:
        for parameter, known in self._known:
            if known and values.get(parameter.name) not in known:
                what = "space" if parameter.setting == "space_id" else parameter.name
                status = self._operation.status_among(404, 400, 403, 422)
                return Refused(status, f"there is no such {what}; the mock has {', '.join(known)}")
        return None

    @cached_property
    def _key_names(self) -> set[str]:
        return {scheme.field for schemes in self._operation.security for scheme in schemes if scheme.place == "query"}

    @cached_property
    def _known(self) -> list[tuple[Parameter, list[str]]]:
        given = {"space_id": self._space_id}
        return [(one, known_values(self._contract, one, given)) for one in self._operation.path_parameters]

    def _invalid(self, request: Request) -> Refused | None:
        if not self._operation.other_parameters:
            return None
        query = _query(request)
        names = {one.name for one in self._operation.other_parameters if one.place == "query"} | self._key_names
        for parameter in self._operation.other_parameters:
            found = read_pairs(self._contract, parameter, query, names) if parameter.place == "query" else None
            if found is None:
                text = next(iter(cookies(request.header("cookie"), parameter.name)), None)
                text = text if parameter.place == "cookie" else request.header(parameter.name.lower())
                found = [] if text is None else [read_field(self._contract, parameter, text)]
            if not found and parameter.required:
                return Refused(self._status, f"{parameter.place} {parameter.name} is required and missing")
            for value in found:
                for error in errors(self._contract, parameter.schema, value):
                    return Refused(self._status, f"{parameter.place} {parameter.name}: {error.message[:200]}")
        return None

    @property
    def _status(self) -> int:
        """The status by which the contract says that a request is malformed; 400 where it says nothing."""
        return min(documented_refusals(self._operation), default=400)


def _query(request: Request) -> list[Pair]:
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True)


_WORDS = {BEARER: "bearer token", BASIC: "user and password"}


def challenge(field: KeyField | None, *, given: bool) -> str:
    """The value of `WWW-Authenticate`: no error code where no credential was given (RFC 6750, 3.1)."""
    if field in _WORDS:
        return f'{field.prefix}realm="bctrl"' + (', error="invalid_token"' if given and field.is_bearer else "")
    return 'ApiKey realm="bctrl"' + (f', field="{field.name}"' if field else "")
