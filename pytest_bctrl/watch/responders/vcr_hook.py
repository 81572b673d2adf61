"""Names the cassette of vcrpy that has a response."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import Recorder

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe which cassette plays a response."""

    def wrap(play_response: Any) -> Any:
        """Return the method that records which cassette is played."""

        def observed_play_response(self: Any, request: Any) -> Any:
            """Return the recorded response, and record the name of its cassette."""
            cassette = recorder.lines.shown_file(str(self._path))
            recorder.set_registered(f"cassette {cassette}", is_recorded=True)
            return play_response(self, request)

        return observed_play_response

    patches.wrap(module.Cassette, "play_response", wrap)
