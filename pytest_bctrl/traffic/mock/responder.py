"""The responder: a request in, an answer out. No sockets, no clock; what it plays is on its `Stage`."""

from __future__ import annotations

from pytest_bctrl.contract.key_fields import BEARER
from pytest_bctrl.contract.model import Contract, Operation, ResponseSpec
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.rotation import Rotation
from pytest_bctrl.secret import Secret
from pytest_bctrl.traffic.mock.admission import Admission, Refused, challenge
from pytest_bctrl.traffic.mock.message import Answer, Payload, Request
from pytest_bctrl.traffic.mock.negotiate import accepts, preferred_status, usable_request_id
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
