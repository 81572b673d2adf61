"""A space of the mock: its data, scenario, faults and requests, independent of all other spaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from pytest_bctrl.errors import BctrlError
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.traffic.mock.adjustable import Adjustable
from pytest_bctrl.traffic.mock.call_syntax import require_seconds, whole_number
from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay
from pytest_bctrl.traffic.mock.data import SequenceStep, checked_copy, read_only_copy
from pytest_bctrl.traffic.mock.journal import Journal, JournalEntry
from pytest_bctrl.traffic.mock.operation_mock import OperationMock
from pytest_bctrl.traffic.mock.parse import RequestProblem
from pytest_bctrl.traffic.mock.scenarios import MOST, Scenario, from_file
from pytest_bctrl.traffic.mock.shared import Shared
from pytest_bctrl.traffic.mock.source import BodySource
from pytest_bctrl.traffic.mock.spelling import SpelledAttributes


class Space(SpelledAttributes, Adjustable):
    """One space of a mock server, with its `.space_id`, `.api_key`, `.url`, `.runtimes` and `.requests`.

    `mock.space()` opens a further space; a `with` block closes it at its end, after which its key and id are rejected.
    """

    _settable = frozenset({"runtimes"})

    def __init__(
        self,
        shared: Shared,
        api_key: str,
        space_id: str,
        *,
        source: BodySource | None = None,
        log: Callable[[JournalEntry], None] | None = None,
        remembered: int = 10_000,
        server_url: Callable[[], str] = str,
        close: Callable[[Space], None] = lambda space: None,
    ) -> None:
        super().__init__(shared, api_key, space_id, source)
        self.requests = Journal(api_key, remembered, shared.checks.redacted)
        self._log = log
        self._server_url = server_url
        self._close = close
        self._is_complete = True

    @property
    def url(self) -> str:
        """The base URL of the server, without a trailing slash; empty before its first start."""
        return self._server_url()

    def close(self) -> None:
        """Close the space; a second call does nothing."""
        self._close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def runtimes(self) -> list[dict[str, Any]]:
        """The served runtimes: a copy that raises `SettingError` if edited; setting it serves others, like `serve`."""
        runtimes: list[dict[str, Any]] = read_only_copy(self.samples.items(self._body_of(self._shared.main)))
        return runtimes

    @runtimes.setter
    def runtimes(self, items: list[dict[str, Any]]) -> None:
        self.serve(items)

    def operation(self, name: str) -> OperationMock:
        """Return one operation of the mock, by its `operationId` (`"listOrders"`) or its label (`"GET /v1/orders"`).

        Its data, scenario, faults and requests are independent of those of other operations. Raises `SettingError` that
        lists close names if the contract lacks the operation.
        """
        operation = self._operation_named(name)
        routes = self._shared.routes

        def is_of_operation(request: Request) -> bool:
            """Return whether a request is to this operation."""
            return self._operation_of(request, routes.match(request.target)) is operation

        return OperationMock(self, operation, self.requests.of(is_of_operation))

    def serve(self, items: list[dict[str, Any]], *, conforming: bool = True) -> Self:
        """Serve a copy of these runtimes until the next scenario or a reset.

        Raises `SettingError` if they are not JSON, or if they break the contract and `conforming` is true.
        """
        whole_body = self.samples.with_items(items)
        self._set_body(self._shared.main, whole_body, "mock.runtimes", conforming=conforming)
        return self

    def update(self, runtime_id: str, /, *, conforming: bool = True, **changes: Any) -> Self:
        """Change one of the runtimes that are served: `mock.update(runtime_id, status="stopped")`.

        Dependent properties change too: `updatedAt`, `type` with `kind`, `activeRunId` with the status. A scenario
        continues, a sequence ends. Raises `SettingError` if no runtime has the id, or if the result breaks the contract
        and `conforming` is true.
        """
        self._update(self._shared.main, runtime_id, changes, "mock.update", conforming=conforming)
        return self

    def update_item(self, runtime_id: str, changes: Mapping[str, Any]) -> Self:
        """Change one of the runtimes that are served, as `update` does, by property names that are not identifiers."""
        self._update(self._shared.main, runtime_id, changes, "mock.update", conforming=True)
        return self

    @staticmethod
    def step(what: Any, *, responses: int | None = None, seconds: float | None = None) -> SequenceStep:
        """Return a step of a sequence, for some responses or seconds, whichever ends first; by default one response."""
        if responses is not None:
            whole_number(responses, "responses", "mock.step", MOST)
        if seconds is not None:
            require_seconds(seconds, "mock.step")
        if responses is None and seconds is None:
            responses = 1
        return SequenceStep(what, responses, seconds)

    def sequence(self, *steps: Any, conforming: bool = True) -> Self:
        """Serve a sequence of states, and stay in the last: `mock.sequence(503, {runtime_id: {"name": "a"}}, [])`.

        A step is a list of runtimes, an object of changes by runtime id, a status or a fault, or None for no change.
        Each lasts for one successful response, or as long as `mock.step(…, responses=3)` or `mock.step(…, seconds=0.5)`
        says. Raises `SettingError` as `update` and `fault` do, before any step is served.
        """
        self._set_sequence(self._shared.main, steps, "mock.sequence", conforming=conforming)
        return self

    def scenario(self, name: str, **arguments: Any) -> Self:
        """Play a scenario (`"many", count=500`) until the next one or a reset; faults stay.

        Raises `SettingError` for an unknown name, or arguments that do not fit.
        """
        self._set_scenario_of_all(name, arguments)
        return self

    def fault(
        self, spec: str | Fault, *arguments: Any, times: int | None = None, every: int = 1, after: int = 0, **named: Any
    ) -> FaultInPlay:
        """Add a fault: `fault("status", 503, times=2)`, or `fault("status(503, times=2)")`.

        Faults are applied in the order in which they were added, each to the result of the previous one: to every
        `every`th response from the `after`th on, `times` times at most. The returned object counts the responses that
        were changed, and removes the fault; a `with` block removes it at its end. Raises `SettingError` for an unknown
        fault, arguments that do not fit, or a rule that the contract does not have.
        """
        return self._add_fault(None, spec, *arguments, times=times, every=every, after=after, **named)

    def reset(self) -> None:
        """Clear requests, scenarios and faults, as between two tests."""
        super().reset()
        self.requests.clear()

    def serve_file(self, path: str | Path, *, conforming: bool = True) -> Self:
        """Serve the body, or the list of runtimes, in a JSON file, with the mock's space id.

        Raises `DocumentError` if the file is missing or is not JSON, and `SettingError` if it breaks the contract and
        `conforming` is true.
        """
        source = from_file(Path(path), self.samples, self.space_id)
        hint = "correct it, or serve it all the same with --nonconforming (conforming=False)"
        body, where = source.body(0), str(path)
        checked_copy(self.samples, body, self.space_id, where, conforming=conforming, fail_on="error", hint=hint)
        self._replace(self._shared.main, Scenario("file", source))
        return self

    def respond(self, request: Request) -> MockResponse:
        """Return the response to a request and record both; an error of the mock itself becomes a 500 response."""
        try:
            response = self._respond(request)
        except BctrlError as error:
            # No sample can be generated for the contract; the response says why.
            response = self._rejection_response(500, str(error))
        return self._record_exchange(request, response)

    def reject(self, problem: RequestProblem) -> MockResponse:
        """Return the error response to a malformed request and record both."""
        return self._record_exchange(problem.seen, self._rejection_response(problem.status, problem.reason))

    def _record_exchange(self, request: Request, response: MockResponse) -> MockResponse:
        """Add an exchange to the journal and log it, and return the response."""
        now = time.time()
        self.requests.add(now, request, response)
        if self._log is not None:
            self._log(self.requests.entry(now, request, response))
        return response
