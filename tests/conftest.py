"""What all tests share: the same surroundings, and the same examples, in every run."""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import UNUSED
from tests.surroundings import entered

TIMES = int(os.environ.get("TIMES_EXAMPLES", "5"))
"""How many times as many examples as the documented run the profile `search` tries."""

if find_spec("hypothesis") is not None:
    # The tests of the base install run where the extra that brings it is not.
    from hypothesis import HealthCheck, settings

    # Every run tries the same examples: it fails for what a change did, and not for an example that nobody saw before.
    settings.register_profile(
        "repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
    )
    # `tox -e random` looks for new ones.
    settings.register_profile("search", settings.get_profile("repeatable"), derandomize=False, print_blob=True)
    settings.load_profile("repeatable")


collect_ignore = ["compatibility/downstream", "hostile/downstream", "redaction/hostile_project"]
"""Projects that tests run, each in a folder of its own, and none of them a part of this one."""


@pytest.fixture(scope="session")
def _imported() -> None:
    """Import the whole package once, because pytester removes modules that a run in this process imported.

    So are the modules of Schemathesis, which imports some late: of a class that exists twice it takes no instance.
    """
    for package in ("pytest_bctrl", "schemathesis.core", "schemathesis.generation", "schemathesis.specs.openapi"):
        # The base install lacks what some of it needs.
        with suppress(ImportError):
            for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
                with suppress(ImportError):
                    import_module(module.name)
    # httpx imports it late, and would take no error of a second copy for one of its own.
    import_module("httpcore")


@pytest.fixture
def pytester(
    _imported: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> pytest.Pytester:
    """`pytester.runpytest` runs in this process; what only a process of its own shows says `runpytest_subprocess`.

    The compatibility tests run it with all installed plugins.
    """
    if "compatibility" not in request.path.parts:
        monkeypatch.setenv("PYTEST_ADDOPTS", UNUSED)
    return pytester


_SURROUNDINGS = pytest.StashKey[ExitStack]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Enter the test environment before the first test file is imported.

    Not earlier: pytest loads this file for `pytest --bctrl-live bctrl` in a clone too, which needs what the shell says.
    """
    config = parent.config
    if _SURROUNDINGS not in config.stash:
        stack = config.stash[_SURROUNDINGS] = ExitStack()
        stack.enter_context(entered())
        config.add_cleanup(stack.close)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while the tests are collected: a quarter of the time, for objects that stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that run pytest: a twentieth of all tests, but more than half of the time."""
    for item in items:
        if "pytester" in getattr(item, "fixturenames", ()):
            item.add_marker("runs_pytest")
    if config.getoption("--hypothesis-profile", None) == "search":
        for item in items:
            _try_more_examples(item)


def _try_more_examples(item: pytest.Item) -> None:
    """Multiply the number of examples of a property, including an explicit `max_examples`."""
    if isinstance(item, pytest.Function) and item.get_closest_marker("hypothesis"):
        function: Any = getattr(item.obj, "__func__", item.obj)
        own = function._hypothesis_internal_use_settings
        function._hypothesis_internal_use_settings = settings(own, max_examples=own.max_examples * TIMES)


def pytest_sessionfinish() -> None:
    """Save the measured coverage: pytest-xdist kills a worker that takes long to stop."""
    if "coverage" in sys.modules:
        from coverage import Coverage

        measuring = Coverage.current()
        if measuring is not None:
            measuring.save()
