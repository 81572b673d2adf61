"""A plugin that empties caches, for `mutmut`.

It records which tests call which functions, and tests each mutant in a fork of a process that has run the tests before.
With cached results, a function would not be called by the later tests that depend on it, and a changed one by none.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import cached_property, partial

import pytest

from pytest_bctrl.checks.response import Response


def pytest_sessionstart() -> None:
    """Empty the caches of the functions and methods of the package and of the tests."""
    for clear in (*_cache_clearers("pytest_bctrl"), *_cache_clearers("tests")):
        clear()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Store how to empty the caches of the tests, which have been imported, and those of their responses."""
    # `isinstance` would evaluate the lazy objects of frameworks, such as Django's.
    responses = [value for value in gc.get_objects() if issubclass(type(value), Response)]
    clearers: list[Callable[[], None]] = list(_cache_clearers("tests"))
    clearers += [partial(_forget_results, response) for response in responses]
    session.config.stash[CLEARERS] = clearers


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Empty the caches of the tests."""
    for clear in item.config.stash[CLEARERS]:
        clear()


CLEARERS = pytest.StashKey[list[Callable[[], None]]]()


def _forget_results(response: Response) -> None:
    """Remove the results of checks that a response stores."""
    response._results.clear()
    response._looked.clear()
    for name, value in vars(Response).items():
        if isinstance(value, cached_property):
            vars(response).pop(name, None)


def _cache_clearers(package: str) -> Iterator[Callable[[], None]]:
    """Yield the `cache_clear` of each cached function and method in the modules of a package."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == package:
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            for function in [value for owner in (module, *classes) for value in vars(owner).values()]:
                if hasattr(function, "cache_clear"):
                    yield function.cache_clear
