"""The private names of pytest that the kit uses.

If a version of pytest has no function that writes an output, the output is not redacted, and the summary says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest

JUNIT = "_pytest.junitxml"
PASTEBIN = "_pytest.pastebin", "create_new_paste"
CAPTURE = "_pytest.capture", ("FDCapture", "FDCaptureBinary")


def ini_keys(config: pytest.Config) -> list[str]:
    """Return the keys of the configuration file, declared or not. Up to pytest 9.0 the attribute has a public name."""
    return list(vars(config).get("_inicfg") or vars(config).get("inicfg", ()))


def trace_writer(config: pytest.Config) -> tuple[Any, bool]:
    """Return the function that writes the trace of `--debug`, and whether this version of pytest has one at all."""
    root: Any = config.trace.root
    return getattr(root, "_writer", None), hasattr(root, "_writer")


def terminal_file(reporter: object) -> Any:
    """Return the file to which the terminal reporter writes; None if it has none."""
    return getattr(getattr(reporter, "_tw", None), "_file", None)


def captured_sections(item: pytest.Item) -> list[tuple[str, str, str]]:
    """Return what a test printed and logged, as phase, kind and text; changes of the list are in its reports."""
    return item._report_sections


def tear_down(session: pytest.Session, next_item: pytest.Item | None) -> None:
    """Tear down the fixtures that `next_item` does not need; all of them if it is None."""
    session._setupstate.teardown_exact(next_item)


def run_unreported(item: pytest.Item, next_item: pytest.Item | None) -> None:
    """Run a test without reporting it."""
    from _pytest.runner import runtestprotocol

    runtestprotocol(item, log=False, nextitem=next_item)


def silence_hooks(manager: pytest.PytestPluginManager, names: Collection[str]) -> Callable[[], None]:
    """Make the hooks with these names call no plugin, and drop warnings; return a function that ends both."""
    execute = manager._inner_hookexec
    history: list[Any] = getattr(manager.hook.pytest_warning_recorded, "_call_history", None) or []
    count = len(history)

    def execute_unless_silent(hook_name: str, *arguments: Any) -> object:
        """Call a hook, unless it is silent."""
        if hook_name in names:
            return []
        return execute(hook_name, *arguments)

    def end() -> None:
        """Call all hooks again. Plugins that are registered later would receive the warnings."""
        manager._inner_hookexec = execute
        del history[count:]

    manager._inner_hookexec = execute_unless_silent  # type: ignore[assignment]
    return end
