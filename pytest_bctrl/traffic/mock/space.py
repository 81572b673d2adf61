"""A space of the mock: what it serves, how it misbehaves, and what it was asked; steered apart from all others."""

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
from pytest_bctrl.traffic.mock.call_syntax import seconds_of, whole
from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay
from pytest_bctrl.traffic.mock.data import Step, StepSource, changed, checked_copy, served, states
from pytest_bctrl.traffic.mock.journal import Journal, JournalEntry
from pytest_bctrl.traffic.mock.parse import Problem
from pytest_bctrl.traffic.mock.responder import Responder
from pytest_bctrl.traffic.mock.scenarios import MOST, SCENARIOS, Scenario, from_file, scenario
from pytest_bctrl.traffic.mock.source import BodySource, fixed

if TYPE_CHECKING:
    from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario


class Space(Responder):
    """One space of a mock server: `.space_id`, `.api_key`, `.url`, `.runtimes` and `.requests` are its own.

    `mock.space()` opens one beside the server's own; in a `with` block it is closed at the end, and nothing is there
    any more for its key and id.
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
        schemes = {scheme for one in contract.operations for group in one.security for scheme in group}
        self.requests = Journal(api_key, remembered, [one.field for one in schemes if one.field])
        self._changing = Lock()
        self._known_scenarios: Mapping[str, Callable[..., Scenario]] = beside._known_scenarios if beside else SCENARIOS
        self._own_faults: Mapping[str, Callable[..., Fault]] = beside._own_faults if beside else {}
        self._log = log
        self._beside = beside
        self._close = close
        self._ahead = 0.0

    @property
    def url(self) -> str:
        """The base URL of the server, without a slash at its end; empty before its first start."""
        return self._beside.url if self._beside else ""

    def close(self) -> None:
        """Forget the space; a second call does nothing."""
        self._close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def runtimes(self) -> list[dict[str, Any]]:
        """The runtimes that the mock serves; setting it serves others, as `serve` does.

        What it gives is to be read and copied: editing it in place raises `SettingError`.
        """
        found: list[dict[str, Any]] = served(self.samples.items(self._body()))
        return found

    @runtimes.setter
    def runtimes(self, items: list[dict[str, Any]]) -> None:
        self.serve(items)

    def serve(self, items: list[dict[str, Any]], *, conforming: bool = True) -> Self:
        """Serve these runtimes, as they are now, until the next scenario or a reset.

        Raises `SettingError` where they break the contract, with what a check finds, unless `conforming` is false;
        and for what is not JSON.
        """
        whole_body = self.samples.with_items(items)
        body = checked_copy(self.samples, whole_body, self.space_id, "mock.runtimes", conforming=conforming)
        return self.play(Scenario("runtimes", fixed(lambda: body)))

    def update(self, runtime_id: str, /, *, conforming: bool = True, **changes: Any) -> Self:
        """Change one of the runtimes that are served: `mock.update(runtime_id, status="stopped")`.

        What goes with a change follows it: `updatedAt`, `type` with `kind`, `activeRunId` with the status. A
        scenario goes on, a sequence ends. Raises `SettingError` where no runtime has the id, or where the result
        breaks the contract, unless `conforming` is false.
        """
        with self._changing:
            made = changed(self.samples, self._body(), runtime_id, changes, "mock.update")
            body = checked_copy(self.samples, made, self.space_id, "mock.update", conforming=conforming)
            self._sources[self.samples.operation.label] = fixed(lambda: body)
        return self

    @staticmethod
    def step(what: Any, *, responses: int | None = None, seconds: float | None = None) -> Step:
        """Return a step of a sequence for so many answers or seconds, whichever is over first."""
        if responses is not None:
            whole(responses, "responses", "mock.step", MOST)
        if seconds is not None:
            seconds_of(seconds, "mock.step")
        return Step(what, 1 if responses is None and seconds is None else responses, seconds)

    def sequence(self, *steps: Any, conforming: bool = True) -> Self:
        """Serve one state after the other, and stay in the last: `mock.sequence(503, {runtime_id: {"name": "a"}}, [])`.

        A step is a whole list of runtimes, an object of changes by runtime id, a status or a fault, or None for no
        change. Each is in force for one successful answer, or as long as `mock.step(…, responses=3)` or
        `mock.step(…, seconds=0.5)` says. Raises `SettingError` as `update` and `fault` do, before any is served.
        """
        source = StepSource(self.now)
        for number, (step, body, fault) in enumerate(states(self.samples, self._body(), steps), 1):
            where = f"mock.sequence: step {number}"
            made = checked_copy(self.samples, body, self.space_id, where, conforming=conforming)
            source.add(step, made, None if fault is None else self._fault(*fault))
        return self.play(Scenario("sequence", source, source.transform)) if steps else self

    def now(self) -> float:
        """The time of the space in seconds, by which states follow one another."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> Self:
        """Turn the clock of the space forward, so that no test has to wait: states of a sequence go on at once."""
        self._ahead += seconds_of(seconds, "mock.advance")
        return self

    def scenario(self, name: str, **arguments: Any) -> Self:
        """Play a scenario (`"many", count=500`) until the next one or a reset; faults stay.

        Raises `SettingError` for a name that is not known, or arguments that do not fit.
        """

        def chosen(samples: Samples) -> Scenario:
            made = scenario(name, samples, self.space_id, self._known_scenarios, **arguments)
            if made.source is not None:
                made.source.now = self.now
                # Made here and now: a first client should not wait for 100,000 runtimes, nor others beside it.
                made.source.payload(0)
            return made

        def elsewhere(samples: Samples) -> BodySource:
            # An operation that lists nothing has no empty list either.
            with suppress(SettingError):
                if (source := chosen(samples).source) is not None:
                    return source
            return fixed(lambda: samples.sample(self.space_id))

        return self.play(chosen(self.samples), elsewhere)

    def extend(self, scenarios: Iterable[CustomScenario] = (), faults: Iterable[CustomFault] = ()) -> Self:
        """Take scenarios and faults of one's own, in the place of earlier ones of one's own."""
        self._known_scenarios = {**SCENARIOS, **{one.name: one.make for one in scenarios}}
        self._own_faults = {one.name: one.make for one in faults}
        return self

    def fault(
        self, spec: str | Fault, *arguments: Any, times: int | None = None, every: int = 1, after: int = 0, **named: Any
    ) -> FaultInPlay:
        """Misbehave from now on: `fault("status", 503, times=2)`, or `fault("status(503, times=2)")`.

        Faults are applied in the order in which they were added, each to what the one before left: to every
        `every`th answer from the `after`th on, `times` times at most. The result counts, undoes, and ends the fault
        where it is used in a `with` block. Raises `SettingError` for a fault that is not known, arguments that do not
        fit, or a rule that the contract does not have.
        """
        made = self._fault(spec, *arguments, times=times, every=every, after=after, **named)
        added = FaultInPlay(made, self._remove)
        with self._lock:
            self._faults = (*self._faults, added)
        return added

    def _fault(self, spec: Any, *arguments: Any, **named: Any) -> Fault:
        # Imported here, with the mutants behind them: a mock that behaves starts sooner and takes less memory.
        from pytest_bctrl.traffic.mock.faults import FAULTS, fault, for_contract

        known = {**FAULTS, **self._own_faults}
        made = fault(spec, *arguments, known=known, **named)
        return for_contract(made, [self.samples, *self.others.values()])

    def reset(self) -> None:
        """Forget requests, scenario and faults, as between two tests."""
        self._ahead = 0.0
        self._start_over()
        self.requests.clear()

    def serve_file(self, path: str | Path, *, conforming: bool = True) -> Self:
        """Serve the body, or the list of runtimes, in a JSON file; in the mock's space, and otherwise as it stands.

        Raises `DocumentError` where the file is missing or holds no JSON, and `SettingError` where it breaks the
        contract, unless `conforming` is false.
        """
        source = from_file(Path(path), self.samples, self.space_id)
        hint = "correct it, or serve it all the same with --nonconforming (conforming=False)"
        given = source.body(0), self.space_id, str(path)
        checked_copy(self.samples, *given, conforming=conforming, fail_on="error", hint=hint)
        return self.play(Scenario("file", source))

    def respond(self, request: Request) -> MockResponse:
        """Answer one request and write it down: the way in for the server and for the in-process transport."""
        try:
            response = self._respond(request)
        except BctrlError as error:
            # A contract that no sample can be made of shows here; the client is told why.
            response = self._reject(500, str(error))
        return self._written(request, response)

    def reject(self, problem: Problem) -> MockResponse:
        """Answer what is no proper request and write it down."""
        return self._written(problem.seen, self._reject(problem.status, problem.reason))

    def _written(self, request: Request, response: MockResponse) -> MockResponse:
        at = time.time()
        self.requests.add(at, request, response)
        if self._log is not None:
            self._log(self.requests.entry(at, request, response))
        return response
