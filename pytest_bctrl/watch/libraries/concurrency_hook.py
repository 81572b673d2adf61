"""Remembers which line of the project created a task or a thread: what runs in it may have no frame of the project."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pytest_bctrl.watch.patches import Patches
from pytest_bctrl.watch.recorder import CREATED_AT, Recorder


def install(module: ModuleType, recorder: Recorder, patches: Patches) -> None:
    """Observe the methods that create tasks, start threads, or submit functions to a pool."""
    if module.__name__ == "asyncio":
        patches.wrap(module.BaseEventLoop, "create_task", lambda function: _in_context(function, recorder))
    elif module.__name__ == "threading":
        patches.wrap(module.Thread, "start", lambda function: _on_thread(function, recorder))
    else:
        patches.wrap(module.ThreadPoolExecutor, "submit", lambda function: _in_pool(function, recorder))


def _in_context(create_task: Any, recorder: Recorder) -> Any:
    def observed_create_task(self: Any, *arguments: Any, **named: Any) -> Any:
        # A task copies the context in which it is created.
        with recorder.created_at(recorder.calling_line()):
            return create_task(self, *arguments, **named)

    return observed_create_task


def _on_thread(start: Any, recorder: Recorder) -> Any:
    def observed_start(self: Any) -> Any:
        vars(self)[CREATED_AT] = recorder.calling_line()
        return start(self)

    return observed_start


def _in_pool(submit: Any, recorder: Recorder) -> Any:
    def observed_submit(self: Any, function: Any, /, *arguments: Any, **named: Any) -> Any:
        line = recorder.calling_line()

        def call(*arguments: Any, **named: Any) -> Any:
            with recorder.created_at(line):
                return function(*arguments, **named)

        return submit(self, call, *arguments, **named)

    return observed_submit
