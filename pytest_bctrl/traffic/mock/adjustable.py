"""The data, scenarios and faults that a test sets up, for one operation or for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.errors import SettingError
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.samples.text import encode
from pytest_bctrl.traffic.clock import clock
from pytest_bctrl.traffic.mock.call_syntax import call_text, require_seconds
from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay, timed_name
from pytest_bctrl.traffic.mock.data import StepSource, checked_copy, states, states_of_text, with_item_changed
from pytest_bctrl.traffic.mock.responder import Responder
from pytest_bctrl.traffic.mock.scenarios import Scenario, scenario
from pytest_bctrl.traffic.mock.setup import Setup
from pytest_bctrl.traffic.mock.source import BodySource, single_body_source

if TYPE_CHECKING:
    from pytest_bctrl.traffic.mock.custom import CustomFault, CustomScenario


class UnknownOperationError(SettingError):
    """The contract has no operation with this name."""


class Adjustable(Responder):
    """A responder whose data, scenarios and faults can be set, and which remembers what was set up."""

    def extend(self, scenarios: Iterable[CustomScenario] = (), faults: Iterable[CustomFault] = ()) -> Self:
        """Register custom scenarios and faults for all spaces of the mock, replacing those registered before."""
        self._shared.custom_scenarios = {scenario.name: scenario.make for scenario in scenarios}
        self._shared.custom_faults = {fault.name: fault.make for fault in faults}
        return self

    def now(self) -> float:
        """Return the monotonic time of the space in seconds, plus the seconds added by `advance`."""
        return clock.monotonic() + self._seconds_ahead

    def advance(self, seconds: float) -> Self:
        """Move the clock of the space forward, so that the states of a sequence change without waiting."""
        self._seconds_ahead += require_seconds(seconds, "mock.advance")
        return self

    def reset(self) -> None:
        """Clear scenarios, faults and the record of what was set up, as between two tests."""
        self._start_over()

    def _start_over(self) -> None:
        """Restore the initial state of the space: no scenario, fault or setup, and its clock not advanced."""
        self._seconds_ahead = 0.0
        self._setups: list[Setup] = []
        super()._start_over()

    def _operation_named(self, name: str) -> Operation:
        """Return the operation with this `operationId` or label; raises `UnknownOperationError`."""
        for operation in self.contract.operations:
            if name and name in (operation.operation_id, operation.label):
                return operation
        names = [operation.operation_id or operation.label for operation in self.contract.operations]
        names += [operation.label for operation in self.contract.operations if operation.operation_id]
        close = get_close_matches(str(name), names, 5, 0.5) or names[:5]
        raise UnknownOperationError(
            "unknown operation", where=f"operation {name}", hint=f"choose one of: {', '.join(close)}"
        )

    def _set_body(self, operation: Operation, body: Any, where: str, *, conforming: bool) -> None:
        """Serve a copy of a body or item list; raises `SettingError` if not JSON, or if `conforming` forbids it."""
        if operation.label not in self._shared.samples:
            self._set_text(operation, body, where)
            return
        samples = self.samples_of(operation)
        is_item_list = isinstance(body, list) and samples.lists
        whole_body = samples.with_items(body) if is_item_list else body
        served_body = checked_copy(samples, whole_body, self.space_id, where, conforming=conforming)
        self._replace(operation, Scenario("served", single_body_source(lambda: served_body)))

    def _set_text(self, operation: Operation, body: Any, where: str) -> None:
        """Serve text or bytes from an operation without JSON; raises `SettingError` for another type or no body."""
        success = operation.success
        if success is None or not success.content:
            raise SettingError(f"{operation.label} documents no body", where=where, hint="set a fault instead")
        if not isinstance(body, str | bytes):
            media_type = next(iter(success.content))
            raise SettingError(
                f"{operation.label} responds with {media_type}", where=where, hint="give its body as text or bytes"
            )
        data = body.encode() if isinstance(body, str) else body
        self._replace(operation, Scenario("served", BodySource(lambda: [data])))

    def _update(
        self, operation: Operation, item_id: str, changes: Mapping[str, Any], where: str, *, conforming: bool
    ) -> None:
        """Change the item with an id in the list of an operation; raises `SettingError` if that is not possible."""
        with self._shared.data_lock:
            samples = self.samples_of(operation)
            updated = with_item_changed(samples, self._body_of(operation), item_id, changes, where)
            body = checked_copy(samples, updated, self.space_id, where, conforming=conforming)
            self._mark_replaced(operation)
            self._scenarios.set_source(operation, single_body_source(lambda: body))

    def _set_sequence(self, operation: Operation, steps: tuple[Any, ...], where: str, *, conforming: bool) -> None:
        """Serve a sequence of states and faults from an operation, step by step, and stay in the last."""
        if not steps:
            return
        samples = self._shared.samples.get(operation.label)
        if samples is None:
            success = self._shared.success[operation.label]
            body = self._shared.documented.response(success, success.code).body
            sequence = states_of_text(body, steps, where)
        else:
            sequence = states(samples, self._body_of(operation), steps, where)
        source = StepSource(self.now)
        for number, (step, body, fault) in enumerate(sequence, 1):
            if samples is not None:
                copy = checked_copy(samples, body, self.space_id, f"{where}: step {number}", conforming=conforming)
                body = encode(copy)
            source.add(step, body, None if fault is None else self._fault_of([operation], *fault))
        setup = Setup(f"sequence of {len(steps)} steps", operation.label, source.remaining)
        self._replace(operation, Scenario("sequence", source, source.transform), setup)

    def _set_scenario(self, operation: Operation, name: str, arguments: Mapping[str, Any]) -> None:
        """Play a scenario for one operation."""
        setup = Setup(call_text("scenario", (name,), arguments), operation.label)
        self._replace(operation, self._scenario_of(operation, name, arguments), setup)

    def _set_scenario_of_all(self, name: str, arguments: Mapping[str, Any], line: str = "") -> None:
        """Play a scenario for all operations; `line` names what set it, by default the calling line."""
        setup = Setup(call_text("scenario", (name,), arguments), line=line)

        def source_for(samples: Samples) -> BodySource:
            """Return the scenario's source for these samples; of their sample body if it has none or does not apply."""
            # A scenario such as `empty` does not apply to an operation without a list.
            with suppress(SettingError):
                if (source := self._scenario_of(samples.operation, name, arguments).source) is not None:
                    return source
            return single_body_source(partial(samples.sample, self.space_id))

        chosen = self._scenario_of(self._shared.main, name, arguments)
        for earlier in self._scenarios.setups:
            earlier.is_replaced = True
        self.play(chosen, source_for, setup)
        self._setups.append(setup)

    def _replace(self, operation: Operation, chosen: Scenario, setup: Setup | None = None) -> None:
        """Play a scenario for one operation, mark its current one as replaced, and remember `setup`."""
        self._mark_replaced(operation)
        self._play_for(operation, chosen, setup)
        if setup is not None:
            self._setups.append(setup)

    def _mark_replaced(self, operation: Operation) -> None:
        """Mark the current scenario of an operation as replaced, so that it is not reported as unused."""
        current = self._scenarios.setup_of(operation)
        if current is not None:
            current.is_replaced = True

    def _add_fault(self, operation: Operation | None, spec: Any, *arguments: Any, **named: Any) -> FaultInPlay:
        """Add and return an active fault of one operation, or of all operations if `operation` is None."""
        operations = self.contract.operations if operation is None else (operation,)
        active = FaultInPlay(self._fault_of(operations, spec, *arguments, **named), self._remove_fault, operation)
        label = "" if operation is None else operation.label
        self._setups.append(Setup(f"fault {timed_name(active.fault)}", label, active.remaining))
        with self._lock:
            self._faults = (*self._faults, active)
        return active

    def _fault_of(self, operations: Iterable[Operation], spec: Any, *arguments: Any, **named: Any) -> Fault:
        """Return the fault that a specification describes, with the check and level it has for the operations."""
        # Imported here, because a mock without faults then starts faster and needs less memory.
        from pytest_bctrl.traffic.mock.faults import FAULTS, fault, for_contract

        generic = fault(spec, *arguments, functions={**FAULTS, **self._shared.custom_faults}, **named)
        samples = [
            self._shared.samples[operation.label] for operation in operations if operation.label in self._shared.samples
        ]
        return for_contract(generic, samples)

    @property
    def unused(self) -> list[str]:
        """A line per fault, scenario and sequence that was set up and not used up, with the line that set it."""
        return [problem for setup in self._setups if (problem := setup.problem)]

    def assert_setup_used(self) -> None:
        """Raise `AssertionError` if a fault, scenario or sequence was set up and not used up by requests."""
        if lines := self.unused:
            raise AssertionError("\n".join(["the mock was set up for requests that never arrived:", *lines]))

    def _scenario_of(self, operation: Operation, name: str, arguments: Mapping[str, Any]) -> Scenario:
        """Return a scenario for one operation by name; generates its first body, so that errors show now."""
        samples = partial(self.samples_of, operation)
        result = scenario(name, self.contract, samples, self.space_id, self._shared.custom_scenarios, arguments)
        if result.source is not None:
            result.source.now = self.now
            result.source.is_generated = True
            # Generated now, so that no client has to wait for 100,000 items.
            result.source.payload(0)
        return result
