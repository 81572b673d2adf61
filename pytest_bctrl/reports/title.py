"""What a report says of itself: everything that is not a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_bctrl.finding import FailOn


class Title(NamedTuple):
    """The name of the report, what was held against what, what fails, and remarks of the run.

    `not_checked` says, one reason a line, what was meant to be looked at and was not.
    """

    name: str
    base: str = ""
    revision: str = ""
    fail_on: FailOn = "error"
    notes: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
