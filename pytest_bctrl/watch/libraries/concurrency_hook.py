"""Remembers which line of the project created a task or a thread: what runs in it may have no frame of the project."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import CREATED_AT, Recorder

# pytest leaves the functions of this module out of the tracebacks of tests.
__tracebackhide__ = True


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the methods that create tasks, start threads, or submit functions to a pool."""
    if module.__name__ == "asyncio":
        patches.wrap(module.BaseEventLoop, "create_task", lambda function: _wrap_create_task(function, recorder))
    elif module.__name__ == "threading":
        patches.wrap(module.Thread, "start", lambda function: _wrap_start(function, recorder))
    else:
        patches.wrap(module.ThreadPoolExecutor, "submit", lambda function: _wrap_submit(function, recorder))


def _wrap_create_task(create_task: Any, recorder: Recorder) -> Any:
    """Return `create_task` with the calling line stored in the context of the task."""

    def observed_create_task(self: Any, *arguments: Any, **named: Any) -> Any:
        """Create a task that knows the line that created it."""
        # A task copies the context in which it is created.
        with recorder.created_at(recorder.calling_line()):
            return create_task(self, *arguments, **named)

    return observed_create_task


def _wrap_start(start: Any, recorder: Recorder) -> Any:
    """Return `Thread.start` with the calling line stored in the thread."""

    def observed_start(self: Any) -> Any:
        """Start a thread that knows the line that started it."""
        vars(self)[CREATED_AT] = recorder.calling_line()
        return start(self)

    return observed_start


def _wrap_submit(submit: Any, recorder: Recorder) -> Any:
    """Return `submit` of a pool with the calling line stored while the function runs."""

    def observed_submit(self: Any, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """Submit a function that knows the line that submitted it."""
        line = recorder.calling_line()

        def call(*arguments: Any, **named: Any) -> Any:
            """Call the function; the line that submitted it stands for what it sends."""
            with recorder.created_at(line):
                return function(*arguments, **named)

        return submit(self, call, *arguments, **named)

    return observed_submit
