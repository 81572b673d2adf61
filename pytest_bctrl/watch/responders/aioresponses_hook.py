"""Names the registration of aioresponses that returns a response."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder
from pytest_bctrl.watch.registration import name_creation, remember_creation

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the creation of registrations, and which of them returns a response."""
    match_class = module.core.RequestMatch
    remember_creation(match_class, "aioresponses registration", recorder, patches)

    def wrap(build_response: Any) -> Any:
        """Return the method that records which registration builds a response."""

        def observed_build_response(self: Any, *arguments: Any, **named: Any) -> Any:
            """Return the response, and record the line of its registration."""
            name_creation(self, recorder)
            return build_response(self, *arguments, **named)

        return observed_build_response

    patches.wrap(match_class, "build_response", wrap)
