"""Remembers the line of the project that registered a response, and names it when a mock returns the response."""

from __future__ import annotations

from typing import Any

from pytest_bctrl.watch.patches import ObjectValues, Patches
from pytest_bctrl.watch.recorder import Recorder

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True

_CREATED: ObjectValues[str] = ObjectValues()
"""The kind and the line of each registration."""


def remember_creation(owner: type, kind: str, recorder: Recorder, patches: Patches) -> None:
    """Store the line that creates each instance of a class; `kind` is its name in messages, such as `respx route`."""

    def wrap(init: Any) -> Any:
        """Return the `__init__` that stores the calling line."""

        def observed_init(self: Any, *arguments: Any, **named: Any) -> None:
            """Initialise a registration, and store the line of the project that creates it."""
            init(self, *arguments, **named)
            line = recorder.lines.calling_line()
            if line:
                _CREATED.set(self, f"{kind} at {line}")

        return observed_init

    patches.wrap(owner, "__init__", wrap)


def name_creation(registration: Any, recorder: Recorder) -> None:
    """Record as origin of the current response the line that created a registration."""
    recorder.set_registered(_CREATED.get(registration) or "")
