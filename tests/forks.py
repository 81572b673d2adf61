"""A fork server: runs of pytest and commands of this package are forks of one Python process.

The server has imported pytest, its plugins and this package, and has run the contract suite. A fork therefore starts as
quickly as a run in the process of the tests, but has its own streams, signals and exit code; its working directory and
environment are those of the caller. `python tests/forks.py SOCKET` starts the server; `tests/fork_client.py` is started
instead of Python. With arguments after SOCKET, the server imports only the modules that a pytest run with these
arguments imports.

A run with workers starts the server, and all its workers use it. The workers are forks too, of a second server that has
imported all tests, because importing them takes a worker longer than running most of them.
"""

from __future__ import annotations

import atexit
import gc
import os
import pkgutil
import random
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
from typing import Any, NamedTuple, NoReturn

import pytest

_CLIENT = Path(__file__).with_name("fork_client.py")
_LOADED = ("allure_pytest.plugin", "filelock", "httpcore", "jiter", "jsonpath", "jsonschema", "xdist.remote")

PACKAGES = (
    "pytest_bctrl",
    "schemathesis.core",
    "schemathesis.generation",
    "schemathesis.specs.openapi",
    "schemathesis.transport",
)
"""The packages of which all modules are imported before tests start runs."""

IS_AVAILABLE = sys.platform == "linux" and "coverage" not in sys.modules
"""Whether runs may be forks: system libraries of macOS crash forks, and coverage is measured from process start."""


@contextmanager
def forking_server(folder: Path, *arguments: str) -> Iterator[Path]:
    """Start the server, and yield the path of its socket."""
    # Only the caller can import this: for the server, `tests` may be a package of a project that a run tests.
    from tests.surroundings import normalised

    # Forks get the variables of their caller. Those that the test which starts the server has set are not used: all
    # later forks would see their effects, such as plugins that the server has not loaded.
    variables = normalised(os.environ, Path.home())
    if (storage := os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY")) is not None:
        variables["HYPOTHESIS_STORAGE_DIRECTORY"] = storage
    command = [sys.executable, "-P", __file__, "socket", *arguments]
    server = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    # The server ends when its standard input is closed, so it ends with this process.
    with server:
        assert server.stdout is not None
        output = server.stdout.read()
        if not (folder / "socket").exists():
            raise RuntimeError(f"the fork server ended: {output.decode()}")
        yield folder / "socket"


@contextmanager
def server_of_workers(folder: Path, run: pytest.Config) -> Iterator[tuple[Path, Path]]:
    """Start the servers of a run, and yield their sockets: that of forks in general, and that of workers."""
    directory, arguments = run.invocation_params.dir, run.invocation_params.args
    with forking_server(folder, "--tests", str(directory), *map(str, arguments)) as server:
        yield server, folder / "workers"


def command(server: Path) -> list[str]:
    """Return the command that takes the arguments of Python and runs them in a fork."""
    return [sys.executable, "-IS", str(_CLIENT), str(server)]


class Workers:
    """A pytest plugin that makes the workers of pytest-xdist forks."""

    def __init__(self, server: Path) -> None:
        self._server = server

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[Any]) -> None:
        """Set the command that pytest-xdist starts for each worker to that of a fork."""
        python = shlex.join(command(self._server))
        # Reports show the ids of the workers, so they are kept.
        specs[:] = [type(spec)(f"{spec}//id={spec.id}//python={python}") for spec in specs]


def write_commands(folder: Path, server: Path) -> None:
    """Write the scripts `pytest` and `pytest-bctrl` to a folder; they run these commands in forks."""
    for name in ("pytest", "pytest-bctrl"):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command(server))} {name} "$@"\n', "utf-8")
        path.chmod(0o755)


def serve(path: str, *arguments: str) -> None:
    """Import the modules that runs need, then create a fork per request."""
    # `tests` must not be importable here: projects that runs test may have a package of that name.
    sys.path.insert(0, str(Path(__file__).parent))
    import_module("installed").remember_distributions()
    import_module("plugin_scans").shorten_plugin_scans(sys.modules)
    sys.path.pop(0)
    if arguments[:1] == ("--tests",):
        _load()
        # The fork becomes the server of workers; the caller waits for both servers.
        if not os.fork():
            _collect(*arguments[1:])
            path = "workers"
    elif arguments:
        pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments])
    else:
        _load()
    sys.stdout.flush()
    # The garbage collector of a fork need not visit the objects of the server.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        # The caller waits until standard output is closed.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        request = _serve_requests(listener)
    if request is not None:
        _run(Path(path).absolute(), request)


class _Request(NamedTuple):
    """What a caller sends: its streams, working directory, environment, ignored signals and arguments of Python."""

    caller: socket.socket
    streams: list[int]
    folder: str
    variables: dict[str, str]
    ignored: tuple[int, ...]
    arguments: tuple[str, ...]


class _Fork(NamedTuple):
    """A fork: its caller, its process, and the pipe through which the server lets the run begin."""

    caller: socket.socket
    process: int
    begin: int

    def close(self) -> None:
        """Close what the server has opened."""
        self.caller.close()
        os.close(self.begin)


