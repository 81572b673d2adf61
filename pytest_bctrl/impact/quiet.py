"""Keeps the reruns of tests from everything that a user sees: reporters, warnings, log files and the terminal."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout

import pytest

from pytest_bctrl.settings.pytest_names import captured_sections, silence_hooks

_SILENT_HOOKS = frozenset(
    {
        "pytest_runtest_logstart",
        "pytest_runtest_logreport",
        "pytest_runtest_logfinish",
        "pytest_warning_recorded",
        "pytest_exception_interact",
        "pytest_assertion_pass",
    }
)
"""Hooks by which pytest and its plugins report tests."""


@contextmanager
def quiet(item: pytest.Item) -> Generator[None]:
    """Run the block without a trace of the test in reports, warnings, log files and on the terminal."""
    config = item.config
    sections = captured_sections(item)
    section_count = len(sections)
    with ExitStack() as stack:
        stack.callback(silence_hooks(config.pluginmanager, _SILENT_HOOKS))
        stack.enter_context(_silent_logs(config))
        if config.getoption("capture") == "no":
            stack.enter_context(_silent_streams())
        yield
    del sections[section_count:]


@contextmanager
def _silent_logs(config: pytest.Config) -> Generator[None]:
    """Write nothing to the log file and the live log of pytest; `caplog` works as always."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    handlers = [getattr(plugin, name, None) for name in ("log_file_handler", "log_cli_handler")]
    with ExitStack() as stack:
        for handler in handlers:
            if isinstance(handler, logging.Handler):
                handler.addFilter(_drop)
                stack.callback(handler.removeFilter, _drop)
        yield


def _drop(_record: logging.LogRecord) -> bool:
    """Reject every log record."""
    return False


@contextmanager
def _silent_streams() -> Iterator[None]:
    """Discard what the test and its subprocesses print, for the duration of the block."""
    sys.stdout.flush()
    sys.stderr.flush()
    with open(os.devnull, "w", encoding="utf-8") as nothing, ExitStack() as stack:  # noqa: PTH123
        for descriptor in (1, 2):
            saved = os.dup(descriptor)
            stack.callback(_restore, saved, descriptor)
            os.dup2(nothing.fileno(), descriptor)
        stack.enter_context(redirect_stdout(nothing))
        stack.enter_context(redirect_stderr(nothing))
        yield


def _restore(saved: int, descriptor: int) -> None:
    """Make a descriptor refer to the file of a saved one again, and close the saved one."""
    os.dup2(saved, descriptor)
    os.close(saved)
