"""The fixtures and hooks of all tests: every run has the same environment and the same examples."""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests import UNUSED, forks
from tests.installed import remember_distributions
from tests.plugin_scans import shorten_plugin_scans
from tests.surroundings import entered

TIMES = {"search": float(os.environ.get("TIMES_EXAMPLES", "2")), "repeatable": 1.0, "fewer": 0.2}
"""The factor by which a profile on the command line multiplies the number of examples of a property."""

DOCUMENTED = 1.0 if "coverage" in sys.modules else 1 / 3
"""The factor without such a profile: every run uses the same examples, and measuring coverage needs all of them."""

# Every run uses the same examples, so it fails because of a change and not because of a new example.
settings.register_profile(
    "repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
# For the environments of further versions of Python.
settings.register_profile("fewer", settings.get_profile("repeatable"))
# `tox -e random` generates new ones.
settings.register_profile("search", settings.get_profile("repeatable"), derandomize=False, print_blob=True)
settings.load_profile("repeatable")


collect_ignore = ["compatibility/downstream", "hostile/downstream", "redaction/hostile_project"]
"""Projects that tests run, each in a separate folder; their tests are not tests of this project."""


SUBPROCESSES_ONLY = "compatibility"
"""The folder of tests that start all pytest runs as subprocesses, and so need not import the package."""


@pytest.fixture(scope="session")
def _imported() -> None:
    """Import the package and Schemathesis once, because pytester removes the modules that a run has imported.

    Schemathesis imports some modules late. If one were imported twice, it would not recognise instances of its classes.
    """
    for package in forks.PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            import_module(module.name)
    # httpx imports the first late, and would not recognise the exceptions of a second copy. The second is large.
    for name in ("httpcore", "filelock"):
        import_module(name)
    # A response can take longer than the five seconds of httpx on a machine that is busy.
    import_module("httpx")._config.DEFAULT_TIMEOUT_CONFIG.read = 60.0
    remember_distributions()
    shorten_plugin_scans(dict(sys.modules))


_FORK_SERVER = pytest.StashKey[Path]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Make the workers forks that have imported all tests.

    `pytest --bctrl-live bctrl` in a clone loads this file too; its workers are not changed.
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
    """Pass a worker the socket of the fork server that all workers share."""
    if _FORK_SERVER in node.config.stash:
        node.workerinput["fork_server"] = str(node.config.stash[_FORK_SERVER])


@pytest.fixture(scope="session")
def fork_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the socket of the fork server that all workers share; without workers, start one."""
    shared = getattr(request.config, "workerinput", {}).get("fork_server")
    if shared is not None:
        yield Path(shared)
        return
    with forks.forking_server(tmp_path_factory.mktemp("forks")) as server:
        yield server


@pytest.fixture(scope="session")
def python(request: pytest.FixtureRequest) -> list[str]:
    """Return the command that runs `-m MODULE` in a fork, or in a new process if there is no fork server."""
    if not forks.IS_AVAILABLE:
        return [sys.executable]
    return forks.command(request.getfixturevalue("fork_server"))


@pytest.fixture
def _imported_where_used(request: pytest.FixtureRequest) -> None:
    """Import the whole package for a test, unless its folder runs pytest in subprocesses only."""
    if SUBPROCESSES_ONLY not in request.path.parts:
        request.getfixturevalue("_imported")


@pytest.fixture
def pytester(
    _imported_where_used: None,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> pytest.Pytester:
    """Return `pytester`, whose `runpytest` runs in this process and whose `runpytest_subprocess` runs in a fork.

    The workers of pytest-xdist are forks too. A test that needs a new process, in which nothing is imported, calls
    `pytester.run(sys.executable, "-m", "pytest")`. In the tests of installations, `runpytest_subprocess` starts a new
    process, with all installed plugins.
    """
    if SUBPROCESSES_ONLY in request.path.parts:
        return pytester
    monkeypatch.setenv("PYTEST_ADDOPTS", UNUSED)
    if forks.IS_AVAILABLE:
        monkeypatch.setattr(pytester, "inline_run", partial(pytester.inline_run, plugins=[_ForkedWorkers(request)]))
        monkeypatch.setattr(pytester, "runpytest_subprocess", partial(_run_in_fork, pytester, request))
    run = partial(_run_in_process, pytester, pytester.runpytest_inprocess)
    monkeypatch.setattr(pytester, "runpytest_inprocess", run)
    return pytester


def _run_in_process(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], *arguments: Any, **options: Any
) -> pytest.RunResult:
    """Run pytest in this process without the record of all hook calls, which keeps all their arguments in memory.

    `pytester.inline_run` returns the complete record.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytester, "make_hook_recorder", _Interruptions)
        return run(*arguments, **options)


