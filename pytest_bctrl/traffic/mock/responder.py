"""Returns the response to a request, without sockets and clock, and holds the state of a space."""

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
from pytest_bctrl.http.routes import Match
from pytest_bctrl.request_checks.run import RequestChecks
from pytest_bctrl.samples.build import Builder
from pytest_bctrl.samples.inputs import answers_with_json, main_operation
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import RoundRobin
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock.change import Change, FaultInPlay, RequestContext
from pytest_bctrl.traffic.mock.pages import Page, Pages, UnknownPageError, is_further
from pytest_bctrl.traffic.mock.refusal import SEED, Admission, Refusals, Rejection, challenge, malformed
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.mock.source import BodySource, fixed

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class _ContractData:
    """The data that depend only on the contract, shared by all spaces."""

    def __init__(self, contract: Contract) -> None:
        main = main_operation(contract)
        self.samples = Samples(contract, main)
        self.others = {
            operation.label: Samples(contract, operation)
            for operation in contract.operations
            if operation is not main and answers_with_json(operation)
        }
        self.checks = RequestChecks(contract)
        self.routes = self.checks.routes
        self.refusals = Refusals(contract)
        no_content = ResponseSpec("204", "", {}, ())
        self.success = {operation.label: operation.success or no_content for operation in contract.operations}
        # By the identity of the schemas, which live as long as the contract.
        self.samples_of_schemas: dict[int, Any] = {}


