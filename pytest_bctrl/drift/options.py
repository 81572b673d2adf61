"""What a comparison can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.finding import Level


@dataclass(frozen=True, slots=True)
class Options:
    """How to compare.

    `levels` overrides the level of a rule. `descriptions` reports changed words as info. `sunset_days` is how many
    days before its sunset a deprecation must be announced (0: no such policy), counted from `today`.
    """

    levels: Mapping[str, Level] = field(default_factory=dict)
    descriptions: bool = False
    sunset_days: int = 0
    today: date = field(default_factory=date.today)
