"""How much of the contract a run really exercised: every point that it could have seen, and whether it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PointKind = Literal[
    "status", "parameter", "property", "absent", "type", "null", "enum", "branch", "items", "empty", "format"
]


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that the contract allows and a run can show.

    `label` says it in a few words (`null`, `"failed"`, `left out`, `kind=browser`); `seen` is how often it was seen.
    """

    operation: str
    status: str
    location: str
    kind: PointKind
    label: str
    seen: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """All points of the contract's operations that can be asked, in the order of the document."""

    points: tuple[Point, ...]

    @property
    def seen(self) -> int:
        """How many points were seen at least once."""
        return sum(1 for point in self.points if point.seen)

    @property
    def percent(self) -> float:
        """Seen points of all, 0 to 100; 0 where there is nothing to see."""
        return 100 * self.seen / len(self.points) if self.points else 0.0