def _serve_requests(listener: socket.socket) -> _Request | None:
    """Create a fork per request until standard input is closed, then kill them; in a fork, return its request."""
    forks: list[_Fork] = []
    with _ended_processes() as ended:
        while True:
            readable = select.select([sys.stdin, listener, ended, *(fork.caller for fork in forks)], [], [])[0]
            if sys.stdin in readable:
                break
            if ended in readable:
                os.read(ended, 4096)
            forks = [fork for fork in forks if not _has_ended(fork, fork.caller in readable)]
            if listener in readable and (request := _accepted(listener)) is not None:
                fork = _fork(request, forks)
                if not fork.process:
                    return request
                forks.append(fork)
    for fork in forks:
        os.kill(fork.process, signal.SIGKILL)
    return None


def _accepted(listener: socket.socket) -> _Request | None:
    """Return the request of the next caller, or None if it is killed before it has sent all, or takes a minute."""
    caller = listener.accept()[0]
    # The server serves one caller at a time.
    caller.settimeout(60)
    streams, size, content = list[int](), 0, b""
    with suppress(TimeoutError), caller.makefile("rb") as sent:
        _, streams, *_ = socket.recv_fds(caller, 1, 3)
        size = int.from_bytes(sent.read(8), "big")
        content = sent.read(size)
    if 0 < size == len(content):
        return _Request(caller, streams, *loads(content))
    caller.close()
    for stream in streams:
        os.close(stream)
    return None


def _fork(request: _Request, others: list[_Fork]) -> _Fork:
    """Create a fork; return in the server at once, and in the fork as soon as the caller forwards its signals."""
    ready, begin = os.pipe()
    fork = _Fork(request.caller, os.fork(), begin)
    if fork.process:
        os.close(ready)
        for stream in request.streams:
            os.close(stream)
        with suppress(OSError):
            fork.caller.send(fork.process.to_bytes(8))
        return fork
    for each in (fork, *others):
        each.close()
    # Nothing is read if the server has ended.
    if not os.read(ready, 1):
        os._exit(1)
    os.close(ready)
    return fork


@contextmanager
def _ended_processes() -> Iterator[int]:
    """Yield a file descriptor that is readable after a child process has ended."""
    ended, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    # Without a handler, Python does not write to the file descriptor.
    before = signal.signal(signal.SIGCHLD, lambda number, frame: None)
    yield ended
    signal.signal(signal.SIGCHLD, before)
    signal.set_wakeup_fd(-1)
    os.close(ended)
    os.close(write)


def _has_ended(fork: _Fork, is_caller_readable: bool) -> bool:
    """Return whether a fork has ended; let its run begin when its caller is ready, and kill it with its caller."""
    process, status = os.waitpid(fork.process, os.WNOHANG)
    if not process:
        if not is_caller_readable:
            return False
        with suppress(OSError):
            if fork.caller.recv(1):
                os.write(fork.begin, b"!")
                return False
        os.kill(fork.process, signal.SIGKILL)
        status = os.waitpid(fork.process, 0)[1]
    with suppress(OSError):
        fork.caller.send(bytes([os.waitstatus_to_exitcode(status) % 256]))
    fork.close()
    return True


def _load() -> None:
    """Import the package and its dependencies, and run the contract suite."""

    class ImportPlugin:
        def pytest_configure(self) -> None:
            """Import the modules while pytest rewrites the assertions of plugins."""
            for package in PACKAGES:
                _import(package)
                for module in pkgutil.walk_packages(getattr(sys.modules.get(package), "__path__", []), f"{package}."):
                    if not module.name.endswith("__main__"):
                        _import(module.name)
            for name in _LOADED:
                _import(name)

    pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:randomly", "--bctrl-mock", "bctrl"], [ImportPlugin()])


def _collect(directory: str, *arguments: str) -> None:
    """Import the tests that a pytest run in a directory with these arguments selects."""
    folder = Path.cwd()
    os.chdir(directory)
    # The cache plugin defines options such as `--lf`. With an empty cache, they select all tests.
    cache = f"cache_dir={folder / 'cache'}"
    pytest.main([*arguments, "-n0", "-s", "-o", cache, "--collect-only", "--verbosity=-2"])
    os.chdir(folder)


def _import(name: str) -> None:
    """Import a module; ignore an `ImportError`, because optional dependencies may be missing."""
    try:
        import_module(name)
    except ImportError:
        return


def _run(server: Path, request: _Request) -> NoReturn:
    """Run a request of a caller in this process."""
    _, streams, folder, variables, ignored, arguments = request
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
    # pytest-xdist stores the import path when it is imported, and passes it to its workers.
    sys.modules.pop("xdist.plugin", None)
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    _exit(_run_python(folder, Workers(server), list(arguments)))


def _set_up_hypothesis() -> None:
    """Make Hypothesis read the variables of the caller: at its import, it has read those of the server."""
    import_module("hypothesis.configuration").set_hypothesis_home_dir(None)
    settings = import_module("hypothesis._settings")
    # In a worker, the conftest of its tests has already loaded a profile.
    if settings.is_in_ci() and "tests.conftest" not in sys.modules:
        settings.settings.load_profile("ci")


def _run_python(folder: str, workers: Workers, arguments: list[str]) -> object:
    """Run the arguments of Python, or a command with its arguments, and return its exit code."""
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
                return f"a fork cannot run {arguments}: use -m MODULE, -u -c CODE or a command"
    except SystemExit as stop:
        return stop.code


def _exit(code: object) -> NoReturn:
    """Exit like Python, but do not free the objects of the server, which takes 0.1 s."""
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
