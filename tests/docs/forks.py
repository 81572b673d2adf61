"""A `pytest` for the shells of pages that is started once: each run of it is a fork, made for the caller's folder.

A fork has loaded pytest, its plugins and what else others wrote, and nothing of this package, which it loads as a start
of its own does. `python tests/docs/forks.py serve SOCKET` forks; `… ask SOCKET FOLDER ARGUMENT…` is a page's `pytest`.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
from marshal import dumps, load
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LOADED = ("httptools", "httpx", "jiter", "jsonpath", "jsonschema", "jsonschema_rs", "xml.etree.ElementTree")


def stand_in(path: Path, door: Path) -> None:
    """Create an executable at `path` that runs pytest in a fork."""
    ask = shlex.join([sys.executable, "-IS", __file__, "ask", str(door)])
    path.write_text(f'#!/bin/sh\nexec {ask} "$PWD" "$@"\n', "utf-8")
    path.chmod(0o755)


def ask(door: str, folder: str, *arguments: str) -> int:
    """Return the exit code of a run that uses the streams and variables of this process."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(door)
        socket.send_fds(caller, [b"!"], [0, 1, 2])
        caller.sendall(dumps((folder, dict(os.environ), arguments)))
        return caller.recv(1)[0]


def serve(door: str) -> int:
    """Import pytest once and fork per request; return in the forks, with their exit codes."""
    _load()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(door)
        listener.listen()
        while True:
            caller, _ = listener.accept()
            if not os.fork():
                break
            caller.close()
    return _run(caller)


def _load() -> None:
    import gc
    from importlib import import_module

    import pytest

    class Loading:
        def pytest_configure(self) -> None:
            for name in _LOADED:
                import_module(name)

    pytest.main(["-p", "no:bctrl", "-p", "no:cacheprovider", "--collect-only", os.devnull], [Loading()])
    sys.stdout.flush()
    # What a run collects is its own garbage alone.
    gc.freeze()


def _run(caller: socket.socket) -> int:
    from threading import Thread
    from time import tzset

    import pytest

    _, streams, *_ = socket.recv_fds(caller, 1, 3)
    with caller.makefile("rb") as asked:
        folder, variables, arguments = load(asked)
    if run := os.fork():
        Thread(target=_end, args=(caller, run), daemon=True).start()
        caller.send(bytes([os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]) % 256]))
        os._exit(0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tzset()
    sys.argv = ["pytest", *arguments]
    sys.path[:0] = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    return pytest.main()


def _end(caller: socket.socket, run: int) -> None:
    """End a run whose caller has ended."""
    if not caller.recv(1):
        os.kill(run, 15)


if __name__ == "__main__":
    sys.exit(serve(sys.argv[2]) if sys.argv[1] == "serve" else ask(*sys.argv[2:]))
