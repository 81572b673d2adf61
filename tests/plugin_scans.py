"""Shortens the searches of plugins for fixtures and hooks, which take half of each start of pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import pluggy._manager
from _pytest import fixtures
from _pytest.compat import safe_getattr

_Owner = ModuleType | type


class _Scan(NamedTuple):
    """The names in a plugin that may be fixtures, and the attributes of the plugin when it was searched."""

    attributes: list[dict[str, Any]]
    names: list[str]


def shorten_plugin_scans(loaded: Mapping[str, ModuleType]) -> None:
    """Make all pytest runs in this process search each of the loaded modules for fixtures once.

    A module or class is searched again after its attributes have changed. Nothing is stored about other modules, such
    as the `conftest.py` of one run, so they can be freed.
    """
    fixtures.dir = partial(_names_of_fixtures, loaded, {})  # type: ignore[attr-defined]
    # pluggy reads attributes without evaluating properties, which takes a tenth of a start.
    manager: Any = pluggy._manager
    find = getattr(manager, "_static_hook_attr", None)
    if find is not None and not isinstance(find, partial):
        manager._static_hook_attr = partial(_hook, find)


def _names_of_fixtures(loaded: Mapping[str, ModuleType], scans: dict[_Owner, _Scan], plugin: object) -> list[str]:
    """Return the names in `dir(plugin)` without those that pytest examines and ignores."""
    owner = plugin if isinstance(plugin, _Owner) else type(plugin)
    if not _is_loaded(owner, loaded):
        return dir(plugin)
    attributes = _namespaces(owner)
    scan = scans.get(owner)
    if scan is None or scan.attributes != attributes:
        names = [name for name in dir(owner) if _may_be_fixture(owner, name)]
        scan = scans[owner] = _Scan([dict(namespace) for namespace in attributes], names)
    return scan.names


def _is_loaded(owner: _Owner, loaded: Mapping[str, ModuleType]) -> bool:
    """Return whether a plugin is a loaded module, or a class of such a module, without a custom `__dir__`."""
    if type(owner) is ModuleType:
        return loaded.get(owner.__name__) is owner and "__dir__" not in vars(owner)
    is_class = type(owner) is type and owner.__module__ in loaded and "<locals>" not in owner.__qualname__
    return is_class and _static(owner, "__dir__") is _static(object, "__dir__")


def _namespaces(owner: _Owner) -> list[Mapping[str, Any]]:
    """Return the namespaces that are searched for attributes of a module or class, in this order."""
    return [vars(base) for base in (owner.__mro__ if isinstance(owner, type) else (owner,))]


def _may_be_fixture(owner: _Owner, name: str) -> bool:
    """Return whether an attribute may be a fixture: it is one, or a wrapper, or is computed when it is read."""
    static = _static(owner, name)
    value = safe_getattr(owner, name, _Scan)
    is_fixture = type(value) is fixtures.FixtureFunctionDefinition
    return static is not value or is_fixture or safe_getattr(value, "__wrapped__", None) is not None


def _static(owner: _Owner, name: str) -> object:
    """Return an attribute of a module or class as it is stored, or None if there is none."""
    return next((namespace[name] for namespace in _namespaces(owner) if name in namespace), None)


def _hook(find: Callable[[object, str], object], plugin: object, name: str) -> object:
    """Return what `find`, the search of pluggy, returns; for functions and methods, without its many steps."""
    if type(plugin) is ModuleType:
        function = vars(plugin).get(name)
        if type(function) is FunctionType:
            return function, function
    elif not isinstance(plugin, type) and name not in getattr(plugin, "__dict__", {name}):
        function = _static(type(plugin), name)
        if type(function) is FunctionType:
            return function, function.__get__(plugin)
    return find(plugin, name)
