"""Runs of pytest whose searches of plugins are shortened find the fixtures and hooks that all other runs find."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy._manager
import pytest
from _pytest import fixtures

from tests import forks
from tests.plugin_scans import shorten_plugin_scans


@pytest.fixture
def names_of_fixtures(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], list[str]]:
    """The function that returns the names that pytest examines; it searches the modules that are loaded now."""
    monkeypatch.setattr(fixtures, "dir", dir, raising=False)
    shorten_plugin_scans(dict(sys.modules))
    return fixtures.dir  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def plugins(pytester: pytest.Pytester) -> Iterator[list[Any]]:
    """The plugins of a run that checks a contract."""
    config = pytester.parseconfigure("--bctrl-mock")
    pytest.Session.from_config(config)
    yield [plugin for _, plugin in config.pluginmanager.list_name_plugin() if plugin is not None]
    config._ensure_unconfigure()


class Holder:
    """Fixtures and other attributes, as a plugin may have them."""

    number = 1
    names = ("fixture",)

    @pytest.fixture
    def fixture(self) -> None:
        """A fixture of a class."""

    @pytest.fixture(name="other")
    def renamed(self) -> None:
        """A fixture with a custom name."""

    @staticmethod
    @pytest.fixture
    def static() -> None:
        """A fixture in the wrong order of decorators, about which pytest warns."""

    wrapped = wraps(fixture)(partial(len))

    @property
    def computed(self) -> int:
        """A property."""
        return 1

    @classmethod
    def bound(cls) -> None:
        """A method that is bound when it is read from the class."""

    def method(self) -> None:
        """A method."""


class Derived(Holder):
    """A class that inherits fixtures."""


@pytest.mark.parametrize("plugin", [Holder, Holder(), Derived, Derived()])
def test_all_attributes_that_may_be_fixtures_are_examined(
    names_of_fixtures: Callable[[object], list[str]], plugin: object
) -> None:
    """pytest warns about wrapped fixtures. Methods, properties and values are skipped."""
    names = names_of_fixtures(plugin)
    assert ["bound", "fixture", "renamed", "static", "wrapped"] == [name for name in names if name[0] != "_"]


def test_no_fixture_of_a_plugin_is_skipped(
    names_of_fixtures: Callable[[object], list[str]], plugins: list[Any]
) -> None:
    """The plugins of a run have dozens of fixtures, most names are skipped, and the order is kept."""
    examined, skipped = [], []
    for plugin in plugins:
        owner = plugin if isinstance(plugin, type | ModuleType) else type(plugin)
        names = names_of_fixtures(plugin)
        assert names == [name for name in dir(plugin) if name in names]
        assert names == names_of_fixtures(plugin)
        for name in set(dir(plugin)) - set(names):
            value = getattr(owner, name, None)
            assert type(value) is not fixtures.FixtureFunctionDefinition
            assert not hasattr(value, "__wrapped__")
            skipped.append(name)
        examined += [
            name for name in names if isinstance(getattr(owner, name, None), fixtures.FixtureFunctionDefinition)
        ]
    assert len(examined) > 30
    assert len(skipped) > 1000


def test_the_hooks_of_plugins_are_those_that_pluggy_finds(
    names_of_fixtures: Callable[[object], list[str]], plugins: list[Any]
) -> None:
    """Modules and instances have hooks, and no other attribute becomes one."""
    find = getattr(pluggy._manager, "_static_hook_attr", None)
    if find is None:
        pytest.skip("this version of pluggy reads the attributes of plugins itself")
    found = []
    for plugin in [*plugins, Holder, Holder()]:
        for name in dir(plugin):
            hook = find.args[0](plugin, name)
            assert hook == find(plugin, name)
            if hook is not None and name.startswith("pytest_"):
                found.append(name)
    assert len(found) > 200


def test_a_fixture_that_a_module_gets_later_is_examined(
    names_of_fixtures: Callable[[object], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module and a class are searched again after each change."""
    for plugin in (sys.modules[__name__], Holder):
        before = names_of_fixtures(plugin)
        with monkeypatch.context() as patch:
            patch.setattr(plugin, "number", Holder.fixture, raising=False)
            assert {"number"} == set(names_of_fixtures(plugin)) - set(before)
        assert before == names_of_fixtures(plugin)


def test_a_module_that_is_loaded_later_is_freed(
    names_of_fixtures: Callable[[object], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names are all examined, even if it replaces a loaded module; so are those of its classes."""
    for name in ("later", __name__):
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec("class Plugin: attribute = 1", vars(module))
        assert dir(module) == names_of_fixtures(module)
        references = [weakref.ref(module), weakref.ref(module.Plugin)]
        if name == "later":
            assert dir(module.Plugin()) == names_of_fixtures(module.Plugin())
        monkeypatch.undo()
        del module
        gc.collect()
        assert [None, None] == [reference() for reference in references]


@pytest.mark.skipif(not forks.IS_AVAILABLE, reason="there are no forks on this platform, or in coverage")
def test_a_fork_lists_the_plugins_and_fixtures_of_a_new_process(python: list[str], tmp_path: Path) -> None:
    """A conftest.py has fixtures, one of which overrides that of a plugin."""
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    options = ["-m", "pytest", "--fixtures", "-v", "--trace-config", "-p", "no:cacheprovider"]
    listed = []
    for start in (python, [sys.executable]):
        ended = subprocess.run([*start, *options], cwd=tmp_path, capture_output=True, text=True)
        # Addresses, file descriptors, seeds and durations differ.
        lines = re.sub("0x[0-9a-f]+|[0-9]+ *|=+", "-", ended.stdout).splitlines()
        listed.append((ended.returncode, ended.stderr, [line for line in lines if "<__main__.Workers" not in line]))
    assert listed[1] == listed[0]
    assert any("of_a_project" in line for line in listed[0][2])


CONFTEST = '''
import pytest


@pytest.fixture
def of_a_project():
    """A fixture of a project."""


@pytest.fixture
def bctrl_mock():
    """An overridden fixture."""


class Plugin:
    @pytest.fixture
    def of_an_instance(self):
        """A fixture of an instance."""

    def pytest_report_header(self):
        return "header of an instance"


def pytest_configure(config):
    config.pluginmanager.register(Plugin())
'''


def test_an_interrupted_run_interrupts_the_test_that_starts_it(pytester: pytest.Pytester) -> None:
    """pytester raises the `KeyboardInterrupt` of a run in this process again."""
    pytester.makepyfile("def test_interrupted(): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        pytester.runpytest()
    assert pytest.ExitCode.INTERRUPTED == pytester.runpytest_inprocess(no_reraise_ctrlc=True).ret


def test_only_inline_runs_record_hook_calls(pytester: pytest.Pytester) -> None:
    """A test that reads the record of another run fails, instead of reading an empty one."""
    pytester.makepyfile("def test_passes(): pass")
    assert pytester.inline_run().getcalls("pytest_runtest_call")
    record = pytester.runpytest().reprec  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="calls of pytest_runtest_call are only recorded by pytester"):
        record.getcalls("pytest_runtest_call")
