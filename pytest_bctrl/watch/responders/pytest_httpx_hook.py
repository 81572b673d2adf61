"""Names the registration of pytest-httpx that returns a response."""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType
from typing import Any

from pytest_bctrl.watch.libraries.httpx_hook import HttpxHook
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
            line = recorder.calling_line()

            def named_callback(request: Any) -> Any:
                """Return the response of the callback, and record the line of its registration."""
                if line:
                    recorder.set_registered(f"pytest-httpx registration at {line}")
                return callback(request)

            return add_callback(self, named_callback, **matchers)

        return observed_add_callback

    patches.wrap(module.HTTPXMock, "add_callback", wrap)
    hook = HttpxHook(sys.modules["httpx"], recorder)

    def wrap_handle(handle: Any) -> Any:
        """Return the method in place of `handle_request` of a transport, as the hook of httpx does."""

        def observed_handle(self: Any, transport: Any, request: Any) -> Any:
            """Return the response to a request, and record the exchange before it."""
            return hook.wrap_transport(transport, partial(handle, self, transport))(request)

        return observed_handle

    def wrap_async_handle(handle: Any) -> Any:
        """Return the method in place of `handle_async_request` of a transport, as the hook of httpx does."""

        async def observed_handle(self: Any, transport: Any, request: Any) -> Any:
            """Return the response to a request, and record the exchange before it."""
            return await hook.wrap_async_transport(transport, partial(handle, self, transport))(request)

        return observed_handle

    patches.wrap(module.HTTPXMock, "_handle_request", wrap_handle, is_required=False)
    patches.wrap(module.HTTPXMock, "_handle_async_request", wrap_async_handle, is_required=False)
