"""Returns the response to a request, without sockets and clock, and holds the state of a space."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from threading import Lock
from typing import Any, Self

from pytest_bctrl.contract.engine import accepts as accepts_value
from pytest_bctrl.contract.key_fields import BEARER
from pytest_bctrl.contract.model import Operation, ResponseSpec, concrete_media_type
from pytest_bctrl.contract.outline import is_json
from pytest_bctrl.contract.parameters import read_field
from pytest_bctrl.errors import DocumentError
from pytest_bctrl.http.message import MockResponse, Payload, Request, accepts, preferred_example, preferred_status
from pytest_bctrl.http.routes import Match
from pytest_bctrl.samples.examples import example_problems
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.mock.active_scenarios import ActiveScenarios
from pytest_bctrl.traffic.mock.admission import Admission, Rejection, challenge, status_for_malformed
from pytest_bctrl.traffic.mock.change import Change, FaultInPlay, RequestContext
from pytest_bctrl.traffic.mock.documented import UnknownExampleError
from pytest_bctrl.traffic.mock.error_responses import problem_details
from pytest_bctrl.traffic.mock.pages import Page, Pages, UnknownPageError, is_further
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.mock.setup import Setup
from pytest_bctrl.traffic.mock.shared import Shared
from pytest_bctrl.traffic.mock.source import BodySource

_ID_FIELD = "x-request-id"
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Responder:
    """Responds according to the contract, for one key and one space, with scenarios and faults; thread-safe.

    `source` is the source of the initial bodies of the main operation, by default its samples.
    """

    def __init__(self, shared: Shared, api_key: str, space_id: str, source: BodySource | None = None) -> None:
        self.contract = contract = shared.contract
        self.api_key = api_key
        self.space_id = space_id
        self._shared = shared
        self._scenarios = ActiveScenarios(shared, space_id, source)
        self._lock = Lock()
        self._path_values: dict[str, Mapping[str, str | None]] = {}
        self._explained: set[str] = set()
        self._admissions = {
            operation.label: Admission(
                contract,
                operation,
                api_key,
                space_id,
                shared.checks.of(operation),
                only_known_ids=shared.is_exhaustive,
            )
            for operation in contract.operations
        }
        self._start_over()

    @property
    def samples(self) -> Samples:
        """The samples of the main operation; raises `DocumentError` if it documents no successful JSON response."""
        return self.samples_of(self._shared.main)

    @property
    def others(self) -> Mapping[str, Samples]:
        """The samples of the other operations with a JSON response, by label."""
        main = self._shared.main.label
        return {label: samples for label, samples in self._shared.samples.items() if label != main}

    def samples_of(self, operation: Operation) -> Samples:
        """Return the samples of an operation; raises `DocumentError` if it documents no successful JSON response."""
        return self._shared.samples_of(operation)

    def _respond(self, request: Request) -> MockResponse:
        """Return the response to one request, with the scenario and the faults applied."""
        request_id = self._request_id(request)
        match = self._shared.routes.match(request.target)
        operation = self._operation_of(request, match)
        response = self._response_without_faults(request, match, operation, request_id)
        if operation is not None:
            response = self._with_documented_headers(operation, response)
        requested = operation or self._shared.main
        scenario = self._scenarios.of(requested)
        if scenario.setup is not None and operation is not None and scenario.affects(response):
            scenario.setup.is_met = True
        faults = self._faults
        if faults:
            faults = tuple(fault for fault in faults if fault.operation in (None, operation))
        if scenario.transform is None and not faults:
            return response

        def granted(target: str) -> MockResponse:
            """Return the success response to a target, for any credential and space."""
            success = self._success(Request("GET", target), requested, request_id)
            return self._with_documented_headers(requested, success)

        def error(status: int, message: str, headers: Mapping[str, str] | None) -> MockResponse:
            """Return an error response of the operation."""
            return self._error(status, message, request_id, requested, headers)

        samples = self._shared.samples.get(requested.label)
        number = next(self._requests)
        errors = self._shared.error_responses
        context = RequestContext(request, response, errors, samples, granted, error, number)
        changes: list[Change] = [fault.apply for fault in faults]
        if scenario.transform is not None:
            changes.insert(0, scenario.transform)
        for change in changes:
            context = replace(context, response=change(context))
        return context.response

    def _rejection_response(self, status: int, message: str) -> MockResponse:
        """Return an error response to a malformed request, or for an error of the mock (500); no fault changes it."""
        return self._shared.error_responses.response(status, message, self._next_request_id())

    def _request_id(self, request: Request) -> str:
        """Return the request id for a response: that of the request if it is valid, else the next number."""
        request_id = request.header(_ID_FIELD) or ""
        # It is sent back unchanged, but a key in this field must not appear in header, body and journal.
        if _REQUEST_ID.fullmatch(request_id) and self.api_key not in request_id:
            return request_id
        return self._next_request_id()

    def _operation_of(self, request: Request, match: Match | None) -> Operation | None:
        """Return the operation of a request; of several at its path, the first that has the resource that it names."""
        operation = match.of(request.method) if match else None
        if match is None or operation is None:
            return None
        alternatives = match.alternatives.get(operation.method, ())
        existing = (item for item in alternatives if self._admissions[item.label].has_resource(match.values))
        return next(existing, operation)

    def _response_without_faults(
        self, request: Request, match: Match | None, operation: Operation | None, request_id: str
    ) -> MockResponse:
        """Return the response without faults: a success, a rejection, or an error such as 404, 405 and 406."""
        exclusion = self._shared.checks.exclusion(request) if operation is None else None
        if exclusion is not None:
            reason = f"{exclusion.reason} ({exclusion.hint})"
            return problem_details(501, f"the mock cannot respond to {exclusion.operation}: {reason}", request_id)
        if match is None:
            if request.method == "OPTIONS" and request.target == "*":
                return MockResponse(204, (("Allow", "GET, HEAD, OPTIONS"), ("X-Request-Id", request_id)))
            paths = ", ".join(dict.fromkeys(operation.path for operation in self.contract.operations))
            message = f"there is nothing at this path; the contract has {paths}"
            return self._with_target_findings(
                request, match, self._shared.error_responses.response(404, message, request_id)
            )
        if request.method == "OPTIONS" and "OPTIONS" not in match.operations:
            return MockResponse(204, (("Allow", match.allow), ("X-Request-Id", request_id)))
        if operation is None:
            message, headers = f"this path does not take {request.method}", {"Allow": match.allow}
            response = self._shared.error_responses.response(405, message, request_id, headers=headers)
            return self._with_target_findings(request, match, response)
        rejection, findings = self._admissions[operation.label].decide(request, match.values)
        if self._accepted_media_type(request, operation) is None and (rejection is None or rejection.status != 401):
            media_types = " or ".join(self._shared.media_types[operation.label])
            rejection = Rejection(406, f"this operation responds with {media_types}")
        if rejection is None:
            response = self._success(request, operation, request_id)
        else:
            response = self._shared.error_responses.response(
                rejection.status, rejection.reason, request_id, operation=operation, headers=rejection.headers
            )
        if not findings:
            return response
        return replace(response, findings=findings)

    def _accepted_media_type(self, request: Request, operation: Operation) -> str | None:
        """Return the first media type of the success response that a request accepts; empty if it has no body.

        Returns None for a JSON response if the request accepts none of its media types. Any other response has its
        first media type then, because clients accept only JSON by default and download images.
        """
        media_types = self._shared.media_types[operation.label]
        accept = request.header("accept")
        for media_type in media_types:
            if accepts(accept, concrete_media_type(media_type).partition(";")[0].strip()):
                return media_type
        if self._shared.success[operation.label].json is not None:
            return None
        return next(iter(media_types), "")

    def _with_target_findings(self, request: Request, match: Match | None, response: MockResponse) -> MockResponse:
        """Return a response with the findings about a request that is to no operation of the contract."""
        return replace(response, findings=self._shared.checks.target_findings(request, match))

    def _with_documented_headers(self, operation: Operation, response: MockResponse) -> MockResponse:
        """Return the response with the documented header fields added that it lacks; 501 if none can be generated.

        The request id gives way to the documented value if the contract does not allow it, such as one that is no UUID.
        """
        documented = operation.response_for(response.status)
        if documented is None or not documented.headers:
            return response
        request_id = response.header(_ID_FIELD) or ""
        response = self._without_invalid_request_id(documented, response)
        try:
            fields = self._shared.documented.header_fields(documented, only_required=self._shared.is_exhaustive)
        except DocumentError as error:
            return self._not_mocked_response(operation, str(error), request_id)
        missing = tuple(pair for pair in fields if response.header(pair[0]) is None)
        if not missing:
            return response
        return replace(response, headers=(*response.headers, *missing))

    def _without_invalid_request_id(self, documented: ResponseSpec, response: MockResponse) -> MockResponse:
        """Return the response without its request id if the documented schema of that field rejects it."""
        request_id = response.header(_ID_FIELD)
        for field in documented.headers:
            if field.name.lower() != _ID_FIELD or request_id is None:
                continue
            if not accepts_value(self.contract, field.schema, read_field(self.contract, field, request_id)):
                fields = tuple(pair for pair in response.headers if pair[0].lower() != _ID_FIELD)
                return replace(response, headers=fields)
        return response

    def _success(self, request: Request, operation: Operation, request_id: str) -> MockResponse:
        """Return the response to a valid request, or an error: unknown page or example, no body can be generated."""
        try:
            return self._requested_response(request, operation, request_id)
        except UnknownPageError as error:
            reason = str(error)
        except UnknownExampleError as error:
            return self._mock_problem(400, operation, str(error), request_id)
        except DocumentError as error:
            return self._not_mocked_response(operation, str(error), request_id)
        return self._shared.error_responses.response(
            status_for_malformed(operation), reason, request_id, operation=operation
        )

    def _requested_response(self, request: Request, operation: Operation, request_id: str) -> MockResponse:
        """Return the success response, or the response that the request prefers (RFC 7240)."""
        success = self._shared.success[operation.label]
        id_field = ("X-Request-Id", request_id)
        media_type = self._accepted_media_type(request, operation)
        prefer = request.header("prefer")
        status, name = (preferred_status(prefer), preferred_example(prefer)) if prefer else (None, None)
        if status is not None and status != success.code:
            return self._preferred(status, name, operation, request_id)
        if name is not None:
            documented = self._shared.documented.response(success, success.code, name, media_type)
            applied = ("Preference-Applied", f'example="{name}"')
            why = next(example_problems(self.contract, success, name), "")
            return replace(documented, headers=(*documented.headers, applied, id_field), why=why)
        source = self._scenarios.of(operation).source
        if source is None or not _is_of_data(success, media_type):
            documented = self._shared.documented.response(success, success.code, requested=media_type)
            return replace(documented, headers=(*documented.headers, id_field))
        content_type = concrete_media_type(media_type or "")
        fields = (("Content-Type", content_type), id_field) if content_type else (id_field,)
        page = self._page(request, operation, source)
        payload, why = page.payload, page.why
        if source.is_generated:
            payload = self._with_path_values(request, operation, payload)
            if operation.label not in self._explained:
                why = why or self._example_note(operation)
        return MockResponse(success.code, (*fields, *page.headers), payload, why=why)

    def _example_note(self, operation: Operation) -> str:
        """Return why generated data are served although there is an example, once per operation; empty otherwise."""
        self._explained.add(operation.label)
        if self._shared.is_exhaustive or self.samples_of(operation).examples:
            return ""
        return next(example_problems(self.contract, self._shared.success[operation.label]), "")

    def _with_path_values(self, request: Request, operation: Operation, payload: Payload) -> Payload:
        """Return a generated body with the path values of the request at the locations that must repeat them."""
        generated_values = self._values_in_bodies(operation)
        match = self._shared.routes.match(request.target)
        values = match.values if match else {}
        if all(values.get(name) == value for name, value in generated_values.items()):
            return payload
        body = json.loads(payload.body)
        rules = [rule for rule in self.samples_of(operation).invariants if rule.keyword == "equals"]
        for rule in rules:
            rule.repair(body, values, 0)
        return Payload(encode(body), page_of=payload.page_of or payload)

    def _values_in_bodies(self, operation: Operation) -> Mapping[str, str | None]:
        """Return the default path values that generated bodies of an operation repeat, by parameter name."""
        if operation.label not in self._path_values:
            defaults = self.samples_of(operation).parameters(self.space_id)
            names = [str(entry["equals"]) for entry in operation.invariants if "equals" in entry]
            names = [name.removeprefix("path.") for name in names]
            self._path_values[operation.label] = {name: defaults.get(name) for name in names}
        return self._path_values[operation.label]

    def _preferred(self, status: int, name: str | None, operation: Operation, request_id: str) -> MockResponse:
        """Return the response with a preferred status; raises `UnknownExampleError` if it has no example `name`."""
        preference = f"code={status}" if name is None else f'code={status}, example="{name}"'
        applied = {"Preference-Applied": preference}
        if status == 429:
            applied["Retry-After"] = "1"
        if status == 401:
            applied["WWW-Authenticate"] = challenge(BEARER, is_sent=True)
        message = f"this status was requested with Prefer: code={status}"
        documented = operation.response_for(status)
        if documented is not None and (name is not None or status < 400):
            response = self._shared.documented.response(documented, status, name)
            fields = (*response.headers, *applied.items(), ("X-Request-Id", request_id))
            return replace(response, headers=fields, why=message)
        if name is not None:
            raise UnknownExampleError(f"the contract documents no response {status}, so it has no example {name}")
        if status < 400:
            return MockResponse(status, (*applied.items(), ("X-Request-Id", request_id)))
        return self._error(status, message, request_id, operation, applied)

    def _error(
        self, status: int, message: str, request_id: str, operation: Operation, headers: Mapping[str, str] | None
    ) -> MockResponse:
        """Return an error response that was requested or set up: with the documented example if there is one."""
        documented = operation.response_for(status)
        if documented is not None and self._shared.documented.has_example(documented):
            response = self._shared.documented.response(documented, status)
            fields = (*response.headers, *(headers or {}).items(), ("X-Request-Id", request_id))
            return replace(response, headers=fields, why=message)
        return self._shared.error_responses.response(status, message, request_id, operation=operation, headers=headers)

    def _not_mocked_response(self, operation: Operation, reason: str, request_id: str) -> MockResponse:
        """Return the 501 response of an operation for which no documented response can be generated."""
        return self._mock_problem(501, operation, f"the mock cannot respond to {operation.label}: {reason}", request_id)

    def _mock_problem(self, status: int, operation: Operation, message: str, request_id: str) -> MockResponse:
        """Return an error response of the mock itself: in the documented shape, or as problem details."""
        documented = operation.response_for(status)
        if documented is not None and documented.json is not None:
            return self._shared.error_responses.response(status, message, request_id, operation=operation)
        return problem_details(status, message, request_id)

    @property
    def not_mocked(self) -> dict[str, str]:
        """The reason for each operation that the mock cannot mock, by label; a request to it gets 501."""
        reasons = {
            operation.label: self._shared.obstacle(operation, self.space_id) for operation in self.contract.operations
        }
        return {label: reason for label, reason in reasons.items() if reason}

    @property
    def invalid_examples(self) -> list[str]:
        """A line per documented example of a response that does not conform; generated data are served instead."""
        return self._shared.invalid_examples

    def _page(self, request: Request, operation: Operation, source: BodySource) -> Page:
        """Return the requested page of the next body of an operation; a further page belongs to the same body."""
        label = operation.label
        pages = self._pages.get(label)
        # All pages of a list come from the same body.
        if pages is None or not is_further(pages.paging, request):
            with self._lock:
                self._latest[label] = self._latest.get(label, -1) + 1
        payload = source.payload(self._latest.get(label, 0))
        if pages is None:
            return Page(payload)
        return pages.page(request, payload)

    def _body_of(self, operation: Operation) -> Any:
        """Return the body that an operation serves now, as JSON data; raises `DocumentError` if it has no JSON body."""
        samples, source = self.samples_of(operation), self._scenarios.of(operation).source
        if source is None:
            return samples.exemplary(self.space_id)
        return source.body(self._latest.get(operation.label, 0))

    def _start_over(self) -> None:
        """Restore the initial state: first source, no scenario, no faults, counters at zero."""
        self._faults: tuple[FaultInPlay, ...] = ()
        self._explained.clear()
        self._request_ids = count(1)
        self._requests = count(1)
        self._pages = {
            label: Pages(samples, samples.paging, only_known_cursors=self._shared.is_exhaustive)
            for label, samples in self._shared.samples.items()
            if samples.paging is not None
        }
        self.play(Scenario("initial"))

    def play(
        self,
        scenario: Scenario,
        source_for: Callable[[Samples], BodySource] | None = None,
        setup: Setup | None = None,
    ) -> Self:
        """Play a `Scenario` for all operations until the next one or a reset; faults stay.

        `source_for` returns the source of the bodies of another operation than the main one, from its samples.
        """
        self._scenarios.play(scenario, source_for, setup)
        self._latest: dict[str, int] = {}
        return self

    def _play_for(self, operation: Operation, scenario: Scenario, setup: Setup | None = None) -> None:
        """Play a scenario for one operation from its first body on; the other operations stay as they are."""
        self._scenarios.play_for(operation, scenario, setup)
        self._latest.pop(operation.label, None)

    @property
    def faults(self) -> tuple[FaultInPlay, ...]:
        """The active faults, in the order in which they are applied, each with its `.count`."""
        return self._faults

    def _next_request_id(self) -> str:
        """Return the next request id: a number, so that the same run gives the same ids."""
        return f"req_{next(self._request_ids):08d}"

    def _remove_fault(self, fault: FaultInPlay) -> None:
        """Remove an active fault; does nothing if it was removed before."""
        with self._lock:
            self._faults = tuple(active for active in self._faults if active is not fault)


def _is_of_data(success: ResponseSpec, media_type: str | None) -> bool:
    """Return whether the data that the mock serves may have this media type: that of JSON, or one with its schema."""
    if success.json is None:
        return True
    json_type, schema = success.json
    return media_type == json_type or (is_json(media_type or "") and success.content.get(media_type or "") == schema)
