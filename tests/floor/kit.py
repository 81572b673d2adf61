"""The measured kit: runs its commands, pytest, and calls of its functions, each in a folder of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.reports.agreement import disagreements

Fact = tuple[str, str, str]
"""The rule, level and location of a row."""

PYTEST = ("-p", "no:randomly", "-p", "no:cacheprovider", "-q")
_MEASURED = Path(__file__).with_name("measured.py")
_EXCEPTION = re.compile(
    r"^(?:E +|INTERNALERROR> )?([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Failure|Warning|Exit))\b", re.MULTILINE
)


class FinishedRun(NamedTuple):
    """What a run left: its folder, and its exit code, negative if a signal ended it."""

    folder: Path
    code: int

    @property
    def output(self) -> str:
        """Standard output and standard error."""
        return "".join(
            (self.folder / name).read_text("utf-8", "replace")
            for name in ("stdout", "stderr")
            if (self.folder / name).exists()
        )

    def facts(self) -> Iterator[Fact]:
        """Yield the exit code, and a crash or a time-out."""
        yield "exit code", str(self.code), ""
        output = self.output
        if self.code < 0 or "INTERNALERROR" in output or "Traceback (most recent call last)" in output:
            exceptions = _EXCEPTION.findall(output)
            yield "crash", exceptions[-1] if exceptions else f"signal {-self.code}", ""

    def data(self, name: str) -> Any:
        """Return the JSON data of a file that the run wrote; None if there is none."""
        path = self.folder / name
        if not path.exists():
            return None
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError:
            return None

    def report(self, name: str = "report.json") -> Iterator[Fact]:
        """Yield the facts of the run, the findings of a JSON report, and what differs between this and other reports.

        Without a report, yield `no report`.
        """
        yield from self.facts()
        data = self.data(name)
        if data is None:
            yield "no report", "", ""
            return
        yield "verdict", data["verdict"]["status"], ""
        for finding in data["findings"]:
            yield finding["rule"], finding["level"], located(finding)
        # Reports of an older revision have no causes, and fewer numbers.
        if "failing" in data["summary"]:
            for difference in disagreements(self.folder, self.code):
                yield "disagreement", "", normalised(difference)


def located(finding: dict[str, Any]) -> str:
    """Return operation, status and location of a finding in a JSON report, without what differs from run to run."""
    parts = [finding.get("direction", ""), finding.get("operation", ""), finding.get("status", ""), finding["location"]]
    return normalised(" ".join(str(part) for part in parts if part not in ("", "none", None)))


def normalised(text: str) -> str:
    """Return a text without ports, request ids and temporary paths."""
    text = re.sub(r"(127\.0\.0\.\d+|localhost|\[::1\]):\d+", r"\1:PORT", text)
    return re.sub(r"/[\w./-]*/floor-[\w.-]+", "FOLDER", text)


class Kit:
    """A revision of the kit in a virtual environment, with a number of processes that run its jobs."""

    def __init__(self, python: Path, workers: int, home: Path) -> None:
        # The path of a virtual environment's Python is a link, which must stay one.
        self.python, self.workers = python.absolute(), workers
        self._environment = environment(home)
        self._servers: queue.Queue[subprocess.Popen[str]] = queue.Queue()

    def __enter__(self) -> Kit:
        for _ in range(self.workers):
            self._servers.put(self._started())
        return self

    def __exit__(self, *_: object) -> None:
        while not self._servers.empty():
            server = self._servers.get()
            server.communicate()

    def _started(self) -> subprocess.Popen[str]:
        """Start a process for jobs, outside of this checkout."""
        server = subprocess.Popen(
            [self.python, "-P", _MEASURED],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env=self._environment,
        )
        assert server.stdout is not None
        state, _, self.package = server.stdout.readline().strip().partition(" ")
        if state != "ready":
            raise RuntimeError(f"{self.python} cannot import the kit and its plugins")
        return server

    def run(self, folder: Path, *command: str, seconds: float = 600, **job: Any) -> FinishedRun:
        """Run a module, or a call of `measured.py`, in a fork; `environment` has further variables."""
        folder.mkdir(parents=True, exist_ok=True)
        job = {"folder": str(folder), "command": command, "seconds": seconds, "environment": {}, **job}
        server = self._servers.get()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{json.dumps(job)}\n")
        server.stdin.flush()
        answer = server.stdout.readline()
        self._servers.put(server if answer else self._started())
        return FinishedRun(folder, int(answer or -11))

    def start(self, folder: Path, *command: str, seconds: float = 600) -> FinishedRun:
        """Run a module in a new process, for jobs that depend on what is imported when."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                [self.python, "-m", *command],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
            # Not by the clock, as in `measured.py`.
            for _ in range(int(seconds * 20)):
                if process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                process.kill()
            code = process.wait()
        return FinishedRun(folder, code)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of every measured process: nothing of this checkout's, and nothing random."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }


def fresh(folder: Path) -> Path:
    """Return an empty folder of this path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if sys.platform == "win32":
    raise SystemExit("the floor needs forks")
