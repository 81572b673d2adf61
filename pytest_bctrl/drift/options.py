"""The options of a comparison."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.findings.finding import Level


class Options(NamedTuple):
    """The options of a comparison.

    `levels` overrides the levels of rules. `descriptions` reports changed descriptions as info. `sunset_days` is the
    minimum number of days between a deprecation and its sunset (0: no such policy), counted from `today`. With
    `ignores_undefined_schemes`, a requirement of an undefined security scheme cannot be met, instead of being an error
    in the document. `seconds` is the time limit of all counterexamples and proofs together; 0 for none.
    """

    levels: Mapping[str, Level] = MappingProxyType({})
    descriptions: bool = False
    sunset_days: int = 0
    today: date | None = None
    seconds: float = 2.0
    ignores_undefined_schemes: bool = False

    def day(self) -> date:
        """Return the day to count from: `today`, or the current date."""
        return self.today or date.today()
