"""Observes the adapter of requests-mock, and names the matcher that returns a response."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from pytest_bctrl.watch.libraries.requests_hook import RequestsHook
from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder
from pytest_bctrl.watch.registration import name_creation, remember_creation

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the adapter, the creation of matchers, and which of them returns a response.

    requests-mock replaces `Session.send`, and calls what it was when the module was imported.
    """
    patches.wrap(module.adapter.Adapter, "send", RequestsHook(import_module("requests.models"), recorder).wrap_adapter)
    matcher_class = module.adapter._Matcher
    remember_creation(matcher_class, "requests-mock matcher", recorder, patches)

    def wrap(call: Any) -> Any:
        """Return the method that records which matcher returns a response."""

        def observed_call(self: Any, *arguments: Any, **named: Any) -> Any:
            """Return the response, and record the line of its matcher."""
            response = call(self, *arguments, **named)
            if response is not None:
                name_creation(self, recorder)
            return response

        return observed_call

    patches.wrap(matcher_class, "__call__", wrap)
