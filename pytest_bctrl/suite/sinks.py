"""Where text leaves a pytest process: each place hides the secrets, before any other plugin sees the text.

Nothing that a test itself can see is changed: what it captures and catches is cleaned when its phase is over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any, TypeVar

import pytest

from pytest_bctrl import settings
from pytest_bctrl.hiding import Hiding

_HIDING: pytest.StashKey[Hiding] = pytest.StashKey()
_UNKNOWN = object()

T = TypeVar("T")


def hide(config: pytest.Config, value: T) -> T:
    """Return a text, or data, without what is secret by now."""
    return config.stash[_HIDING].data(value) if _HIDING in config.stash else value


def hiding(config: pytest.Config, *streams: Any) -> Hiding:
    """Return what hides the secrets of this process; from the first call on, it stands before every sink.

    `streams` are what text is shown on, where they are known; else the process's own. What a test captures is not
    among them: it has to see all.
    """
    if _HIDING not in config.stash:
        made = config.stash[_HIDING] = Hiding()
        settings.hide_secrets(made, config, os.environ)
        for stream in streams or (sys.__stdout__, sys.__stderr__):
            if stream is not None:  # pragma: no branch - it is for a process that was started with one closed
                config.add_cleanup(made.stream(stream))
        sinks = _Sinks(made)
        config.pluginmanager.register(sinks, "bctrl-hiding")
        if not streams:
            sinks.hide_files(config)
    return config.stash[_HIDING]


def hide_traces(config: pytest.Config) -> None:
    """Hide in what `--debug` and `PYTEST_DEBUG` write: every hook call with its arguments, exceptions among them.

    Raises `pytest.UsageError` where the trace cannot be filtered.
    """
    root = config.trace.root
    write: Any = getattr(root, "_writer", _UNKNOWN)
    if write is _UNKNOWN:
        raise pytest.UsageError("bctrl: --debug: the trace cannot be kept free of the key (run without --debug)")
    if write is not None:
        root.setwriter(hiding(config).writer(write))


class _Sinks:
    """The hooks through which pytest hands text to whoever shows or writes it, its own plugins and others."""

    def __init__(self, hide: Hiding) -> None:
        self._hide = hide

    def _clean(self, report: Any) -> None:
        for name, value in list(vars(report).items()):
            setattr(report, name, self._hide.data(value))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Before every other wrapper: the exception, the captured output, and the report made of them."""
        item._report_sections[:] = self._hide.data(item._report_sections)
        self._clean_error(call.excinfo)
        report = yield
        # Of a `unittest` case it is known by now.
        self._clean_error(call.excinfo)
        self._clean(report)
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """An error of collection."""
        report = yield
        self._clean(report)
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        """An error of a fixture, of which some plugins tell on their own."""
        try:
            return (yield)
        except BaseException as error:
            self._hide.error(error)
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """What came to a report after it was made, as a subtest's description and output do."""
        self._clean(report)
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """A warning, also of a thread or of a destructor."""
        shown = str(warning_message.message)
        if self._hide(shown) != shown:
            warning_message.message = UserWarning(self._hide(shown))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_internalerror(
        self, excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> Generator[None, object, object]:
        """A mistake of a plugin, or of a hook in a `conftest.py`."""
        self._hide.data(excrepr)
        self._clean_error(excinfo)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Generator[None, None, None]:
        """What ended the run: Ctrl-C or `pytest.exit`."""
        self._clean_error(excinfo)
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """A test's name, of which parameters are a part."""
        for name in ("name", "_nodeid", "_id"):
            if hasattr(item, name):
                setattr(item, name, self._hide.data(getattr(item, name)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Every plugin is there by now."""
        self.hide_files(session.config)

    def hide_files(self, config: pytest.Config) -> None:
        """Hide in what is written as it comes: logs, and the files of allure-pytest."""
        plugin = config.pluginmanager.get_plugin("logging-plugin")
        handlers = (getattr(plugin, name, None) for name in ("log_cli_handler", "log_file_handler"))
        for handler in filter(None, handlers):
            handler.format = lambda record, inner=handler.format: self._hide(inner(record))
        if config.pluginmanager.has_plugin("allure_pytest"):
            allure: Any = import_module("allure_commons")
            allure.plugin_manager.register(_Allure(self._hide, allure.hookimpl(tryfirst=True)))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """What tests gave to JUnit's file past their reports."""
        for plugin in session.config.pluginmanager.get_plugins():
            for reporter in self._hide.data(plugin).node_reporters_ordered if type(plugin).__name__ == "LogXML" else ():
                for element in reporter.to_xml().iter():
                    element.attrib.update(self._hide.data(element.attrib))
        yield

    @pytest.hookimpl(optionalhook=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """The log records that pytest-json-report gathers itself."""
        json_report.update(self._hide.data(json_report))

    def _clean_error(self, excinfo: pytest.ExceptionInfo[BaseException] | None) -> None:
        if excinfo is not None:
            self._hide.error(excinfo.value)


class _Allure:
    """Hooks of allure-pytest, which writes a file for each test and each fixture."""

    def __init__(self, hide: Hiding, hook: Callable[[Any], Any]) -> None:
        self.report_result = hook(lambda result: hide.data(result))
        self.report_container = hook(lambda container: hide.data(container))
