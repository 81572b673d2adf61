"""A Python that is started once: each run of pytest is a fork of it, with the folder and variables of its caller.

A fork has imported pytest, its plugins and this package, and has run the contract suite, so it starts as quickly as a
run in the process of the tests, and still has streams, signals and an exit code of its own. So has a fork that runs a
command of this package. `python tests/forks.py SOCKET` is the server; `tests/fork_client.py` is started instead of
Python. With arguments after SOCKET, the server has imported only what a run of pytest with these arguments imports.

A run with workers starts the server, and all its workers use it. They are forks themselves: of a fork of the server
that has imported all their tests, which takes each of them longer than most of the tests take.
"""

from __future__ import annotations

import atexit
import gc
import os
import pkgutil
import random
import re
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from marshal import loads
from pathlib import Path
from typing import Any, NoReturn

import pytest

_CLIENT = Path(__file__).with_name("fork_client.py")
_LOADED = ("allure_pytest.plugin", "httpcore", "jiter", "jsonpath", "jsonschema", "xdist.remote")
_PACKAGES = ("pytest_bctrl", "schemathesis.core", "schemathesis.generation", "schemathesis.specs.openapi")

IS_AVAILABLE = sys.platform == "linux" and "coverage" not in sys.modules
"""Whether runs may be forks: libraries of macOS end a fork, and coverage is measured from the start of a process."""


@contextmanager
def forking_server(folder: Path, *arguments: str) -> Iterator[Path]:
    """Start the server of forks; yield the path of its socket, in `folder`; the server ends with the block."""
    # Its variables are those of the caller, except for the ones that only a start of Python reads.
    variables = {name: value for name, value in os.environ.items() if not re.match("PYTHON(?!PATH$)", name)}
    variables["PYTHONHASHSEED"] = os.environ.get("PYTHONHASHSEED", "0")
    command = [sys.executable, "-P", __file__, "socket", *arguments]
    server = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    # The server ends with the stream that it reads, however this process ends.
    with server:
        assert server.stdout is not None
        printed = server.stdout.read()
        if not (folder / "socket").exists():
            raise RuntimeError(f"the server of forks ended: {printed.decode()}")
        yield folder / "socket"


@contextmanager
def server_of_workers(folder: Path, run: pytest.Config) -> Iterator[tuple[Path, Path]]:
    """Start the server of forks; yield its socket, and that of its fork which has imported the tests of a run."""
    where, arguments = run.invocation_params.dir, run.invocation_params.args
    with forking_server(folder, "--tests", str(where), *map(str, arguments)) as server:
        yield server, folder / "workers"


def command(server: Path) -> list[str]:
    """Return the command that takes the arguments of Python and runs in a fork."""
    return [sys.executable, "-IS", str(_CLIENT), str(server)]


class Workers:
    """A plugin that lets the workers of pytest-xdist be forks."""

    def __init__(self, server: Path) -> None:
        self._server = server

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[Any]) -> None:
        """Start forks instead of Python."""
        python = shlex.join(command(self._server))
        # They keep the ids by which they are reported.
        specs[:] = [type(spec)(f"{spec}//id={spec.id}//python={python}") for spec in specs]


def write_commands(folder: Path, server: Path) -> None:
    """Create the commands `pytest` and `pytest-bctrl` in a folder, which run in forks."""
    for name in ("pytest", "pytest-bctrl"):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command(server))} {name} "$@"\n', "utf-8")
        path.chmod(0o755)


def serve(path: str, *arguments: str) -> None:
    """Load what a run needs, then create a fork per request."""
    # `tests` is no package here, where runs import their own.
    sys.path.insert(0, str(Path(__file__).parent))
    import_module("installed").remember_distributions()
    sys.path.pop(0)
    if arguments[:1] == ("--tests",):
        _load()
        # The caller waits for both.
        if not os.fork():
            _collect(*arguments[1:])
            path = "workers"
    elif arguments:
        pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments])
    else:
        _load()
    sys.stdout.flush()
    # What a run collects is its own garbage alone.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        # The caller waits for the end of this stream.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            caller, _ = listener.accept()
            if not os.fork():
                _run(caller, Path(path).absolute())
                return
            caller.close()
            _reap()


