"""`pytest-bctrl proxy` in a process: a fork, or a new one."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Running:
    """A proxy that runs in another process."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.url: str = ready["url"]

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, wait for the end, and return exit code, standard output and standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


class ProxyCommand:
    """`pytest-bctrl proxy` in a folder; `python` runs it."""

    def __init__(self, python: list[str], folder: Path) -> None:
        self._command = [*python, "-W", "error", "-m", "pytest_bctrl", "proxy"]
        self._folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        command = [*self._command, *arguments]
        return subprocess.run(command, cwd=self._folder, capture_output=True, text=True, timeout=120, check=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and return its process at once."""
        command = [*self._command, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self._folder)

    @contextmanager
    def running(self, url: str, *arguments: str) -> Iterator[Running]:
        """Start a proxy in front of a URL, and yield it once its ready file is there; kill it afterwards."""
        ready = self._folder / "ready.json"
        process = self.start(url, "--port", "0", "--ready-file", str(ready), *arguments)
        try:
            while not ready.exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            data = json.loads(ready.read_text("utf-8"))
            assert url == data["target"]
            yield Running(process, data)
        finally:
            process.kill()
            process.communicate()
