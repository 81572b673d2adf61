"""What all tests share: no example is failed for the time it took, and no run of a test tells the CI job around it."""

from __future__ import annotations

import os
import pkgutil
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

import pytest

from tests import UNUSED

if find_spec("hypothesis") is not None:
    # The tests of the base install run where the extra that brings it is not.
    from hypothesis import HealthCheck, settings

    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    # For CI, which has to fail for what a change did and not for an example that nobody met before; and for tools that
    # run the same tests many times and compare the outcomes. New examples are met wherever people run the tests.
    settings.register_profile("repeatable", settings.get_profile("unhurried"), derandomize=True, database=None)
    settings.load_profile("repeatable" if os.environ.get("CI") else "unhurried")


collect_ignore = ["compatibility/downstream", "hostile/downstream", "redaction/hostile_project"]
"""Projects that tests run, each in a folder of its own, and none of them a part of this one."""


@pytest.fixture(scope="session")
def _imported() -> None:
    """Import the whole package once: pytester forgets what a run in this process imports, and would import it again."""
    import pytest_bctrl

    for module in pkgutil.walk_packages(pytest_bctrl.__path__, "pytest_bctrl."):
        # The base install lacks what some of it needs.
        with suppress(ImportError):
            import_module(module.name)
    # httpx imports it late, and would take no error of a second copy for one of its own.
    import_module("httpcore")


@pytest.fixture
def pytester(
    _imported: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> pytest.Pytester:
    """`pytester.runpytest` runs in this process; what only a process of its own shows says `runpytest_subprocess`.

    Beside other plugins, and with whatever is installed, the tests of compatibility run it.
    """
    if "compatibility" not in request.path.parts:
        monkeypatch.setenv("PYTEST_ADDOPTS", UNUSED)
    return pytester


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside of tests annotate nothing and add to no summary, unless a test sets up a job for them."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run pytest, a twentieth of all, which take more than half of the time."""
    for item in items:
        if "pytester" in getattr(item, "fixturenames", ()):
            item.add_marker("runs_pytest")


def pytest_sessionfinish() -> None:
    """Write what was measured: pytest-xdist ends a worker that takes long to stop, whatever it had still to write."""
    if "coverage" in sys.modules:
        from coverage import Coverage

        measuring = Coverage.current()
        if measuring is not None:
            measuring.save()
