"""What all tests share: the same environment, and the same examples, in every run."""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests import UNUSED, forks
from tests.installed import remember_distributions
from tests.surroundings import entered

TIMES = {"search": float(os.environ.get("TIMES_EXAMPLES", "5")), "fewer": 0.2}
"""How many times as many examples as the documented run these profiles try."""

COSTLY = 1 / 3
"""The part of the examples of a costly property that the documented run tries, unless it measures coverage."""

if find_spec("hypothesis") is not None:
    # The tests of the base install run where the extra that brings it is not.
    from hypothesis import HealthCheck, is_hypothesis_test, settings

    # Every run tries the same examples: it fails for what a change did, and not for an example that nobody saw before.
    settings.register_profile(
        "repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
    )
    # For the environments that repeat properties on another Python.
    settings.register_profile("fewer", settings.get_profile("repeatable"))
    # `tox -e random` looks for new ones.
    settings.register_profile("search", settings.get_profile("repeatable"), derandomize=False, print_blob=True)
    settings.load_profile("repeatable")


collect_ignore = ["compatibility/downstream", "hostile/downstream", "redaction/hostile_project"]
"""Projects that tests run, each in a folder of its own, and none of them a part of this one."""


SUBPROCESSES_ONLY = {"base_install", "compatibility"}
"""Folders of tests that run no pytest in their own process, and need not import what it imports."""


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
    remember_distributions()


_FORK_SERVER = pytest.StashKey[Path]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Let the workers be forks that have imported all tests.

    Not those of `pytest --bctrl-live bctrl` in a clone, for which pytest loads this file too.
    """
    if not forks.IS_AVAILABLE or not any(Path(argument.partition("::")[0]).exists() for argument in config.args):
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="forks-")))
    with entered():
        config.stash[_FORK_SERVER], workers = stack.enter_context(forks.server_of_workers(folder, config))
    forks.Workers(workers).pytest_xdist_setupnodes(specs)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass a worker the socket of the server of forks, which it shares with the others."""
    if _FORK_SERVER in node.config.stash:
        node.workerinput["fork_server"] = str(node.config.stash[_FORK_SERVER])


@pytest.fixture(scope="session")
def fork_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the socket of the server of forks: that of all workers, or of one that runs until the tests end."""
    shared = getattr(request.config, "workerinput", {}).get("fork_server")
    if shared is not None:
        yield Path(shared)
        return
    with forks.forking_server(tmp_path_factory.mktemp("forks")) as server:
        yield server


@pytest.fixture(scope="session")
def python(request: pytest.FixtureRequest) -> list[str]:
    """Return the command that runs `-m MODULE` in a fork, or in a new process where there are no forks."""
    if not forks.IS_AVAILABLE:
        return [sys.executable]
    return forks.command(request.getfixturevalue("fork_server"))


@pytest.fixture
def _imported_where_used(request: pytest.FixtureRequest) -> None:
    """Import the whole package for a test, unless its folder runs pytest in subprocesses only."""
    if not SUBPROCESSES_ONLY.intersection(request.path.parts):
        request.getfixturevalue("_imported")


@pytest.fixture
def pytester(
    _imported_where_used: None,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> pytest.Pytester:
    """Return pytest's `pytester`, whose `runpytest` runs in this process, and `runpytest_subprocess` in a fork.

    The workers of pytest-xdist are forks too. `pytester.run(sys.executable, "-m", "pytest")` starts a new process,
    which has imported nothing. The tests of installations start new processes only, with all installed plugins.
    """
    if SUBPROCESSES_ONLY.intersection(request.path.parts):
        return pytester
    monkeypatch.setenv("PYTEST_ADDOPTS", UNUSED)
    if forks.IS_AVAILABLE:
        monkeypatch.setattr(pytester, "inline_run", partial(pytester.inline_run, plugins=[_ForkedWorkers(request)]))
        monkeypatch.setattr(pytester, "runpytest_subprocess", partial(_run_in_fork, pytester, request))
    return pytester


class _ForkedWorkers:
    """Starts the server of forks if a run has workers."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[Any]) -> None:
        """Let the workers be forks of the shared server."""
        forks.Workers(self._request.getfixturevalue("fork_server")).pytest_xdist_setupnodes(specs)


def _run_in_fork(
    pytester: pytest.Pytester, request: pytest.FixtureRequest, *arguments: str | os.PathLike[str]
) -> pytest.RunResult:
    """Run pytest in a fork, which lets its workers be forks of the same server."""
    server = request.getfixturevalue("fork_server")
    folder = pytester.mkdir(f"runpytest-{len(list(pytester.path.glob('runpytest-*')))}")
    return pytester.run(*forks.command(server), "-m", "pytest", f"--basetemp={folder}", *arguments)


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
    """Mark the tests that run pytest: a twentieth of all tests, but more than half of the time.

    Those of the installations are not marked: tox.ini names them.
    """
    for item in items:
        if "pytester" in getattr(item, "fixturenames", ()) and not SUBPROCESSES_ONLY.intersection(item.path.parts):
            item.add_marker("runs_pytest")
    # Workers are forks of a run that only collects: what it multiplied, they would multiply again.
    if find_spec("hypothesis") is not None and not config.option.collectonly:
        _set_up_properties(items, config.getoption("--hypothesis-profile", None) or "")


def _set_up_properties(items: list[pytest.Item], profile: str) -> None:
    """Multiply the number of examples of each property, including an explicit `max_examples`.

    No property fails because the machine is slow: one whose settings name other health checks replaces those above.
    """
    # The cases of a parametrized property share its settings.
    properties: dict[Any, bool] = {}
    for item in items:
        if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            function: Any = getattr(item.obj, "__func__", item.obj)
            properties[function] = item.get_closest_marker("costly") is not None
    for function, is_costly in properties.items():
        own = function._hypothesis_internal_use_settings
        times = TIMES.get(profile, 1)
        if is_costly and profile not in TIMES and "coverage" not in sys.modules:
            times *= COSTLY
        function._hypothesis_internal_use_settings = settings(
            own,
            max_examples=max(1, round(own.max_examples * times)),
            deadline=None,
            suppress_health_check={*own.suppress_health_check, HealthCheck.too_slow},
        )


def pytest_sessionfinish() -> None:
    """Save the measured coverage: pytest-xdist kills a worker that takes long to stop."""
    if "coverage" in sys.modules:
        from coverage import Coverage

        measuring = Coverage.current()
        if measuring is not None:
            measuring.save()
