"""One shell for one page: what a command sets, enters or starts is there for the next one."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Self

_SECONDS = 600
"""The time limit of a command: only one that hangs reaches it, however busy the machine is that installs a page."""


class Shell:
    """A bash that receives one command after another; standard error is merged into standard output."""

    def __init__(self, folder: Path, environment: Mapping[str, str], workspace: Path) -> None:
        self._workspace = workspace
        self._mark = secrets.token_hex(8)
        self._status = 0
        self._number = 0
        self._lines: Queue[str | None] = Queue()
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True, name="documentation shell")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the shell, with every process that the page left running."""
        os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        # The output ends with the last process that may write to it, and such a process may outlive the shell.
        self._reader.join(1)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(1)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        # Closing it waits for the reader, which does not end if such a process has left the group.
        if not self._reader.is_alive():
            self._process.stdout.close()

    def run(self, command: str, is_expected: Callable[[str], bool] = bool) -> tuple[int, str]:
        """Return the exit code and output of a command; raise `TimeoutError` if it does not end.

        A command in the background is ready when its port answers, its ready file exists and its output `is_expected`.
        """
        self._number += 1
        file = self._workspace / f"command-{self._number}.sh"
        background = self._workspace / f"output-{self._number}.txt"
        is_background = command.rstrip().endswith("&")
        if is_background:
            background.touch()
            command = f"{command.rstrip()[:-1]} >'{background}' 2>&1 &"
        file.write_text(command + "\n", "utf-8")
        assert self._process.stdin is not None
        # In a file of its own, `$?` is still that of the command before, and no quote of it can end this line.
        self._process.stdin.write(
            f"(exit {self._status}); . '{file}' </dev/null; printf '\\n%s %s\\n' {self._mark} $?\n"
        )
        self._process.stdin.flush()
        output = []
        deadline = time.monotonic() + _SECONDS
        while True:
            line = self._next(deadline - time.monotonic(), command)
            if line.startswith(self._mark):
                self._status = int(line.split()[1])
                break
            output.append(line)
        if is_background:
            output.append(_first_output(command, background, is_expected, deadline))
            self._wait_for_ready_file(command, deadline)
        return self._status, "".join(output)

    def _wait_for_ready_file(self, command: str, deadline: float) -> None:
        """Wait, at most until a deadline, for the ready file that a command names, if it names one."""
        ready_file = re.search(r"--ready-file (\S+)", command)
        if ready_file is None:
            return
        path = self.folder() / ready_file[1]
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def aside(self, command: str) -> str:
        """Return the output of a command that is not on the page, without changing `$?`."""
        status = self._status
        output = self.run(command)[1]
        self._status = status
        return output

    def folder(self) -> Path:
        """Return the current directory of the page."""
        return Path(self.aside("pwd").strip())

    def _next(self, seconds: float, command: str) -> str:
        """Return the next line of output; raises `TimeoutError` if there is none in time, `EOFError` at its end."""
        try:
            line = self._lines.get(timeout=max(seconds, 0))
        except Empty:
            raise TimeoutError(f"it did not end within {_SECONDS} s: {command}") from None
        if line is None:
            raise EOFError(f"it ended the shell: {command}")
        return line

    def _read(self) -> None:
        """Queue the lines that the shell prints, and None at the end."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)


def _first_output(command: str, file: Path, is_expected: Callable[[str], bool], deadline: float) -> str:
    """Return what a program in the background prints until its port answers and the output is expected."""
    port = re.search(r"--port (\d+)", command)
    while port and time.monotonic() < deadline and not _is_open(int(port[1])):
        time.sleep(0.02)
    deadline = min(deadline, time.monotonic() + _SECONDS / 10)
    while not is_expected(file.read_text("utf-8", "replace")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return file.read_text("utf-8", "replace")


def _is_open(port: int) -> bool:
    """Return whether a server accepts connections on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
