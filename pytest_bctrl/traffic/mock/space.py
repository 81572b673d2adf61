"""A space of the mock: its data, scenario, faults and requests, independent of all other spaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from pytest_bctrl.contract.model import Contract
from pytest_bctrl.errors import BctrlError, SettingError
from pytest_bctrl.http.message import MockResponse, Request
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.secrets.secret import Secret
from pytest_bctrl.traffic.mock.call_syntax import seconds_of, whole_number
from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay
from pytest_bctrl.traffic.mock.data import SequenceStep, StepSource, changed, checked_copy, served, states
from pytest_bctrl.traffic.mock.journal import Journal, JournalEntry
from pytest_bctrl.traffic.mock.parse import RequestProblem
from pytest_bctrl.traffic.mock.responder import Responder
from pytest_bctrl.traffic.mock.scenarios import MOST, SCENARIOS, Scenario, from_file, scenario
from pytest_bctrl.traffic.mock.source import BodySource, fixed

if TYPE_CHECKING:
    from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario


class Space(Responder):
    """One space of a mock server, with its `.space_id`, `.api_key`, `.url`, `.runtimes` and `.requests`.

    `mock.space()` opens a further space; a `with` block closes it at its end, after which its key and id are rejected.
    """

    def __init__(
        self,
        contract: Contract,
        api_key: Secret,
        space_id: str,
        *,
        source: BodySource | None = None,
        log: Callable[[JournalEntry], None] | None = None,
        remembered: int = 10_000,
        beside: Space | None = None,
        close: Callable[[Space], None] = lambda space: None,
    ) -> None:
        super().__init__(contract, api_key, space_id, source, beside)
        groups = [group for operation in contract.operations for group in operation.security]
        schemes = {scheme for group in groups for scheme in group}
        self.requests = Journal(api_key, remembered, [scheme.field for scheme in schemes if scheme.field])
        self._changing = Lock()
        self._scenarios: Mapping[str, Callable[..., Scenario]] = beside._scenarios if beside else SCENARIOS
        self._custom_faults: Mapping[str, Callable[..., Fault]] = beside._custom_faults if beside else {}
        self._log = log
        self._beside = beside
        self._close = close
        self._ahead = 0.0

    @property
    def url(self) -> str:
        """The base URL of the server, without a trailing slash; empty before its first start."""
        if self._beside is None:
            return ""
        return self._beside.url

    def close(self) -> None:
        """Close the space; a second call does nothing."""
        self._close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def runtimes(self) -> list[dict[str, Any]]:
        """The runtimes that the mock serves; setting it serves others, as `serve` does.

        The list is read-only: editing it raises `SettingError`.
        """
        runtimes: list[dict[str, Any]] = served(self.samples.items(self._body()))
        return runtimes

    @runtimes.setter
    def runtimes(self, items: list[dict[str, Any]]) -> None:
        self.serve(items)

    def serve(self, items: list[dict[str, Any]], *, conforming: bool = True) -> Self:
        """Serve a copy of these runtimes until the next scenario or a reset.

        Raises `SettingError` if they are not JSON, or if they break the contract and `conforming` is true.
        """
        whole_body = self.samples.with_items(items)
        body = checked_copy(self.samples, whole_body, self.space_id, "mock.runtimes", conforming=conforming)
        return self.play(Scenario("runtimes", fixed(lambda: body)))

    def update(self, runtime_id: str, /, *, conforming: bool = True, **changes: Any) -> Self:
        """Change one of the runtimes that are served: `mock.update(runtime_id, status="stopped")`.

        Dependent properties change too: `updatedAt`, `type` with `kind`, `activeRunId` with the status. A scenario
        continues, a sequence ends. Raises `SettingError` if no runtime has the id, or if the result breaks the contract
        and `conforming` is true.
        """
        with self._changing:
            updated = changed(self.samples, self._body(), runtime_id, changes, "mock.update")
            body = checked_copy(self.samples, updated, self.space_id, "mock.update", conforming=conforming)
            self._sources[self.samples.operation.label] = fixed(lambda: body)
        return self

    @staticmethod
    def step(what: Any, *, responses: int | None = None, seconds: float | None = None) -> SequenceStep:
        """Return a step of a sequence, for a number of responses or seconds, whichever ends first."""
        if responses is not None:
            whole_number(responses, "responses", "mock.step", MOST)
        if seconds is not None:
            seconds_of(seconds, "mock.step")
        if responses is None and seconds is None:
            responses = 1
        return SequenceStep(what, responses, seconds)

    def sequence(self, *steps: Any, conforming: bool = True) -> Self:
        """Serve a sequence of states, and stay in the last: `mock.sequence(503, {runtime_id: {"name": "a"}}, [])`.

        A step is a list of runtimes, an object of changes by runtime id, a status or a fault, or None for no change.
        Each lasts for one successful response, or as long as `mock.step(…, responses=3)` or `mock.step(…, seconds=0.5)`
        says. Raises `SettingError` as `update` and `fault` do, before any step is served.
        """
        source = StepSource(self.now)
        for number, (step, body, fault) in enumerate(states(self.samples, self._body(), steps), 1):
            where = f"mock.sequence: step {number}"
            copy = checked_copy(self.samples, body, self.space_id, where, conforming=conforming)
            source.add(step, copy, None if fault is None else self._fault(*fault))
        if not steps:
            return self
        return self.play(Scenario("sequence", source, source.transform))

    def now(self) -> float:
        """Return the time of the space in seconds, which `advance` moves."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> Self:
        """Move the clock of the space forward, so that the states of a sequence change without waiting."""
        self._ahead += seconds_of(seconds, "mock.advance")
        return self

    def scenario(self, name: str, **arguments: Any) -> Self:
        """Play a scenario (`"many", count=500`) until the next one or a reset; faults stay.

        Raises `SettingError` for an unknown name, or arguments that do not fit.
        """

        def chosen(samples: Samples) -> Scenario:
            result = scenario(name, samples, self.space_id, self._scenarios, **arguments)
            if result.source is not None:
                result.source.now = self.now
                # Generated now, so that no client has to wait for 100,000 runtimes.
                result.source.payload(0)
            return result

        def elsewhere(samples: Samples) -> BodySource:
            # A scenario such as `empty` does not apply to an operation without a list.
            with suppress(SettingError):
                if (source := chosen(samples).source) is not None:
                    return source
            return fixed(lambda: samples.sample(self.space_id))

        return self.play(chosen(self.samples), elsewhere)

    def extend(self, scenarios: Iterable[CustomScenario] = (), faults: Iterable[CustomFault] = ()) -> Self:
        """Register custom scenarios and faults, replacing those registered before."""
        self._scenarios = {**SCENARIOS, **{scenario.name: scenario.make for scenario in scenarios}}
        self._custom_faults = {fault.name: fault.make for fault in faults}
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
        timed = self._fault(spec, *arguments, times=times, every=every, after=after, **named)
        active = FaultInPlay(timed, self._remove)
        with self._lock:
            self._faults = (*self._faults, active)
        return active

    def _fault(self, spec: Any, *arguments: Any, **named: Any) -> Fault:
        # Imported here, because a mock without faults then starts faster and needs less memory.
        from pytest_bctrl.traffic.mock.faults import FAULTS, fault, for_contract

        generic = fault(spec, *arguments, known={**FAULTS, **self._custom_faults}, **named)
        return for_contract(generic, [self.samples, *self.others.values()])

    def reset(self) -> None:
        """Clear requests, scenario and faults, as between two tests."""
        self._ahead = 0.0
        self._start_over()
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
        return self.play(Scenario("file", source))

    def respond(self, request: Request) -> MockResponse:
        """Return the response to one request and record both; used by the server and the in-process transport."""
        try:
            response = self._respond(request)
        except BctrlError as error:
            # No sample can be generated for the contract; the response says why.
            response = self._reject(500, str(error))
        return self._record(request, response)

    def reject(self, problem: RequestProblem) -> MockResponse:
        """Return the response to a malformed request and record both."""
        return self._record(problem.seen, self._reject(problem.status, problem.reason))

    def _record(self, request: Request, response: MockResponse) -> MockResponse:
        now = time.time()
        self.requests.add(now, request, response)
        if self._log is not None:
            self._log(self.requests.entry(now, request, response))
        return response
