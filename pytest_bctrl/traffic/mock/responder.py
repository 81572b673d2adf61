"""A request in, an answer out; no sockets, no clock. What a space plays at the moment is kept here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from threading import Lock
from typing import Any, Self

from pytest_bctrl.contract.key_fields import BEARER
from pytest_bctrl.contract.model import Contract, Operation, ResponseSpec, Schema, concrete_media_type
from pytest_bctrl.contract.parameters import serialize_field
from pytest_bctrl.http.message import MockResponse, Payload, Request, accepts, preferred_status
from pytest_bctrl.http.routes import Match, Routes
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import answers_with_json, main_operation
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock.change import FaultInPlay, RequestContext
from pytest_bctrl.traffic.mock.pages import Page, Pages, UnknownPageError, is_further
from pytest_bctrl.traffic.mock.refusal import SEED, Admission, Refusals, Refused, challenge, malformed
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.mock.source import BodySource, fixed

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class _Known:
    """What depends on the contract alone, and is shared by all that answer by it."""

    def __init__(self, contract: Contract) -> None:
        main = main_operation(contract)
        beside = (one for one in contract.operations if one is not main and answers_with_json(one))
        self.samples = Samples(contract, main)
        self.others = {operation.label: Samples(contract, operation) for operation in beside}
        self.routes = Routes(contract)
        self.refusals = Refusals(contract)
        self.usual = {one.label: one.success or ResponseSpec("204", "", {}, ()) for one in contract.operations}
        # By the schema's identity, which the contract keeps.
        self.made: dict[int, Any] = {}


class Responder:
    """Answers as the contract says the API does, for one key and one space, in a scenario and with faults.

    It is the one place where the mock keeps what it plays; safe to use from several threads. `samples` are those of the
    main operation, `others` those of the operations beside it that answer with JSON, by label.
    """

    def __init__(
        self,
        contract: Contract,
        api_key: Secret,
        space_id: str,
        source: BodySource | None = None,
        beside: Responder | None = None,
    ) -> None:
        self.contract = contract
        self.api_key = api_key
        self.space_id = space_id
        self._known: _Known = beside._known if beside else _Known(contract)
        self.samples: Samples = self._known.samples
        self.others: Mapping[str, Samples] = self._known.others
        self._first = source or fixed(lambda: self.samples.sample(space_id))
        self._lock = Lock()
        self._admissions = {one.label: Admission(contract, one, api_key, space_id) for one in contract.operations}
        self._start_over()

    def _respond(self, request: Request) -> MockResponse:
        """Return the answer to one request, as scenario and faults leave it."""
        request_id = self._request_id(request)
        match = self._known.routes.match(request.target)
        operation = match.of(request.method) if match else None
        response = self._response(request, match, operation, request_id)
        if operation is not None:
            response = self._completed(operation, response)
        transform, faults = self._transform, self._faults
        if transform is None and not faults:
            return response
        asked = operation or self.samples.operation

        def granted(target: str) -> MockResponse:
            """Return the successful answer to a target, whatever credential and space the request has."""
            return self._completed(asked, self._success(Request("GET", target), asked, request_id))

        samples = self.others.get(asked.label, self.samples)
        context = RequestContext(request, response, self._errors, samples, granted, next(self._requests))
        for change in (transform, *(fault.apply for fault in faults)):
            context = replace(context, response=change(context)) if change else context
        return context.response

    def _refuse(self, status: int, message: str) -> MockResponse:
        """Return the answer to what was no proper request, such as 400 to garbage; no fault changes it."""
        return self._errors.response(status, message, self._next_request_id())

    def _request_id(self, request: Request) -> str:
        given = request.header("x-request-id") or ""
        # Sent back as it is. A key that strayed into this field must not come back in header, body and journal.
        is_usable = _REQUEST_ID.fullmatch(given) and self.api_key.reveal() not in given
        return given if is_usable else self._next_request_id()

    def _response(
        self, request: Request, match: Match | None, operation: Operation | None, request_id: str
    ) -> MockResponse:
        if match is None:
            if request.method == "OPTIONS" and request.target == "*":
                return MockResponse(204, (("Allow", "GET, HEAD, OPTIONS"), ("X-Request-Id", request_id)))
            known = ", ".join(dict.fromkeys(operation.path for operation in self.contract.operations))
            return self._errors.response(404, f"there is nothing at this path; the contract has {known}", request_id)
        if request.method == "OPTIONS" and "OPTIONS" not in match.operations:
            return MockResponse(204, (("Allow", match.allow), ("X-Request-Id", request_id)))
        if operation is None:
            return self._errors.response(
                405, f"this path does not take {request.method}", request_id, headers={"Allow": match.allow}
            )
        return self._refusal(request, operation, match, request_id) or self._success(request, operation, request_id)

    def _refusal(self, request: Request, operation: Operation, match: Match, request_id: str) -> MockResponse | None:
        refused = self._admissions[operation.label].refusal(request, match.values)
        media = (self._known.usual[operation.label].json or ("",))[0]
        is_taken = not media or accepts(request.header("accept"), media.partition(";")[0].strip())
        if not is_taken and (refused is None or refused.status != 401):
            refused = Refused(406, f"this operation answers with {media}")
        if refused is None:
            return None
        status, reason, headers = refused
        return self._errors.response(status, reason, request_id, operation=operation, headers=headers)

    def _non_json(self, response: ResponseSpec, request_id: str) -> MockResponse:
        """An answer in the first documented media type, with a text that its schema allows; bare without one."""
        identified = ("X-Request-Id", request_id)
        for media, schema in response.content.items():
            value = self._sample(schema)
            body = value if isinstance(value, str) else "a sample"
            fields = (("Content-Type", concrete_media_type(media)), identified)
            return MockResponse(response.code, fields, Payload(body.encode()))
        return MockResponse(response.code, (identified,))

    def _completed(self, operation: Operation, response: MockResponse) -> MockResponse:
        """Return an answer with a sample of each field that the contract requires with its status and it has not."""
        documented = operation.response_for(response.status)
        missing = [
            (field.name, serialize_field(field, self._sample(field.schema)))
            for field in (documented.headers if documented is not None else ())
            if field.required and response.header(field.name) is None
        ]
        return replace(response, headers=(*response.headers, *missing)) if missing else response

    def _sample(self, schema: Schema) -> Any:
        """A value that a schema allows, made once."""
        made = self._known.made
        if id(schema) not in made:
            made[id(schema)] = Builder(self.contract, RoundRobin(SEED)).value(schema)
        return made[id(schema)]

    def _success(self, request: Request, operation: Operation, request_id: str) -> MockResponse:
        status = preferred_status(request.header("prefer"))
        usual = self._known.usual[operation.label]
        if status is None or status == usual.code:
            if usual.json is None or operation.method == "HEAD":
                return self._non_json(usual, request_id)
            fields = (("Content-Type", usual.json[0]), ("X-Request-Id", request_id))
            try:
                page = self._page(request, operation)
            except UnknownPageError as error:
                return self._errors.response(malformed(operation), str(error), request_id, operation=operation)
            return MockResponse(usual.code, (*fields, *page.headers), page.payload)
        applied = {"Preference-Applied": f"code={status}"}
        if status == 429:
            applied["Retry-After"] = "1"
        if status < 400:
            return MockResponse(status, (*applied.items(), ("X-Request-Id", request_id)))
        if status == 401:
            applied["WWW-Authenticate"] = challenge(BEARER, given=True)
        message = f"this status was asked for with Prefer: code={status}"
        return self._errors.response(status, message, request_id, operation=operation, headers=applied)

    def _page(self, request: Request, operation: Operation) -> Page:
        """Return the next body of an operation, or the page of it that is asked for."""
        label = operation.label
        pages = self._pages.get(label)
        # Whoever follows pages gets those of one body.
        if pages is None or not is_further(pages.paging, request):
            with self._lock:
                self._latest[label] = self._latest.get(label, -1) + 1
        payload = self._source_of(label).payload(self._latest.get(label, 0))
        return Page(payload) if pages is None else pages.page(request, payload)

    def _body(self) -> Any:
        """The body of the main operation that is in force."""
        label = self.samples.operation.label
        return self._sources[label].body(self._latest.get(label, 0))

    def _start_over(self) -> None:
        """Go back to how it was made: first source, plain answers, no faults, counters at zero."""
        self._faults: tuple[FaultInPlay, ...] = ()
        self._request_ids = count(1)
        self._requests = count(1)
        known = (self.samples, *self.others.values())
        self._pages = {one.operation.label: Pages(one, one.paging) for one in known if one.paging is not None}
        self.play(Scenario("as made"))

    def play(
        self, chosen: Scenario, source_for: Callable[[Samples], BodySource] = lambda samples: fixed(samples.sample)
    ) -> Self:
        """Play a scenario of one's own making, in place of the one before, until the next one or a reset; faults stay.

        `source_for` makes, from its samples, the bodies of an operation beside the main one.
        """
        self._sources: dict[str, BodySource] = {self.samples.operation.label: chosen.source or self._first}
        self._source_for = source_for
        self._transform = chosen.transform
        self._errors = chosen.errors or self._known.refusals
        self._latest: dict[str, int] = {}
        return self

    def _source_of(self, label: str) -> BodySource:
        """Return where the bodies of an operation come from; made when it is first asked for."""
        sources = self._sources
        if label not in sources:
            sources[label] = self._source_for(self.others[label])
        return sources[label]

    @property
    def faults(self) -> tuple[FaultInPlay, ...]:
        """The faults in play, in the order in which they are applied, each with its `.count`."""
        return self._faults

    def _next_request_id(self) -> str:
        """Return the next request id: a number, so that the same run gives the same ids."""
        return f"req_{next(self._request_ids):08d}"

    def _remove(self, fault: FaultInPlay) -> None:
        with self._lock:
            self._faults = tuple(one for one in self._faults if one is not fault)
