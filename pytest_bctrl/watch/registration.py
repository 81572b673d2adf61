"""Remembers the line of the project that registered a response, and names it when a mock returns the response."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder

_REGISTERED = "_bctrl_registered"


def remember_creation(owner: type, kind: str, recorder: Recorder, patches: Patches) -> None:
    """Remember where each instance of a class is created; `kind` is its name in messages, such as `respx route`."""

    def wrap(init: Any) -> Any:
        def observed_init(self: Any, *arguments: Any, **named: Any) -> None:
            init(self, *arguments, **named)
            line = recorder.calling_line()
            if line:
                vars(self)[_REGISTERED] = f"{kind} at {line}"

        return observed_init

    patches.wrap(owner, "__init__", wrap)


def name_creation(registration: Any, recorder: Recorder) -> None:
    """Record that a registration returns the response of the current exchange."""
    recorder.set_registered(vars(registration).get(_REGISTERED, ""))
