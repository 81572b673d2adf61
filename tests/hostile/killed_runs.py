"""A command that is started repeatedly, and killed at any moment."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KilledRuns:
    """Runs of a command in a folder: complete ones, and ones that are killed."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]

    def complete(self) -> float:
        """Run the command to its end, and return its duration in seconds; the exit code must be 0."""
        start, process = time.monotonic(), self._start()
        output, _ = process.communicate(timeout=300)
        assert 0 == process.returncode, output
        return time.monotonic() - start

    def kill_after(self, seconds: float) -> None:
        """Start the command, and kill it with SIGKILL after so many seconds; it may have ended before."""
        process = self._start()
        time.sleep(seconds)
        process.kill()
        process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        """Start the command with both of its output streams in one pipe."""
        return subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
