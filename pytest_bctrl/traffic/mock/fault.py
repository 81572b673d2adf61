"""A fault: a named way in which the mock misbehaves, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Self

from pytest_bctrl.errors import SettingError
from pytest_bctrl.traffic.mock.change import Change, Scene
from pytest_bctrl.traffic.mock.message import Answer

if TYPE_CHECKING:
    from pytest_bctrl.finding import Level


def _every(_scene: Scene) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    It is applied to the answers from the `after`th on (0: from the first), to every `every`th of those, at most
    `times` times (None: without end); answers that it does not meet, such as refusals, are not counted.
    `check` is the rule by which a contract suite has to find it at `level`; empty where it breaks no contract, such
    as a delay.
    """

    name: str
    change: Change
    check: str = ""
    level: Level = "error"
    times: int | None = None
    every: int = 1
    after: int = 0
    meets: Callable[[Scene], bool] = _every

    def when(self, *, times: int | None = None, every: int = 1, after: int = 0) -> Fault:
        """Return the same fault, applied at other times; raises `SettingError` for what is no such number."""
        for word, number, least in (("times", times, 1), ("every", every, 1), ("after", after, 0)):
            if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < least):
                raise SettingError(
                    f"{word}={number!r} is no number of requests",
                    where=f"fault {self.name}",
                    mend=f"give a whole number from {least} on",
                )
        return replace(self, times=times, every=every, after=after)


class FaultInPlay:
    """A fault on stage, and how often it was applied; in a `with` block it is undone at the end."""

    def __init__(self, fault: Fault, undo: Callable[[FaultInPlay], None]) -> None:
        self.fault = fault
        self._undo = undo
        self._lock = Lock()
        self._met = 0
        self._count = 0

    @property
    def count(self) -> int:
        """How many answers it was applied to."""
        return self._count

    def undo(self) -> None:
        """Take it off the stage; a second call does nothing."""
        self._undo(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<fault {self.fault.name}, applied {self._count} times>"

    def apply(self, scene: Scene) -> Answer:
        """Return the answer as the fault leaves it, or as it was where it is not the fault's turn."""
        fault = self.fault
        if not fault.meets(scene):
            return scene.answer
        with self._lock:
            self._met += 1
            turn = self._met - fault.after
            if turn < 1 or turn % fault.every or (fault.times is not None and self._count >= fault.times):
                return scene.answer
            self._count += 1
        answer = fault.change(scene)
        return replace(answer, faults=(*scene.answer.faults, fault.name))
