"""One operation of the mock: its data, scenario, faults and requests, independent of the other operations."""

from __future__ import annotations

from typing import Any, Self

from pytest_bctrl.contract.model import Operation
from pytest_bctrl.traffic.mock.adjustable import Adjustable
from pytest_bctrl.traffic.mock.change import Fault, FaultInPlay
from pytest_bctrl.traffic.mock.data import read_only_copy
from pytest_bctrl.traffic.mock.journal import Journal
from pytest_bctrl.traffic.mock.spelling import SpelledAttributes


class OperationMock(SpelledAttributes):
    """One operation of a mock or of a space, which `mock.operation("listOrders")` returns.

    What is set up here applies to this operation alone, until the next scenario of the whole mock or a reset.
    """

    def __init__(self, space: Adjustable, operation: Operation, requests: Journal) -> None:
        self._space = space
        self.operation = operation
        self.requests = requests
        self._where = f"operation {operation.operation_id or operation.label}"
        self._is_complete = True

    @property
    def body(self) -> Any:
        """A copy of the served body that raises `SettingError` if edited; raises `DocumentError` if it is not JSON."""
        return read_only_copy(self._space._body_of(self.operation))

    @property
    def items(self) -> list[Any]:
        """A copy of the served items, which raises `SettingError` if edited; empty if the body has no list."""
        items: list[Any] = read_only_copy(
            self._space.samples_of(self.operation).items(self._space._body_of(self.operation))
        )
        return items

    def serve(self, body: Any, *, conforming: bool = True) -> Self:
        """Serve a copy of this body, or of the items of its list.

        The body of an operation whose responses are not JSON is text or bytes. Raises `SettingError` if the body is not
        JSON, or if it breaks the contract and `conforming` is true.
        """
        self._space._set_body(self.operation, body, f"{self._where}: serve", conforming=conforming)
        return self

    def update(self, item_id: str, /, *, conforming: bool = True, **changes: Any) -> Self:
        """Change one of the items that are served, as `mock.update` does."""
        self._space._update(self.operation, item_id, changes, f"{self._where}: update", conforming=conforming)
        return self

    def sequence(self, *steps: Any, conforming: bool = True) -> Self:
        """Serve a sequence of states, and stay in the last; the steps are those of `mock.sequence`.

        A body that is not JSON is a step as bytes.
        """
        self._space._set_sequence(self.operation, steps, f"{self._where}: sequence", conforming=conforming)
        return self

    def scenario(self, name: str, **arguments: Any) -> Self:
        """Play a scenario (`"many", count=500`) for this operation; its faults stay."""
        self._space._set_scenario(self.operation, name, arguments)
        return self

    def fault(
        self, spec: str | Fault, *arguments: Any, times: int | None = None, every: int = 1, after: int = 0, **named: Any
    ) -> FaultInPlay:
        """Add a fault that only this operation has, with the arguments of `mock.fault`."""
        return self._space._add_fault(self.operation, spec, *arguments, times=times, every=every, after=after, **named)

    @property
    def faults(self) -> tuple[FaultInPlay, ...]:
        """The active faults of this operation alone, in the order in which they are applied."""
        return tuple(fault for fault in self._space.faults if fault.operation is self.operation)

    def __repr__(self) -> str:
        return f"<{self._where} of the mock>"
