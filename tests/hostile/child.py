"""Runs jobs in a separate process and returns the result of each, with the process's peak memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import anyio
import httpx

from pytest_bctrl.cli import main
from pytest_bctrl.contract.read import load
from pytest_bctrl.errors import BctrlError
from pytest_bctrl.traffic.client import async_client, client
from pytest_bctrl.traffic.mock.server import MockServer

ROOT = Path(__file__).parents[2]
MEMORY = 300
"""MB that no job may take."""


@dataclass(frozen=True)
class JobResult:
    """The result of a job: its exit code, its output, the peak memory of the process until then, in MB, and the seconds
    of processor time that it took.
    """

    code: int
    out: str
    err: str
    peak: float
    seconds: float


def run(
    jobs: Mapping[str, Sequence[str]],
    folder: Path,
    environment: Mapping[str, str],
    python: Sequence[str] = (sys.executable,),
) -> dict[str, JobResult]:
    """Run named jobs, each a kind of `_KINDS` with its arguments, in turn in one process, and return their results.

    The process starts in `folder` and has none of this process's variables `BCTRL_…`, `GITHUB_…` and `PYTEST_…`.
    """
    jobs_file, results_file = folder / "jobs.json", folder / "ran.json"
    jobs_file.write_text(json.dumps(jobs))
    command = [*python, "-m", "tests.hostile.child", str(jobs_file), str(results_file)]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("BCTRL_", "GITHUB_", "PYTEST_"))
    }
    plain = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    result = subprocess.run(command, cwd=folder, env=plain, capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stderr
    return {name: JobResult(**outcome) for name, outcome in json.loads(results_file.read_text()).items()}


def _get(url: str) -> int:
    """Print the size of a response's body; return the exit code 0."""
    with client(url, None, live=True) as http:
        return _print_number(len(http.get("/").content))


def _stream(url: str) -> int:
    """Print the size of a response's body that is streamed; return the exit code 0."""
    with client(url, None, live=True) as http, http.stream("GET", "/") as response:
        return _print_number(sum(map(len, response.iter_bytes())))


def _async(url: str) -> int:
    """Print the size of a response's body that an async client received; return the exit code 0."""

    async def get() -> int:
        async with async_client(url, None, live=True) as client:
            return len((await client.get("/")).content)

    return _print_number(anyio.run(get))


def _print_number(size: int) -> int:
    """Print a number and return the exit code 0."""
    print(size)
    return 0


def _pytest(*arguments: str) -> int:
    """Run pytest in this process and return its exit code."""
    import pytest

    return int(pytest.main(list(arguments)))


def _stdin(path: str, *arguments: str) -> int:
    """Run a command with a file as its standard input, and return its exit code."""
    with Path(path).open("rb") as file:
        sys.stdin = io.TextIOWrapper(file)
        return main(arguments)


def _main(*arguments: str) -> int:
    """Run a command and return its exit code."""
    return main(arguments)


def _mock(path: str) -> int:
    """Start the mock of a contract, send a request, and print the status; return 2 for a contract that is rejected."""
    try:
        contract = load(path)
        operation = contract.operations[0]
        with MockServer(contract) as server:
            target = operation.url_path({path_parameter.name: "x" for path_parameter in operation.path_parameters})
            response = httpx.get(
                f"{server.url}{target}", headers={"Authorization": f"Bearer {server.api_key}"}, timeout=600
            )
    except BctrlError as error:
        print(error, file=sys.stderr)
        return 2
    return _print_number(response.status_code)


_KINDS: Mapping[str, Any] = {
    "get": _get,
    "stream": _stream,
    "async": _async,
    "pytest": _pytest,
    "stdin": _stdin,
    "main": _main,
    "mock": _mock,
}


def _run_job(kind: str, *arguments: str) -> dict[str, Any]:
    """Run a job, and return the fields of its `JobResult`."""
    # Files, because some jobs use their file descriptor.
    started = time.process_time()
    with (
        TemporaryFile("w+") as out,
        TemporaryFile("w+") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = _KINDS[kind](*arguments)
        except SystemExit as stop:
            code = stop.code
        except httpx.HTTPError as error:
            print(f"{type(error).__mro__[1].__name__}: {error}", file=err)
            code = 2
        seconds = time.process_time() - started
        return {"code": code, "out": _text(out), "err": _text(err), "peak": _peak(), "seconds": seconds}


def _text(file: IO[str]) -> str:
    """Return the complete content of an open file."""
    file.seek(0)
    return file.read()


def _peak() -> float:
    """Return the peak memory of this process in MB, by `/proc` if it exists; `getrusage` may include the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    jobs = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps({name: _run_job(*job) for name, job in jobs.items()}))
