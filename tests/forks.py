"""A Python that is started once: each run of pytest is a fork of it, with the folder and variables of its caller.

A fork has imported pytest, its plugins and this package, and has run the contract suite, so it starts as quickly as a
run in the process of the tests, and still has streams and an exit code of its own. `python tests/forks.py SOCKET` is
the server; `tests/fork_client.py` is started instead of Python.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import random
import select
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from marshal import loads
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

_CLIENT = Path(__file__).with_name("fork_client.py")
_LOADED = ("allure_pytest.plugin", "httpcore", "jiter", "jsonpath", "jsonschema", "xdist.remote")
_PACKAGES = ("pytest_bctrl", "schemathesis.core", "schemathesis.generation", "schemathesis.specs.openapi")

IS_AVAILABLE = sys.platform == "linux" and "coverage" not in sys.modules
"""Whether runs may be forks: libraries of macOS end a fork, and coverage is measured from the start of a process."""


@contextmanager
def forking_server(folder: Path) -> Iterator[Path]:
    """Start the server; yield the path of its socket."""
    # Its variables are those of the caller, except for the ones that only a start of Python reads.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables["PYTHONHASHSEED"] = os.environ.get("PYTHONHASHSEED", "0")
    command = [sys.executable, "-P", __file__, "socket"]
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
        specs[:] = [type(spec)(f"{spec}//python={python}") for spec in specs]


def write_pytest(path: Path, server: Path) -> None:
    """Create an executable at `path` that runs pytest in a fork."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command(server))} pytest "$@"\n', "utf-8")
    path.chmod(0o755)


def serve(path: str) -> None:
    """Load what a run needs, then create a fork per request."""
    _load()
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
    class Loading:
        def pytest_configure(self) -> None:
            """Import everything while pytest rewrites the assertions of plugins."""
            for package in _PACKAGES:
                for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
                    if not module.name.endswith("__main__"):
                        _import(module.name)
            for name in _LOADED:
                _import(name)

    pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:randomly", "--bctrl-mock", "bctrl"], [Loading()])
    sys.stdout.flush()
    # What a run collects is its own garbage alone.
    gc.freeze()


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
        folder, variables, arguments = loads(request.read(size))
    if child := os.fork():
        Thread(target=_end, args=(caller, child), daemon=True).start()
        caller.send(bytes([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256]))
        os._exit(0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    random.seed()
    # It keeps the import path of when it is imported, for the workers.
    sys.modules.pop("xdist.plugin", None)
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    _run_python(folder, Workers(server), list(arguments))


def _run_python(folder: str, workers: Workers, arguments: list[str]) -> None:
    """Run what a command line of Python names: `-m pytest`, `-u -c CODE`, or `pytest` as the script of that name."""
    match arguments:
        case ["-m", "pytest", *rest]:
            sys.argv = [str(Path(pytest.__file__).with_name("__main__.py")), *rest]
            sys.path.insert(0, folder)
            sys.exit(pytest.main(plugins=[workers]))
        case ["pytest", *_]:
            sys.argv = arguments
            sys.exit(pytest.main(plugins=[workers]))
        case ["-u", "-c", code]:
            sys.argv = ["-c"]
            sys.path.insert(0, "")
            exec(code, {"__name__": "__main__"})
        case _:
            sys.exit(f"a fork runs -m pytest, -u -c or pytest, and not {arguments}")


def _end(caller: socket.socket, child: int) -> None:
    """End a run whose caller has ended."""
    if not caller.recv(1):
        os.kill(child, 15)


if __name__ == "__main__":
    serve(sys.argv[1])