class _Interruptions:
    """The part of a hook recorder that pytester itself needs: it raises the `KeyboardInterrupt` of a run again."""

    def __init__(self, manager: pytest.PytestPluginManager) -> None:
        self.ret: int | pytest.ExitCode | None = None
        self._calls: list[SimpleNamespace] = []
        manager.register(self)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Store the exception."""
        self._calls.append(SimpleNamespace(excinfo=excinfo))

    def getcalls(self, names: str) -> list[SimpleNamespace]:
        """Return the recorded calls of `pytest_keyboard_interrupt`. Raises `ValueError` for any other hook."""
        if names != "pytest_keyboard_interrupt":
            raise ValueError(f"calls of {names} are only recorded by pytester.inline_run")
        return self._calls


class _ForkedWorkers:
    """A pytest plugin that starts the fork server if a run has workers."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[Any]) -> None:
        """Let the workers be forks of the shared server."""
        forks.Workers(self._request.getfixturevalue("fork_server")).pytest_xdist_setupnodes(specs)


def _run_in_fork(
    pytester: pytest.Pytester, request: pytest.FixtureRequest, *arguments: str | os.PathLike[str]
) -> pytest.RunResult:
    """Run pytest in a fork; its workers are forks of the same server."""
    server = request.getfixturevalue("fork_server")
    folder = pytester.mkdir(f"runpytest-{len(list(pytester.path.glob('runpytest-*')))}")
    return pytester.run(*forks.command(server), "-m", "pytest", f"--basetemp={folder}", *arguments)


_SURROUNDINGS = pytest.StashKey[ExitStack]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Set the environment of the tests before the first test file is imported.

    Not earlier: `pytest --bctrl-live bctrl` in a clone loads this file too, and needs the variables of the shell.
    """
    config = parent.config
    if _SURROUNDINGS not in config.stash:
        stack = config.stash[_SURROUNDINGS] = ExitStack()
        stack.enter_context(entered())
        config.add_cleanup(stack.close)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Disable garbage collection while tests are collected; it takes a quarter of the time and frees little."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that run pytest: a twentieth of all tests, which take more than half of the time.

    The tests of installations are not marked, because tox.ini selects them by name.
    """
    for item in items:
        if "pytester" in getattr(item, "fixturenames", ()) and SUBPROCESSES_ONLY not in item.path.parts:
            item.add_marker("runs_pytest")
    # Workers are forks of a run that only collects; if it multiplied the examples, they would be multiplied twice.
    if not config.option.collectonly:
        _set_up_properties(items, config.getoption("--hypothesis-profile", None) or "")


def _set_up_properties(items: list[pytest.Item], profile: str) -> None:
    """Multiply the number of examples of each property, including an explicit `max_examples`.

    The time limits are removed here too, because the settings of a property replace those of the profile.
    """
    factor = TIMES.get(profile, DOCUMENTED)
    # The cases of a parametrized property share its settings.
    properties: dict[Any, None] = {}
    for item in items:
        if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            properties[getattr(item.obj, "__func__", item.obj)] = None
    for function in properties:
        declared = function._hypothesis_internal_use_settings
        function._hypothesis_internal_use_settings = settings(
            declared,
            max_examples=max(1, round(declared.max_examples * factor)),
            deadline=None,
            suppress_health_check={*declared.suppress_health_check, HealthCheck.too_slow},
        )


def pytest_sessionfinish() -> None:
    """Save the measured coverage now, because pytest-xdist kills workers that stop slowly."""
    if "coverage" in sys.modules:
        from coverage import Coverage

        measuring = Coverage.current()
        if measuring is not None:
            measuring.save()
