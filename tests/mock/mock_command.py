"""`pytest-bctrl mock` in a process: a fork, or a new one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from pytest_bctrl.traffic.mock.server import MOCK_KEY


class Running:
    """A mock that runs in another process."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.url: str = ready["url"]
        self.space_id: str = ready["space_id"]

    def ask(self, key: str = MOCK_KEY) -> tuple[int, Any]:
        """Return status and JSON body of the response to a request for the list."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            path = f"/v1/spaces/{self.space_id}/runtimes"
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, wait for the end, and return exit code, standard output and standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


class MockCommand:
    """`pytest-bctrl mock`; `python` runs it."""

    def __init__(self, python: list[str], folder: Path) -> None:
        self._command = [*python, "-W", "error", "-m", "pytest_bctrl", "mock"]
        self._folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        command = [*self._command, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start the command and return its process at once."""
        return subprocess.Popen(
            [*self._command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> Iterator[Running]:
        """Start a mock on a free port, and yield it once its ready file is new; end it afterwards."""
        file = self._folder / "ready.json"
        stale = _read(file)
        process = self.start("--port", "0", "--ready-file", str(file), *arguments, **environment)
        try:
            while (ready := _read(file)) in (None, stale):
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            yield Running(process, json.loads(str(ready)))
        finally:
            process.terminate()
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def error_of(self, *arguments: str) -> str:
        """Return the standard error of a command, which must exit with 2 and print nothing else."""
        failed = self.run(*arguments)
        assert (2, "") == (failed.returncode, failed.stdout)
        return failed.stderr


def _read(file: Path) -> str | None:
    """Return the text of a file; None if the file does not exist."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
