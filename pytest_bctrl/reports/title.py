"""What a report says of itself: everything that is not a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bctrl.finding import FailOn


@dataclass(frozen=True, slots=True)
class Title:
    """The name of the report, what was held against what, what fails, and remarks of the run."""

    name: str
    base: str = ""
    revision: str = ""
    fail_on: FailOn = "error"
    notes: tuple[str, ...] = ()
