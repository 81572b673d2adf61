"""What a comparison can be asked for."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_bctrl.findings.finding import Level


class Options(NamedTuple):
    """How to compare.

    `levels` overrides the level of a rule. `descriptions` reports changed words as info. `sunset_days` is how many
    days before its sunset a deprecation must be announced (0: no such policy), counted from `today`.
    With `ignores_undefined_schemes`, security that names a scheme which is not defined can be met by nobody, rather
    than being an error of the document. `seconds` is how long counterexamples and proofs may take, all together; 0 for
    none.
    """

    levels: Mapping[str, Level] = MappingProxyType({})
    descriptions: bool = False
    sunset_days: int = 0
    today: date | None = None
    seconds: float = 2.0
    ignores_undefined_schemes: bool = False

    def day(self) -> date:
        """The day to count from: `today`, or the day it is."""
        return self.today or date.today()
