"""One shell for one page: what a command sets, enters or starts is there for the next one."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Self

_SECONDS = 120
_QUIET = 0.4
"""Seconds of silence after which what runs in the background has said what it says at its start."""


class Shell:
    """A bash that is told one command after the other; standard error goes where standard output goes."""

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
        Thread(target=self._read, daemon=True, name="documentation shell").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it, with everything that a page left running."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def run(self, command: str) -> tuple[int, str]:
        """Return the exit code and the output of one command; raises `TimeoutError` where it does not end."""
        self._number += 1
        file = self._workspace / f"command-{self._number}.sh"
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
        if command.rstrip().endswith("&"):
            output += self._greeting(command, deadline)
        return self._status, "".join(output)

    def aside(self, command: str) -> str:
        """Return the output of a command that the page does not have: `$?` stays what it was."""
        status = self._status
        output = self.run(command)[1]
        self._status = status
        return output

    def folder(self) -> Path:
        """The directory that the page is in now."""
        return Path(self.aside("pwd").strip())

    def _greeting(self, command: str, deadline: float) -> list[str]:
        """What a program in the background says until it is ready: until its port answers, and it is silent."""
        port = re.search(r"--port (\d+)", command)
        while port and time.monotonic() < deadline and not _is_open(int(port[1])):
            time.sleep(0.02)
        said: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=_QUIET if said else 5)
            except Empty:
                return said
            if line is not None:
                said.append(line)

    def _next(self, seconds: float, command: str) -> str:
        try:
            line = self._lines.get(timeout=max(seconds, 0))
        except Empty:
            raise TimeoutError(f"it did not end within {_SECONDS} s: {command}") from None
        if line is None:
            raise EOFError(f"it ended the shell: {command}")
        return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
