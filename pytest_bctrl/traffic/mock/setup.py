"""What a test set up on the mock, and whether requests used it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from pytest_bctrl.contract.files import short_path

_PASSED_OVER = frozenset({"pytest_bctrl", "contextlib"})
_OUTSIDE = frozenset({"_pytest", "pluggy", "threading"})
"""Top-level packages whose lines set up nothing: of this package and its fixtures, and of a test's surroundings."""


@dataclass(slots=True, eq=False)
class Setup:
    """A fault, scenario or sequence, by the text that created it.

    `operation` is the label of its operation, empty if it is for all of them. `line` is the file and line that set it.
    `remaining` returns what no request used, empty if everything was used.
    """

    text: str
    operation: str = ""
    remaining: Callable[[], str] | None = None
    line: str = ""
    is_met: bool = False
    is_replaced: bool = False

    def __post_init__(self) -> None:
        """Find the line, unless it was given."""
        self.line = self.line or calling_line()

    @property
    def problem(self) -> str:
        """A line about what was set up and not used; empty if it was used up, or replaced before any request.

        A scenario or sequence that another one replaced before any request is not a mistake: it was a default.
        """
        if self.is_replaced and not self.is_met:
            return ""
        remaining = "no request met it"
        if self.remaining is not None:
            remaining = self.remaining()
        elif self.is_met:
            return ""
        if not remaining:
            return ""
        scope = f" of {self.operation}" if self.operation else ""
        where = f", set at {self.line}" if self.line else ""
        return f"{self.text}{scope}: {remaining}{where}"


def calling_line() -> str:
    """Return the file and line of the innermost caller outside this package; empty if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _package_of(frame) in _PASSED_OVER:
        frame = frame.f_back
    if frame is None or _package_of(frame) in _OUTSIDE:
        return ""
    return f"{short_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def _package_of(frame: FrameType) -> str:
    """Return the top-level package of the code that a frame runs."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