def _reap() -> None:
    """Remove the children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _load() -> None:
    """Import what a run of pytest with this package needs, and run the contract suite once."""

    class Loading:
        def pytest_configure(self) -> None:
            """Import everything while pytest rewrites the assertions of plugins."""
            for package in _PACKAGES:
                _import(package)
                for module in pkgutil.walk_packages(getattr(sys.modules.get(package), "__path__", []), f"{package}."):
                    if not module.name.endswith("__main__"):
                        _import(module.name)
            for name in _LOADED:
                _import(name)

    pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:randomly", "--bctrl-mock", "bctrl"], [Loading()])


def _collect(where: str, *arguments: str) -> None:
    """Import the tests that a run of pytest in a folder selects."""
    folder = Path.cwd()
    os.chdir(where)
    # The plugin of the cache defines options such as `--lf`; without failures of earlier runs, it selects all tests.
    cache = f"cache_dir={folder / 'cache'}"
    pytest.main([*arguments, "-n0", "-s", "-o", cache, "--collect-only", "--verbosity=-2"])
    os.chdir(folder)


def _import(name: str) -> None:
    """Import a module, unless something that it needs is not installed."""
    try:
        import_module(name)
    except ImportError:
        return


def _run(caller: socket.socket, server: Path) -> None:
    """Run in a fork, and send its exit code to the caller."""
    _, streams, *_ = socket.recv_fds(caller, 1, 3)
    with caller.makefile("rb") as request:
        size = int.from_bytes(request.read(8), "big")
        folder, variables, ignored, arguments = loads(request.read(size))
    ready, begin = os.pipe()
    if child := os.fork():
        # The caller receives signals for the fork from now on.
        caller.send(child.to_bytes(8))
        caller.recv(1)
        os.write(begin, b"!")
        threading.Thread(target=_end, args=(caller, child), daemon=True).start()
        caller.send(bytes([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256]))
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(begin)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in ignored else default)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    random.seed()
    if "hypothesis" in sys.modules:
        _set_up_hypothesis()
    # It keeps the import path of when it is imported, for the workers.
    sys.modules.pop("xdist.plugin", None)
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    _exit(_run_python(folder, Workers(server), list(arguments)))


def _set_up_hypothesis() -> None:
    """Let Hypothesis read the variables of the caller: it has read those of the server when it was imported."""
    import_module("hypothesis.configuration").set_hypothesis_home_dir(None)
    settings = import_module("hypothesis._settings")
    # A worker keeps the profile that the conftest of its tests has loaded.
    if settings.is_in_ci() and "tests.conftest" not in sys.modules:
        settings.settings.load_profile("ci")


def _run_python(folder: str, workers: Workers, arguments: list[str]) -> object:
    """Run a command line of Python, or `pytest` or `pytest-bctrl`, and return its exit code."""
    try:
        match arguments:
            case ["-W", "error", *rest]:
                sys.warnoptions[:] = ["error"]
                warnings.simplefilter("error")
                return _run_python(folder, workers, rest)
            case ["-m", "pytest", *rest]:
                sys.argv = [str(Path(pytest.__file__).with_name("__main__.py")), *rest]
                sys.path.insert(0, folder)
                return pytest.main(plugins=[workers])
            case ["-m", "pytest_bctrl", *rest]:
                sys.path.insert(0, folder)
                return _run_python(folder, workers, ["pytest-bctrl", *rest])
            case ["pytest-bctrl", *_]:
                command_line = import_module("pytest_bctrl.cli")
                sys.argv = arguments
                return command_line.main()
            case ["-m", module, *rest]:
                sys.argv = [module, *rest]
                sys.path.insert(0, folder)
                runpy.run_module(module, run_name="__main__", alter_sys=True)
                return 0
            case ["pytest", *_]:
                sys.argv = arguments
                return pytest.main(plugins=[workers])
            case ["-u", "-c", code]:
                sys.argv = ["-c"]
                sys.path.insert(0, "")
                exec(code, {"__name__": "__main__"})
                return 0
            case _:
                return f"a fork runs -m, -u -c or a command, and not {arguments}"
    except SystemExit as stop:
        return stop.code


def _exit(code: object) -> NoReturn:
    """Exit as Python does, but leave the memory to the system: freeing each object of the server takes 0.1 s."""
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code or 0)


def _end(caller: socket.socket, child: int) -> None:
    """Wait for the end of the caller's connection, and kill the run."""
    if not caller.recv(1):
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    serve(*sys.argv[1:])
