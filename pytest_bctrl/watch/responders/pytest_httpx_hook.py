"""Names the registration of pytest-httpx that returns a response."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the registration of callbacks, which responses are too."""

    def wrap(add_callback: Any) -> Any:
        """Return the method that registers callbacks which record their line."""

        def observed_add_callback(self: Any, callback: Any, **matchers: Any) -> Any:
            """Register a callback that records the line of its registration."""
            line = recorder.lines.calling_line()

            def named_callback(request: Any) -> Any:
                """Return the response of the callback, and record the line of its registration."""
                recorder.set_registered(f"pytest-httpx registration at {line}" if line else "")
                return callback(request)

            return add_callback(self, named_callback, **matchers)

        return observed_add_callback

    patches.wrap(module.HTTPXMock, "add_callback", wrap)