class Responder:
    """Responds according to the contract, for one key and one space, with a scenario and faults; thread-safe.

    `samples` are those of the main operation, `others` those of the other operations with JSON responses, by label.
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
        self._data: _ContractData = beside._data if beside else _ContractData(contract)
        self.samples: Samples = self._data.samples
        self.others: Mapping[str, Samples] = self._data.others
        self._initial_source = source or fixed(lambda: self.samples.sample(space_id))
        self._lock = Lock()
        self._admissions = {
            operation.label: Admission(contract, operation, api_key, space_id, self._data.checks.of(operation))
            for operation in contract.operations
        }
        self._start_over()

    def _respond(self, request: Request) -> MockResponse:
        """Return the response to one request, with the scenario and the faults applied."""
        request_id = self._request_id(request)
        match = self._data.routes.match(request.target)
        operation = match.of(request.method) if match else None
        response = self._response(request, match, operation, request_id)
        if operation is not None:
            response = self._with_required_headers(operation, response)
        transform, faults = self._transform, self._faults
        if transform is None and not faults:
            return response
        requested = operation or self.samples.operation

        def granted(target: str) -> MockResponse:
            """Return the success response to a target, for any credential and space."""
            success = self._success(Request("GET", target), requested, request_id)
            return self._with_required_headers(requested, success)

        samples = self.others.get(requested.label, self.samples)
        context = RequestContext(request, response, self._errors, samples, granted, next(self._requests))
        changes: list[Change] = [fault.apply for fault in faults]
        if transform is not None:
            changes.insert(0, transform)
        for change in changes:
            context = replace(context, response=change(context))
        return context.response

    def _reject(self, status: int, message: str) -> MockResponse:
        """Return the response to a malformed request, such as 400; faults do not change it."""
        return self._errors.response(status, message, self._next_request_id())

    def _request_id(self, request: Request) -> str:
        request_id = request.header("x-request-id") or ""
        # It is sent back unchanged, but a key in this field must not appear in header, body and journal.
        if _REQUEST_ID.fullmatch(request_id) and self.api_key.reveal() not in request_id:
            return request_id
        return self._next_request_id()

    def _response(
        self, request: Request, match: Match | None, operation: Operation | None, request_id: str
    ) -> MockResponse:
        if match is None:
            if request.method == "OPTIONS" and request.target == "*":
                return MockResponse(204, (("Allow", "GET, HEAD, OPTIONS"), ("X-Request-Id", request_id)))
            paths = ", ".join(dict.fromkeys(operation.path for operation in self.contract.operations))
            message = f"there is nothing at this path; the contract has {paths}"
            return self._undocumented(request, match, self._errors.response(404, message, request_id))
        if request.method == "OPTIONS" and "OPTIONS" not in match.operations:
            return MockResponse(204, (("Allow", match.allow), ("X-Request-Id", request_id)))
        if operation is None:
            message, headers = f"this path does not take {request.method}", {"Allow": match.allow}
            return self._undocumented(request, match, self._errors.response(405, message, request_id, headers=headers))
        rejection, findings = self._admissions[operation.label].decide(request, match.values)
        media_type, _ = self._data.success[operation.label].json or ("", None)
        is_acceptable = not media_type or accepts(request.header("accept"), media_type.partition(";")[0].strip())
        if not is_acceptable and (rejection is None or rejection.status != 401):
            rejection = Rejection(406, f"this operation responds with {media_type}")
        if rejection is None:
            response = self._success(request, operation, request_id)
        else:
            response = self._errors.response(
                rejection.status, rejection.reason, request_id, operation=operation, headers=rejection.headers
            )
        if not findings:
            return response
        return replace(response, findings=findings)

    def _undocumented(self, request: Request, match: Match | None, response: MockResponse) -> MockResponse:
        """Return a response with the finding about a request that is to no operation of the contract."""
        return replace(response, findings=self._data.checks.target_findings(request, match))

    def _non_json(self, response: ResponseSpec, request_id: str) -> MockResponse:
        """Return a response in the first documented media type, with a text that its schema allows, if it has one."""
        id_field = ("X-Request-Id", request_id)
        for media_type, schema in response.content.items():
            value = self._sample(schema)
            body = value if isinstance(value, str) else "a sample"
            fields = (("Content-Type", concrete_media_type(media_type)), id_field)
            return MockResponse(response.code, fields, Payload(body.encode()))
        return MockResponse(response.code, (id_field,))

    def _with_required_headers(self, operation: Operation, response: MockResponse) -> MockResponse:
        """Return the response with a sample of each header field that the contract requires and that is missing."""
        documented = operation.response_for(response.status)
        if documented is None:
            return response
        missing = [
            (field.name, serialize_field(field, self._sample(field.schema)))
            for field in documented.headers
            if field.required and response.header(field.name) is None
        ]
        if not missing:
            return response
        return replace(response, headers=(*response.headers, *missing))

    def _sample(self, schema: Schema) -> Any:
        """Return a value that a schema allows, generated once."""
        samples = self._data.samples_of_schemas
        if id(schema) not in samples:
            samples[id(schema)] = Builder(self.contract, RoundRobin(SEED)).value(schema)
        return samples[id(schema)]

    def _success(self, request: Request, operation: Operation, request_id: str) -> MockResponse:
        status = preferred_status(request.header("prefer"))
        success = self._data.success[operation.label]
        if status is None or status == success.code:
            if success.json is None or operation.method == "HEAD":
                return self._non_json(success, request_id)
            fields = (("Content-Type", success.json[0]), ("X-Request-Id", request_id))
            try:
                page = self._page(request, operation)
            except UnknownPageError as error:
                return self._errors.response(malformed(operation), str(error), request_id, operation=operation)
            return MockResponse(success.code, (*fields, *page.headers), page.payload)
        return self._preferred(status, operation, request_id)

    def _preferred(self, status: int, operation: Operation, request_id: str) -> MockResponse:
        """Return the response with a status that the request asked for (`Prefer`)."""
        applied = {"Preference-Applied": f"code={status}"}
        if status == 429:
            applied["Retry-After"] = "1"
        if status < 400:
            return MockResponse(status, (*applied.items(), ("X-Request-Id", request_id)))
        if status == 401:
            applied["WWW-Authenticate"] = challenge(BEARER, given=True)
        message = f"this status was requested with Prefer: code={status}"
        return self._errors.response(status, message, request_id, operation=operation, headers=applied)

    def _page(self, request: Request, operation: Operation) -> Page:
        """Return the next body of an operation, or the requested page of it."""
        label = operation.label
        pages = self._pages.get(label)
        # All pages of a list come from the same body.
        if pages is None or not is_further(pages.paging, request):
            with self._lock:
                self._latest[label] = self._latest.get(label, -1) + 1
        payload = self._source_of(label).payload(self._latest.get(label, 0))
        if pages is None:
            return Page(payload)
        return pages.page(request, payload)

    def _body(self) -> Any:
        """Return the current body of the main operation."""
        label = self.samples.operation.label
        return self._sources[label].body(self._latest.get(label, 0))

    def _start_over(self) -> None:
        """Restore the initial state: first source, no scenario, no faults, counters at zero."""
        self._faults: tuple[FaultInPlay, ...] = ()
        self._request_ids = count(1)
        self._requests = count(1)
        self._pages = {
            samples.operation.label: Pages(samples, samples.paging)
            for samples in (self.samples, *self.others.values())
            if samples.paging is not None
        }
        self.play(Scenario("as made"))

    def play(
        self, chosen: Scenario, source_for: Callable[[Samples], BodySource] = lambda samples: fixed(samples.sample)
    ) -> Self:
        """Play a `Scenario` until the next one or a reset; faults stay.

        `source_for` returns the source of the bodies of another operation than the main one, from its samples.
        """
        self._sources: dict[str, BodySource] = {self.samples.operation.label: chosen.source or self._initial_source}
        self._source_for = source_for
        self._transform = chosen.transform
        self._errors = chosen.errors or self._data.refusals
        self._latest: dict[str, int] = {}
        return self

    def _source_of(self, label: str) -> BodySource:
        """Return the source of an operation's bodies, created at its first use."""
        sources = self._sources
        if label not in sources:
            sources[label] = self._source_for(self.others[label])
        return sources[label]

    @property
    def faults(self) -> tuple[FaultInPlay, ...]:
        """The active faults, in the order in which they are applied, each with its `.count`."""
        return self._faults

    def _next_request_id(self) -> str:
        """Return the next request id: a number, so that the same run gives the same ids."""
        return f"req_{next(self._request_ids):08d}"

    def _remove(self, fault: FaultInPlay) -> None:
        with self._lock:
            self._faults = tuple(active for active in self._faults if active is not fault)
