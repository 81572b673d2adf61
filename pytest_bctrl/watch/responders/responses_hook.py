"""Names the registration of responses that returns a response."""

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
    remember_creation(module.BaseResponse, "responses registration", recorder, patches)

    def wrap(get_response: Any) -> Any:
        """Return the method that records which registration returns a response."""

        def observed_get_response(self: Any, *arguments: Any, **named: Any) -> Any:
            """Return the response, and record the line of its registration."""
            name_creation(self, recorder)
            return get_response(self, *arguments, **named)

        return observed_get_response

    for owner in (module.Response, module.CallbackResponse):
        patches.wrap(owner, "get_response", wrap)
