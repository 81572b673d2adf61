"""The scenario that each operation of a space plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.http.message import MockResponse
from pytest_bctrl.samples.sample import Samples
from pytest_bctrl.traffic.mock.change import Change
from pytest_bctrl.traffic.mock.scenarios import Scenario
from pytest_bctrl.traffic.mock.setup import Setup
from pytest_bctrl.traffic.mock.shared import Shared
from pytest_bctrl.traffic.mock.source import BodySource, single_body_source


class ActiveScenario(NamedTuple):
    """The scenario of one operation: the source of its bodies, and the change of its responses.

    `setup` records whether a request used the scenario; None for the initial state.
    """

    source: BodySource | None
    transform: Change | None = None
    setup: Setup | None = None

    def affects(self, response: MockResponse) -> bool:
        """Return whether a response uses the scenario; an error (400 on) does not if the scenario sets bodies only."""
        is_of_data = self.source is not None and self.transform is None
        return not is_of_data or response.status < 400


class ActiveScenarios:
    """The scenarios of the operations of a space: one for all of them, and those of single operations.

    `initial_source` is the source of the bodies of the main operation until the first scenario of data.
    """

    def __init__(self, shared: Shared, space_id: str, initial_source: BodySource | None) -> None:
        self._shared = shared
        self._space_id = space_id
        self._initial_source = initial_source
        self.play(Scenario("initial"))

    def play(
        self,
        scenario: Scenario,
        source_for: Callable[[Samples], BodySource] | None = None,
        setup: Setup | None = None,
    ) -> None:
        """Play a scenario for all operations, in place of all current ones.

        `source_for` returns the source of the bodies of another operation than the main one, from its samples.
        """
        self._by_operation: dict[str, ActiveScenario] = {}
        self._of_all = scenario, source_for, setup

    def play_for(self, operation: Operation, scenario: Scenario, setup: Setup | None = None) -> None:
        """Play a scenario for one operation; the other operations stay as they are."""
        source = scenario.source or self._default_source(operation)
        self._by_operation[operation.label] = ActiveScenario(source, scenario.transform, setup)

    def set_source(self, operation: Operation, source: BodySource) -> None:
        """Replace the data of an operation, whose scenario continues."""
        self._by_operation[operation.label] = self.of(operation)._replace(source=source)

    def of(self, operation: Operation) -> ActiveScenario:
        """Return the active scenario of an operation, derived from that of all operations at its first use."""
        active = self._by_operation.get(operation.label)
        if active is not None:
            return active
        scenario, source_for, setup = self._of_all
        samples = self._shared.samples.get(operation.label)
        source = None
        if operation is self._shared.main:
            source = scenario.source
        elif source_for is not None and samples is not None:
            source = source_for(samples)
        source = source or self._default_source(operation)
        active = ActiveScenario(source, scenario.transform, setup)
        return self._by_operation.setdefault(operation.label, active)

    def setup_of(self, operation: Operation) -> Setup | None:
        """Return the `Setup` of an operation's scenario; None for the initial state, and for served data."""
        active = self._by_operation.get(operation.label)
        return self._of_all[2] if active is None else active.setup

    @property
    def setups(self) -> Iterator[Setup]:
        """The `Setup` of each scenario that is set, without those of the initial state."""
        candidates = [*(active.setup for active in self._by_operation.values()), self._of_all[2]]
        return (setup for setup in candidates if setup is not None)

    def _default_source(self, operation: Operation) -> BodySource | None:
        """Return the initial source of an operation's JSON bodies, given or generated; None if they are not JSON."""
        if operation is self._shared.main and self._initial_source is not None:
            return self._initial_source
        samples = self._shared.samples.get(operation.label)
        if samples is None:
            return None
        make = samples.sample if self._shared.is_exhaustive else samples.exemplary
        source = single_body_source(partial(make, self._space_id))
        source.is_generated = True
        return source
