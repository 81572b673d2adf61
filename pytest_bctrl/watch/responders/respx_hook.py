"""Names the route of respx that returns a response."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder
from pytest_bctrl.watch.registration import name_creation, remember_creation

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the creation of routes, and which route matches a request."""
    remember_creation(module.Route, "respx route", recorder, patches)

    def wrap(match: Any) -> Any:
        """Return the method that records which route matches."""

        def observed_match(self: Any, *arguments: Any, **named: Any) -> Any:
            """Return the match, and record the line of the route."""
            result = match(self, *arguments, **named)
            if result is not None:
                name_creation(self, recorder)
            return result

        return observed_match

    patches.wrap(module.Route, "match", wrap)
