"""Names the registration of responses that returns a response."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.libraries.urllib3_hook import attempt_of_requests
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
            """Return the response, and record the line of its registration and, on a retry, the attempt before."""
            recorder.begin_attempt()
            name_creation(self, recorder)
            response = get_response(self, *arguments, **named)
            exchange = recorder.current("requests")
            if exchange is not None:
                exchange.attempt = attempt_of_requests(exchange, response)
            return response

        return observed_get_response

    for owner in (module.Response, module.CallbackResponse):
        patches.wrap(owner, "get_response", wrap)
